"""The product's pages mounted as the portal mounts them: a tenant's scope around every view.

The short id says who looks: `owner` and `viewer` are of the tenant, `stranger` is of another one.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tenantry.sdk import DomainError, TenantAccess
from tenantry.sdk.testing import scope
from tenantry_cafe.urls import urlpatterns as product_patterns

TENANT, OTHER = UUID(int=1), UUID(int=2)


def _access(short_id: str) -> TenantAccess:
    return TenantAccess(
        tenant_id=OTHER if short_id == "stranger" else TENANT,
        short_id=short_id,
        name="Haetsal",
        zone="Asia/Seoul",
        language="en",
        user_id=UUID(int=7),
        role=short_id,
        may_edit=short_id != "viewer",
    )


def _as_tenant_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def page(request: HttpRequest, short_id: str, **captured: object) -> HttpResponse:
        request.__dict__["tenant"] = access = _access(short_id)
        try:
            with scope(access.tenant_id):
                return view(request, short_id=short_id, **captured)
        except DomainError as error:
            return HttpResponse(f"{error.code}: {error.text()}", status=error.http_status)

    return page


_wrapped = [
    path(str(pattern.pattern), _as_tenant_page(pattern.callback), name=pattern.name)
    for pattern in product_patterns
]
urlpatterns = [path("t/<slug:short_id>/cafe/", include((_wrapped, "cafe")))]
