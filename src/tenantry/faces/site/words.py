"""The platform's doings in the words of somebody who waits for them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.fleet.provisioning.failures import Failure, Rule, trouble
from tenantry.fleet.provisioning.states import ConditionType

_EXACT_BELOW = 10


@dataclass(frozen=True, kw_only=True)
class StepWords:
    """A step of setting up: its name, and what is being done while it runs."""

    title: Text
    doing: Text


_STEPS: Mapping[str, StepWords] = MappingProxyType(
    {
        "place": StepWords(
            title=_("Room on a server"),
            doing=_("We look for a server with room in your region."),
        ),
        "database": StepWords(
            title=_("A database of your own"),
            doing=_("We copy a fresh one that nobody else uses."),
        ),
        "instance": StepWords(
            title=_("Your ERP"),
            doing=_("We start it with passwords of its own."),
        ),
        "domain": StepWords(
            title=_("Your address"),
            doing=_("We reserve a host name for you."),
        ),
        "route": StepWords(
            title=_("The way in"),
            doing=_("We let the address lead to your ERP."),
        ),
        "readiness": StepWords(
            title=_("Trial run"),
            doing=_("We try everything before we say that it is ready."),
        ),
        "activate": StepWords(
            title=_("Handing over"),
            doing=_("We unlock it and write you the mail."),
        ),
    }
)
_CHECKS: Mapping[str, Text] = MappingProxyType(
    {
        ConditionType.ALIVE: _("It runs"),
        ConditionType.CANONICAL_HOST: _("It answers as yours"),
        ConditionType.LOG_IN: _("It lets its people in"),
        ConditionType.ROUTE: _("Its address works from outside"),
        ConditionType.MAIL: _("Mail can be sent"),
    }
)


def step(name: str) -> StepWords:
    """Return the words of a step; one without words goes by its own name."""
    return _STEPS.get(name) or StepWords(title=name.replace("_", " "), doing="")


def check(condition: str) -> Text:
    """Return what a condition proves."""
    return _CHECKS.get(condition, condition)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A region: what it is called, and for whom it is near."""

    name: Text
    near: Text = ""


_REGIONS: Mapping[str, Place] = MappingProxyType(
    {
        "kr": Place(name=_("South Korea"), near=_("Seoul")),
        "sg": Place(name=_("Singapore"), near=_("Southeast Asia")),
        "jp": Place(name=_("Japan"), near=_("Tokyo")),
        "eu": Place(name=_("Europe"), near=_("Frankfurt")),
        "us": Place(name=_("United States"), near=_("Virginia")),
    }
)
_ZONES: Mapping[str, str] = MappingProxyType(
    {
        "kr": "Asia/Seoul",
        "sg": "Asia/Singapore",
        "jp": "Asia/Tokyo",
        "eu": "Europe/Berlin",
        "us": "America/New_York",
    }
)


def region(code: str) -> Place:
    """Return a region in words; one without words goes by its code."""
    return _REGIONS.get(code) or Place(name=code.upper())


def likely_region(*, wanted: str, language: str, regions: list[str]) -> str:
    """Return the region that is probably meant, of those that are open."""
    likely = (wanted, "kr" if language == "ko" else "", *regions)
    return next((name for name in likely if name in regions), "")


def likely_zone(*, region: str, language: str) -> str:
    """Return the time zone that is probably the visitor's, until his browser says better."""
    return "Asia/Seoul" if language == "ko" else _ZONES.get(region, "UTC")


@dataclass(frozen=True, kw_only=True)
class Hitch:
    """Why it does not go on at the moment, and what helps."""

    cause: Text
    remedy: Text


_GOES_ON = _("It goes on by itself. You need not wait here: the mail will come.")
_HITCHES: Mapping[str, Hitch] = MappingProxyType(
    {
        Failure.NO_CAPACITY: Hitch(
            cause=_("The servers of this region are full at the moment."),
            remedy=_("It goes on by itself when there is room. The mail will come."),
        ),
        Failure.HOST_NOT_VISIBLE: Hitch(
            cause=_("The servers of this region do not answer at the moment."),
            remedy=_GOES_ON,
        ),
        Failure.TEMPLATE_MISSING: Hitch(
            cause=_("The server is still being prepared for its first company."),
            remedy=_("That takes about a minute, once. It goes on by itself."),
        ),
    }
)
_TRYING = Hitch(cause=_("This takes longer than usual; we keep trying."), remedy=_GOES_ON)
_STOPPED = Hitch(
    cause=_("We could not finish setting up your ERP."),
    remedy=_(
        "We have been told and try again; your registration is kept. If nothing has come by"
        " tomorrow, write to us and quote the reference."
    ),
)


def hitch(code: str) -> Hitch | None:
    """Return why a step waits; None while that is quite usual."""
    if known := _HITCHES.get(code):
        return known
    return None if not code or trouble(code).rule == Rule.POLL else _TRYING


def stopped(code: str) -> Hitch:
    """Return why a run has ended without success."""
    known = _HITCHES.get(code)
    return Hitch(cause=known.cause, remedy=_STOPPED.remedy) if known else _STOPPED


def seconds(length: float) -> str:
    """Return a short length of time, rounded up: `0.4 s`, `12 s`, `2 min`."""
    if length < _EXACT_BELOW:
        tenths = max(1, ceil(length * 10)) / 10
        return gettext("%(seconds)s s") % {"seconds": number_format(tenths, 1)}
    if length < 2 * 60:
        count = round(length)
        return ngettext("%(count)d s", "%(count)d s", count) % {"count": count}
    minutes = round(length / 60)
    return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
