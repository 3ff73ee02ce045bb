"""Why a step did not get on: a closed registry with its rule of retrying, message and remedy.

Drivers raise these codes, gates of readiness carry them, runs and steps keep them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text


class Failure(StrEnum):
    """Every code a run, a step or a condition may carry."""

    NO_CAPACITY = "NO_CAPACITY"
    HOST_NOT_VISIBLE = "HOST_NOT_VISIBLE"
    REGION_UNKNOWN = "REGION_UNKNOWN"
    TEMPLATE_MISSING = "TEMPLATE_MISSING"
    TEMPLATE_LOCKED = "TEMPLATE_LOCKED"
    DATABASE_UNREACHABLE = "DATABASE_UNREACHABLE"
    DISK_FULL = "DISK_FULL"
    PORT_TAKEN = "PORT_TAKEN"
    HOST_UNREACHABLE = "HOST_UNREACHABLE"
    INSTANCE_STARTING = "INSTANCE_STARTING"
    INSTANCE_DEAD = "INSTANCE_DEAD"
    INSTANCE_GONE = "INSTANCE_GONE"
    INSTANCE_STOPPING = "INSTANCE_STOPPING"
    HOST_NAME_TAKEN = "HOST_NAME_TAKEN"
    HOST_NOT_ANSWERING = "HOST_NOT_ANSWERING"
    WRONG_IDENTITY = "WRONG_IDENTITY"
    LOG_IN_REFUSED = "LOG_IN_REFUSED"
    ROUTE_NOT_SERVING = "ROUTE_NOT_SERVING"
    MAIL_REFUSED = "MAIL_REFUSED"
    NOT_PROVEN = "NOT_PROVEN"
    DRIVER_TIMEOUT = "DRIVER_TIMEOUT"
    DRIVER_FAILED = "DRIVER_FAILED"
    UNEXPECTED = "UNEXPECTED"


class Rule(StrEnum):
    """How often it is tried again, and for how long."""

    # Something is on its way: looked at often, until readiness should have come.
    POLL = "poll"
    # Something got in the way: tried again with growing pauses.
    TRANSIENT = "transient"
    # Something must become free or be mended: tried again patiently.
    CAPACITY = "capacity"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One code: what it says to whoever waits, what helps, and how it is retried."""

    code: Failure
    rule: Rule
    message: Text
    remedy: Text


