"""Where host names lead: put, closed, taken, removed, and heard of."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connection

from tenantry.core import live, tenancy
from tenantry.core.db import borrowed
from tenantry.core.errors import InvalidInput
from tenantry.core.ids import uuid7
from tenantry.fleet.domains.errors import HostNameInvalid
from tenantry.fleet.gateway import queries, services
from tenantry.fleet.gateway.errors import RouteTaken, TicketInvalid
from tenantry.fleet.gateway.models import Route, Ticket
from tenantry.fleet.gateway.queries import Target
from tenantry.fleet.gateway.states import RouteState
from tenantry.ledger.audit.models import AuditEntry

HOST = "tenant-aaaa.localhost"
UP = "127.0.0.1:9001"
OTHER_UP = "127.0.0.1:9002"
SERVING, SUSPENDED = RouteState.SERVING, RouteState.SUSPENDED


def put(
    tenant: UUID,
    now: datetime,
    *,
    host: str = HOST,
    upstream: str = UP,
    state: RouteState = SERVING,
) -> Route:
    return services.put_route(tenant_id=tenant, host=host, upstream=upstream, state=state, now=now)


def said(tenant: UUID) -> list[str]:
    with tenancy.scope(tenant):
        return list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True))


@pytest.mark.django_db
def test_route_is_put_once(now: datetime) -> None:
    tenant = uuid7()
    first, again = put(tenant, now), put(tenant, now + timedelta(hours=1))
    assert (again.id, again.version, again.changed_at) == (first.id, first.version, now)
    assert said(tenant) == ["gateway.route.added"]


@pytest.mark.django_db
def test_route_changes_with_a_higher_version(now: datetime) -> None:
    tenant = uuid7()
    versions = [put(tenant, now).version]
    digests = [queries.desired().digest]
    for upstream, state in [(OTHER_UP, SERVING), (OTHER_UP, SUSPENDED), (UP, SERVING)]:
        now += timedelta(seconds=1)
        route = put(tenant, now, upstream=upstream, state=state)
        assert (route.upstream, route.state, route.changed_at) == (upstream, state, now)
        assert queries.desired().version == route.version
        versions.append(route.version)
        digests.append(queries.desired().digest)
    assert versions == sorted(set(versions))
    assert digests[0] == digests[3]
    assert len(set(digests)) == 3
    assert said(tenant) == ["gateway.route.added", *["gateway.route.changed"] * 3]


@pytest.mark.django_db
def test_host_name_of_another_tenant_is_refused(now: datetime) -> None:
    mine, other = uuid7(), uuid7()
    put(mine, now)
    with pytest.raises(RouteTaken):
        put(other, now, host=HOST.upper() + ".", upstream=OTHER_UP)
    target = Target(tenant_id=mine, upstream=UP, serving=True)
    assert queries.desired().routes == {HOST: target}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "upstream",
    ["", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "http://127.0.0.1:80", "a b:80", "h:80/x",
     "h:80\n", "[::1:80", "user@h:80"],
)  # fmt: skip
def test_upstream_that_is_no_address_is_refused(now: datetime, upstream: str) -> None:
    with pytest.raises(InvalidInput):
        put(uuid7(), now, upstream=upstream)


@pytest.mark.django_db
@pytest.mark.parametrize("upstream", ["h:1", "[::1]:65535", "erp-1.internal:8000"])
def test_upstream_may_be_any_address(now: datetime, upstream: str) -> None:
    assert put(uuid7(), now, upstream=upstream).upstream == upstream


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "a b.example", "x" * 300 + ".de"])
def test_host_that_is_no_name_is_refused(now: datetime, host: str) -> None:
    with pytest.raises(HostNameInvalid):
        put(uuid7(), now, host=host)


@pytest.mark.django_db
def test_removal_takes_all_routes_of_one_tenant(now: datetime) -> None:
    mine, other = uuid7(), uuid7()
    put(mine, now)
    put(mine, now, host="erp.hanbit.example")
    put(other, now, host="tenant-bbbb.localhost")
    assert services.remove_routes(tenant_id=mine, now=now) == 2
    assert services.remove_routes(tenant_id=mine, now=now) == 0
    assert set(queries.desired().routes) == {"tenant-bbbb.localhost"}
    assert said(mine).count("gateway.route.removed") == 2
    assert put(other, now, host=HOST).tenant_id == other


@pytest.mark.django_db
def test_rows_are_hidden_outside_of_their_tenant(now: datetime) -> None:
    mine = uuid7()
    put(mine, now)
    services.issue_ticket(tenant_id=mine, user_id=uuid7(), host=HOST, now=now)
    with tenancy.scope(uuid7()):
        assert (Route.objects.count(), Ticket.objects.count()) == (0, 0)
    with tenancy.scope(mine):
        assert (Route.objects.count(), Ticket.objects.count()) == (1, 1)


@pytest.fixture
def heard() -> Iterator[threading.Event]:
    news, listener = threading.Event(), live.Listener()
    listener.on(services.TOPIC, lambda _topic, _facts: news.set())
    listener.start()
    assert listener.wait_ready(10)
    yield news
    listener.stop()


@pytest.mark.django_db(transaction=True)
def test_changes_are_told_and_repetitions_are_not(now: datetime, heard: threading.Event) -> None:
    tenant = uuid7()
    for state in (SERVING, SUSPENDED):
        put(tenant, now, state=state)
        assert heard.wait(5)
        heard.clear()
    put(tenant, now, state=SUSPENDED)
    assert not heard.wait(0.3)
    services.remove_routes(tenant_id=tenant, now=now)
    assert heard.wait(5)


@pytest.mark.django_db(transaction=True)
def test_host_name_goes_to_one_of_64_tenants(now: datetime) -> None:
    def race(tenant: UUID) -> bool:
        with borrowed():
            try:
                put(tenant, now)
            except RouteTaken:
                return False
            return True

    tenants = [uuid7() for _ in range(64)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(race, tenants))
    assert won.count(True) == 1
    assert queries.desired().routes[HOST].tenant_id == tenants[won.index(True)]


@pytest.mark.django_db
def test_ticket_lets_in_once_at_its_host_name(now: datetime) -> None:
    tenant, user = uuid7(), uuid7()
    token = services.issue_ticket(tenant_id=tenant, user_id=user, host=HOST, now=now)
    assert len(token) == 43
    with pytest.raises(TicketInvalid):
        services.redeem_ticket(token=token, host="tenant-bbbb.localhost", now=now)
    admission = services.redeem_ticket(token=token, host=HOST, now=now)
    assert admission == services.Admission(tenant_id=tenant, user_id=user, host=HOST)
    with pytest.raises(TicketInvalid):
        services.redeem_ticket(token=token, host=HOST, now=now)
    assert said(tenant) == ["gateway.ticket.issued", "gateway.ticket.spent"]


@pytest.mark.django_db
def test_ticket_runs_out_after_a_minute(now: datetime) -> None:
    tenant = uuid7()
    token = services.issue_ticket(tenant_id=tenant, user_id=uuid7(), host=HOST, now=now)
    with pytest.raises(TicketInvalid):
        services.redeem_ticket(token=token, host=HOST, now=now + services.TICKET_LIFE)
    late = now + services.TICKET_LIFE - timedelta(milliseconds=1)
    assert services.redeem_ticket(token=token, host=HOST, now=late).tenant_id == tenant


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "\x00", "é"])
def test_unknown_tokens_are_refused(now: datetime, token: str) -> None:
    with pytest.raises(TicketInvalid):
        services.redeem_ticket(token=token, host=HOST, now=now)


@pytest.mark.django_db
def test_token_is_stored_nowhere(now: datetime) -> None:
    tenant = uuid7()
    token = services.issue_ticket(tenant_id=tenant, user_id=uuid7(), host=HOST, now=now)
    with tenancy.scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM gateway_ticket t UNION ALL"
                       " SELECT e::text FROM audit_auditentry e")  # fmt: skip
        rows = [row[0] for row in cursor.fetchall()]
        assert Ticket.objects.count() == 1
        assert token not in str(Ticket.objects.get()) + repr(Ticket.objects.get())
    assert len(rows) == 2
    assert [row for row in rows if token in row or token.encode().hex() in row] == []


@pytest.mark.django_db(transaction=True)
def test_ticket_lets_in_one_of_64(now: datetime) -> None:
    token = services.issue_ticket(tenant_id=uuid7(), user_id=uuid7(), host=HOST, now=now)
    barrier = threading.Barrier(16)

    def race(number: int) -> bool:
        if number < 16:
            barrier.wait(10)
        with borrowed():
            try:
                services.redeem_ticket(token=token, host=HOST, now=now)
            except TicketInvalid:
                return False
            return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(race, range(64)))
    assert won.count(True) == 1


@pytest.mark.django_db
def test_old_tickets_are_forgotten(now: datetime) -> None:
    for age in (timedelta(days=2), timedelta(hours=1)):
        services.issue_ticket(tenant_id=uuid7(), user_id=uuid7(), host=HOST, now=now - age)
    assert services.forget_old_tickets(now=now) == 1
    assert services.forget_old_tickets(now=now) == 0


@pytest.mark.django_db
def test_enter_url_carries_the_token(settings: LazySettings) -> None:
    settings.GATEWAY_URL = "http://localhost:8080"
    assert queries.enter_url(host=HOST, token="a-b_c") == (
        f"http://{HOST}:8080/.tenantry/enter?ticket=a-b_c"
    )
