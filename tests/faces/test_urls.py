"""Every address of the web process with every kind of person and every wrong method.

The addresses come from the resolver. Each one is declared below or the suite fails; a face adds its
own table to `TABLES`. What is expected of each person follows from the table alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tenantry.core import tenancy
from tenantry.customers.accounts.models import User
from tenantry.fleet.domains.services import claim_canonical
from tenantry.sdk import Image
from tenantry.work.automation.models import EvidenceKind
from tenantry_cafe.models import TemplateImage
from tenantry_cafe.services import Draft, create_template
from tests.faces.company import ACTOR, Company
from tests.faces.conftest import Browser

pytestmark = pytest.mark.django_db

# Whoever comes; whoever is signed in; then the roles of a company, each more than the one before.
ANYBODY, SIGNED_IN, VIEWER, MEMBER, ADMIN = range(5)
STANDING = MappingProxyType(
    {"nobody": 0, "operator": 1, "stranger": 1, "viewer": 2, "member": 3, "owner": 4}
)
METHODS = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "POST")
Access = Mapping[str, int]


def reading(least: int) -> Access:
    return {"GET": least}


def sending(least: int) -> Access:
    return {"POST": least}


def both(least: int) -> Access:
    return {"GET": least, "POST": least}


PORTAL: Mapping[str, Access] = {
    "health": reading(ANYBODY),
    "portal:start": reading(ANYBODY),
    "portal:sign_in": both(ANYBODY),
    "portal:sign_in_code": both(ANYBODY),
    "portal:sign_in_resend": sending(ANYBODY),
    "portal:sign_out": sending(ANYBODY),
    "portal:preferences": sending(ANYBODY),
    "portal:welcome": both(ANYBODY),
    "portal:enter": both(ANYBODY),
    "portal:companies": reading(SIGNED_IN),
    "portal:home": reading(VIEWER),
    "portal:instance_open": both(VIEWER),
    "portal:connections": reading(VIEWER),
    "portal:connection": reading(VIEWER),
    "portal:connect": both(ADMIN),
    "portal:reconnect": both(ADMIN),
    "portal:connection_check": sending(MEMBER),
    "portal:disconnect": sending(ADMIN),
    "portal:schedules": reading(VIEWER),
    "portal:schedule": reading(VIEWER),
    "portal:schedule_new": both(MEMBER),
    "portal:schedule_edit": both(MEMBER),
    "portal:schedule_switch": sending(MEMBER),
    "portal:schedule_run": sending(MEMBER),
    "portal:schedule_review": sending(MEMBER),
    "portal:runs": reading(VIEWER),
    "portal:run": reading(VIEWER),
    "portal:evidence": reading(VIEWER),
    "portal:notices": reading(VIEWER),
    "portal:notices_read": sending(MEMBER),
}
SITE: Mapping[str, Access] = {
    "site:trial": both(ANYBODY),
    "site:trial_bare": both(ANYBODY),
    "site:code": both(ANYBODY),
    "site:resend": both(ANYBODY),
    "site:company": both(ANYBODY),
    "site:progress": reading(ANYBODY),
    "site:again": both(ANYBODY),
}
CAFE: Mapping[str, Access] = {
    "cafe:templates": reading(VIEWER),
    "cafe:new": both(MEMBER),
    "cafe:template": reading(VIEWER),
    "cafe:edit": both(MEMBER),
    "cafe:delete": both(MEMBER),
    "cafe:image": reading(VIEWER),
}
TABLES: Mapping[str, Access] = {**PORTAL, **SITE, **CAFE}
# The doors of the console are for anybody; behind them nothing of the portal counts.
CONSOLE = "console/"
# Gone once somebody who may has done it.
ONCE = frozenset({"cafe:delete"})


@dataclass(frozen=True, kw_only=True)
class Address:
    """One pattern of the resolver: its name, where it is, and what it captures."""

    name: str
    route: str
    captures: tuple[str, ...]

    def path(self, values: Mapping[str, str]) -> str:
        path = "/" + self.route
        for capture in self.captures:
            kind = next(k for k in ("slug", "uuid", "path", "trace") if f"<{k}:{capture}>" in path)
            path = path.replace(f"<{kind}:{capture}>", values[capture])
        return path.replace("(?P<url>.*)$", "nowhere/")


def walk(resolver: URLResolver, route: str = "", space: str = "") -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from walk(pattern, here, inner)
        elif isinstance(pattern, URLPattern):
            captures = [part.partition(":")[2] for part in here.replace(">", "<").split("<")[1::2]]
            known = tuple(capture for capture in captures if capture)
            yield Address(name=f"{space}{pattern.name or ''}", route=here, captures=known)


ADDRESSES = tuple(walk(get_resolver()))
OURS = tuple(address for address in ADDRESSES if not address.route.startswith(CONSOLE))
THEIRS = tuple(address for address in ADDRESSES if address.route.startswith(CONSOLE))


@pytest.fixture
def values(company: Company) -> Mapping[str, str]:
    """Return something that exists for every captured name."""
    schedule = company.schedule()
    slot = company.failed(schedule)
    piece = company.evidence(slot, EvidenceKind.SCREENSHOT, b"png", "image/png")
    image = Image(name="a.png", media_type="image/png", data=b"png")
    draft = Draft(name="Other", title="T", body="B", cafe="market", board="sale", images=(image,))
    with tenancy.scope(company.tenant.id):
        template = create_template(
            tenant_id=company.tenant.id, actor=ACTOR, draft=draft, now=company.now
        )
        picture = TemplateImage.objects.get(template=template)
    claim_canonical(tenant_id=company.tenant.id, short_id=company.tenant.short_id, now=company.now)
    return {
        "short_id": company.tenant.short_id,
        "token": "A" * 64,
        "connection_id": str(schedule.connection_id),
        "schedule_id": str(schedule.id),
        "slot_id": str(slot.id),
        "evidence_id": str(piece.id),
        "template_id": str(template.id),
        "image_id": str(picture.id),
        "tenant_id": str(company.tenant.id),
        "trace_id": slot.trace_id,
        "object_id": str(schedule.id),
        "entry_id": str(schedule.id),
        "act": "approve",
    }


@pytest.fixture
def people(
    browser: Browser, owner: User, member: User, viewer: User, stranger: User, operator: User
) -> Mapping[str, Client]:
    """Return everybody's browser, the weakest first."""
    return {
        "nobody": Client(),
        "operator": browser(operator),
        "stranger": browser(stranger),
        "viewer": browser(viewer),
        "member": browser(member),
        "owner": browser(owner),
    }


