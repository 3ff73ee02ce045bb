"""Verbs: setting a policy, and reserving from limits."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from tenantry.core import live, tenancy
from tenantry.governance.policies import queries
from tenantry.governance.policies.errors import PolicyReasonMissing
from tenantry.governance.policies.models import Counter, Policy
from tenantry.governance.policies.registry import Value, rule_of
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

_KEEP_COUNTERS = timedelta(days=40)
_RESERVE = """
    INSERT INTO policies_counter (tenant_id, key, "window", used)
    SELECT %(tenant)s::uuid, %(key)s, %(window)s, %(amount)s WHERE %(amount)s <= %(limit)s
    ON CONFLICT (key, "window") DO UPDATE SET used = policies_counter.used + excluded.used
    WHERE policies_counter.used + excluded.used <= %(limit)s
    RETURNING used
"""
_RELEASE = """
    UPDATE policies_counter SET used = greatest(used - %(amount)s, 0)
    WHERE key = %(key)s AND "window" = %(window)s
"""

# For set-based callers that have compared with the limit themselves, under locks of their own:
# `RESERVE_FROM.format(source="wanted")`, where the relation has tenant_id uuid, key text,
# "window" text and amount int, and each (key, "window") once.
RESERVE_FROM = """
    INSERT INTO policies_counter (tenant_id, key, "window", used)
    SELECT tenant_id, key, "window", amount FROM {source} ORDER BY key, "window"
    ON CONFLICT (key, "window") DO UPDATE SET used = policies_counter.used + excluded.used
"""


def set_policy(*, key: str, value: Value, reason: str, actor: str, now: datetime) -> int:
    """Give a policy a new value from now on, in all processes, and return the version.

    The present value once more changes nothing. Refuses: `PolicyUnknown`, `PolicyInvalid`,
    `PolicyReasonMissing`.
    """
    accepted = rule_of(key).accept(value)
    if not reason.strip():
        raise PolicyReasonMissing
    with tenancy.platform("set a policy"):
        version = _next_version()
        queries.forget()
        before = queries.value(key)
        if before == accepted:
            return queries.version()
        Policy.objects.create(
            version=version,
            key=key,
            value=accepted,
            set_by=actor,
            set_at=now,
            reason=reason.strip(),
        )
        audit.append(
            action=Action.POLICIES_POLICY_SET,
            tenant_id=None,
            actor=actor,
            target=("policy", key),
            at=now,
            reason=reason.strip(),
            body={"from": before, "to": accepted, "version": version},
        )
        live.notify(queries.TOPIC, key=key)
        queries.forget()
        # What another thread reads before the commit must not outlive it.
        transaction.on_commit(queries.forget)
    return version


def _next_version() -> int:
    # One writer at a time: a version that became visible after a higher one would go unnoticed.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('policies_policy', 0))")
        cursor.execute("SELECT coalesce(max(version), 0) + 1 FROM policies_policy")
        version: int = cursor.fetchone()[0]
        return version


def reserve(
    *, key: str, window: str, limit: int, amount: int = 1, tenant_id: UUID | None = None
) -> bool:
    """Take from a limit if that much is left, in one statement; say whether it was.

    It counts when the present transaction commits. A counter with a tenant is reserved in its
    scope, one without in `tenancy.platform`. An amount below 1 is a ValueError.
    """
    _require_positive(amount)
    with connection.cursor() as cursor:
        cursor.execute(
            _RESERVE,
            {"tenant": tenant_id, "key": key, "window": window, "amount": amount, "limit": limit},
        )
        return cursor.fetchone() is not None


def release(*, key: str, window: str, amount: int = 1) -> None:
    """Give back what was reserved and not used; never below zero."""
    _require_positive(amount)
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"key": key, "window": window, "amount": amount})


def _require_positive(amount: int) -> None:
    if amount < 1:
        reason = f"an amount is at least 1, not {amount}"
        raise ValueError(reason)


def prune_counters(*, now: datetime) -> int:
    """Delete the counters of windows that ended long ago and return how many.

    Runs under `tenancy.platform`; no window may be longer than 40 days.
    """
    count, _by_table = Counter.objects.filter(created_at__lt=now - _KEEP_COUNTERS).delete()
    return count
