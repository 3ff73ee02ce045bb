from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError

from tenantry.core import clock, tenancy
from tenantry.core.errors import InvalidInput, NotFound
from tenantry.customers.notices.models import Notice
from tenantry.customers.tenants.models import Tenant
from tenantry.governance.vault import services as vault
from tenantry.governance.vault.errors import SecretMissing
from tenantry.ledger.audit.models import AuditEntry
from tenantry.sdk import SignedIn
from tenantry.work.automation import queries, services
from tenantry.work.automation.errorcodes import Code, Failure
from tenantry.work.automation.errors import NothingToCheck, SignInRunning, TooManySignIns
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.services import sessions
from tenantry.work.automation.states import JobState, SessionState
from tests.probes import at_once, database_text, handle_messages
from tests.work.automation.conftest import ACTOR, MakeConnection, MakeJob, reload, reload_connection
from tests.work.automation.probe import PASSWORD, Site

pytestmark = pytest.mark.django_db


def connect(
    tenant_id: UUID, *, account: str = "seller01", now: datetime | None = None
) -> Connection:
    return services.connect(
        tenant_id=tenant_id,
        product="probe",
        connector="pageless",
        account=account,
        password=PASSWORD,
        label="Shop",
        actor=ACTOR,
        now=clock.now(),
    )


def jobs_of(connection: Connection) -> list[tuple[str, str]]:
    with tenancy.scope(connection.tenant_id):
        rows = Job.objects.filter(connection=connection).order_by("created_at")
        return list(rows.values_list("kind", "state"))


def claim(connection: Connection) -> Job:
    claimed = services.claim(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        now=clock.now(),
    )
    return claimed.jobs[0]


def test_connect_queues_a_sign_in_and_hides_the_password(site: Site, tenant_id: UUID) -> None:
    connection = reload_connection(connect(tenant_id))
    assert connection.session_state == SessionState.PENDING
    assert connection.session_deadline is not None
    assert jobs_of(connection) == [("connection.sign_in", "QUEUED")]
    assert PASSWORD not in database_text()
    credentials = services.open_credentials(connection=connection)
    assert (credentials.account, credentials.password) == ("seller01", PASSWORD)
    assert PASSWORD not in repr(credentials)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("account", {"account": "  "}),
        ("password", {"password": ""}),
        ("account", {"account": "x" * 200}),
        ("label", {"label": "x" * 200}),
    ],
)
def test_connect_refuses_what_cannot_be_used(
    site: Site, tenant_id: UUID, field: str, given: dict[str, str]
) -> None:
    words = {"account": "seller01", "password": "pw", "label": "", **given}
    with pytest.raises(InvalidInput) as refusal:
        services.connect(
            tenant_id=tenant_id,
            product="probe",
            connector="pageless",
            actor=ACTOR,
            now=clock.now(),
            **words,
        )
    assert refusal.value.facts == {"field": field}


def test_connect_refuses_an_unknown_connector(site: Site, tenant_id: UUID) -> None:
    with pytest.raises(NotFound):
        services.connect(
            tenant_id=tenant_id,
            product="probe",
            connector="none",
            account="a",
            password="b",
            label="",
            actor=ACTOR,
            now=clock.now(),
        )


def test_connect_again_takes_the_same_connection(site: Site, tenant_id: UUID) -> None:
    first = connect(tenant_id)
    with pytest.raises(SignInRunning):
        connect(tenant_id)
    fail_sign_in(first, Code.AUTH_INVALID)
    assert connect(tenant_id).id == first.id
    assert reload_connection(first).session_state == SessionState.PENDING


def fail_sign_in(connection: Connection, code: Code) -> None:
    services.fail_attempt(
        job=claim(connection),
        failure=Failure(code=code, detail="seen"),
        tried=services.Tried(),
        now=clock.now(),
    )


def test_sign_ins_of_one_account_are_limited_per_day(site: Site, tenant_id: UUID) -> None:
    for _ in range(5):
        fail_sign_in(connect(tenant_id), Code.AUTH_INVALID)
    with pytest.raises(TooManySignIns):
        connect(tenant_id)
    assert connect(tenant_id, account="another").session_state == SessionState.PENDING


