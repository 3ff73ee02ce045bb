"""What happens to a session: opened, proven, lost, grown old. Each touches one connection only."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import tenancy
from tenantry.governance.vault import services as vault
from tenantry.ledger.audit import lifecycle
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk.product import Credentials, SignedIn
from tenantry.work.automation import kinds
from tenantry.work.automation.errorcodes import Code, Failure, lookup
from tenantry.work.automation.models import Connection
from tenantry.work.automation.services import news, queueing
from tenantry.work.automation.states import LIVE_SESSIONS, SESSION_MOVES, SessionState

CREDENTIALS = "automation.credentials"
BROWSER_STATE = "automation.browser_state"
EXPIRING_WITHIN = timedelta(days=7)
SYSTEM = "system:browser"


def open_credentials(*, connection: Connection) -> Credentials:
    """Return what the owner typed, for the moment of signing in; `SecretMissing` afterwards."""
    stored = json.loads(
        vault.open_secret(
            secret_id=connection.credentials_secret_id or connection.id,
            tenant_id=connection.tenant_id,
            purpose=CREDENTIALS,
        )
    )
    return Credentials(account=stored["account"], password=stored["password"])


def open_browser_state(*, connection: Connection) -> dict[str, object] | None:
    """Return the saved login as the browser wrote it, or None where there is none."""
    if connection.session_secret_id is None:
        return None
    state: dict[str, object] = json.loads(
        vault.open_secret(
            secret_id=connection.session_secret_id,
            tenant_id=connection.tenant_id,
            purpose=BROWSER_STATE,
        )
    )
    return state


def keep_login(
    *,
    connection: Connection,
    signed_in: SignedIn,
    state: Mapping[str, object] | None,
    now: datetime,
) -> None:
    """Record a proven login: HEALTHY, or EXPIRING when seven days or less are left.

    `state` is the browser's, to be sealed; None keeps the stored one. The credentials are gone
    afterwards. In the caller's transaction and scope.
    """
    ends = signed_in.expires_at
    soon = ends is not None and ends - now <= EXPIRING_WITHIN
    extra = _destroy_credentials(connection, now=now)
    if state is not None:
        extra |= _seal_state(connection, state, now=now)
    extra |= {
        "session_expires_at": ends,
        "session_checked_at": now,
        "session_code": "",
        "session_reason": "",
        "session_deadline": None,
    }
    target = SessionState.EXPIRING if soon else SessionState.HEALTHY
    if not move_session(connection, target, actor=SYSTEM, now=now, extra=extra):
        Connection.objects.filter(id=connection.id).update(**extra)


def refresh_state(*, connection: Connection, state: Mapping[str, object], now: datetime) -> None:
    """Seal the browser's state again after a job whose success proved it."""
    with tenancy.scope(connection.tenant_id):
        fresh = Connection.objects.select_for_update().get(id=connection.id)
        if fresh.is_live and fresh.session_secret_id == connection.session_secret_id:
            Connection.objects.filter(id=fresh.id).update(**_seal_state(fresh, state, now=now))


def lose_session(
    *, connection_id: UUID, failure: Failure, target: SessionState, checked: bool, now: datetime
) -> None:
    """Record that the login is lost: of this one connection, and only if it was not renewed.

    Only a check (`checked`) says anything new about a login that was lost before. In the caller's
    transaction and scope.
    """
    connection = Connection.objects.select_for_update().get(id=connection_id)
    if connection.session_state == SessionState.PENDING or not (connection.is_live or checked):
        return
    extra: dict[str, object] = {
        "session_code": failure.code,
        "session_reason": failure.detail,
        "session_checked_at": now,
    }
    if not move_session(connection, target, actor=SYSTEM, now=now, extra=extra):
        Connection.objects.filter(id=connection_id).update(**extra)


def fail_sign_in(*, connection_id: UUID, failure: Failure, now: datetime) -> None:
    """End a pending sign-in without a login. In the caller's transaction and scope."""
    connection = Connection.objects.select_for_update().get(id=connection_id)
    if connection.session_state != SessionState.PENDING:
        return
    move_session(
        connection,
        lookup(failure.code).session or SessionState.ERROR,
        actor=SYSTEM,
        now=now,
        extra={
            **_destroy_credentials(connection, now=now),
            "session_code": failure.code,
            "session_reason": failure.detail,
            "session_checked_at": now,
            "session_deadline": None,
        },
    )


