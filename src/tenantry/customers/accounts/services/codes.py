"""Codes by mail: asking for one, making it, checking it; each is bound to a purpose."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from tenantry.core import tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.core.ids import uuid7
from tenantry.core.queue import defer
from tenantry.customers.accounts import codes
from tenantry.customers.accounts.errors import CodeRefused, TooManyCodes
from tenantry.customers.accounts.messages import SendSignInCode
from tenantry.customers.accounts.models import SignInCode, User
from tenantry.customers.accounts.networks import network_of
from tenantry.customers.accounts.queries import canonical, find_by_email
from tenantry.customers.accounts.services.people import record, require_address
from tenantry.customers.accounts.states import Purpose
from tenantry.customers.notices import services as notices
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as counters
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

CODE_MINUTES = 10
_WITH_CODE = frozenset({"sign_in_code", "trial_code"})
_HOUR, _DAY = "%Y-%m-%dT%H", "%Y-%m-%d"

# Expiry is the database's time: processes with wrong clocks agree on it.
_SUPERSEDE = """
    UPDATE accounts_signincode SET state = 'superseded'
    WHERE purpose = %(purpose)s AND identity_hash = %(identity)s AND state = 'live'
"""
_ISSUE = """
    INSERT INTO accounts_signincode
        (id, purpose, identity_hash, browser_hash, code_hash, attempts, state,
         created_at, expires_at)
    VALUES (%(id)s, %(purpose)s, %(identity)s, %(browser)s, %(code)s, 0, 'live',
         statement_timestamp(), statement_timestamp() + make_interval(mins => %(minutes)s))
"""
# Comparing costs a try in the same statement, so that parallel guesses cannot share one.
_TRY = """
    UPDATE accounts_signincode
    SET attempts = attempts + 1,
        state = CASE WHEN code_hash = %(code)s THEN 'spent' ELSE state END
    WHERE purpose = %(purpose)s AND identity_hash = %(identity)s AND browser_hash = %(browser)s
        AND state = 'live' AND attempts < %(limit)s AND expires_at > statement_timestamp()
    RETURNING state
"""
_FORGET = """
    DELETE FROM accounts_signincode WHERE expires_at < statement_timestamp() - interval '1 day'