@pytest.mark.django_db(transaction=True)
def test_connecting_one_account_at_once_makes_one_connection(site: Site, tenant_id: UUID) -> None:
    answers = at_once([lambda: connect(tenant_id)] * 16)
    made = [answer for answer in answers if isinstance(answer, Connection)]
    refused = [answer for answer in answers if isinstance(answer, SignInRunning)]
    assert (len(made), len(refused)) == (1, 15)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (Code.AUTH_INVALID, SessionState.ERROR),
        (Code.LOGIN_FAILED, SessionState.ERROR),
        (Code.CHALLENGE_REQUIRED, SessionState.CHALLENGE_REQUIRED),
        (Code.UNKNOWN, SessionState.ERROR),
    ],
)
def test_failed_sign_in_destroys_the_credentials(
    site: Site, tenant_id: UUID, code: Code, state: SessionState
) -> None:
    connection = reload_connection(connect(tenant_id))
    fail_sign_in(connection, code)
    lost = reload_connection(connection)
    assert (lost.session_state, lost.session_code) == (state, code)
    assert lost.credentials_secret_id is None
    with pytest.raises(SecretMissing):
        services.open_credentials(connection=connection)
    assert jobs_of(connection) == [("connection.sign_in", "FAILED")]


def test_network_error_keeps_the_credentials_for_the_next_try(site: Site, tenant_id: UUID) -> None:
    connection = connect(tenant_id)
    fail_sign_in(connection, Code.NETWORK_ERROR)
    assert jobs_of(connection) == [("connection.sign_in", "QUEUED")]
    waiting = reload_connection(connection)
    assert waiting.session_state == SessionState.PENDING
    assert services.open_credentials(connection=waiting).password == PASSWORD


@pytest.mark.parametrize(
    ("left", "state"),
    [(timedelta(days=30), SessionState.HEALTHY), (timedelta(days=6), SessionState.EXPIRING)],
)
def test_proven_sign_in_seals_the_state_and_destroys_the_credentials(
    site: Site, tenant_id: UUID, left: timedelta, state: SessionState
) -> None:
    connection = reload_connection(connect(tenant_id))
    ends = clock.now() + left
    services.end_sign_in(
        job=claim(connection),
        signed_in=SignedIn(account="seller01", expires_at=ends),
        state={"cookies": [{"name": "sid", "value": "cookie-secret"}], "origins": []},
        tried=services.Tried(),
        now=clock.now(),
    )
    signed_in = reload_connection(connection)
    assert (signed_in.session_state, signed_in.session_expires_at) == (state, ends)
    assert signed_in.credentials_secret_id is None
    assert signed_in.session_deadline is None
    opened = services.open_browser_state(connection=signed_in)
    assert opened == {"cookies": [{"name": "sid", "value": "cookie-secret"}], "origins": []}
    assert "cookie-secret" not in database_text()
    with pytest.raises(SecretMissing):
        services.open_credentials(connection=connection)


def test_check_needs_a_saved_login_and_waits_once(
    make_connection: MakeConnection, tenant_id: UUID
) -> None:
    connection = make_connection()

    def check() -> Job:
        return services.check_connection(
            tenant_id=tenant_id, connection_id=connection.id, actor=ACTOR, now=clock.now()
        )

    with pytest.raises(NothingToCheck):
        check()
    save_login(connection)
    assert check().id == check().id
    assert jobs_of(connection) == [("connection.check", "QUEUED")]


def save_login(connection: Connection) -> UUID:
    secret = vault.put(
        tenant_id=connection.tenant_id,
        purpose=sessions.BROWSER_STATE,
        plaintext=b'{"cookies": [], "origins": []}',
        now=clock.now(),
    )
    with tenancy.scope(connection.tenant_id):
        Connection.objects.filter(id=connection.id).update(session_secret_id=secret)
    return secret


def test_disconnect_destroys_secrets_and_cancels_jobs(
    connection: Connection, make_job: MakeJob, tenant_id: UUID
) -> None:
    secret, job = save_login(connection), make_job()
    services.disconnect(
        tenant_id=tenant_id, connection_id=connection.id, actor=ACTOR, now=clock.now()
    )
    gone = reload_connection(connection)
    assert (gone.session_state, gone.session_secret_id) == (SessionState.EXPIRED, None)
    assert gone.removed_at is not None
    assert reload(job).state == JobState.CANCELLED
    with pytest.raises(SecretMissing):
        vault.open_secret(secret_id=secret, tenant_id=tenant_id, purpose=sessions.BROWSER_STATE)
    with tenancy.scope(tenant_id), pytest.raises(NotFound):
        queries.get_connection(tenant_id=tenant_id, connection_id=connection.id)


