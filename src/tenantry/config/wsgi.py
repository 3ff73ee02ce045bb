"""The web process: pages and JSON over WSGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")

application = get_wsgi_application()