def ask(client: Client, method: str, path: str) -> HttpResponseBase:
    answer: HttpResponseBase = client.generic(method, path)
    return answer


def outcome(answer: HttpResponseBase) -> str:
    """Return what the answer means to the person."""
    where = urlsplit(answer.headers.get("Location", "")).path
    if answer.status_code == 302 and where == "/sign-in/":
        return "sign in"
    refused = {403: "forbidden", 404: "not there", 405: "wrong method"}
    fine = {200, 302, 409, 410, 422, 429}
    return refused.get(answer.status_code) or (
        "let in" if answer.status_code in fine else f"status {answer.status_code}"
    )


def expected(address: str, method: str, who: str) -> str:
    """Return what must come of it."""
    least = TABLES[address].get(method)
    # Products see every POST of somebody who may come in, and refuse it themselves.
    products_own = least is None and method == "POST" and address in CAFE
    if least is None and not products_own:
        return "wrong method"
    if who == "nobody" and least != ANYBODY:
        return "sign in"
    if STANDING[who] == SIGNED_IN and least not in {ANYBODY, SIGNED_IN}:
        return "not there"
    if least is None:
        return "wrong method"
    return "let in" if STANDING[who] >= least else "forbidden"


def test_every_address_is_declared() -> None:
    assert sorted(address.name for address in OURS) == sorted(TABLES)


@pytest.mark.parametrize("address", OURS, ids=lambda address: address.name)
def test_everybody_gets_exactly_what_the_table_says(
    address: Address, values: Mapping[str, str], people: Mapping[str, Client]
) -> None:
    path, access = address.path(values), TABLES[address.name]
    for method in METHODS:
        for who, client in people.items():
            answer = ask(client, method, path)
            came = outcome(answer)
            if came == "sign in" and access.get(method) == ANYBODY:
                came = "let in"  # the sign-in is where these lead
            gone = method == "POST" and who == "owner" and address.name in ONCE
            wanted = "not there" if gone else expected(address.name, method, who)
            assert came == wanted, (method, who)
            assert len(answer.headers["x-trace-id"]) == 32
            assert "Content-Security-Policy" in answer.headers


def test_no_session_of_the_portal_opens_the_console(
    values: Mapping[str, str], people: Mapping[str, Client]
) -> None:
    doors = {"/console/sign-in/", "/console/sign-in/code/"}
    for address in THEIRS:
        path = address.path(values)
        for who in ("nobody", "operator", "owner"):
            for method in ("GET", "POST"):
                answer = ask(people[who], method, path)
                inside = answer.status_code == 200 and path not in doors
                assert not inside, (address.name, method, who)
                assert answer.status_code < 500, (address.name, method, who)


def test_nobody_reaches_another_company_with_its_ids(
    values: Mapping[str, str], people: Mapping[str, Client], other_company: Company
) -> None:
    own = {**values, "short_id": other_company.tenant.short_id}
    for address in OURS:
        if len(address.captures) < 2:
            continue
        for method in TABLES[address.name]:
            answer = ask(people["stranger"], method, address.path(own))
            assert outcome(answer) == "not there", (address.name, method)
