"""A name server on this machine: real datagrams, answers by script, and every question kept.

A room that imports its fixtures asks nobody's real name servers.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from django.conf import LazySettings

from tenantry.journeys.onboarding import name_servers

# In place of records: what a broken server does.
SERVFAIL, REFUSED, SILENT, GARBAGE = "!servfail", "!refused", "!silent", "!garbage"
Records = Mapping[tuple[str, str], list[str]]


@dataclass(kw_only=True)
class NameServer:
    """Answers what its records say; a name without any does not exist."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    questions: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    # Every name that is not in the records takes mail.
    is_generous: bool = False
    # Of the names that others keep: one that knows only its own network has none.
    others: frozenset[str] = frozenset({"com"})

    def answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.questions.append((name, kind))
        said = self.records.get((name, kind), [])
        if SILENT in said:
            return None
        if GARBAGE in said:
            return wire[:2] + b"\xff" * 20
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if SERVFAIL in said:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif REFUSED in said:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            self._fill(response, name, kind)
        return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        seen: set[str] = set()
        while alias := self.records.get((name, "CNAME")):
            response.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", "CNAME", alias[0]))
            if name in seen:
                return
            seen.add(name)
            name = alias[0].rstrip(".")
        if records := self.records.get((name, kind)):
            response.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", kind, *records))
        elif self.is_generous and kind == "MX":
            response.answer.append(
                dns.rrset.from_text(f"{name}.", 300, "IN", kind, f"10 mx.{name}.")
            )
        elif name not in self.others and not any(owner == name for owner, _kind in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)


@contextmanager
def started() -> Iterator[NameServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = NameServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        server.address = f"127.0.0.1:{sock.getsockname()[1]}"
        stopping = threading.Event()
        sock.settimeout(0.05)

        def serve() -> None:
            while not stopping.is_set():
                try:
                    wire, peer = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                if (answer := server.answer(wire)) is not None:
                    sock.sendto(answer, peer)

        thread = threading.Thread(target=serve, name="name-server")
        thread.start()
        try:
            yield server
        finally:
            stopping.set()
            thread.join()


@pytest.fixture(scope="session")
def served() -> Iterator[NameServer]:
    with started() as server:
        yield server


@pytest.fixture(autouse=True)
def names(served: NameServer, settings: LazySettings) -> Iterator[NameServer]:
    """A name server at whose names everybody takes mail, unless a test says otherwise."""
    served.records.clear()
    served.questions.clear()
    served.is_generous, served.others = True, frozenset({"com"})
    settings.NAME_SERVERS = [served.address]
    name_servers.resolver.cache_clear()
    yield served
    name_servers.resolver.cache_clear()
