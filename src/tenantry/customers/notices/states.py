"""The life of a mail in the outbox."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from tenantry.core.states import check_moves


class MailState(TextChoices):
    """Where a mail is; only FAILED needs a person."""

    QUEUED = "QUEUED", _("waiting")
    SENDING = "SENDING", _("being sent")
    SENT = "SENT", _("sent")
    FAILED = "FAILED", _("given up")


MAIL_MOVES = check_moves(
    MailState,
    {
        MailState.QUEUED: frozenset({MailState.SENDING}),
        MailState.SENDING: frozenset({MailState.SENT, MailState.QUEUED, MailState.FAILED}),
        MailState.SENT: frozenset(),
        MailState.FAILED: frozenset({MailState.QUEUED}),
    },
)
