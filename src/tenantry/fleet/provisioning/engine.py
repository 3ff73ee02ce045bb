"""Taking a run as far as it goes now.

A step that has something on its way is looked at often for 20 s, under the same lease; longer waits
are stored, and a message comes when they are over.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import DatabaseError

from tenantry.core import db
from tenantry.core.errors import DomainError
from tenantry.core.logs import get_logger
from tenantry.fleet.provisioning import drivers, turns
from tenantry.fleet.provisioning.drivers.compute import ComputeDriver, DriverError
from tenantry.fleet.provisioning.failures import Failure
from tenantry.fleet.provisioning.models import Step
from tenantry.fleet.provisioning.policy import limits
from tenantry.fleet.provisioning.retry import Again, GiveUp, next_try
from tenantry.fleet.provisioning.steps.work import Done, GoBack, NotYet, Order, Outcome
from tenantry.fleet.provisioning.turns import Claim, LeaseLost, Rest

Clock = Callable[[], datetime]
RENEW_EVERY = 5.0
# Longer than any one call of a driver should take; then the step is tried again.
_LONGEST_CALL = 120.0
_STAY = timedelta(seconds=20)
_LONGEST_PAUSE = timedelta(seconds=2)
_log = get_logger(__name__)


async def advance(*, run_id: UUID, tenant_id: UUID, now: Clock) -> None:
    """Work on a run until it ends, waits for longer, or is somebody else's."""
    driver = drivers.current()
    while True:
        given = await db.in_thread(turns.claim, run_id=run_id, tenant_id=tenant_id, now=now())
        if isinstance(given, Rest):
            return
        try:
            order, outcome, tries = await _work(given, driver, now)
            await db.in_thread(conclude, given, order, outcome, tries=tries, now=now())
        except LeaseLost:
            _log.warning("step_lost", run_id=str(run_id), step=given.step.name)
            return


def take_turn(
    *, run_id: UUID, tenant_id: UUID, driver: ComputeDriver, now: datetime
) -> Rest | None:
    """Do one step once, at this moment; None when there may be more to do at once."""
    given = turns.claim(run_id=run_id, tenant_id=tenant_id, now=now)
    if isinstance(given, Rest):
        return given
    order = _order(given, driver, now)
    with suppress(LeaseLost):
        conclude(given, order, _attempt(given, order), tries=1, now=now)
    return None


async def _work(given: Claim, driver: ComputeDriver, now: Clock) -> tuple[Order, Outcome, int]:
    began, tries = now(), 0
    async with _kept(given, now):
        while True:
            order = _order(given, driver, now())
            outcome = await _attempt_in_time(given, order)
            tries += 1
            if not isinstance(outcome, NotYet):
                return order, outcome, tries
            after = await db.in_thread(_follow, given.step, outcome, tries=tries, now=now())
            closely = isinstance(after, Again) and after.after <= _LONGEST_PAUSE
            if isinstance(after, GiveUp) or not closely or now() - began >= _STAY:
                return order, outcome, tries
            if await db.in_thread(turns.renew, given, now=now()):
                return order, outcome, tries
            await asyncio.sleep(after.after.total_seconds())


async def _attempt_in_time(given: Claim, order: Order) -> Outcome:
    try:
        async with asyncio.timeout(_LONGEST_CALL):
            return await db.in_thread(_attempt, given, order)
    except TimeoutError:
        return NotYet(code=Failure.DRIVER_TIMEOUT, detail=f"more than {_LONGEST_CALL:g} s")


@asynccontextmanager
async def _kept(given: Claim, now: Clock) -> AsyncIterator[None]:
    """Renew the lease while the block runs; whoever has lost it notices when he concludes."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await db.in_thread(turns.renew, given, now=now())
            except LeaseLost:
                return
            except DatabaseError as error:
                _log.warning("lease_not_renewed", reason=str(error).strip())

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing


def _order(given: Claim, driver: ComputeDriver, now: datetime) -> Order:
    return Order(
        run=given.run,
        name=given.step.name,
        intent=given.step.intent,
        result=given.step.result,
        later=given.later,
        driver=driver,
        now=now,
        intend=partial(_intend, given),
        say=partial(_say, given, now),
    )


def _intend(given: Claim, facts: dict[str, object]) -> None:
    turns.intend(given, facts)
    given.step.intent = dict(facts)


def _say(given: Claim, now: datetime, text: str) -> None:
    turns.say(given, text, now=now)


def _attempt(given: Claim, order: Order) -> Outcome:
    """Do what the step is for, or undo it; whatever goes wrong is an outcome."""
    work = given.work
    try:
        return (work.undo if given.undoing else work.perform)(order)
    except LeaseLost:
        raise
    except DriverError as error:
        return NotYet(code=error.code, detail=error.detail, retryable=error.retryable)
    except DomainError as error:
        return NotYet(code=Failure.UNEXPECTED, detail=str(error))
    except Exception as error:  # noqa: BLE001  # a bug is shown, and tried again once mended
        _log.exception("step_broke", step=order.name, run_id=str(order.run.id))
        return NotYet(code=Failure.UNEXPECTED, detail=type(error).__name__)


def conclude(given: Claim, order: Order, outcome: Outcome, *, tries: int, now: datetime) -> None:
    """Store what came of a step, and what follows; raises `LeaseLost`."""
    if isinstance(outcome, Done):
        try:
            _complete(given, order, outcome, now)
        except LeaseLost:
            raise
        except GoBack as back:
            turns.go_back(given, to=back.to, now=now)
            return
        except Exception as error:  # noqa: BLE001  # nothing was stored; the step is done again
            _log.exception("step_not_settled", step=order.name, run_id=str(order.run.id))
            outcome = NotYet(code=Failure.UNEXPECTED, detail=type(error).__name__)
        else:
            return
    after = _follow(given.step, outcome, tries=tries, now=now)
    if isinstance(after, GiveUp):
        turns.fail(given, code=outcome.code, detail=outcome.detail, now=now)
        return
    turns.wait(
        given,
        code=outcome.code,
        detail=outcome.detail,
        until=now + after.after,
        tries=tries,
        now=now,
    )


def _complete(given: Claim, order: Order, outcome: Done, now: datetime) -> None:
    if given.undoing:
        turns.undone(given, now=now)
    else:
        turns.succeed(given, order, outcome.result, now=now)


def _follow(step: Step, outcome: NotYet, *, tries: int, now: datetime) -> Again | GiveUp:
    return next_try(
        code=outcome.code,
        retryable=outcome.retryable,
        tries=step.attempts + tries - 1,
        since=step.since or now,
        now=now,
        limits=limits(),
        jitter=random.random(),  # noqa: S311  # spreads load, hides nothing
    )
