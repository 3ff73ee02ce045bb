"""The live process: events over ASGI."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
django.setup()

from tenantry.config.events import Hub  # noqa: E402  # needs the settings
from tenantry.config.live import LiveApplication  # noqa: E402
from tenantry.config.serving import begin_announced  # noqa: E402

begin_announced()
application = LiveApplication(Hub())
