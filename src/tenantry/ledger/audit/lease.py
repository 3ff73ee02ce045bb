"""Who seals: one row, taken and kept by compare-and-swap on the database's own clock."""

from uuid import UUID, uuid4

from django.db import connection

SECONDS = 3.0
_RENEW_BELOW_SECONDS = 2.0

_FREE = "SELECT count(*) = 0 FROM audit_sealerlease WHERE until > clock_timestamp()"
# Who takes over looks at every entry once: he trusts no snapshot of somebody else's, which after
# a restored back-up may be of another cluster.
_TAKE = """
    INSERT INTO audit_sealerlease AS lease (holder, token, until)
    VALUES (%(holder)s, %(token)s, clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (id) DO UPDATE
    SET holder = excluded.holder, token = excluded.token, until = excluded.until, sealed = NULL
    WHERE lease.until < clock_timestamp()
"""
_RENEW = """
    UPDATE audit_sealerlease SET until = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE token = %(token)s AND until < clock_timestamp() + make_interval(secs => %(below)s)
"""
_RELEASE = "UPDATE audit_sealerlease SET until = clock_timestamp() WHERE token = %(token)s"


class LeaseLost(Exception):
    """Somebody else seals now; what was begun is rolled back."""


def take(holder: str) -> UUID | None:
    """Become the one who seals and return the proof of it, or None while somebody else is."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_FREE)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_TAKE, {"holder": holder, "token": token, "seconds": SECONDS})
        return token if cursor.rowcount else None


def renew(token: UUID) -> None:
    """Stay the one for another three seconds; writes nothing while most of the time is left."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"token": token, "seconds": SECONDS, "below": _RENEW_BELOW_SECONDS})


def release(token: UUID) -> None:
    """Let somebody else seal at once."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"token": token})
