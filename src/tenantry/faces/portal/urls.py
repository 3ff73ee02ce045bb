"""Addresses of the portal."""

from django.urls import URLPattern, path

from tenantry.faces.portal.views import (
    connections,
    entering,
    evidence,
    home,
    notices,
    runs,
    schedules,
    sign_in,
)

app_name = "portal"
_T = "t/<slug:short_id>/"
_C = f"{_T}connections/<uuid:connection_id>"
_S = f"{_T}schedules/<uuid:schedule_id>"
urlpatterns: list[URLPattern] = [
    path("", sign_in.start, name="start"),
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/code/", sign_in.code, name="sign_in_code"),
    path("sign-in/resend/", sign_in.resend, name="sign_in_resend"),
    path("welcome/<slug:token>/", entering.welcome, name="welcome"),
    path("trial/enter/", entering.enter, name="enter"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("companies/", sign_in.companies, name="companies"),
    path("preferences/", sign_in.preferences, name="preferences"),
    path(_T, home.home, name="home"),
    path(f"{_T}instance/open/", entering.open_instance, name="instance_open"),
    path(f"{_T}connections/", connections.list_connections, name="connections"),
    path(f"{_T}connections/new/", connections.connect, name="connect"),
    path(f"{_C}/", connections.show_connection, name="connection"),
    path(f"{_C}/sign-in/", connections.connect, name="reconnect"),
    path(f"{_C}/check/", connections.check, name="connection_check"),
    path(
        f"{_C}/disconnect/",
        connections.disconnect,
        name="disconnect",
    ),
    path(f"{_T}schedules/", schedules.list_schedules, name="schedules"),
    path(f"{_T}schedules/new/", schedules.create_schedule, name="schedule_new"),
    path(f"{_S}/", schedules.show_schedule, name="schedule"),
    path(f"{_S}/edit/", schedules.edit_schedule, name="schedule_edit"),
    path(f"{_S}/switch/", schedules.switch_schedule, name="schedule_switch"),
    path(f"{_S}/run/", schedules.run_schedule, name="schedule_run"),
    path(f"{_S}/review/", schedules.review_schedule, name="schedule_review"),
    path(f"{_T}runs/", runs.list_runs, name="runs"),
    path(f"{_T}runs/<uuid:slot_id>/", runs.show_run, name="run"),
    path(f"{_T}evidence/<uuid:evidence_id>/", evidence.show_evidence, name="evidence"),
    path(f"{_T}notices/", notices.list_notices, name="notices"),
    path(f"{_T}notices/read/", notices.read_notices, name="notices_read"),
]
