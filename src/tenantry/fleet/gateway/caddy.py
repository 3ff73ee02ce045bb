"""The same routes for Caddy (https://caddyserver.com): rendered whole, loaded by its admin API.

Caddy leads serving host names to their upstreams itself, through one `map`. All that it cannot do
as the built-in gateway does goes to that one: unknown and suspended hosts, host names in odd
writing, `/.tenantry/`, and what is said when an upstream fails. Written for Caddy 2.6 and later.
"""

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tenantry.core.errors import Unavailable
from tenantry.core.logs import get_logger
from tenantry.fleet.gateway.inbound import Limits
from tenantry.fleet.gateway.queries import Desired
from tenantry.fleet.gateway.server import REFUSED_PATH

Config = dict[str, Any]

_TIMEOUT_SECONDS = 30.0
_IDLE = "1500ms"
_UPSTREAM, _TENANT = "{tenantry_upstream}", "{tenantry_tenant}"
_NEW_TRACE, _SPAN, _TRACE = "{tenantry_new_trace}", "{tenantry_span}", "{tenantry_trace}"
_DROPPED = [
    "*_*",
    "Expect",
    "Forwarded",
    "X-Forwarded-*",
    "X-Real-Ip",
    "X-Tenant-*",
    "X-Tenantry-*",
]
_log = get_logger(__name__)


def _not_zero(digits: int) -> str:
    """Return what matches so many hex digits unless all are zero; Go's regexps cannot look back."""
    cases = (f"0{{{n}}}[1-9a-f][0-9a-f]{{{digits - n - 1}}}" for n in range(digits))
    return f"(?:{'|'.join(cases)})"


# As core.trace reads it: version ff is forbidden, later versions may append, 256 bytes at most.
_TRACEPARENT = (
    f"^(?:[0-9a-e][0-9a-f]|f[0-9a-e])-({_not_zero(32)})-{_not_zero(16)}"
    "-[0-9a-f]{2}(?:-.{0,200})?$"
)
_UUID = "^(.{8})-(.{4})-(.{4})-(.{4})-(.{12})$"


def render(
    desired: Desired,
    *,
    admin: str,
    listen: Sequence[str],
    fallback: str,
    relay_secret: str,
    limits: Limits | None = None,
) -> Config:
    """Return Caddy's whole configuration for these routes.

    `admin` is where its admin API listens and goes on listening, `fallback` is the `address:port`
    of the built-in gateway.
    """
    limits = limits or Limits()
    server = {
        "listen": list(listen),
        # Certificates are the business of whoever terminates TLS before or beside this.
        "automatic_https": {"disable": True},
        "max_header_bytes": limits.header_bytes,
        "read_header_timeout": _seconds(limits.body_seconds),
        "routes": [
            {"handle": [*_traced(), _hosts(desired)]},
            _unless("Traceparent", _TRACEPARENT, drop="Tracestate"),
            # Go would offer every upgrade to the upstream; only web sockets are passed.
            _unless("Upgrade", "(?i)^websocket$", drop="Upgrade"),
            {"match": [_known()], "handle": _leading(limits), "terminal": True},
            {"handle": _falling_back(fallback, relay_secret)},
        ],
        "errors": {"routes": [{"handle": _falling_back(fallback, relay_secret, failed=True)}]},
    }
    return {
        # The configuration holds the relay's secret: it is not written to a disk.
        "admin": {"listen": urlsplit(admin).netloc, "config": {"persist": False}},
        "apps": {"http": {"servers": {"tenants": server}}},
    }


def _traced() -> list[Config]:
    return [
        _map(
            "{http.request.uuid}",
            {_NEW_TRACE: "${1}${2}${3}${4}${5}", _SPAN: "${4}${5}"},
            regexp=_UUID,
        ),
        _map(
            "{http.request.header.Traceparent}",
            {_TRACE: "${1}"},
            regexp=_TRACEPARENT,
            other=_NEW_TRACE,
        ),
        {"handler": "headers", "response": {"deferred": True, "set": {"X-Trace-Id": [_TRACE]}}},
    ]


