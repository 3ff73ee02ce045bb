"""SIGKILL between any two statements of a registration's steps: all or nothing, then it goes on."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from tenantry.config.bench import children
from tenantry.core import db, tenancy
from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.fleet.provisioning.drivers.fake import FakeDriver
from tenantry.fleet.provisioning.models import Run
from tenantry.journeys.onboarding.states import RegistrationState
from tests.fleet.provisioning.conftest import driver, register_host
from tests.journeys.onboarding.name_server import names, served
from tests.journeys.onboarding.visitor import COMPANY, Visitor, code_for, steps

__all__ = ["driver", "names", "served"]
BROWSER = "browser-1"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
# Statements of a step, and beyond its last one.
DEATHS = (1, 2, 3, 4, 5, 7, 9, 11, 13, 17, 19, 23, 27, 29, 31, 37, 43, 53, 67, 10_000)
pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def die(**order: Any) -> int:
    """Do a step in a child of this process, which is killed; returns the signal that ended it."""
    # A child must not inherit connections: it opens its own.
    db.disconnect()
    child = os.fork()
    if child == 0:
        try:
            _step(**order)
        finally:
            os._exit(1)
    _child, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _step(*, at: int, act: str, journey_id: UUID, code: str = "") -> None:
    """Be killed before the nth statement of a step, or at once after its end."""
    seen = 0

    def count(execute: Callable[..., object], *given: object) -> object:
        nonlocal seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*given)

    visitor = Visitor(now=NOW, browser=BROWSER, journey_id=journey_id)
    with connection.execute_wrapper(count):
        if act == "enter_code":
            visitor.enters(code)
        else:
            visitor.tells()
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def mortal() -> Iterator[Callable[..., None]]:
    """Give a process in which steps are taken and die."""
    name = str(connection.settings_dict["NAME"])
    with children.started(name, work=f"{__name__}.die", size=1) as (pipe,):

        def killed(**order: object) -> None:
            pipe.send(order)
            assert children.answer(pipe) == signal.SIGKILL

        yield killed


def counts() -> dict[str, int]:
    with tenancy.platform("count"):
        return {
            model.__name__: model._default_manager.count()
            for model in (Tenant, Run, User, Membership)
        }


@pytest.fixture
def visitor(driver: FakeDriver, names: object) -> Visitor:
    register_host(NOW)
    return Visitor(now=NOW, browser=BROWSER)


def test_details_survive_death_at_any_statement(visitor: Visitor) -> None:
    visitor.proves(COMPANY)
    outcomes = []
    with mortal() as killed:
        for at in DEATHS:
            killed(at=at, act="give_details", journey_id=visitor.journey_id)
            state = visitor.registration.state
            outcomes.append(str(state))
            made = 1 if state == RegistrationState.ACCEPTED else 0
            assert set(counts().values()) == {made}
            assert ("accepted" in steps(visitor.journey_id)) == bool(made)

    assert outcomes[0] == RegistrationState.VERIFIED
    assert outcomes[-1] == RegistrationState.ACCEPTED
    assert visitor.tells().state == RegistrationState.ACCEPTED
    assert set(counts().values()) == {1}


def test_code_is_spent_only_with_the_proof(visitor: Visitor) -> None:
    visitor.begins()
    visitor.gives(COMPANY)
    code = code_for(COMPANY)
    with mortal() as killed:
        for at in DEATHS:
            killed(at=at, act="enter_code", journey_id=visitor.journey_id, code=code)
            proven = visitor.registration.state == RegistrationState.VERIFIED
            assert ("code_verified" in steps(visitor.journey_id)) == proven

    # Nobody was left with a spent code and no proof.
    assert visitor.enters(code).state == RegistrationState.VERIFIED