def test_reads_refuse_strangers(connection: Connection, make_job: MakeJob) -> None:
    job, stranger = make_job(), uuid4()
    with tenancy.scope(stranger):
        with pytest.raises(NotFound):
            queries.get_connection(tenant_id=stranger, connection_id=connection.id)
        with pytest.raises(NotFound):
            queries.get_job(tenant_id=stranger, job_id=job.id)
        assert list(queries.list_jobs(tenant_id=connection.tenant_id)) == []


@pytest.mark.parametrize("code", [Code.AUTH_EXPIRED, Code.CHALLENGE_REQUIRED])
def test_lost_session_touches_one_connection_only(
    make_connection: MakeConnection, make_job: MakeJob, code: Code
) -> None:
    mine, others = make_connection(), [make_connection() for _ in range(3)]
    make_job(on=mine)
    services.fail_attempt(
        job=claim(mine), failure=Failure(code=code), tried=services.Tried(), now=clock.now()
    )
    assert reload_connection(mine).session_code == code
    assert not reload_connection(mine).is_live
    states = {reload_connection(other).session_state for other in others}
    assert states == {SessionState.HEALTHY}


@pytest.mark.parametrize(
    ("state", "expires", "expected"),
    [
        (SessionState.HEALTHY, timedelta(days=8), SessionState.HEALTHY),
        (SessionState.HEALTHY, timedelta(days=7), SessionState.EXPIRING),
        (SessionState.HEALTHY, timedelta(0), SessionState.EXPIRED),
        (SessionState.EXPIRING, timedelta(days=1), SessionState.EXPIRING),
        (SessionState.EXPIRING, timedelta(seconds=-1), SessionState.EXPIRED),
        (SessionState.CHALLENGE_REQUIRED, timedelta(days=-1), SessionState.CHALLENGE_REQUIRED),
    ],
)
def test_sessions_grow_old(
    make_connection: MakeConnection,
    state: SessionState,
    expires: timedelta,
    expected: SessionState,
    now: datetime,
) -> None:
    connection = make_connection(state=state)
    with tenancy.scope(connection.tenant_id):
        rows = Connection.objects.filter(id=connection.id)
        rows.update(session_expires_at=now + expires)
    moved = services.age_sessions(now=now)
    assert moved == (state != expected)
    assert reload_connection(connection).session_state == expected


def test_pending_past_its_deadline_is_an_error_and_cancels_the_sign_in(
    site: Site, tenant_id: UUID, make_connection: MakeConnection
) -> None:
    connection = connect(tenant_id)
    assert services.age_sessions(now=clock.now()) == 0
    assert services.age_sessions(now=clock.now() + timedelta(minutes=11)) == 1
    late = reload_connection(connection)
    assert (late.session_state, late.session_code) == (SessionState.ERROR, Code.TIMEOUT)
    assert late.credentials_secret_id is None
    assert jobs_of(connection) == [("connection.sign_in", "CANCELLED")]


def test_while_signing_in_only_the_sign_in_runs(
    site: Site, tenant_id: UUID, make_job: MakeJob
) -> None:
    connection = connect(tenant_id)
    make_job(on=connection)
    assert claim(connection).kind == "connection.sign_in"
    assert claim_none(connection)
    assert services.wake_ready(now=clock.now()) == 0


def claim_none(connection: Connection) -> bool:
    claimed = services.claim(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        now=clock.now(),
    )
    return not claimed.jobs


def test_every_session_move_has_its_audit_entry(site: Site, tenant_id: UUID) -> None:
    connection = connect(tenant_id)
    fail_sign_in(connection, Code.AUTH_INVALID)
    connect(tenant_id)
    with tenancy.scope(tenant_id):
        entries = AuditEntry.objects.filter(
            target_id=str(connection.id), action="automation.session.changed"
        )
        moves = [(e.facts["from"], e.facts["to"]) for e in entries.order_by("seq")]
    assert moves == [("PENDING", "ERROR"), ("ERROR", "PENDING")]


def test_a_lost_session_asks_its_people_once(
    tenant: Tenant, make_connection: MakeConnection, make_job: MakeJob
) -> None:
    connection = make_connection(of=tenant.id)
    make_job(on=connection)
    services.fail_attempt(
        job=claim(connection),
        failure=Failure(code=Code.CHALLENGE_REQUIRED),
        tried=services.Tried(),
        now=clock.now(),
    )
    handle_messages()
    with tenancy.scope(tenant.id):
        (notice,) = Notice.objects.all()
    assert notice.code == "session_needs_you"
    assert "person" in notice.message


def test_database_refuses_a_second_live_connection_of_an_account(
    make_connection: MakeConnection,
) -> None:
    make_connection(account="twice")
    with pytest.raises(IntegrityError):
        make_connection(account="twice")
