"""Addresses of the trial."""

from django.urls import URLPattern, path

from tenantry.faces.site import views

app_name = "site"
urlpatterns: list[URLPattern] = [
    path("trial/", views.trial, name="trial"),
    # Not sent on to the one above: the first answer already belongs to the journey.
    path("trial", views.trial, name="trial_bare"),
    path("trial/code/", views.code, name="code"),
    path("trial/resend/", views.resend, name="resend"),
    path("trial/company/", views.company, name="company"),
    path("trial/progress/", views.progress, name="progress"),
    path("trial/again/", views.again, name="again"),
]
