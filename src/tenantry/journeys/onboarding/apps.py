"""Wiring of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OnboardingConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.journeys.onboarding"
    verbose_name = _("Onboarding")
