"""Looking at an instance as its people, gateway and mails will: all the I/O of readiness."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from django.conf import settings

from tenantry.customers.notices import queries as notices
from tenantry.fleet.provisioning.drivers.compute import ComputeDriver, DriverError
from tenantry.fleet.provisioning.readiness import LogIn, Probes
from tenantry.fleet.provisioning.states import ConditionType
from tenantry.sdk.recipe import InstanceRefused, InstanceUnreachable, Recipe

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whose instance is looked at, and where."""

    short_id: str
    label: str
    host: str
    upstream: str
    database: str
    account: str
    password: str = field(repr=False)


def probe(
    *, target: Target, recipe: Recipe, driver: ComputeDriver, asked: Collection[ConditionType]
) -> Probes:
    """Look at what is asked, one after the other; what fails is part of the answer.

    Uses the network: never inside a transaction.
    """
    look = _Look()
    upstream = f"http://{target.upstream}"
    observed = at_host = through_gateway = None
    log_in, mail_works = LogIn.UNREACHABLE, False
    if ConditionType.ALIVE in asked:
        observed = look.at(ConditionType.ALIVE, lambda: _observed(driver, target.label))
    if ConditionType.CANONICAL_HOST in asked and target.upstream:
        at_host = look.at(
            ConditionType.CANONICAL_HOST,
            lambda: recipe.identity_of(url=upstream, host=target.host),
        )
    if ConditionType.LOG_IN in asked and target.upstream:
        outcome = look.at(ConditionType.LOG_IN, lambda: _log_in(recipe, upstream, target))
        log_in = outcome or LogIn.UNREACHABLE
    if ConditionType.ROUTE in asked:
        through_gateway = look.at(
            ConditionType.ROUTE,
            lambda: recipe.identity_of(url=settings.GATEWAY_URL, host=target.host),
        )
    if ConditionType.MAIL in asked:
        mail_works = bool(look.at(ConditionType.MAIL, lambda: _mail(look)))
    return Probes(
        short_id=target.short_id,
        observed=observed,
        at_host=at_host,
        log_in=log_in,
        through_gateway=through_gateway,
        mail_works=mail_works,
        details=look.details,
        milliseconds=look.milliseconds,
    )


@dataclass(kw_only=True)
class _Look:
    """Times each look and keeps what it said when it failed."""

    details: dict[str, str] = field(default_factory=dict)
    milliseconds: dict[str, int] = field(default_factory=dict)

    def at(self, type_: ConditionType, ask: Callable[[], R]) -> R | None:
        began = time.perf_counter()
        try:
            return ask()
        except InstanceUnreachable as error:
            self.details[type_] = error.text()
        except DriverError as error:
            self.details[type_] = str(error)
        finally:
            self.milliseconds[type_] = round((time.perf_counter() - began) * 1000)
        return None


def _observed(driver: ComputeDriver, label: str) -> str | None:
    found = driver.find_instance(label=label)
    return found.observed if found else None


def _log_in(recipe: Recipe, upstream: str, target: Target) -> LogIn:
    try:
        recipe.sign_in(
            url=upstream,
            host=target.host,
            database=target.database,
            account=target.account,
            password=target.password,
        )
    except InstanceRefused:
        return LogIn.REFUSED
    return LogIn.LET_IN


def _mail(look: _Look) -> bool:
    path = notices.mail_path()
    if path.detail:
        look.details[ConditionType.MAIL] = path.detail
    return path.works
