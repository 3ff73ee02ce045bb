"""The living logins of the customers' accounts."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.acts import Act, Order
from tenantry.faces.console.filters import ProductFilter
from tenantry.faces.console.listing import TenantRowsAdmin, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel, told
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    chip,
    code,
    history,
    kind_label,
    row_link,
)
from tenantry.work.automation import queries
from tenantry.work.automation import services as automation
from tenantry.work.automation.models import Connection
from tenantry.work.automation.states import SessionState


def _check(order: Order) -> None:
    automation.check_connection(
        tenant_id=order.row.tenant_id,
        connection_id=order.row.id,
        actor=order.actor,
        now=order.now,
    )


def _disconnect(order: Order) -> None:
    automation.disconnect(
        tenant_id=order.row.tenant_id,
        connection_id=order.row.id,
        actor=order.actor,
        now=order.now,
        reason=order.reason,
    )


class ConnectionAdmin(TenantRowsAdmin):
    """The living logins of all customers."""

    heading = _("Sessions")
    empty = _("No customer has connected an account yet.")
    list_display = ("name", "company", "session", "expires", "checked", "trouble")
    list_filter = ("session_state", ProductFilter)
    search_fields = ("label", "account", "id")
    ordering = ("-created_at",)
    acts: ClassVar = (
        Act(
            name="check",
            label=_("Check session"),
            icon="network_check",
            needs=OperatorAct.MANAGE_JOBS,
            run=_check,
            done=ngettext_lazy(
                "%(count)d session is being checked.",
                "%(count)d sessions are being checked.",
                "count",
            ),
            fits=lambda row: row.session_state != SessionState.PENDING and row.session_secret_id,
        ),
        Act(
            name="disconnect",
            label=_("Disconnect"),
            icon="link_off",
            needs=OperatorAct.DISCONNECT,
            run=_disconnect,
            done=ngettext_lazy(
                "%(count)d account was disconnected.",
                "%(count)d accounts were disconnected.",
                "count",
            ),
            ask=_(
                "The saved login is destroyed and waiting jobs are cancelled. The customer has to"
                " connect the account again."
            ),
            reason=_("Kept in the audit log."),
            tone="bad",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the live connections: removed ones are history, in the audit log."""
        return super().get_queryset(request).filter(removed_at__isnull=True)

    @display(description=_("account"), ordering="label")
    def name(self, row: Connection) -> str:
        """Return the label, over the masked account."""
        return stacked(
            row.label or row.masked_account, row.masked_account if row.label else row.connector
        )

    @display(description=_("session"), ordering="session_state")
    def session(self, row: Connection) -> object:
        """Return the session's state."""
        return chip(row.session_state, row.get_session_state_display())

    @display(description=_("expires"), ordering="session_expires_at")
    def expires(self, row: Connection) -> object:
        """Return when the session ends by itself."""
        return age(row.session_expires_at)

    @display(description=_("last check"), ordering="session_checked_at")
    def checked(self, row: Connection) -> object:
        """Return when somebody looked last."""
        return age(row.session_checked_at)

    @display(description=_("cause"))
    def trouble(self, row: Connection) -> object:
        """Return why it was lost."""
        return stacked(row.session_code, row.error.cause) if row.error else NOTHING

    def headline(self, row: Connection) -> Sequence[object]:
        """Return state and company."""
        return self.session(row), self.company(row)

    def panels(self, request: HttpRequest, row: Connection) -> Sequence[Panel]:
        """Return the session, why it is as it is, and the last jobs."""
        del request
        jobs = queries.list_jobs(tenant_id=row.tenant_id).filter(connection_id=row.id)[:10]
        return [
            Facts(
                title=_("Session"),
                rows=[
                    (_("state"), self.session(row)),
                    (_("expires"), both(row.session_expires_at)),
                    (_("last check"), both(row.session_checked_at)),
                    (_("sign-in must end by"), both(row.session_deadline)),
                    *told(row.error, row.session_reason),
                ],
            ),
            Facts(
                title=_("Connection"),
                rows=[
                    (_("account"), row.masked_account),
                    (_("product"), row.product),
                    (_("connector"), row.connector),
                    (_("connected"), both(row.created_at)),
                    (_("id"), code(row.id)),
                    (_("history"), history("connection", row.id)),
                ],
            ),
            Grid(
                title=_("Last jobs"),
                heads=[_("job"), _("state"), _("cause"), _("made")],
                rows=[
                    [
                        row_link("automation", "job", job.id, kind_label(job.kind)),
                        chip(job.state, job.get_state_display()),
                        job.error_code or NOTHING,
                        age(job.created_at),
                    ]
                    for job in jobs
                ],
                empty=_("No job has run on this connection yet."),
            ),
        ]


console.register(Connection, ConnectionAdmin)
