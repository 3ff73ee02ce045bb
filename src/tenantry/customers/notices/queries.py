"""What people were told."""

from dataclasses import dataclass

from django.core.mail import get_connection
from django.db.models import QuerySet

from tenantry.customers.notices.backoff import refusals
from tenantry.customers.notices.models import Captured, Mail, Notice
from tenantry.customers.notices.states import MailState


@dataclass(frozen=True, kw_only=True)
class MailPath:
    """Whether mail can leave, and what the mail server said if not."""

    works: bool
    detail: str = ""


def mail_path() -> MailPath:
    """Connect to the mail server as a mail would, and hang up; uses the network."""
    backend = get_connection()
    try:
        backend.open()
        backend.close()
    except refusals() as error:
        return MailPath(works=False, detail=f"{type(error).__name__}: {error}")
    return MailPath(works=True)


def list_notices() -> QuerySet[Notice]:
    """Return the notices of the tenant in scope, the newest first."""
    return Notice.objects.order_by("-created_at", "-id")


def count_unread() -> int:
    """Return how many notices of the tenant in scope nobody has read."""
    return Notice.objects.filter(read_at__isnull=True).count()


def list_mails(*, state: MailState | None = None) -> QuerySet[Mail]:
    """Return the outbox, the newest first; under `tenancy.platform`."""
    mails = Mail.objects.order_by("-created_at", "-id")
    return mails if state is None else mails.filter(state=state)


def mails_of_trace(trace_id: str) -> QuerySet[Mail]:
    """Return the mails that carry a trace id, in order; under `tenancy.platform`."""
    return Mail.objects.filter(trace_id=trace_id).order_by("created_at", "id")


def list_captured(*, to: str = "") -> QuerySet[Captured]:
    """Return what the built-in mailbox took, the newest first, for one address or all."""
    mails = Captured.objects.order_by("-captured_at", "-id")
    return mails.filter(recipient=to) if to else mails
