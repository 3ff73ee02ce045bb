"""A real Tryton kept by a host's agent; application and template are made once per machine."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tenantry.customers.accounts.models import User
from tenantry.fleet.provisioning import instances
from tenantry.fleet.provisioning.drivers.local import LocalDriver, databases, processes, templates
from tenantry.fleet.provisioning.models import Instance
from tenantry.fleet.provisioning.states import Observed
from tenantry.sdk import registry
from tests.fleet.provisioning.conformance import PASSWORD, Tenant
from tests.fleet.provisioning.local.conftest import Tenancy, quiet, running_agent

# From the wish for a database to a server that has said whose it is.
WARM_SECONDS = 15.0

# In one worker with the other tests of a real Tryton: two would wait for one template.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.xdist_group("tryton")]


@pytest.fixture
def tryton(transactional_db: None, owner: User, now: datetime) -> Iterator[Tenant]:
    recipe = registry.product("erp").recipe
    assert recipe is not None
    templates.make_ready(recipe, quiet)
    tenancy = Tenancy(owner=owner, now=now, recipe=recipe.slug, version=recipe.version)
    tenant = tenancy.request()
    tenancy.place(tenant)
    yield tenant
    databases.remove(label=tenant.label)


def becomes_running(tenant: Tenant, *, starts: int) -> Instance:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row = instances.found_by(tenant.label)
        if row is not None and (row.observed, row.starts) == (Observed.RUNNING, starts):
            return row
        time.sleep(0.02)
    message = f"{tenant.label} does not run"
    raise AssertionError(message)


def test_instance_is_ready_soon_lets_its_people_in_and_survives_a_kill(
    tryton: Tenant, now: datetime
) -> None:
    driver, recipe = LocalDriver(), registry.product("erp").recipe
    assert recipe is not None
    identity = instances.identity_of(tryton.tenant_id)
    with running_agent(now) as agent:
        began = time.monotonic()
        driver.create_database(label=tryton.label, recipe="erp", password=PASSWORD)
        driver.create_instance(label=tryton.label, tenant_id=tryton.tenant_id)
        row = becomes_running(tryton, starts=1)
        assert time.monotonic() - began < WARM_SECONDS
        print(f"ready in {time.monotonic() - began:.2f} s")  # noqa: T201 - a figure worth reading

        passwords = instances.passwords(row)
        for account, password in (
            (instances.ADMIN_ACCOUNT, passwords.admin),
            (identity.owner_email, passwords.owner),
        ):
            entry = recipe.sign_in(
                url=f"http://{row.upstream}",
                host=identity.host,
                database=tryton.label,
                account=account,
                password=password,
            )
            assert entry.cookies

        folder = agent._of(tryton.label).folder
        pid = processes.pid_of(folder)
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        again = becomes_running(tryton, starts=2)
        assert (again.port, again.pid == pid) == (row.port, False)

        driver.remove_instance(label=tryton.label)
        while driver.find_instance(label=tryton.label) is not None:
            time.sleep(0.02)
        assert not folder.exists()
