"""The gateway process: routes from the database, sign-in through vault and recipe, over ASGI."""

import os
from collections.abc import Callable
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
django.setup()

from django.conf import settings  # noqa: E402  # needs the settings

from tenantry.config.entering import sign_in  # noqa: E402
from tenantry.config.serving import begin_announced  # noqa: E402
from tenantry.core.live import Listener  # noqa: E402
from tenantry.fleet.gateway import caddy  # noqa: E402
from tenantry.fleet.gateway.queries import Desired  # noqa: E402
from tenantry.fleet.gateway.server import Gateway, relay_secret  # noqa: E402
from tenantry.fleet.gateway.table import RouteTable  # noqa: E402


def _caddy() -> Callable[[Desired], None] | None:
    """Return what keeps a Caddy in front of this process current, if there is one."""
    if not os.environ.get("TENANTRY_CADDY_ADMIN"):
        return None
    return caddy.follower(
        admin=os.environ["TENANTRY_CADDY_ADMIN"],
        listen=[os.environ["TENANTRY_CADDY_LISTEN"]],
        fallback=os.environ["TENANTRY_CADDY_FALLBACK"],
        relay_secret=relay_secret(),
    )


begin_announced()
application = Gateway(
    table=RouteTable(listener=Listener(), changed=_caddy()),
    sign_in=sign_in,
    proto=urlsplit(settings.GATEWAY_URL).scheme,
)
