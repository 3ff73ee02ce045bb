"""The web process: pages and JSON over WSGI."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")

_pages = get_wsgi_application()

from tenantry.config.serving import begin_announced  # noqa: E402  # needs the applications

begin_announced()
# The visitor's own address, for the limits of sign-in codes; a stranger cannot make one up.
application = wrap_wsgi_with_proxy_headers(_pages, trusted_hosts=settings.TRUSTED_PROXIES)
