"""The admin site: who gets in, what a page may read, and how refusals look."""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect
from unfold.sites import UnfoldAdminSite

from tenantry.core import clock, tenancy, trace
from tenantry.core.errors import DomainError, Forbidden, NotFound, Text
from tenantry.customers.accounts import queries as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.standing import Standing, door, standing_of
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

View = Callable[..., HttpResponseBase]
M = TypeVar("M", bound=Model)
# Django's pages that would write, or that show more than a role may see.
_DROPPED = {
    "app_list",
    "autocomplete",
    "login",
    "password_change",
    "password_change_done",
    "search",
    "view_on_site",
}

_REFUSALS: Mapping[int, Text] = {
    HTTPStatus.NOT_FOUND: _("Not found"),
    HTTPStatus.FORBIDDEN: _("Not allowed"),
}


class ConsoleSite(UnfoldAdminSite):
    """The console. Pages add themselves with `page`, tables with `register`."""

    enable_nav_sidebar = True
    index_title = _("Overview")
    index_template = "console/overview.html"
    final_catch_all_view = True

    def __init__(self, name: str) -> None:
        """Start without pages."""
        super().__init__(name)
        self._pages: list[URLPattern | URLResolver] = []

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the session proved password and second factor of an operator."""
        return standing_of(request, now=clock.now()) is Standing.FULL

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002  # Django's signature
        """Wrap a page: for operators only, in one transaction that sees all tenants.

        The page is rendered inside it, because rows of tenants are visible nowhere else.
        """

        @wraps(view)
        def in_reach(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with tenancy.platform("the operators' console"):
                response = view(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
                return response

        del cacheable
        return self.guarded(in_reach)

    def guarded(self, view: View) -> View:
        """Wrap a page that opens its own transactions; for operators only all the same."""

        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            standing = standing_of(request, now=clock.now())
            if standing is not Standing.FULL:
                address = door(request, standing)
                if getattr(request, "htmx", False):
                    return HttpResponseClientRedirect(address)
                return redirect(address)
            _speak(request)
            request.__dict__["current_app"] = self.name
            try:
                return view(request, *args, **kwargs)
            except DomainError as error:
                return self.refused(request, error)
            except Http404:
                return self.refused(request, NotFound())
            except PermissionDenied:
                return self.refused(request, Forbidden())

        return never_cache(csrf_protect(inner))

    def refused(self, request: HttpRequest, error: DomainError) -> HttpResponse:
        """Show a refusal with cause, remedy and trace."""
        context = {
            **self.each_context(request),
            "title": _REFUSALS.get(error.http_status, _("Refused")),
            "cause": error.text(),
            "remedy": error.remedy_text(),
            "code": error.code,
            "trace_id": trace.current().trace_id,
        }
        return TemplateResponse(
            request, "console/refused.html", context, status=error.http_status
        ).render()

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the overview."""
        answer: HttpResponseBase = require_safe(super().index)(request, extra_context)
        return answer

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """End the session."""
        del extra_context
        return sign_out(request)

    def rows(self, request: HttpRequest, model: type[M]) -> QuerySet[M]:
        """Return the rows of a table as the operator may see them; raises `Forbidden`."""
        table = self._registry[model]
        if not table.has_view_permission(request):
            raise Forbidden
        found: QuerySet[M] = table.get_queryset(request)
        return found

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return nothing: the menu is our own."""
        del request, app_label
        return []

    def page(self, pattern: URLPattern | URLResolver) -> None:
        """Add a page that is no table."""
        self._pages.append(pattern)

    def extra_urls(self) -> list[URLPattern | URLResolver]:
        """Return the pages that are no tables; Unfold asks."""
        return self._pages

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the addresses, without Django's own sign-in and password pages."""
        return [url for url in super().get_urls() if getattr(url, "name", "") not in _DROPPED]


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, whatever its standing, and record it."""
    user = request.user
    if isinstance(user, User):
        with tenancy.platform("record an operator's sign-out"):
            audit.append(
                action=Action.ACCOUNTS_USER_SIGNED_OUT,
                tenant_id=None,
                actor=f"operator:{user.id}",
                target=("user", str(user.id)),
                at=clock.now(),
            )
    logout(request)
    return redirect("account_login")


def operator_of(request: HttpRequest) -> User:
    """Return the operator of a guarded page."""
    assert isinstance(request.user, User)
    return request.user


def actor_of(request: HttpRequest) -> str:
    """Return how the audit log names the operator of a guarded page."""
    return f"operator:{operator_of(request).id}"


def may(request: HttpRequest, act: OperatorAct) -> bool:
    """Return whether the operator's role allows it."""
    user = request.user
    return isinstance(user, User) and accounts.operator_may(user, act)


def _speak(request: HttpRequest) -> None:
    """Speak the operator's language, unless this browser was told another."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    language = operator_of(request).language
    if chosen not in dict(settings.LANGUAGES) and language:
        translation.activate(language)
        request.__dict__["LANGUAGE_CODE"] = language


console = ConsoleSite(name="console")