def age_sessions(*, now: datetime, limit: int = 500) -> int:
    """Move every session that time has moved on: expiring, expired, or signing in for too long.

    Returns how many moved; each is a transaction of its own in its tenant's scope.
    """
    with tenancy.platform("find sessions that grew old"):
        rows = Connection.objects.filter(removed_at__isnull=True)
        due = (
            rows.filter(session_state=SessionState.PENDING, session_deadline__lte=now)
            | rows.filter(session_state__in=LIVE_SESSIONS, session_expires_at__lte=now)
            | rows.filter(
                session_state=SessionState.HEALTHY, session_expires_at__lte=now + EXPIRING_WITHIN
            )
        )
        found = list(due.order_by("id")[:limit].values_list("id", "tenant_id"))
    return sum(_age(connection_id, tenant_id, now) for connection_id, tenant_id in found)


def _age(connection_id: UUID, tenant_id: UUID, now: datetime) -> bool:
    with tenancy.scope(tenant_id):
        connection = Connection.objects.select_for_update().get(id=connection_id)
        ends = connection.session_expires_at
        if connection.session_state == SessionState.PENDING:
            late = Failure(code=Code.TIMEOUT, detail="the sign-in did not end in time")
            queueing.cancel_for_connection(
                connection_id=connection_id,
                kind=kinds.SIGN_IN.name,
                actor=SYSTEM,
                now=now,
                reason=late.detail,
            )
            fail_sign_in(connection_id=connection_id, failure=late, now=now)
            return True
        if ends is None or not connection.is_live:
            return False
        target = SessionState.EXPIRED if ends <= now else SessionState.EXPIRING
        code = Code.AUTH_EXPIRED if ends <= now else ""
        extra = {"session_code": code}
        return move_session(connection, target, actor=SYSTEM, now=now, extra=extra)


def move_session(
    connection: Connection,
    target: SessionState,
    *,
    actor: str,
    now: datetime,
    extra: Mapping[str, object],
) -> bool:
    """Move one session and tell about it; a state that it has already is no move."""
    moved = lifecycle.transition(
        connection,
        field="session_state",
        target=target,
        moves=SESSION_MOVES,
        action=Action.AUTOMATION_SESSION_CHANGED,
        actor=actor,
        at=now,
        tenant_id=connection.tenant_id,
        body={"code": str(extra.get("session_code", ""))},
        extra={"session_deadline": None, **extra},
    )
    if moved:
        news.tell_session(connection, at=now)
    return moved


def _seal_state(
    connection: Connection, state: Mapping[str, object], *, now: datetime
) -> dict[str, object]:
    if connection.session_secret_id:
        _destroy(connection, connection.session_secret_id, BROWSER_STATE, "replaced", SYSTEM, now)
    sealed = vault.put(
        tenant_id=connection.tenant_id,
        purpose=BROWSER_STATE,
        plaintext=json.dumps(state).encode(),
        now=now,
    )
    return {"session_secret_id": sealed}


def _destroy_credentials(connection: Connection, *, now: datetime) -> dict[str, object]:
    secret = connection.credentials_secret_id
    if secret:
        _destroy(connection, secret, CREDENTIALS, "the sign-in has ended", SYSTEM, now)
    return {"credentials_secret_id": None}


def forget_secrets(
    connection: Connection, *, actor: str, now: datetime, reason: str
) -> dict[str, object]:
    """Destroy all that is stored for a connection; returns the columns to be emptied."""
    if connection.credentials_secret_id:
        _destroy(connection, connection.credentials_secret_id, CREDENTIALS, reason, actor, now)
    if connection.session_secret_id:
        _destroy(connection, connection.session_secret_id, BROWSER_STATE, reason, actor, now)
    return {"credentials_secret_id": None, "session_secret_id": None}


def _destroy(
    connection: Connection, secret: UUID, purpose: str, reason: str, actor: str, now: datetime
) -> None:
    vault.destroy(
        secret_id=secret,
        tenant_id=connection.tenant_id,
        purpose=purpose,
        actor=actor,
        reason=reason,
        now=now,
    )
