"""A tenant with a connection to the probe product, and jobs on it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from tenantry.core import clock, tenancy
from tenantry.core.ids import uuid7
from tenantry.sdk import registry
from tenantry.work.automation import services
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import SessionState
from tests.work.automation.probe import DIGEST, Site, make_product

ACTOR = "system:test"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    pretended = Site()
    product = make_product(pretended)
    monkeypatch.setattr(registry, "products", lambda: (product,))
    return pretended


@pytest.fixture
def tenant_id() -> UUID:
    return uuid4()


MakeConnection = Callable[..., Connection]


@pytest.fixture
def make_connection(site: Site, tenant_id: UUID) -> MakeConnection:
    """Make a connection that is signed in, without a saved browser state."""

    def make(
        *,
        connector: str = "pageless",
        state: SessionState = SessionState.HEALTHY,
        of: UUID | None = None,
        account: str = "",
    ) -> Connection:
        made = Connection(
            id=uuid7(),
            tenant_id=of or tenant_id,
            product="probe",
            connector=connector,
            account=account or f"seller-{uuid7()}",
            session_state=state,
            session_deadline=clock.now() if state == SessionState.PENDING else None,
            created_at=clock.now(),
        )
        with tenancy.scope(made.tenant_id):
            made.save(force_insert=True)
        return made

    return make


@pytest.fixture
def connection(make_connection: MakeConnection) -> Connection:
    return make_connection()


MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(connection: Connection) -> MakeJob:
    def make(*, kind: str = "probe.publish", on: Connection | None = None, **given: object) -> Job:
        target = on or connection
        moment: datetime = clock.now()
        return services.enqueue(
            tenant_id=target.tenant_id,
            connection_id=target.id,
            kind=kind,
            actor=ACTOR,
            now=moment,
            **{  # type: ignore[arg-type]  # a test's own mix
                "content_id": uuid4(),
                "content_digest": DIGEST,
                "moment": moment,
                "zone": "Asia/Seoul",
                "subject": uuid4(),
                **given,
            },
        )

    return make


def reload(job: Job) -> Job:
    with tenancy.scope(job.tenant_id):
        return Job.objects.get(id=job.id)


def reload_connection(connection: Connection) -> Connection:
    with tenancy.scope(connection.tenant_id):
        return Connection.objects.get(id=connection.id)
