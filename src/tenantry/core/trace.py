"""One id for one journey: W3C trace context in and out (https://www.w3.org/TR/trace-context/)."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from tenantry.core import journey

HEADER = "x-trace-id"
_LONGEST = 256
# Later versions may append fields; version ff is forbidden.
_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$")

# The hop of a journey that goes on from what is stored.
_STORED = "0000000000000001"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The journey's id (32 hex digits) and this hop's id (16 hex digits)."""

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """Return the header for an outgoing call."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Trace | None] = ContextVar("tenantry_trace", default=None)


def continued(traceparent: str | None) -> Trace:
    """Return a new hop of the given journey; anything malformed starts a new journey."""
    match = (
        _TRACEPARENT.match(traceparent) if traceparent and len(traceparent) <= _LONGEST else None
    )
    known = match is not None and set(match[1]) != {"0"} and set(match[2]) != {"0"}
    trace_id = match[1] if match and known else secrets.token_hex(16)
    return Trace(trace_id=trace_id, span_id=secrets.token_hex(8))


def current() -> Trace:
    """Return the trace of this thread or task, starting one where there is none."""
    trace = _current.get()
    if trace is None:
        trace = continued(None)
        _current.set(trace)
    return trace


@contextmanager
def start(traceparent: str | None = None) -> Iterator[Trace]:
    """Run a block as one hop of the journey that `traceparent` names, or of a new one."""
    trace = continued(traceparent)
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def rejoin(trace_id: str) -> AbstractContextManager[Trace]:
    """Run a block as one hop of a journey whose id was stored."""
    return start(f"00-{trace_id}-{_STORED}-01")


class TraceMiddleware:
    """Give every request a trace, and every response its `x-trace-id`, error pages included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the rest of the stack; must be the outermost middleware."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request inside its trace: that of the visitor's journey, if there is one."""
        led = journey.read(request.COOKIES) if request.path.startswith(journey.PATH) else None
        given = led.traceparent if led else request.headers.get("traceparent")
        with start(given) as trace:
            response = self.get_response(request)
            # A page that begins another journey names that one's.
            response.headers.setdefault(HEADER, trace.trace_id)
            return response
