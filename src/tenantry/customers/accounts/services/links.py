"""Links by mail that sign their reader in: one person, one use, any browser.

A link is a row among the codes whose secret is too long to guess, so that tries need no counting.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from tenantry.core import tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.core.ids import uuid7
from tenantry.customers.accounts.errors import LinkRefused
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.services.people import record
from tenantry.customers.accounts.states import CodeState
from tenantry.ledger.audit.vocabulary import Action

LINK_HOURS = 24
_PURPOSE = "link"
_UUID_BYTES = 16
_SECRET_BYTES = 16

# Expiry is the database's time, as with codes.
_ISSUE = """
    INSERT INTO accounts_signincode
        (id, purpose, identity_hash, browser_hash, code_hash, attempts, state,
         created_at, expires_at)
    VALUES (%(id)s, %(purpose)s, %(identity)s, %(identity)s, %(code)s, 0, %(live)s,
         statement_timestamp(), statement_timestamp() + make_interval(hours => %(hours)s))
"""
_SPEND = """
    UPDATE accounts_signincode SET state = 'spent', attempts = attempts + 1
    WHERE id = %(id)s AND purpose = %(purpose)s AND code_hash = %(code)s
        AND state = 'live' AND expires_at > statement_timestamp()
"""
_PEEK = """
    SELECT 1 FROM accounts_signincode
    WHERE id = %(id)s AND purpose = %(purpose)s AND code_hash = %(code)s
        AND state = 'live' AND expires_at > statement_timestamp()
"""


@dataclass(frozen=True, kw_only=True)
class _Link:
    user_id: UUID
    id: UUID
    secret: bytes = field(repr=False)

    @property
    def token(self) -> str:
        """Return what stands in the address."""
        whole = self.user_id.bytes + self.id.bytes + self.secret
        return base64.urlsafe_b64encode(whole).decode()

    @property
    def row(self) -> dict[str, UUID | str | bytes]:
        """Return what finds it in the table."""
        code = keyed_hash("accounts.link", self.user_id.hex, self.id.hex, self.secret.hex())
        return {"id": self.id, "purpose": _PURPOSE, "code": code}

    @classmethod
    def parse(cls, token: str) -> "_Link":
        """Read a token back. Refuses: `LinkRefused`."""
        try:
            whole = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LinkRefused from None
        if len(whole) != 2 * _UUID_BYTES + _SECRET_BYTES:
            raise LinkRefused
        return cls(
            user_id=UUID(bytes=whole[:_UUID_BYTES]),
            id=UUID(bytes=whole[_UUID_BYTES : 2 * _UUID_BYTES]),
            secret=whole[2 * _UUID_BYTES :],
        )


def issue_link(*, user: User, actor: str, now: datetime, hours: int = LINK_HOURS) -> str:
    """Return the token of a new link for a person, in the caller's transaction.

    It works once, for `hours`. Only a hash of it is kept; the portal shows it at
    `/welcome/<token>/`.
    """
    link = _Link(user_id=user.id, id=uuid7(), secret=secrets.token_bytes(_SECRET_BYTES))
    # An identity of its own: a person may have several links at once.
    identity = keyed_hash("accounts.link.identity", link.id.hex)
    row: dict[str, UUID | str | bytes | int] = {
        **link.row,
        "identity": identity,
        "hours": hours,
        "live": str(CodeState.LIVE),
    }
    with tenancy.platform("make a link that signs in"), connection.cursor() as cursor:
        cursor.execute(_ISSUE, row)
        record(Action.ACCOUNTS_CODE_REQUESTED, user, actor, now, purpose=_PURPOSE)
    return link.token


def find_link(token: str) -> User | None:
    """Return whom a link would sign in now, without spending it."""
    try:
        link = _Link.parse(token)
    except LinkRefused:
        return None
    with tenancy.platform("look at a link"), connection.cursor() as cursor:
        cursor.execute(_PEEK, link.row)
        return _person(link) if cursor.fetchone() else None


def redeem_link(*, token: str, now: datetime) -> User:
    """Return the person whose link this is, once.

    Refuses: `LinkRefused` for wrong, expired and spent links alike, and for people who may not
    sign in any more.
    """
    link = _Link.parse(token)
    with transaction.atomic(), tenancy.platform("open a link"), connection.cursor() as cursor:
        cursor.execute(_SPEND, link.row)
        user = _person(link) if cursor.rowcount else None
        if user is None:
            raise LinkRefused
        actor = f"user:{user.id}"
        record(Action.ACCOUNTS_USER_SIGNED_IN, user, actor, now, purpose=_PURPOSE)
    return user


def _person(link: _Link) -> User | None:
    return User.objects.filter(id=link.user_id, is_active=True).first()
