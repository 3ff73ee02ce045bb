"""What people were told."""

from django.db.models import QuerySet

from tenantry.customers.notices.models import Captured, Mail, Notice
from tenantry.customers.notices.states import MailState


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


def list_captured(*, to: str = "") -> QuerySet[Captured]:
    """Return what the built-in mailbox took, the newest first, for one address or all."""
    mails = Captured.objects.order_by("-captured_at", "-id")
    return mails.filter(recipient=to) if to else mails
