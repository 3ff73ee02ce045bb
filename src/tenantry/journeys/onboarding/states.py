"""The life of a registration, and the words of a verdict."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import check_moves


class RegistrationState(TextChoices):
    """Where a request to become a tenant is; see `capabilities` for what each state allows."""

    STARTED = "started", _("started")
    REFUSED = "refused", _("address refused")
    CODE_SENT = "code_sent", _("code sent")
    VERIFIED = "verified", _("address proven")
    AWAITING_APPROVAL = "awaiting_approval", _("waits for approval")
    ACCEPTED = "accepted", _("being set up")
    READY = "ready", _("ready")
    FAILED = "failed", _("set-up failed")
    REJECTED = "rejected", _("rejected")
    EXPIRED = "expired", _("expired")
    ABANDONED = "abandoned", _("continued in another registration")


# What waits for the visitor ends some day; what waits for us never ends by itself.
ENDED = frozenset({RegistrationState.EXPIRED, RegistrationState.ABANDONED})
REGISTRATION_MOVES = check_moves(
    RegistrationState,
    {
        RegistrationState.STARTED: ENDED | {RegistrationState.CODE_SENT, RegistrationState.REFUSED},
        # Another address may be better.
        RegistrationState.REFUSED: ENDED | {RegistrationState.CODE_SENT},
        RegistrationState.CODE_SENT: ENDED
        | {RegistrationState.VERIFIED, RegistrationState.REFUSED},
        RegistrationState.VERIFIED: ENDED
        | {RegistrationState.AWAITING_APPROVAL, RegistrationState.ACCEPTED},
        RegistrationState.AWAITING_APPROVAL: frozenset(
            {RegistrationState.ACCEPTED, RegistrationState.REJECTED}
        ),
        RegistrationState.ACCEPTED: frozenset({RegistrationState.READY, RegistrationState.FAILED}),
        RegistrationState.READY: frozenset(),
        # An operator had the run tried again.
        RegistrationState.FAILED: frozenset({RegistrationState.ACCEPTED, RegistrationState.READY}),
        RegistrationState.REJECTED: frozenset(),
        RegistrationState.EXPIRED: frozenset(),
        RegistrationState.ABANDONED: frozenset(),
    },
)
# Of these an address has at most one; whoever proves the address again goes on with it.
RUNNING = frozenset(
    {
        RegistrationState.VERIFIED,
        RegistrationState.AWAITING_APPROVAL,
        RegistrationState.ACCEPTED,
        RegistrationState.READY,
        RegistrationState.FAILED,
    }
)
# These wait for the visitor, and so expire.
UNFINISHED = frozenset(
    {
        RegistrationState.STARTED,
        RegistrationState.REFUSED,
        RegistrationState.CODE_SENT,
        RegistrationState.VERIFIED,
    }
)


class VerdictKind(TextChoices):
    """What an address is to a trial."""

    COMPANY = "company", _("company address")
    FREE = "free", _("free mail provider")
    UNKNOWN = "unknown", _("could not be found out")
    DISPOSABLE = "disposable", _("throw-away address")
    UNDELIVERABLE = "undeliverable", _("receives no mail")
    DENIED = "denied", _("denied by an operator")


class Outcome(TextChoices):
    """What becomes of a registration with such an address."""

    ACCEPT = "accept", _("accept")
    APPROVAL = "approval", _("ask an operator")
    REFUSE = "refuse", _("refuse")


class DictionaryRule(TextChoices):
    """What an operator says about a domain; it stands above every list."""

    ALLOW = "allow", _("treat as a company")
    FREE = "free", _("treat as free mail")
    DENY = "deny", _("refuse")