_ALL = (
    Trouble(
        code=Failure.NO_CAPACITY,
        rule=Rule.CAPACITY,
        message=_("No host of this region has room at the moment."),
        remedy=_("It goes on by itself as soon as there is room: open or add a host."),
    ),
    Trouble(
        code=Failure.HOST_NOT_VISIBLE,
        rule=Rule.CAPACITY,
        message=_("The hosts of this region have not been heard of lately."),
        remedy=_("Start the host process of this region; it then goes on by itself."),
    ),
    Trouble(
        code=Failure.REGION_UNKNOWN,
        rule=Rule.NEVER,
        message=_("There is no host in this region."),
        remedy=_("Register a host of this region, then try the run again."),
    ),
    Trouble(
        code=Failure.TEMPLATE_MISSING,
        rule=Rule.CAPACITY,
        message=_("The application is still being prepared on this host."),
        remedy=_("It goes on by itself; the first time takes about a minute."),
    ),
    Trouble(
        code=Failure.TEMPLATE_LOCKED,
        rule=Rule.TRANSIENT,
        message=_("The template database is in use and cannot be copied now."),
        remedy=_("It is tried again by itself. If it stays, end the session that uses it."),
    ),
    Trouble(
        code=Failure.DATABASE_UNREACHABLE,
        rule=Rule.TRANSIENT,
        message=_("The database server of the instances does not answer."),
        remedy=_("It is tried again by itself. If it stays, look at the server."),
    ),
    Trouble(
        code=Failure.DISK_FULL,
        rule=Rule.CAPACITY,
        message=_("The disk is full."),
        remedy=_("Make room on the host; it then goes on by itself."),
    ),
    Trouble(
        code=Failure.PORT_TAKEN,
        rule=Rule.TRANSIENT,
        message=_("The port meant for the instance is taken by another program."),
        remedy=_("Another port is tried by itself."),
    ),
    Trouble(
        code=Failure.HOST_UNREACHABLE,
        rule=Rule.TRANSIENT,
        message=_("The host of the instance does not answer."),
        remedy=_("It is tried again by itself. If it stays, start the host process."),
    ),
    Trouble(
        code=Failure.INSTANCE_STARTING,
        rule=Rule.POLL,
        message=_("The instance is still starting."),
        remedy=_("Wait. If it never starts, read its log and try the run again."),
    ),
    Trouble(
        code=Failure.INSTANCE_DEAD,
        rule=Rule.POLL,
        message=_("The instance's process has ended."),
        remedy=_("It is started again by itself. If it keeps ending, read its log."),
    ),
    Trouble(
        code=Failure.INSTANCE_GONE,
        rule=Rule.POLL,
        message=_("The instance is not on its host."),
        remedy=_("Try the run again from the step that makes the instance."),
    ),
    Trouble(
        code=Failure.INSTANCE_STOPPING,
        rule=Rule.POLL,
        message=_("The instance is still being stopped."),
        remedy=_("Wait. If it never stops, look at the host process."),
    ),
    Trouble(
        code=Failure.HOST_NAME_TAKEN,
        rule=Rule.NEVER,
        message=_("The host name belongs to somebody else."),
        remedy=_("Release the name where it is used, then try the run again."),
    ),
    Trouble(
        code=Failure.HOST_NOT_ANSWERING,
        rule=Rule.POLL,
        message=_("The instance does not answer on its host name yet."),
        remedy=_("Wait. If it never answers, read the instance's log."),
    ),
    Trouble(
        code=Failure.WRONG_IDENTITY,
        rule=Rule.POLL,
        message=_("Somebody else's instance answers on this host name."),
        remedy=_("Check port and database of this instance, then try the run again."),
    ),
    Trouble(
        code=Failure.LOG_IN_REFUSED,
        rule=Rule.POLL,
        message=_("The instance does not let its administrator in."),
        remedy=_("Try the run again from the instance step; that sets the password anew."),
    ),
    Trouble(
        code=Failure.ROUTE_NOT_SERVING,
        rule=Rule.POLL,
        message=_("The gateway does not serve this host name."),
        remedy=_("Look whether the gateway process runs; it then goes on by itself."),
    ),
    Trouble(
        code=Failure.MAIL_REFUSED,
        rule=Rule.POLL,
        message=_("The mail server does not take our mail."),
        remedy=_("Check the mail settings; the company is told only once mail can leave."),
    ),
    Trouble(
        code=Failure.NOT_PROVEN,
        rule=Rule.POLL,
        message=_("Readiness has not been proven."),
        remedy=_("Wait: it is looked at again."),
    ),
    Trouble(
        code=Failure.DRIVER_TIMEOUT,
        rule=Rule.TRANSIENT,
        message=_("The host took too long."),
        remedy=_("It is tried again by itself. If it stays, look at the host process."),
    ),
    Trouble(
        code=Failure.DRIVER_FAILED,
        rule=Rule.NEVER,
        message=_("The host refused."),
        remedy=_("Read the run's log, mend what it names, and try the run again."),
    ),
    Trouble(
        code=Failure.UNEXPECTED,
        rule=Rule.TRANSIENT,
        message=_("Something happened that we do not know yet."),
        remedy=_("It is tried again by itself. If it stays, read the run's log."),
    ),
)
TROUBLES: Mapping[Failure, Trouble] = MappingProxyType({one.code: one for one in _ALL})


def trouble(code: str) -> Trouble:
    """Return the entry of a code; one that is not known counts as DRIVER_FAILED."""
    known = code in Failure.__members__
    return TROUBLES[Failure(code)] if known else TROUBLES[Failure.DRIVER_FAILED]