def _map(source: str, outputs: Mapping[str, str], *, regexp: str, other: str = "") -> Config:
    return {
        "handler": "map",
        "source": source,
        "destinations": list(outputs),
        "mappings": [{"input_regexp": regexp, "outputs": list(outputs.values())}],
        "defaults": [other] * len(outputs),
    }


def _hosts(desired: Desired) -> Config:
    serving = {host: desired.routes[host] for host in sorted(desired.routes)}
    return {
        "handler": "map",
        "source": "{http.request.host}",
        "destinations": [_UPSTREAM, _TENANT],
        "mappings": [
            {"input": host, "outputs": [target.upstream, str(target.tenant_id)]}
            for host, target in serving.items()
            if target.serving
        ],
        "defaults": ["", ""],
    }


def _known() -> Config:
    return {"not": [{"vars": {_UPSTREAM: [""]}}, {"path": ["/.tenantry/*"]}]}


def _unless(name: str, pattern: str, *, drop: str) -> Config:
    matched = {"header_regexp": {name: {"pattern": pattern}}}
    dropping = {"handler": "headers", "request": {"delete": [drop]}}
    return {"match": [{"not": [matched]}], "handle": [dropping]}


def _leading(limits: Limits) -> list[Config]:
    told = {"X-Tenant-Id": [_TENANT], **_hop()}
    return [
        {"handler": "request_body", "max_size": limits.body_bytes},
        {"handler": "headers", "request": {"delete": _DROPPED}},
        {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": _UPSTREAM}],
            "headers": {"request": {"set": told}},
            "transport": {
                "protocol": "http",
                "compression": False,
                "dial_timeout": _seconds(limits.connect_seconds),
                "response_header_timeout": _seconds(limits.answer_seconds),
                "keep_alive": {"idle_timeout": _IDLE, "max_idle_conns_per_host": 64},
            },
        },
    ]


def _falling_back(fallback: str, relay_secret: str, *, failed: bool = False) -> list[Config]:
    told: Config = {"X-Tenantry-Relay": [relay_secret], **_hop()}
    proxy: Config = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": fallback}],
        "headers": {"request": {"set": told}},
        "transport": {"protocol": "http", "compression": False},
    }
    if failed:
        told["X-Tenantry-Path"] = ["{http.request.orig_uri}"]
        proxy["rewrite"] = {"method": "GET", "uri": f"{REFUSED_PATH}{{http.error.status_code}}"}
    return [{"handler": "headers", "request": {"delete": ["X-Tenantry-*"]}}, proxy]


def _hop() -> Config:
    return {"Traceparent": [f"00-{_TRACE}-{_SPAN}-01"], "X-Trace-Id": [_TRACE]}


def _seconds(value: float) -> str:
    return f"{round(value * 1000)}ms"


def load(config: Config, *, admin: str) -> None:
    """Let Caddy serve a configuration; it keeps the one it has when it refuses this one.

    Refuses: `Unavailable`.
    """
    status, answer = _ask(admin, "POST", "/load", json.dumps(config))
    if status != http.client.OK:
        _log.warning("caddy_refused", status=status, answer=answer[:500])
        raise Unavailable(part="Caddy")


def is_current(config: Config, *, admin: str) -> bool:
    """Return whether Caddy serves this very configuration. Refuses: `Unavailable`."""
    status, answer = _ask(admin, "GET", "/config/")
    return status == http.client.OK and json.loads(answer) == config


def follower(
    *,
    admin: str,
    listen: Sequence[str],
    fallback: str,
    relay_secret: str,
    limits: Limits | None = None,
) -> Callable[[Desired], None]:
    """Return what loads each new state of the routes into Caddy. It refuses: `Unavailable`."""

    def follow(desired: Desired) -> None:
        config = render(
            desired,
            admin=admin,
            listen=listen,
            fallback=fallback,
            relay_secret=relay_secret,
            limits=limits,
        )
        load(config, admin=admin)
        _log.info("caddy_loaded", routes=len(desired.routes), version=desired.version)

    return follow


def _ask(admin: str, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    parts = urlsplit(admin)
    link = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        link.request(method, path, body=body, headers={"content-type": "application/json"})
        answer = link.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except OSError as error:
        raise Unavailable(part="Caddy") from error
    finally:
        link.close()
