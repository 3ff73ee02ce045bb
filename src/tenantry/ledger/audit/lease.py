"""Who seals: one row, taken and kept by compare-and-swap on the database's own clock."""

from uuid import UUID, uuid4

from django.db import connection

SECONDS = 3.0
_RENEW_BELOW_SECONDS = 2.0
_TOO_LONG_SECONDS = 10.0

# Over is also a lease that runs longer than any does: the database's clock was put back.
_OVER = """
    (until < clock_timestamp() OR until > clock_timestamp() + make_interval(secs => %(too_long)s))
"""
_FREE = f"SELECT count(*) = 0 FROM audit_sealerlease WHERE NOT {_OVER}"  # noqa: S608  # our own text
# Who takes over looks at every entry once: he trusts no snapshot of somebody else's, which after
# a restored back-up may be of another cluster.
_TAKE = f"""
    INSERT INTO audit_sealerlease AS lease (holder, token, until)
    VALUES (%(holder)s, %(token)s, clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (id) DO UPDATE
    SET holder = excluded.holder, token = excluded.token, until = excluded.until, sealed = NULL
    WHERE {_OVER.replace("until", "lease.until")}
"""  # noqa: S608  # our own text
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
    values: dict[str, str | UUID | float] = {
        "holder": holder,
        "token": token,
        "seconds": SECONDS,
        "too_long": _TOO_LONG_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FREE, values)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_TAKE, values)
        return token if cursor.rowcount else None


def renew(token: UUID) -> None:
    """Stay the one for another three seconds; writes nothing while most of the time is left."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"token": token, "seconds": SECONDS, "below": _RENEW_BELOW_SECONDS})


def release(token: UUID) -> None:
    """Let somebody else seal at once."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"token": token})
