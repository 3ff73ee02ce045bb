"""Addresses of the portal."""

from django.urls import URLPattern, path

from tenantry.faces.portal.views import connections, evidence, notices, sign_in

app_name = "portal"
_T = "t/<slug:short_id>/"
urlpatterns: list[URLPattern] = [
    path("", sign_in.start, name="start"),
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/code/", sign_in.code, name="sign_in_code"),
    path("sign-in/resend/", sign_in.resend, name="sign_in_resend"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("companies/", sign_in.companies, name="companies"),
    path("preferences/", sign_in.preferences, name="preferences"),
    path(f"{_T}connections/", connections.list_connections, name="connections"),
    path(f"{_T}connections/new/", connections.connect, name="connect"),
    path(f"{_T}connections/<uuid:connection_id>/", connections.show_connection, name="connection"),
    path(f"{_T}connections/<uuid:connection_id>/sign-in/", connections.connect, name="reconnect"),
    path(
        f"{_T}connections/<uuid:connection_id>/check/", connections.check, name="connection_check"
    ),
    path(
        f"{_T}connections/<uuid:connection_id>/disconnect/",
        connections.disconnect,
        name="disconnect",
    ),
    path(f"{_T}evidence/<uuid:evidence_id>/", evidence.show_evidence, name="evidence"),
    path(f"{_T}notices/", notices.list_notices, name="notices"),
    path(f"{_T}notices/read/", notices.read_notices, name="notices_read"),
]
