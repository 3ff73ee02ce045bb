"""What is checked when any process starts."""

from django.apps import AppConfig
from django.core.checks import register

from tenantry.core import queue
from tenantry.sdk import registry


class ConfigConfig(AppConfig):
    """The composition root as a Django app; last in the list, so that all others are loaded."""

    name = "tenantry.config"

    def ready(self) -> None:
        """Refuse an invalid product at once, and check the messages' handlers."""
        registry.products()
        register(queue.check_handlers)
