"""Every policy there is: its kind, bounds and default, and what it says to an operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.governance.policies.errors import PolicyInvalid, PolicyUnknown

Value = int | str | bool


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One policy. Its kind is that of the default: a number, a choice, or yes and no."""

    key: str
    label: Text
    help: Text
    default: Value
    least: int = 0
    most: int = 0
    choices: Mapping[str, Text] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Return `flag`, `number` or `choice`."""
        if isinstance(self.default, bool):
            return "flag"
        return "number" if isinstance(self.default, int) else "choice"

    @property
    def allowed(self) -> Text:
        """Return what may be set, in words."""
        if self.kind == "number":
            return format_lazy("{}-{}", self.least, self.most)
        return ", ".join(self.choices) if self.kind == "choice" else _("yes or no")

    def accept(self, value: object) -> Value:
        """Return the value if this policy may have it; raises `PolicyInvalid`."""
        fits = {
            "flag": isinstance(value, bool),
            "number": isinstance(value, int)
            and not isinstance(value, bool)
            and self.least <= value <= self.most,
            "choice": isinstance(value, str) and value in self.choices,
        }
        if not isinstance(value, int | str) or not fits[self.kind]:
            raise PolicyInvalid(value=value, label=self.label, allowed=self.allowed)
        return value

    def parse(self, text: str) -> Value:
        """Read what a form or a command line carried; raises `PolicyInvalid`."""
        cleaned = text.strip()
        if self.kind == "number" and cleaned.isdecimal():
            return self.accept(int(cleaned))
        if self.kind == "flag":
            return self.accept({"true": True, "false": False}.get(cleaned.lower(), cleaned))
        return self.accept(cleaned)


_RULES = (
    Rule(
        key="schedules.review",
        label=_("Which schedules wait for a review"),
        help=_("A schedule that waits for a review posts nothing until an operator approves it."),
        default="first_and_changed",
        choices={
            "first_and_changed": _("a customer's first, and every one whose post changed"),
            "all": _("every new or changed one"),
            "none": _("none"),
        },
    ),
    Rule(
        key="schedules.daily_limit",
        label=_("Posts of one schedule per day"),
        help=_("The highest daily limit a customer may give a schedule, in the schedule's zone."),
        default=10,
        least=1,
        most=100,
    ),
    Rule(
        key="connections.daily_limit",
        label=_("Posts of one account per day"),
        help=_("All schedules of one connected account together; sites block what posts more."),
        default=20,
        least=1,
        most=500,
    ),
    Rule(
        key="schedules.catch_up_minutes",
        label=_("Minutes a late slot may be caught up"),
        help=_("A slot found later than this, after an outage, is skipped and says so."),
        default=15,
        least=0,
        most=1440,
    ),
    Rule(
        key="schedules.debug_after",
        label=_("Failures in a row before jobs run in debug mode"),
        help=_("A debug job runs in a visible browser and keeps a full trace."),
        default=3,
        least=1,
        most=50,
    ),
    Rule(
        key="schedules.suspend_after",
        label=_("Failures in a row before a schedule is suspended"),
        help=_("The customer is told the cause and the remedy."),
        default=5,
        least=1,
        most=50,
    ),
    Rule(
        key="sessions.accept_expiring",
        label=_("Post with a session that expires soon"),
        help=_("With no, an expiring session blocks slots until the customer signs in again."),
        default=True,
    ),
    Rule(
        key="automation.network_retries",
        label=_("Retries after a network error"),
        help=_("Only before the post was submitted; afterwards its outcome is looked up."),
        default=3,
        least=0,
        most=10,
    ),
    Rule(
        key="automation.rate_limit_wait_minutes",
        label=_("Minutes to wait when a site says it is too much"),
        help=_("Used when the site does not say how long itself."),
        default=10,
        least=1,
        most=1440,
    ),
    Rule(
        key="codes.per_address_hour",
        label=_("Sign-in codes per address and hour"),
        help=_("Known and unknown addresses alike."),
        default=5,
        least=1,
        most=100,
    ),
    Rule(
        key="codes.per_browser_hour",
        label=_("Sign-in codes per browser and hour"),
        help=_("Counts every address that was asked for in one browser."),
        default=10,
        least=1,
        most=1000,
    ),
    Rule(
        key="codes.per_network_hour",
        label=_("Sign-in codes per network and hour"),
        help=_("A network is a /24 of IPv4 or a /48 of IPv6; an office may share one."),
        default=30,
        least=1,
        most=10_000,
    ),
    Rule(
        key="codes.attempts_per_code",
        label=_("Tries per sign-in code"),
        help=_("After that many the code is dead and a new one must be asked for."),
        default=5,
        least=1,
        most=10,
    ),
    Rule(
        key="codes.attempts_per_address_day",
        label=_("Wrong sign-in codes per address and day"),
        help=_("Keeps the chance to guess a code below one in a billion a day."),
        default=20,
        least=1,
        most=100,
    ),
    Rule(
        key="provisioning.ready_minutes",
        label=_("Minutes until an instance must be ready"),
        help=_("An instance that has not started or not proven itself by then has failed."),
        default=5,
        least=1,
        most=120,
    ),
    Rule(
        key="provisioning.retry_minutes",
        label=_("Minutes a step is tried again after an error"),
        help=_("Only after errors that may pass, with growing pauses; then the run has failed."),
        default=15,
        least=1,
        most=1440,
    ),
    Rule(
        key="provisioning.capacity_minutes",
        label=_("Minutes a company waits for room on a host"),
        help=_("Nobody has to do anything while it waits; then its run has failed."),
        default=30,
        least=1,
        most=1440,
    ),
    Rule(
        key="hosts.hold_minutes",
        label=_("Minutes room on a host is held"),
        help=_("A company that is not set up by then gives its room back and is placed anew."),
        default=15,
        least=1,
        most=240,
    ),
    Rule(
        key="onboarding.free_mail",
        label=_("Trials with an address of a free mail provider"),
        help=_("A company rarely writes from one, but a small one may."),
        default="approval",
        choices={
            "approval": _("wait for an operator"),
            "accept": _("are let in"),
            "refuse": _("are refused"),
        },
    ),
    Rule(
        key="onboarding.unknown_domain",
        label=_("Trials with an address that could not be judged"),
        help=_("Name servers were silent, or a list could not be read; nobody is at fault."),
        default="approval",
        choices={
            "approval": _("wait for an operator"),
            "accept": _("are let in"),
            "refuse": _("are refused"),
        },
    ),
    Rule(
        key="onboarding.expiry_hours",
        label=_("Hours until an unfinished registration ends"),
        help=_("Counted from the last step of the visitor; what waits for an operator stays."),
        default=24,
        least=1,
        most=720,
    ),
    Rule(
        key="onboarding.enter_hours",
        label=_("Hours in which the registration's browser is signed in without a code"),
        help=_("Counted from the proof of the address; afterwards a code comes by mail."),
        default=24,
        least=0,
        most=168,
    ),
    Rule(
        key="onboarding.per_network_hour",
        label=_("Addresses given for trials per network and hour"),
        help=_("A network is a /24 of IPv4 or a /48 of IPv6; an office may share one."),
        default=20,
        least=1,
        most=10_000,
    ),
    Rule(
        key="onboarding.per_domain_day",
        label=_("Companies let in per mail domain and day"),
        help=_(
            "Whoever owns a domain has any number of addresses; further ones ask an operator,"
            " unless the dictionary allows the domain."
        ),
        default=5,
        least=1,
        most=10_000,
    ),
    Rule(
        key="onboarding.visits_per_network_hour",
        label=_("First visits of the trial page per network and hour"),
        help=_("Above it the page is shown and nothing is stored; no trial can begin from there."),
        default=200,
        least=1,
        most=100_000,
    ),
)
RULES: Mapping[str, Rule] = MappingProxyType({rule.key: rule for rule in _RULES})


def rule_of(key: str) -> Rule:
    """Return the policy's rule; raises `PolicyUnknown`."""
    try:
        return RULES[key]
    except KeyError:
        raise PolicyUnknown(key=key) from None
