"""The live process: events over ASGI."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
django.setup()

from tenantry.config.live import application  # noqa: E402  # needs the settings

__all__ = ["application"]
