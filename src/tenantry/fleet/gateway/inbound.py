"""One request as it came in: what is meant, who sent it, and whether it may pass at all. No I/O."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenantry.core.trace import Trace
from tenantry.fleet.gateway import headers
from tenantry.fleet.gateway.errors import BodyTooLarge, HeadersTooLarge, RequestMalformed
from tenantry.fleet.gateway.headers import RELAY, RELAYED_PATH, RawHeaders

_MEGABYTE = 1_000_000
# They mean another kind of proxy than this one.
_REFUSED_METHODS = frozenset({"CONNECT", "TRACE"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much and how long: bytes, and seconds of silence."""

    header_bytes: int = 32_768
    body_bytes: int = 100 * _MEGABYTE
    message_bytes: int = 16 * _MEGABYTE
    connect_seconds: float = 5.0
    # Reports of an ERP take their time before the first byte.
    answer_seconds: float = 120.0
    body_seconds: float = 30.0
    connections: int = 256


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """What a client asks of a host name."""

    method: str
    path: bytes
    query: bytes
    headers: RawHeaders
    host: str | None
    client: str
    proto: str
    trace: Trace
    continued: bool
    relayed: bool

    @property
    def failed_before(self) -> bool:
        """Return whether Caddy asks what to say of an upstream that failed."""
        return self.relayed and bool(headers.values(self.headers, RELAYED_PATH))

    @property
    def shown_path(self) -> str:
        """Return the path for a problem report, without the query, which may hold secrets."""
        told = headers.first(self.headers, RELAYED_PATH) if self.relayed else ""
        return told.partition("?")[0] or headers.target_of(self.path, b"")

    @property
    def has_body(self) -> bool:
        """Return whether the client announced a body."""
        length = headers.values(self.headers, b"content-length")
        return bool(headers.values(self.headers, b"transfer-encoding")) or (
            bool(length) and length != [b"0"]
        )


def inbound(scope: Mapping[str, Any], *, proto: str, relay: bytes) -> Inbound:
    """Read an ASGI scope; whoever presents the secret `relay` is believed about the client."""
    raw: RawHeaders = scope["headers"]
    here, continued = headers.continues(raw)
    presented = headers.values(raw, RELAY)
    relayed = len(presented) == 1 and hmac.compare_digest(presented[0], relay)
    peer = scope["client"][0] if scope.get("client") else ""
    return Inbound(
        method=scope.get("method", "GET"),
        path=scope["raw_path"],
        query=scope["query_string"],
        headers=raw,
        host=headers.host_of(raw),
        client=headers.first(raw, b"x-forwarded-for") if relayed else peer,
        proto=headers.first(raw, b"x-forwarded-proto") if relayed else proto,
        trace=here,
        continued=continued,
        relayed=relayed,
    )


def require_sound(request: Inbound, limits: Limits) -> str:
    """Return the host that is meant by a request that can be read in one way only.

    The server below has refused already what no parser may accept. Refuses: `RequestMalformed`,
    `HeadersTooLarge`, `BodyTooLarge`.
    """
    lengths = headers.values(request.headers, b"content-length")
    framed = len(lengths) + len(headers.values(request.headers, b"transfer-encoding"))
    if request.host is None:
        raise RequestMalformed(reason=_("it needs exactly one host name"))
    if framed > 1 or not all(length.isdigit() for length in lengths):
        raise RequestMalformed(reason=_("its length is given in two ways"))
    if request.method in _REFUSED_METHODS or not request.path.startswith(b"/"):
        raise RequestMalformed(reason=_("it asks for something that is no page of this host"))
    if sum(len(name) + len(value) for name, value in request.headers) > limits.header_bytes:
        raise HeadersTooLarge(most=limits.header_bytes)
    if lengths and int(lengths[0]) > limits.body_bytes:
        raise too_large(limits)
    return request.host


def too_large(limits: Limits) -> BodyTooLarge:
    """Return the refusal of a body, with the limit in it."""
    return BodyTooLarge(most=limits.body_bytes // _MEGABYTE)
