"""Who may open a page: signed in here, of this company, in a role that allows it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from tenantry.core import tenancy
from tenantry.core.errors import Forbidden
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants import queries as tenants
from tenantry.customers.tenants import roles
from tenantry.customers.tenants.roles import Act
from tenantry.faces.portal.refusals import SignInNeeded, wants_problem
from tenantry.sdk.portal import TenantAccess, TenantRequest

FACE = "portal"
_FACE_KEY = "face"
_BACKEND = "django.contrib.auth.backends.ModelBackend"
View = Callable[..., HttpResponse]


def open_session(request: HttpRequest, user: User) -> None:
    """Sign a person in to the portal, whoever was signed in before; it opens no other face.

    Nothing of an earlier session survives: what an operator proved in the console is not carried
    over, and what proves a customer never adds to it.
    """
    request.session.flush()
    login(request, user, backend=_BACKEND)
    request.session[_FACE_KEY] = FACE


def person(request: HttpRequest) -> User | None:
    """Return who signed in here, or None; an operator's session of the console does not count."""
    user = request.user
    if isinstance(user, User) and request.session.get(_FACE_KEY) == FACE:
        return user
    return None


def portal_page(*, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Make a view a page of the portal for whoever is signed in."""

    def wrap(view: View) -> View:
        @never_cache
        @wraps(view)
        def page(request: HttpRequest, **captured: object) -> HttpResponse:
            if refused := _not_allowed(request, methods):
                return refused
            user = person(request)
            if user is None:
                return _to_sign_in(request, methods)
            _speak(request, user)
            return view(request, **captured)

        return page

    return wrap


def tenant_page(
    *, act: str = Act.READ, methods: Sequence[str] = ("GET",)
) -> Callable[[View], View]:
    """Make a view a page of a tenant: one transaction in the tenant's scope, rendering included.

    The view gets a `TenantRequest`. `act` is what reading the page takes. Strangers see `NotFound`,
    members without the role `Forbidden`; a `DomainError` rolls back and is shown as a page.
    """

    def wrap(view: View) -> View:
        @portal_page(methods=methods)
        @wraps(view)
        def page(request: HttpRequest, short_id: str, **captured: object) -> HttpResponse:
            with tenant_scope(request, short_id, act):
                response = view(request, short_id=short_id, **captured)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
                return response

        return page

    return wrap


@contextmanager
def tenant_scope(
    request: HttpRequest, short_id: str, act: str = Act.READ
) -> Iterator[TenantAccess]:
    """Authorise a signed-in person and open the tenant's scope; sets `request.tenant`.

    Raises `SignInNeeded`, `NotFound` or `Forbidden`.
    """
    user = person(request)
    if user is None:
        raise SignInNeeded
    access = tenants.get_for_user(user=user, short_id=short_id)
    tenant = TenantAccess(
        tenant_id=access.tenant.id,
        short_id=access.tenant.short_id,
        name=access.tenant.name,
        zone=access.tenant.zone,
        language=translation.get_language() or settings.LANGUAGE_CODE,
        user_id=user.id,
        role=access.role,
        may_edit=access.can(Act.EDIT),
    )
    request.__dict__["tenant"] = tenant
    access.require(Act(act))
    with tenancy.scope(tenant.tenant_id):
        yield tenant


def require(request: TenantRequest, act: Act) -> None:
    """Raise `Forbidden` unless the role allows the act: for the POST of a readable page."""
    if not roles.can(request.tenant.role, act):
        raise Forbidden


def _not_allowed(request: HttpRequest, methods: Sequence[str]) -> HttpResponse | None:
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)
    return None if request.method in allowed else HttpResponseNotAllowed(allowed)


def _to_sign_in(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    if wants_problem(request):
        raise SignInNeeded
    # What was posted is gone, but its page is there to post it again.
    back = request.get_full_path() if "GET" in methods else ""
    address = reverse("portal:sign_in") + (f"?{urlencode({'next': back})}" if back else "")
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return redirect(address)


def _speak(request: HttpRequest, user: User) -> None:
    """Speak the person's language, unless this browser was told another."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen not in dict(settings.LANGUAGES) and user.language:
        translation.activate(user.language)
        request.__dict__["LANGUAGE_CODE"] = user.language