"""
_LOCK_IDENTITY = "SELECT pg_advisory_xact_lock(hashtextextended(encode(%s, 'hex'), 0))"


def request_code(
    *,
    email: str,
    browser: str,
    network: str,
    language: str,
    now: datetime,
    purpose: Purpose = Purpose.SIGN_IN,
) -> None:
    """Have a code sent to an address; to sign in, only if it has an account, which is not told.

    `browser` is a random value that the browser keeps, `network` the address it calls from. The
    difference between known and unknown addresses is made later, by a worker. Limits count per
    purpose. Refuses: `AddressInvalid`, `TooManyCodes`.
    """
    _require_browser(browser)
    address = require_address(email)
    identity, browser_hash = _identity(address), _browser(browser)
    window = now.strftime(_HOUR)
    limits = (
        (f"{purpose}.network:{network_of(network)}", "codes.per_network_hour"),
        (f"{purpose}.browser:{browser_hash.hex()}", "codes.per_browser_hour"),
        (f"{purpose}.address:{identity.hex()}", "codes.per_address_hour"),
    )
    with tenancy.platform("limit sign-in codes"):
        for key, policy in limits:
            if not counters.reserve(key=key, window=window, limit=policies.number(policy)):
                raise TooManyCodes
        command = SendSignInCode(
            request_id=uuid7(),
            email=address,
            browser_hash=browser_hash.hex(),
            language=language,
            purpose=str(purpose),
        )
        defer(command, lock=f"{purpose}:{identity.hex()}")


def issue_code(
    *,
    request_id: UUID,
    email: str,
    browser_hash: str,
    language: str,
    now: datetime,
    purpose: str = Purpose.SIGN_IN,
) -> None:
    """Make the code of a request and mail it; the same request twice changes nothing.

    The new code ends the one before it of the same purpose. An address without an account that
    wants to sign in is told so by mail, and gets a row whose code nobody knows.
    """
    identity, code = _identity(email), codes.make()
    with tenancy.platform("send a code"), connection.cursor() as cursor:
        cursor.execute(_LOCK_IDENTITY, [identity])
        if SignInCode.objects.filter(id=request_id).exists():
            return
        row: dict[str, str | int | bytes | UUID] = {
            "id": request_id,
            "purpose": str(purpose),
            "identity": identity,
            "browser": bytes.fromhex(browser_hash),
            "code": _code(purpose, identity, browser_hash, code),
            "minutes": CODE_MINUTES,
        }
        cursor.execute(_SUPERSEDE, row)
        cursor.execute(_ISSUE, row)
        user = find_by_email(email)
        template = _template(purpose, is_known=user is not None)
        notices.send_mail(
            to=email,
            language=language,
            template=template,
            facts={"code": codes.shown(code), "minutes": CODE_MINUTES}
            if template in _WITH_CODE
            else {},
            dedupe_key=f"{purpose}:{request_id}",
            now=now,
        )
        if purpose != Purpose.SIGN_IN:
            _note(Action.ACCOUNTS_CODE_REQUESTED, identity, purpose, now, actor="system:worker")
        elif user:
            record(Action.ACCOUNTS_CODE_REQUESTED, user, "system:worker", now)


def _template(purpose: str, *, is_known: bool) -> str:
    if purpose == Purpose.TRIAL:
        return "trial_code"
    return "sign_in_code" if is_known else "sign_in_unknown"


def redeem_code(*, email: str, browser: str, code: str, now: datetime) -> User:
    """Return the person whose sign-in code this is, once.

    Tries are counted even when the refusal is raised: do not call it inside a transaction.
    Refuses: `CodeRefused` for wrong, expired, spent, replaced, too often tried and of another
    browser alike; `TooManyCodes` when the address had too many wrong ones today.
    """
    with transaction.atomic(durable=True), tenancy.platform("check a sign-in code"):
        answer = check_code(
            email=email, browser=browser, code=code, purpose=Purpose.SIGN_IN, now=now
        )
        user = _signed_in(canonical(email), now) if answer is CodeAnswer.PROVEN else None
    answer.require()
    if user is None:
        raise CodeRefused
    return user


def prove_address(*, email: str, browser: str, code: str, purpose: Purpose, now: datetime) -> None:
    """Spend the code that proves that this browser's person reads this address' mail.

    No account is needed. Not inside a transaction; refuses like `redeem_code`.
    """
    with transaction.atomic(durable=True), tenancy.platform("check a code"):
        answer = check_code(email=email, browser=browser, code=code, purpose=purpose, now=now)
    answer.require()


class CodeAnswer(StrEnum):
    """What became of a try."""

    PROVEN = "proven"
    REFUSED = "refused"
    TOO_MANY = "too_many"

    def require(self) -> None:
        """Raise `CodeRefused` or `TooManyCodes` unless the code was right."""
        if self is CodeAnswer.REFUSED:
            raise CodeRefused
        if self is CodeAnswer.TOO_MANY:
            raise TooManyCodes


def check_code(
    *, email: str, browser: str, code: str, purpose: Purpose, now: datetime
) -> CodeAnswer:
    """Try a code in the caller's transaction, under `tenancy.platform`.

    The try counts when that transaction commits, so the caller commits whatever the answer is, and
    raises afterwards (`CodeAnswer.require`).
    """
    _require_browser(browser)
    address, typed = canonical(email), codes.normalized(code)
    if not typed:
        return CodeAnswer.REFUSED
    identity, browser_hash = _identity(address), _browser(browser)
    key, window = f"{purpose}.tries:{identity.hex()}", now.strftime(_DAY)
    limit = policies.number("codes.attempts_per_address_day")
    # The counter's row lock, held to the end, also makes tries for one address queue up.
    if not counters.reserve(key=key, window=window, limit=limit):
        return CodeAnswer.TOO_MANY
    outcome = _try(purpose, identity, browser_hash, typed)
    if outcome == "live":
        _note(Action.ACCOUNTS_CODE_REFUSED, identity, purpose, now, actor="system:web")
        return CodeAnswer.REFUSED
    counters.release(key=key, window=window)
    if outcome == "spent" and purpose != Purpose.SIGN_IN:
        _note(Action.ACCOUNTS_CODE_REDEEMED, identity, purpose, now, actor="system:web")
    return CodeAnswer.PROVEN if outcome == "spent" else CodeAnswer.REFUSED


def _try(purpose: str, identity: bytes, browser_hash: bytes, typed: str) -> str:
    """Return `spent` for the right code, `live` for a wrong one, and "" when none was compared."""
    hashed = _code(purpose, identity, browser_hash.hex(), typed)
    # A code of this very person that was spent or replaced is no guess: it costs no try.
    former = SignInCode.objects.filter(identity_hash=identity, code_hash=hashed)
    if former.exclude(state="live").exists():
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            _TRY,
            {
                "purpose": str(purpose),
                "identity": identity,
                "browser": browser_hash,
                "code": hashed,
                "limit": policies.number("codes.attempts_per_code"),
            },
        )
        row = cursor.fetchone()
        return str(row[0]) if row else ""


def _note(action: Action, identity: bytes, purpose: str, now: datetime, *, actor: str) -> None:
    audit.append(
        action=action,
        tenant_id=None,
        actor=actor,
        target=("identity", identity.hex()),
        at=now,
        body={"purpose": str(purpose)},
    )


def _signed_in(address: str, now: datetime) -> User | None:
    user = find_by_email(address)
    if user is not None:
        record(Action.ACCOUNTS_USER_SIGNED_IN, user, f"user:{user.id}", now)
    return user


def forget_old_codes() -> int:
    """Delete codes that expired a day ago and return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        count: int = cursor.rowcount
        return count


def _identity(address: str) -> bytes:
    return keyed_hash("sign_in.identity", address)


def _browser(browser: str) -> bytes:
    return keyed_hash("sign_in.browser", browser)


def _code(purpose: str, identity: bytes, browser_hash: str, code: str) -> bytes:
    return keyed_hash("sign_in.code", str(purpose), identity.hex(), browser_hash, code)


def _require_browser(browser: str) -> None:
    if not browser:
        reason = "a code is bound to a browser: give its random value"
        raise ValueError(reason)
