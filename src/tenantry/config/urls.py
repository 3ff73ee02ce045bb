"""Every address of the web process."""

from django.urls import URLPattern, URLResolver, include, path

from tenantry.faces.portal import sections
from tenantry.faces.portal.views.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", health, name="health"),
    path("console/", include("tenantry.faces.console.urls")),
    *sections.urlpatterns(),
    path("", include("tenantry.faces.site.urls")),
    path("", include("tenantry.faces.portal.urls")),
]

handler400 = "tenantry.faces.portal.refusals.bad_request"
handler403 = "tenantry.faces.portal.refusals.permission_denied"
handler404 = "tenantry.faces.portal.refusals.page_not_found"
handler500 = "tenantry.faces.portal.refusals.server_error"
