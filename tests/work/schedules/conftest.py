"""Schedules of a company on accounts of the probe product, due when a test says so."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tenantry.core import tenancy
from tenantry.core.ids import uuid7
from tenantry.customers.tenants.models import Tenant
from tenantry.sdk import registry
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import SessionState
from tenantry.work.schedules.models import Schedule, Slot
from tenantry.work.schedules.services import Wanted
from tenantry.work.schedules.states import AdminStatus
from tests.work.automation.probe import ProbeContent, Site, make_product

OPERATOR = "operator:test"


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> ProbeContent:
    """The one stored post of the product; a test may change its digest."""
    product = make_product(Site())
    monkeypatch.setattr(registry, "products", lambda: (product,))
    assert isinstance(product.content, ProbeContent)
    return product.content


MakeConnection = Callable[..., Connection]
MakeSchedule = Callable[..., Schedule]


@pytest.fixture
def make_connection(content: ProbeContent, tenant: Tenant, now: datetime) -> MakeConnection:
    def make(*, state: SessionState = SessionState.HEALTHY, of: UUID | None = None) -> Connection:
        made = Connection(
            id=uuid7(),
            tenant_id=of or tenant.id,
            product="probe",
            connector="pageless",
            account=f"seller-{uuid7()}",
            session_state=state,
            session_deadline=now if state == SessionState.PENDING else None,
            created_at=now,
        )
        with tenancy.scope(made.tenant_id):
            made.save(force_insert=True)
        return made

    return make


@pytest.fixture
def connection(make_connection: MakeConnection) -> Connection:
    return make_connection()


@pytest.fixture
def make_schedule(connection: Connection, content: ProbeContent, now: datetime) -> MakeSchedule:
    """Make an approved schedule, due daily at noon and due now, unless told otherwise."""

    def make(*, on: Connection | None = None, **given: object) -> Schedule:
        account = on or connection
        columns: dict[str, object] = {
            "id": uuid7(),
            "tenant_id": account.tenant_id,
            "connection": account,
            "product": "probe",
            "kind": "probe.publish",
            "name": "Morning post",
            "content_id": uuid4(),
            "content_digest": content.now_digest,
            "approved_digest": content.now_digest,
            "zone": "UTC",
            "times": ["12:00"],
            "daily_limit": 10,
            "admin_status": AdminStatus.APPROVED,
            "next_due_at": now,
            "watermark_at": now - timedelta(days=1),
            "created_at": now - timedelta(days=2),
        }
        schedule = Schedule(**{**columns, **given})
        with tenancy.scope(account.tenant_id):
            schedule.save(force_insert=True)
        return schedule

    return make


@pytest.fixture
def schedule(make_schedule: MakeSchedule) -> Schedule:
    return make_schedule()


@pytest.fixture
def wanted(connection: Connection) -> Wanted:
    return Wanted(
        name="Morning post",
        connection_id=connection.id,
        content_id=uuid4(),
        zone="Asia/Seoul",
        weekdays=0b0011111,
        times=["09:00", "17:30"],
        daily_limit=3,
    )


def reload(schedule: Schedule) -> Schedule:
    with tenancy.scope(schedule.tenant_id):
        return Schedule.objects.select_related("connection").get(id=schedule.id)


def slots_of(schedule: Schedule) -> list[Slot]:
    """Return the slots with their jobs, the oldest first."""
    with tenancy.scope(schedule.tenant_id):
        rows = Slot.objects.filter(schedule=schedule).select_related("job", "schedule")
        return list(rows.order_by("nominal_at"))


def jobs() -> list[Job]:
    with tenancy.platform("look at all jobs"):
        return list(Job.objects.order_by("created_at", "id"))
