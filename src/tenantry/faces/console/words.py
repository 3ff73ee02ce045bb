"""How values look on the operators' pages: states as chips, moments with age, ids as links."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tenantry.core import clock
from tenantry.core.errors import NotFound, Text
from tenantry.customers.notices.states import MailState
from tenantry.customers.tenants.states import TenantState
from tenantry.fleet.domains.states import DomainState
from tenantry.fleet.gateway.states import RouteState
from tenantry.fleet.hosts.states import HostState, LeaseState
from tenantry.fleet.provisioning.states import ConditionStatus, RunState, StepState
from tenantry.journeys.onboarding.states import RegistrationState, VerdictKind
from tenantry.work.automation import kinds
from tenantry.work.automation.states import JobState, SessionState
from tenantry.work.schedules.states import AdminStatus, Outcome

NOTHING = "—"
_SHORT_ID = 8
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

# How each state feels; what is not named here is idle.
TONES: Mapping[str, str] = MappingProxyType(
    {
        AdminStatus.NEEDS_REVIEW: "warn",
        AdminStatus.APPROVED: "ok",
        AdminStatus.SUSPENDED: "bad",
        AdminStatus.BANNED: "bad",
        Outcome.DISPATCHED: "ok",
        Outcome.BLOCKED: "warn",
        SessionState.PENDING: "busy",
        SessionState.HEALTHY: "ok",
        SessionState.EXPIRING: "warn",
        SessionState.EXPIRED: "bad",
        SessionState.CHALLENGE_REQUIRED: "bad",
        SessionState.ERROR: "bad",
        JobState.QUEUED: "idle",
        JobState.RUNNING: "busy",
        JobState.SUBMITTING: "busy",
        JobState.SUCCESS: "ok",
        JobState.FAILED: "bad",
        JobState.UNKNOWN: "warn",
        JobState.HELD: "warn",
        MailState.QUEUED: "idle",
        MailState.SENDING: "busy",
        MailState.SENT: "ok",
        MailState.FAILED: "bad",
        TenantState.PLACED: "busy",
        TenantState.PROVISIONING: "busy",
        TenantState.VERIFYING: "busy",
        TenantState.ACTIVE: "ok",
        TenantState.DEGRADED: "warn",
        TenantState.SUSPENDED: "bad",
        TenantState.FAILED: "bad",
        RunState.RUNNING: "busy",
        RunState.WAITING: "warn",
        RunState.SUCCEEDED: "ok",
        StepState.COMPENSATED: "warn",
        ConditionStatus.TRUE: "ok",
        ConditionStatus.FALSE: "bad",
        ConditionStatus.UNKNOWN: "warn",
        HostState.OPEN: "ok",
        HostState.DRAINING: "warn",
        HostState.LOST: "bad",
        LeaseState.HELD: "busy",
        LeaseState.CONFIRMED: "ok",
        DomainState.BROKEN: "bad",
        RouteState.SERVING: "ok",
        RegistrationState.REFUSED: "warn",
        RegistrationState.CODE_SENT: "busy",
        RegistrationState.VERIFIED: "busy",
        RegistrationState.AWAITING_APPROVAL: "warn",
        RegistrationState.ACCEPTED: "busy",
        RegistrationState.READY: "ok",
        VerdictKind.COMPANY: "ok",
        VerdictKind.FREE: "warn",
        VerdictKind.DISPOSABLE: "bad",
        VerdictKind.UNDELIVERABLE: "bad",
        VerdictKind.DENIED: "bad",
    }
)


def chip(state: str, text: Text) -> SafeString:
    """Return a state in its word and colour."""
    return toned(TONES.get(state, "idle"), text)


def toned(tone: str, text: Text) -> SafeString:
    """Return a word in a tone: ok, warn, bad, busy or idle."""
    return format_html('<span class="chip chip-{}">{}</span>', tone, text)


def age(moment: datetime | None) -> SafeString | str:
    """Return how long ago a moment was, or how far it is, with the moment itself at hand."""
    if moment is None:
        return NOTHING
    seconds = (moment - clock.now()).total_seconds()
    span = span_of(abs(seconds))
    text = gettext("in %(span)s") if seconds > 0 else gettext("%(span)s ago")
    if abs(seconds) < 1:
        text = gettext("now")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact(moment),
        text % {"span": span},
    )


def span_of(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    if seconds < _MINUTE:
        count = int(seconds)
        return ngettext("%(count)d s", "%(count)d s", count) % {"count": count}
    if seconds < _HOUR:
        count = int(seconds // _MINUTE)
        return ngettext("%(count)d min", "%(count)d min", count) % {"count": count}
    if seconds < _DAY:
        count = int(seconds // _HOUR)
        return ngettext("%(count)d h", "%(count)d h", count) % {"count": count}
    count = int(seconds // _DAY)
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}


def tenths_of(seconds: float) -> str:
    """Return a short length of time to the tenth of a second; from a minute on, to the second."""
    if seconds < _MINUTE:
        return gettext("%(seconds)s s") % {"seconds": formats.number_format(seconds, 1)}
    minutes, rest = divmod(int(seconds), _MINUTE)
    return gettext("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}


def exact(moment: datetime | None) -> str:
    """Return a moment to the second, in UTC: operators compare it with logs."""
    if moment is None:
        return NOTHING
    return f"{formats.date_format(moment, 'DATE_FORMAT')} {moment:%H:%M:%S} UTC"


def both(moment: datetime | None) -> SafeString | str:
    """Return a moment to the second, and its age."""
    if moment is None:
        return NOTHING
    return format_html('{} <span class="quiet">({})</span>', exact(moment), age(moment))


def code(text: object) -> SafeString | str:
    """Return something that is copied and compared letter by letter."""
    return format_html("<code>{}</code>", text) if text not in {"", None} else NOTHING


def link(address: str, text: object) -> SafeString:
    """Return a link."""
    return format_html('<a class="link" href="{}">{}</a>', address, text)


def row_link(app: str, model: str, pk: object, text: object) -> SafeString:
    """Return a link to the page of one row."""
    return link(reverse(f"console:{app}_{model}_change", args=[pk]), text)


def actor_link(actor: str, people: Mapping[UUID, str]) -> object:
    """Return who did something: a person by address where it is known, else as it was recorded."""
    found = uuid_of(actor)
    if found is not None and found in people:
        return row_link("accounts", "user", found, people[found])
    kind, _colon, rest = actor.partition(":")
    return rest if kind == "system" else actor


def uuid_of(text: str | None) -> UUID | None:
    """Return the id in `kind:<id>`, or a bare one; None where there is none."""
    try:
        return UUID((text or "").rpartition(":")[2])
    except ValueError:
        return None


def journey(trace_id: str) -> SafeString | str:
    """Return a trace id as the link to everything that carries it."""
    if not trace_id:
        return NOTHING
    address = reverse("console:trace", args=[trace_id])
    return format_html(
        '<a class="link" href="{}"><code>{}…</code></a>', address, trace_id[:_SHORT_ID]
    )


def kind_label(name: str) -> Text:
    """Return how a kind of job reads; its name where its product is gone."""
    try:
        return kinds.get(name).label
    except NotFound:
        return name


def history(kind: str, row_id: object) -> object:
    """Return the link to what the audit log says about one thing."""
    address = f"{reverse('console:audit_auditentry_changelist')}?target={kind}:{row_id}"
    return link(address, _("in the audit log"))
