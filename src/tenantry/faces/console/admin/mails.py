"""The outbox, and what the built-in mailbox took."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from tenantry.customers.accounts.roles import OperatorAct
from tenantry.customers.notices import queries
from tenantry.customers.notices import services as notices
from tenantry.customers.notices.models import Captured, Mail
from tenantry.customers.notices.states import MailState
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.errors import MailboxOff
from tenantry.faces.console.filters import TemplateFilter
from tenantry.faces.console.listing import ReadOnlyAdmin, TenantRowsAdmin
from tenantry.faces.console.menu import mailbox_is_used
from tenantry.faces.console.panels import Facts, Panel, Prose
from tenantry.faces.console.site import console
from tenantry.faces.console.words import NOTHING, age, both, chip, code


def _retry(order: Order) -> None:
    notices.retry_mail(mail_id=order.row.id, actor=order.actor, now=order.now)


class MailAdmin(TenantRowsAdmin):
    """The outbox: what is to leave, what left, what was given up. Its content is not shown."""

    heading = _("Mail outbox")
    empty = _("No mail was written yet.")
    list_display = (
        "to",
        "company",
        "status",
        "template",
        "attempts",
        "last_error",
        "written",
    )
    list_filter = ("state", TemplateFilter)
    search_fields = ("recipient",)
    ordering = ("-created_at",)
    acts: ClassVar = (
        Act(
            name="retry",
            label=_("Send once more"),
            icon="replay",
            needs=OperatorAct.RETRY_MAIL,
            run=_retry,
            done=ngettext_lazy(
                "%(count)d mail is sent once more.", "%(count)d mails are sent once more.", "count"
            ),
            fits=lambda row: row.state == MailState.FAILED,
            tone="main",
        ),
    )

    def name_of(self, row: Mail) -> str:
        """Return to whom, and what."""
        return f"{row.recipient}, {row.template}"

    @display(description=_("recipient"), ordering="recipient")
    def to(self, row: Mail) -> str:
        """Return to whom."""
        return row.recipient

    @display(description=_("state"), ordering="state")
    def status(self, row: Mail) -> object:
        """Return where it is."""
        return chip(row.state, row.get_state_display())

    @display(description=_("written"), ordering="created_at")
    def written(self, row: Mail) -> object:
        """Return when it was written."""
        return age(row.created_at)

    @display(description=_("sent"), ordering="sent_at")
    def sent(self, row: Mail) -> object:
        """Return when it left."""
        return age(row.sent_at)

    def headline(self, row: Mail) -> Sequence[object]:
        """Return state and company."""
        return self.status(row), self.company(row)

    def panels(self, request: HttpRequest, row: Mail) -> Sequence[Panel]:
        """Return its course; what it says is encrypted until it is sent and then erased."""
        del request
        return [
            Facts(
                title=_("Mail"),
                rows=[
                    (_("recipient"), row.recipient),
                    (_("template"), row.template),
                    (_("language"), row.language),
                    (_("state"), self.status(row)),
                    (_("attempts"), row.attempts),
                    (_("last error"), row.last_error or NOTHING),
                    (_("written"), both(row.created_at)),
                    (_("sent"), both(row.sent_at)),
                    (_("id"), code(row.id)),
                ],
            )
        ]


class CapturedAdmin(ReadOnlyAdmin):
    """The built-in mailbox: instead of a mail server, for development and demonstration."""

    empty = _("Nothing here yet. Every mail that the platform sends will appear in this list.")
    list_display = ("to", "subject", "received")
    search_fields = ("recipient",)
    ordering = ("-captured_at", "-id")
    list_before_template = "console/parts/mailbox_note.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what was captured; refuses `MailboxOff` where mails really leave."""
        del request
        if not mailbox_is_used():
            raise MailboxOff
        return queries.list_captured()

    @display(description=_("recipient"), ordering="recipient")
    def to(self, row: Captured) -> str:
        """Return to whom."""
        return row.recipient

    @display(description=_("subject"))
    def subject(self, row: Captured) -> str:
        """Return what it is about."""
        return row.letter.subject

    @display(description=_("received"), ordering="captured_at")
    def received(self, row: Captured) -> object:
        """Return when it came."""
        return age(row.captured_at)

    def panels(self, request: HttpRequest, row: Captured) -> Sequence[Panel]:
        """Return the mail."""
        del request
        letter = row.letter
        return [
            Facts(
                title=_("Mail"),
                rows=[
                    (_("recipient"), row.recipient),
                    (_("subject"), letter.subject),
                    (_("received"), both(row.captured_at)),
                ],
            ),
            Prose(title=_("Text"), text=letter.text),
        ]


console.register(Mail, MailAdmin)
console.register(Captured, CapturedAdmin)
