"""Verbs about connections: connect, check, disconnect."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from tenantry.core import tenancy
from tenantry.core.errors import InvalidInput
from tenantry.core.ids import uuid7
from tenantry.governance.policies import services as limits
from tenantry.governance.vault import services as vault
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.sdk.product import Capability
from tenantry.work.automation import kinds, queries
from tenantry.work.automation.errors import (
    CannotDoThat,
    NothingToCheck,
    SignInRunning,
    TooManySignIns,
)
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.services import queueing, sessions
from tenantry.work.automation.states import SessionState

# Sites lock accounts that sign in again and again.
SIGN_INS_PER_DAY = 5
SIGN_IN_WITHIN = timedelta(minutes=10)
_LONGEST = {"account": 120, "password": 500, "label": 80}


def connect(
    *,
    tenant_id: UUID,
    product: str,
    connector: str,
    account: str,
    password: str,
    label: str,
    actor: str,
    now: datetime,
) -> Connection:
    """Sign an account in, for the first time or again; the session is PENDING until it ended.

    The password is kept encrypted until the sign-in has ended, whatever its outcome, and no longer
    than ten minutes. Refuses: `NotFound` (no such connector), `CannotDoThat`, `InvalidInput`,
    `SignInRunning`, `TooManySignIns`.
    """
    way = registry.connector(product, connector)
    if Capability.SIGN_IN not in way.capabilities:
        raise CannotDoThat(connector=way.label)
    words = {"account": account.strip(), "password": password, "label": label.strip()}
    for field, value in words.items():
        if len(value) > _LONGEST[field] or not (value or field == "label"):
            raise InvalidInput(field=field)
    wanted = Connection(
        id=uuid7(),
        tenant_id=tenant_id,
        product=product,
        connector=connector,
        account=words["account"],
        label=words["label"],
        session_state=SessionState.PENDING,
        session_deadline=now + SIGN_IN_WITHIN,
        created_at=now,
    )
    with tenancy.scope(tenant_id):
        connection = _found_or_made(wanted, actor=actor, now=now)
        _count_sign_in(connection, now=now)
        _begin_sign_in(connection, wanted, password, actor=actor, now=now)
        queueing.enqueue(
            tenant_id=tenant_id,
            connection_id=connection.id,
            kind=kinds.SIGN_IN.name,
            actor=actor,
            now=now,
        )
    return connection


def _found_or_made(wanted: Connection, *, actor: str, now: datetime) -> Connection:
    Connection.objects.bulk_create([wanted], ignore_conflicts=True)
    rows = Connection.objects.select_for_update().filter(removed_at__isnull=True)
    connection = rows.get(
        tenant_id=wanted.tenant_id,
        product=wanted.product,
        connector=wanted.connector,
        account=wanted.account,
    )
    if connection.id == wanted.id:
        audit.append(
            action=Action.AUTOMATION_CONNECTION_CREATED,
            tenant_id=wanted.tenant_id,
            actor=actor,
            target=("connection", str(wanted.id)),
            at=now,
            body={"product": wanted.product, "connector": wanted.connector},
        )
    elif connection.session_state == SessionState.PENDING:
        raise SignInRunning
    return connection


def _count_sign_in(connection: Connection, *, now: datetime) -> None:
    allowed = limits.reserve(
        key=f"automation.sign_in:{connection.id}",
        window=f"{now:%Y-%m-%d}",
        limit=SIGN_INS_PER_DAY,
        tenant_id=connection.tenant_id,
    )
    if not allowed:
        raise TooManySignIns(limit=SIGN_INS_PER_DAY)


def _begin_sign_in(
    connection: Connection, wanted: Connection, password: str, *, actor: str, now: datetime
) -> None:
    credentials = {"account": connection.account, "password": password}
    secret = vault.put(
        tenant_id=connection.tenant_id,
        purpose=sessions.CREDENTIALS,
        plaintext=json.dumps(credentials).encode(),
        now=now,
    )
    changes: dict[str, object] = {
        "credentials_secret_id": secret,
        "session_deadline": wanted.session_deadline,
        "label": wanted.label or connection.label,
    }
    if connection.id == wanted.id:
        Connection.objects.filter(id=connection.id).update(**changes)
    else:
        sessions.move_session(connection, SessionState.PENDING, actor=actor, now=now, extra=changes)


def check_connection(*, tenant_id: UUID, connection_id: UUID, actor: str, now: datetime) -> Job:
    """Queue a look whether the saved login still counts; it changes nothing on the site.

    While one waits or runs, that one is returned. Refuses: `NotFound`, `SignInRunning`,
    `NothingToCheck`, `CannotDoThat`.
    """
    with tenancy.scope(tenant_id):
        connection = queries.get_connection(tenant_id=tenant_id, connection_id=connection_id)
        if connection.session_state == SessionState.PENDING:
            raise SignInRunning
        if connection.session_secret_id is None:
            raise NothingToCheck
        open_checks = Job.objects.filter(
            connection=connection, kind=kinds.CHECK.name, ended_at__isnull=True
        )
        return open_checks.first() or queueing.enqueue(
            tenant_id=tenant_id,
            connection_id=connection_id,
            kind=kinds.CHECK.name,
            actor=actor,
            now=now,
        )


def disconnect(
    *, tenant_id: UUID, connection_id: UUID, actor: str, now: datetime, reason: str = ""
) -> None:
    """Forget an account: its saved login and credentials are destroyed, its jobs cancelled.

    A job that is submitting at this moment ends as it ends; one whose outcome is unknown stays so.
    Refuses: `NotFound`.
    """
    with tenancy.scope(tenant_id):
        queries.get_connection(tenant_id=tenant_id, connection_id=connection_id)
        connection = Connection.objects.select_for_update().get(id=connection_id)
        queueing.cancel_for_connection(
            connection_id=connection_id, actor=actor, now=now, reason=reason or "disconnected"
        )
        forgotten = sessions.forget_secrets(connection, actor=actor, now=now, reason="disconnected")
        if connection.session_state != SessionState.EXPIRED:
            sessions.move_session(
                connection, SessionState.EXPIRED, actor=actor, now=now, extra=forgotten
            )
        Connection.objects.filter(id=connection_id).update(removed_at=now, **forgotten)
        audit.append(
            action=Action.AUTOMATION_CONNECTION_REMOVED,
            tenant_id=tenant_id,
            actor=actor,
            target=("connection", str(connection_id)),
            at=now,
            reason=reason,
        )
