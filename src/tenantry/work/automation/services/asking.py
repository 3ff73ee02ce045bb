"""Telling people that a connection needs one of them."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from tenantry.core import tenancy
from tenantry.customers.notices import services as notices
from tenantry.customers.tenants import queries as tenants
from tenantry.work.automation.messages import SessionChanged
from tenantry.work.automation.models import Connection
from tenantry.work.automation.states import SessionState

_ENDS_SOON = (
    _("The saved sign-in of this account ends within a week."),
    _("Connect the account again before that, so that no post is missed."),
)
_QUIET = (SessionState.PENDING, SessionState.HEALTHY)


def ask_owner(*, event: SessionChanged, now: datetime) -> None:
    """Send one notice per loss to the tenant's people, unless it is over by now."""
    with tenancy.scope(event.tenant_id):
        rows = Connection.objects.filter(id=event.connection_id, removed_at__isnull=True)
        lost = rows.filter(session_state=event.state).exclude(session_state__in=_QUIET)
        connection = lost.first()
        if connection is None:
            return
        error = connection.error
        cause, remedy = (error.cause, error.remedy) if error else _ENDS_SOON
        short_id = tenants.get_tenant(event.tenant_id).short_id
        notices.notify(
            tenant_id=event.tenant_id,
            code="session_needs_you",
            facts={"connection": str(connection), "cause": cause, "remedy": remedy},
            link=f"/t/{short_id}/connections/",
            recipients=tenants.recipients(event.tenant_id),
            now=now,
            dedupe_key=f"session:{event.connection_id}:{event.at.isoformat()}",
        )
