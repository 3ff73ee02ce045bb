"""Connections as pages show them: account, site, state, and what would mend it."""

from contextlib import suppress
from dataclasses import dataclass

from tenantry.core.errors import NotFound, Text
from tenantry.faces.portal import chips
from tenantry.faces.portal.words import Chip
from tenantry.sdk import registry
from tenantry.sdk.product import Capability
from tenantry.work.automation.errorcodes import REGISTRY, Code, ErrorCode
from tenantry.work.automation.models import Connection
from tenantry.work.automation.states import SessionState

_MENDABLE = {
    SessionState.EXPIRING,
    SessionState.EXPIRED,
    SessionState.CHALLENGE_REQUIRED,
    SessionState.ERROR,
}
_TROUBLES = (
    Code.AUTH_INVALID,
    Code.CHALLENGE_REQUIRED,
    Code.AUTH_EXPIRED,
    Code.LOGIN_FAILED,
    Code.RATE_LIMIT,
    Code.PERMISSION_DENIED,
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """A connection as a card."""

    connection: Connection
    site: Text
    chip: Chip
    can_check: bool

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.connection.label or self.connection.masked_account

    @property
    def pending(self) -> bool:
        """Return whether it is being signed in."""
        return self.connection.session_state == SessionState.PENDING

    @property
    def needs_sign_in(self) -> bool:
        """Return whether signing in again would help."""
        return self.connection.session_state in _MENDABLE


def account_of(connection: Connection) -> Account:
    """Return a connection as a card; one whose product is gone keeps its words."""
    site: Text = connection.connector
    can_check = False
    with suppress(NotFound):
        connector = registry.connector(connection.product, connection.connector)
        site, can_check = connector.label, Capability.CHECK in connector.capabilities
    pending = connection.session_state == SessionState.PENDING
    return Account(
        connection=connection,
        site=site,
        chip=chips.SESSION[connection.session_state],
        can_check=can_check and not pending and connection.session_secret_id is not None,
    )


def troubles() -> list[ErrorCode]:
    """Return what may go wrong with a sign-in, each with cause and remedy."""
    return [REGISTRY[code] for code in _TROUBLES]
