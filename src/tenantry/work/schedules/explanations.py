"""What each code of a decision says to a person: the cause, and what would open the gate."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.core.gates import Explanation, Verdict
from tenantry.work.automation.errorcodes import lookup
from tenantry.work.automation.states import JobState

GATE_NAMES: Mapping[str, Text] = {
    "enabled": _("Turned on"),
    "admin": _("Approved"),
    "session": _("Account signed in"),
    "limit": _("Daily limit"),
}

_NOTHING = _("Nothing to do.")
SUSPENDED_REMEDY = _("Mend the cause, then ask for a new review on the schedule's page.")
BANNED_REMEDY = _("If you do not agree, ask the operators for an appeal.")
_SIGN_IN_AGAIN = _("Open the connection and sign in to the account again.")

EXPLANATIONS: Mapping[str, Explanation] = {
    "USER_ENABLED": Explanation(message=_("The schedule is turned on."), remedy=_NOTHING),
    "USER_DISABLED": Explanation(
        message=_("The schedule is turned off."), remedy=_("Turn the schedule on.")
    ),
    "ADMIN_APPROVED": Explanation(message=_("An operator's approval is there."), remedy=_NOTHING),
    "ADMIN_NEEDS_REVIEW": Explanation(
        message=_("The schedule awaits an operator's approval."),
        remedy=_("Wait for the review. It opens as soon as an operator approves the schedule."),
    ),
    "ADMIN_SUSPENDED": Explanation(
        message=_("The schedule is suspended."), remedy=SUSPENDED_REMEDY
    ),
    "ADMIN_BANNED": Explanation(message=_("The schedule is banned."), remedy=BANNED_REMEDY),
    "ADMIN_STALE": Explanation(
        message=_("What would be posted is not what was approved."),
        remedy=_("Wait until an operator approves the changed content, or change it back."),
    ),
    "SESSION_HEALTHY": Explanation(message=_("The account is signed in."), remedy=_NOTHING),
    "SESSION_EXPIRING": Explanation(
        message=_("The account's sign-in expires soon."), remedy=_SIGN_IN_AGAIN
    ),
    "SESSION_PENDING": Explanation(
        message=_("The account is being signed in."),
        remedy=_("Wait a moment. If it does not end, sign in to the account again."),
    ),
    "SESSION_EXPIRED": Explanation(
        message=_("The account's sign-in has expired."), remedy=_SIGN_IN_AGAIN
    ),
    "SESSION_CHALLENGE": Explanation(
        message=_("The site wants to see a person: a picture puzzle or a second factor."),
        remedy=_("Sign in on the site yourself and answer it, then connect the account again."),
    ),
    "SESSION_ERROR": Explanation(
        message=_("The account could not be signed in."), remedy=_SIGN_IN_AGAIN
    ),
    "SESSION_REMOVED": Explanation(
        message=_("The account was disconnected."),
        remedy=_("Connect it again, or choose another account for the schedule."),
    ),
    "WITHIN_LIMIT": Explanation(
        message=_(
            "Of the day's posts, %(used)s of %(limit)s are used, and %(account_used)s of "
            "%(account_limit)s of the account."
        ),
        remedy=_NOTHING,
    ),
    "DAILY_LIMIT": Explanation(
        message=_(
            "The day's posts are used up: %(used)s of %(limit)s of this schedule, "
            "%(account_used)s of %(account_limit)s of the account."
        ),
        remedy=_("Wait for the next day in the schedule's time zone, or raise the daily limit."),
    ),
    "SLOT_MISSED": Explanation(
        message=_("The slot was found too late to be made up for."),
        remedy=_("Nothing to do: the next slot runs as planned. Use “Run now” to post today."),
    ),
    "ALL_OPEN": Explanation(message=_("Every condition was met."), remedy=_NOTHING),
}

# What a slot's job says once its gates were open; a failed one has the words of its error code.
JOB_TEXTS: Mapping[str, Explanation] = {
    JobState.QUEUED: Explanation(
        message=_("The post waits for its turn on the account."), remedy=_NOTHING
    ),
    JobState.HELD: Explanation(
        message=_("The post is held by an operator."), remedy=_("Wait until it is released.")
    ),
    JobState.RUNNING: Explanation(message=_("The post is being made."), remedy=_NOTHING),
    JobState.SUBMITTING: Explanation(message=_("The post is being sent."), remedy=_NOTHING),
    JobState.UNKNOWN: Explanation(
        message=_("The post was sent; whether it appeared is being looked up."), remedy=_NOTHING
    ),
    JobState.SUCCESS: Explanation(
        message=_("The post appeared and was read back."), remedy=_NOTHING
    ),
    JobState.CANCELLED: Explanation(
        message=_("The post was stopped before it was sent."),
        remedy=_("Nothing was posted. The schedule's page says whether it is on and approved."),
    ),
}


# What the platform writes where an operator would write a sentence: kept as facts, because the
# reader's language is not known yet.
_FAILURES = "failures:"


def failures_reason(*, count: int, error_code: str) -> str:
    """Return the stored reason of a suspension after failures in a row."""
    return f"{_FAILURES}{count}:{error_code}"


def failures_cause(*, count: int, error_code: str) -> Promise:
    """Return that reason in the language of whoever reads it."""
    return format_lazy(
        _("{count} posts in a row failed. The last one: {cause}"),
        count=count,
        cause=lookup(error_code).cause,
    )


def stop_reason(stored: str) -> str:
    """Return a stored reason in the active language; an operator's own words are left alone."""
    kind, _sep, facts = stored.partition(":")
    count, _sep, error_code = facts.partition(":")
    if f"{kind}:" == _FAILURES and count.isdecimal():
        return str(failures_cause(count=int(count), error_code=error_code))
    return stored


@dataclass(frozen=True, kw_only=True)
class Told:
    """One gate's answer in the active language."""

    gate: str
    name: str
    code: str
    open: bool
    message: str
    remedy: str
    warning: bool


def tell(verdict: Verdict) -> Told:
    """Put a verdict in words."""
    texts = EXPLANATIONS[verdict.code]
    return Told(
        gate=verdict.gate,
        name=str(GATE_NAMES[verdict.gate]),
        code=verdict.code,
        open=verdict.open,
        message=str(texts.message) % verdict.facts,
        remedy=str(texts.remedy),
        warning=bool(verdict.facts.get("warning")),
    )
