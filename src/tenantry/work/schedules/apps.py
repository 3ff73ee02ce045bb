"""Wiring of this room."""

from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    """This room as a Django app."""

    name = "tenantry.work.schedules"
