"""After activation: what is seen changes the conditions, and the tenant's state with them."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection

from tenantry.core import tenancy
from tenantry.fleet.gateway import queries as gateway
from tenantry.fleet.provisioning import instances, queries, turns, watching
from tenantry.fleet.provisioning.drivers.fake import FakeDriver, Fault
from tenantry.fleet.provisioning.models import Condition
from tenantry.fleet.provisioning.states import Desired, Observed
from tenantry.fleet.provisioning.turns import LEASE
from tests.fleet.provisioning.conftest import Time, start, state_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def living(tenant_id: UUID, driver: FakeDriver, time: Time) -> UUID:
    assert time.drive(start(tenant_id, time.now), driver).state == "succeeded"
    return tenant_id


def label_of(tenant_id: UUID) -> str:
    instance = queries.instance_of(tenant_id)
    assert instance is not None
    return instance.label


def condition(tenant_id: UUID, type_: str) -> Condition:
    return {one.type: one for one in queries.conditions_of(tenant_id)}[type_]


def waiting() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT split_part(task_name, '.', 5), count(*) FROM procrastinate_jobs"
            " WHERE status = 'todo' AND queue_name = 'pipelines' GROUP BY 1"
        )
        return dict(cursor.fetchall())


def empty_queue() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def test_dead_instance_degrades_its_tenant_until_it_is_back(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    since = condition(living, "alive").last_transition_at
    driver.die(label=label_of(living))
    died = time.pass_by(seconds=30)
    watching.look(tenant_id=living, now=died)
    seen = condition(living, "alive")
    assert (seen.status, seen.reason, seen.last_transition_at) == ("false", "INSTANCE_DEAD", died)
    assert seen.last_transition_at > since
    assert condition(living, "canonical_host").status == "false"
    assert condition(living, "mail").status == "true"
    assert state_of(living) == "degraded"
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    assert condition(living, "alive").last_transition_at == died
    assert condition(living, "alive").checked_at == time.now
    driver.start_instance(label=label_of(living))
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    assert state_of(living) == "active"
    assert condition(living, "alive").last_transition_at == time.now


def test_instance_that_comes_back_elsewhere_is_found_there(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    with driver.store.open() as world:
        world["instances"][label_of(living)]["port"] = 31_000
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    (target,) = gateway.desired().routes.values()
    assert target.upstream == "127.0.0.1:31000"
    instance = queries.instance_of(living)
    assert instance is not None
    assert (instance.upstream, instance.port) == ("127.0.0.1:31000", 31_000)
    assert state_of(living) == "active"


def test_foreign_identity_is_seen(living: UUID, driver: FakeDriver, time: Time) -> None:
    with driver.store.open() as world:
        mine = world["instances"][label_of(living)]
        world["instances"] = {"tnt_foreign": dict(mine), label_of(living): mine}
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    seen = condition(living, "canonical_host")
    assert (seen.reason, seen.facts["stated"]) == ("WRONG_IDENTITY", "foreign")
    assert state_of(living) == "degraded"


def test_log_in_is_proven_again_now_and_then(living: UUID, driver: FakeDriver, time: Time) -> None:
    before = condition(living, "log_in").checked_at
    watching.look(tenant_id=living, now=time.pass_by(minutes=1))
    assert condition(living, "log_in").checked_at == before
    driver.plan(Fault(verb="sign_in"))
    watching.look(tenant_id=living, now=time.pass_by(minutes=10))
    assert condition(living, "log_in").reason == "LOG_IN_REFUSED"
    assert state_of(living) == "degraded"
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    assert condition(living, "log_in").reason == ""
    assert state_of(living) == "active"


def test_unreachable_host_is_an_answer_too(living: UUID, driver: FakeDriver, time: Time) -> None:
    driver.plan(Fault(verb="find_instance", times=2))
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    assert condition(living, "alive").reason == "INSTANCE_GONE"
    assert "HOST_UNREACHABLE" in condition(living, "alive").message


def test_nobody_looks_while_a_run_is_at_work(living: UUID, driver: FakeDriver, time: Time) -> None:
    start(living, time.pass_by(seconds=1), "suspend")
    driver.die(label=label_of(living))
    watching.look(tenant_id=living, now=time.pass_by(seconds=15))
    assert state_of(living) == "active"
    assert condition(living, "alive").status == "true"


def test_suspended_instance_is_not_looked_at(living: UUID, driver: FakeDriver, time: Time) -> None:
    time.drive(start(living, time.pass_by(seconds=1), "suspend"), driver)
    calls = len(driver.world()["calls"])
    watching.look(tenant_id=living, now=time.pass_by(minutes=1))
    assert len(driver.world()["calls"]) == calls
    empty_queue()
    assert watching.send_looks(now=time.now) == 0
    assert waiting() == {}


def test_living_instances_are_looked_at_in_turn(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    empty_queue()
    assert watching.send_looks(now=time.pass_by(seconds=10)) == 0
    assert watching.send_looks(now=time.pass_by(seconds=10)) == 1
    assert watching.send_looks(now=time.now) == 1
    assert waiting() == {"look_at_instance": 1}


def test_host_that_sees_a_death_has_it_looked_at_now(
    living: UUID, driver: FakeDriver, time: Time
) -> None:
    empty_queue()
    label = label_of(living)
    observed = {"label": label, "pid": 7, "upstream": "127.0.0.1:31000", "port": 31_000}
    instances.observe(observed=Observed.RUNNING, now=time.now, **observed)  # type: ignore[arg-type]  # a dict of words
    assert waiting() == {}
    instances.observe(label=label, observed=Observed.DEAD, now=time.now)
    assert waiting() == {"look_at_instance": 1}
    instance = queries.instance_of(living)
    assert instance is not None
    assert (instance.observed, instance.pid, instance.upstream) == ("dead", None, "127.0.0.1:31000")
    instances.observe(observed=Observed.RUNNING, now=time.now, started=True, **observed)  # type: ignore[arg-type]  # a dict of words
    assert queries.instance_of(living).starts == instance.starts + 1  # type: ignore[union-attr]  # it is there


def test_wish_is_heard_and_makes_what_was_seen_old(living: UUID, time: Time) -> None:
    label = label_of(living)
    assert instances.wish(label=label, desired=Desired.STOPPED, now=time.now)
    instance = instances.found_by(label)
    assert instance is not None
    assert (instance.desired, instance.observed) == ("stopped", "unknown")
    assert not instances.wish(label="tnt_nobody", desired=Desired.STOPPED, now=time.now)


def test_run_that_nobody_works_on_is_sent_on(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    run = start(tenant_id, time.now)
    empty_queue()
    assert watching.send_on(now=time.now) == 1
    assert watching.send_on(now=time.now) == 1
    assert waiting() == {"advance_run": 1}
    empty_queue()
    assert isinstance(turns.claim(run_id=run.id, tenant_id=tenant_id, now=time.now), turns.Claim)
    assert watching.send_on(now=time.pass_by(seconds=14)) == 0
    assert watching.send_on(now=time.pass_by(seconds=2)) == 1


def test_run_that_waits_is_left_alone_until_then(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    driver.templates = False
    run = start(tenant_id, time.now)
    for _ in range(2):
        time.turn(run, driver)
    assert queries.get_run(run.id).state == "waiting"
    assert watching.send_on(now=time.now) == 0
    assert watching.send_on(now=time.pass_by(seconds=10)) == 1


def test_lost_lease_is_taken_over_and_its_loser_changes_nothing(
    tenant_id: UUID, driver: FakeDriver, time: Time
) -> None:
    run = start(tenant_id, time.now)
    given = turns.claim(run_id=run.id, tenant_id=tenant_id, now=time.now)
    assert isinstance(given, turns.Claim)
    assert turns.claim(run_id=run.id, tenant_id=tenant_id, now=time.now) == turns.Rest()
    time.now += LEASE + timedelta(seconds=1)
    taken = turns.claim(run_id=run.id, tenant_id=tenant_id, now=time.now)
    assert isinstance(taken, turns.Claim)
    with pytest.raises(turns.LeaseLost):
        turns.renew(given, now=time.now)
    with pytest.raises(turns.LeaseLost):
        turns.intend(given, {})
    with pytest.raises(turns.LeaseLost):
        turns.wait(given, code="UNEXPECTED", detail="", until=time.now, tries=1, now=time.now)
    with pytest.raises(turns.LeaseLost):
        turns.fail(given, code="UNEXPECTED", detail="", now=time.now)
    assert turns.renew(taken, now=time.now) is False
    with tenancy.scope(tenant_id):
        assert [line.text for line in queries.lines_of(run)] == [
            "begun",
            "taken over from a process that has gone",
        ]
