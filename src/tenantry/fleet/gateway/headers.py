"""What a gateway passes on of a header, what it adds, and which host is meant. No I/O.

Rules: RFC 9110 section 7.6.1 (hop-by-hop), RFC 9112 section 3.2 (one Host), W3C trace context.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from tenantry.core import trace
from tenantry.core.trace import Trace

RawHeaders = Sequence[tuple[bytes, bytes]]

# Set by whoever connects Caddy to us: who presents the secret in it is believed about the client.
RELAY = b"x-tenantry-relay"
# From there, too: what was asked when an upstream failed.
RELAYED_PATH = b"x-tenantry-path"
_TRACE_ID = trace.HEADER.encode()
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    b" transfer-encoding upgrade".split()
)
# Said by us alone: whatever the outside says of it is dropped.
_OURS = frozenset(b"expect forwarded host traceparent x-real-ip x-trace-id".split())
_OUR_PREFIXES = (b"x-forwarded-", b"x-tenant-", b"x-tenantry-")
# What is framed anew on the other side, or is the web socket's own hand-shake.
_SOCKET = b"sec-websocket-"
# The bytes of RFC 3986's host and port; nothing that a log, a header or an upstream could trip on.
_HOST = re.compile(rb"[A-Za-z0-9._~-]{1,255}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")
# What may stand in a field of an answer: RFC 9110 section 5.5. Servers below us break on the rest.
_FIELD = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_FINAL = range(200, 600)
# All of ASCII that a request line may hold; the rest is written in %XX.
_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the upstream is told about a request by the gateway itself."""

    tenant_id: UUID
    client: str
    proto: str
    host: bytes
    trace: Trace
    continued: bool


def host_of(headers: RawHeaders) -> str | None:
    """Return the host name that is meant as routes have it: lower case, no port, no last dot.

    None when there is not exactly one that can be read.
    """
    hosts = values(headers, b"host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return None
    text = hosts[0].decode("ascii").lower()
    name = text if text.endswith("]") else text.rpartition(":")[0] or text
    return name.removesuffix(".") or None


def values(headers: RawHeaders, name: bytes) -> list[bytes]:
    """Return all values of a header, in order."""
    return [value for key, value in headers if key.lower() == name]


def first(headers: RawHeaders, name: bytes) -> str:
    """Return the first value of a header as text, or nothing."""
    return next((text_of(value) for key, value in headers if key.lower() == name), "")


def continues(headers: RawHeaders) -> tuple[Trace, bool]:
    """Return this hop's trace, and whether it continues the one that the client named."""
    given = values(headers, b"traceparent")
    parent = given[0].decode("latin-1") if len(given) == 1 else None
    here = trace.continued(parent)
    return here, parent is not None and here.trace_id in parent


def upward(headers: RawHeaders, said: Said, *, socket: bool = False) -> list[tuple[str, str]]:
    """Return the header of the request to the upstream.

    Names with an underscore are dropped: behind WSGI they read like those with a hyphen.
    """
    dropped = _named_by_connection(headers) | _HOP_BY_HOP | _OURS
    if not said.continued:
        dropped |= {b"tracestate"}
    passed = [
        (name.decode("ascii"), text_of(value))
        for name, value in ((name.lower(), value) for name, value in headers)
        if name not in dropped
        and not name.startswith(_OUR_PREFIXES)
        and b"_" not in name
        and not (socket and name.startswith(_SOCKET))
    ]
    return [
        ("host", said.host.decode("ascii")),
        *passed,
        ("x-forwarded-for", said.client),
        ("x-forwarded-proto", said.proto),
        ("x-forwarded-host", said.host.decode("ascii")),
        ("x-tenant-id", str(said.tenant_id)),
        ("traceparent", said.trace.traceparent),
        (trace.HEADER, said.trace.trace_id),
    ]


def downward(headers: RawHeaders, here: Trace) -> list[tuple[bytes, bytes]]:
    """Return the header of the answer to the client; the trace's id is in it once."""
    dropped = _named_by_connection(headers) | _HOP_BY_HOP | {_TRACE_ID}
    passed = [(name, value) for name, value in headers if name.lower() not in dropped]
    return [*passed, (_TRACE_ID, here.trace_id.encode())]


def may_be_passed(status: int, headers: RawHeaders) -> bool:
    """Return whether an answer's status and header are such as a client may be given."""
    return status in _FINAL and all(_FIELD.fullmatch(value) for _name, value in headers)


def target_of(path: bytes, query: bytes) -> str:
    """Return path and query of the request line as they came; what is not ASCII in %XX."""
    target = path + b"?" + query if query else path
    return quote(target, safe=_AS_IT_IS)


def text_of(value: bytes) -> str:
    """Read a header's bytes: UTF-8, or else ISO 8859-1, which RFC 9110 calls its past."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    named = (value for key, value in headers if key.lower() == b"connection")
    return frozenset(word.strip().lower() for value in named for word in value.split(b","))
