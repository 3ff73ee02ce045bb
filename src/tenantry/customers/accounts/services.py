"""Verbs: asking for sign-in codes, redeeming them, and the people themselves."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction

from tenantry.core import tenancy
from tenantry.core.crypto import keyed_hash
from tenantry.core.errors import LanguageUnknown
from tenantry.core.ids import uuid7
from tenantry.core.queue import defer
from tenantry.customers.accounts import codes
from tenantry.customers.accounts.errors import (
    AddressInvalid,
    AddressTaken,
    CodeRefused,
    PasswordWeak,
    RoleUnknown,
    TooManyCodes,
)
from tenantry.customers.accounts.messages import SendSignInCode
from tenantry.customers.accounts.models import SignInCode, User
from tenantry.customers.accounts.networks import network_of
from tenantry.customers.accounts.queries import canonical, find_by_email
from tenantry.customers.accounts.states import OperatorRole
from tenantry.customers.notices import services as notices
from tenantry.governance.policies import queries as policies
from tenantry.governance.policies import services as counters
from tenantry.ledger.audit import services as audit
from tenantry.ledger.audit.vocabulary import Action

CODE_MINUTES = 10
_PURPOSE = "sign_in"
# RFC 3696, erratum 1690: a path of 256 characters less its brackets.
_LONGEST_ADDRESS = 254
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


def request_code(*, email: str, browser: str, network: str, language: str, now: datetime) -> None:
    """Have a code sent to an address, if it has an account; the answer does not tell whether.

    `browser` is a random value that the browser keeps, `network` the address it calls from. The
    difference between known and unknown addresses is made later, by a worker.
    Refuses: `AddressInvalid`, `TooManyCodes`.
    """
    _require_browser(browser)
    address = _address(email)
    identity, browser_hash = _identity(address), _browser(browser)
    window = now.strftime(_HOUR)
    limits = (
        (f"sign_in.network:{network_of(network)}", "codes.per_network_hour"),
        (f"sign_in.browser:{browser_hash.hex()}", "codes.per_browser_hour"),
        (f"sign_in.address:{identity.hex()}", "codes.per_address_hour"),
    )
    with tenancy.platform("limit sign-in codes"):
        for key, policy in limits:
            if not counters.reserve(key=key, window=window, limit=policies.number(policy)):
                raise TooManyCodes
        command = SendSignInCode(
            request_id=uuid7(), email=address, browser_hash=browser_hash.hex(), language=language
        )
        defer(command, lock=f"sign_in:{identity.hex()}")


def issue_code(
    *, request_id: UUID, email: str, browser_hash: str, language: str, now: datetime
) -> None:
    """Make the code of a request and mail it; the same request twice changes nothing.

    The new code ends the one before it. An address without an account is told so by mail, and gets
    a row whose code nobody knows.
    """
    identity, code = _identity(email), codes.make()
    with tenancy.platform("send a sign-in code"), connection.cursor() as cursor:
        cursor.execute(_LOCK_IDENTITY, [identity])
        if SignInCode.objects.filter(id=request_id).exists():
            return
        row: dict[str, str | int | bytes | UUID] = {
            "id": request_id,
            "purpose": _PURPOSE,
            "identity": identity,
            "browser": bytes.fromhex(browser_hash),
            "code": _code(identity, browser_hash, code),
            "minutes": CODE_MINUTES,
        }
        cursor.execute(_SUPERSEDE, row)
        cursor.execute(_ISSUE, row)
        user = find_by_email(email)
        known: dict[str, str | int] = {"code": codes.shown(code), "minutes": CODE_MINUTES}
        notices.send_mail(
            to=email,
            language=language,
            template="sign_in_code" if user else "sign_in_unknown",
            facts=known if user else {},
            dedupe_key=f"sign_in:{request_id}",
            now=now,
        )
        if user:
            _record(Action.ACCOUNTS_CODE_REQUESTED, user, "system:worker", now)


def redeem_code(*, email: str, browser: str, code: str, now: datetime) -> User:
    """Return the person whose code this is, once.

    Tries are counted even when the refusal is raised: do not call it inside a transaction.
    Refuses: `CodeRefused` for wrong, expired, spent, replaced, too often tried and of another
    browser alike; `TooManyCodes` when the address had too many wrong ones today.
    """
    _require_browser(browser)
    address, typed = canonical(email), codes.normalized(code)
    if not typed:
        raise CodeRefused
    identity, browser_hash = _identity(address), _browser(browser)
    key, window = f"sign_in.tries:{identity.hex()}", now.strftime(_DAY)
    limit = policies.number("codes.attempts_per_address_day")
    with transaction.atomic(durable=True), tenancy.platform("check a sign-in code"):
        # The counter's row lock, held to the end, also makes tries for one address queue up.
        admitted = counters.reserve(key=key, window=window, limit=limit)
        outcome = _try(identity, browser_hash, typed) if admitted else ""
        if admitted and outcome != "live":
            counters.release(key=key, window=window)
        if outcome == "live":
            _refused(identity, now)
        user = _signed_in(address, now) if outcome == "spent" else None
    if not admitted:
        raise TooManyCodes
    if user is None:
        raise CodeRefused
    return user


def _try(identity: bytes, browser_hash: bytes, typed: str) -> str:
    """Return `spent` for the right code, `live` for a wrong one, and "" when none was compared."""
    hashed = _code(identity, browser_hash.hex(), typed)
    # A code of this very person that was spent or replaced is no guess: it costs no try.
    former = SignInCode.objects.filter(identity_hash=identity, code_hash=hashed)
    if former.exclude(state="live").exists():
        return ""
    with connection.cursor() as cursor:
        cursor.execute(
            _TRY,
            {
                "purpose": _PURPOSE,
                "identity": identity,
                "browser": browser_hash,
                "code": hashed,
                "limit": policies.number("codes.attempts_per_code"),
            },
        )
        row = cursor.fetchone()
        return str(row[0]) if row else ""


def _refused(identity: bytes, now: datetime) -> None:
    audit.append(
        action=Action.ACCOUNTS_CODE_REFUSED,
        tenant_id=None,
        actor="system:web",
        target=("identity", identity.hex()),
        at=now,
    )


def _signed_in(address: str, now: datetime) -> User | None:
    user = find_by_email(address)
    if user is not None:
        _record(Action.ACCOUNTS_USER_SIGNED_IN, user, f"user:{user.id}", now)
    return user


def forget_old_codes() -> int:
    """Delete codes that expired a day ago and return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        count: int = cursor.rowcount
        return count


def _address(email: str) -> str:
    address = canonical(email)
    try:
        validate_email(address)
    except ValidationError:
        raise AddressInvalid from None
    if len(address) > _LONGEST_ADDRESS:
        raise AddressInvalid
    return address


def _identity(address: str) -> bytes:
    return keyed_hash("sign_in.identity", address)


def _browser(browser: str) -> bytes:
    return keyed_hash("sign_in.browser", browser)


def _code(identity: bytes, browser_hash: str, code: str) -> bytes:
    return keyed_hash("sign_in.code", _PURPOSE, identity.hex(), browser_hash, code)


def _require_browser(browser: str) -> None:
    if not browser:
        reason = "a sign-in code is bound to a browser: give its random value"
        raise ValueError(reason)


def create_user(
    *,
    email: str,
    actor: str,
    now: datetime,
    name: str = "",
    language: str = "en",
    password: str = "",
) -> User:
    """Make a person; only operators have a password.

    Refuses: `AddressInvalid`, `AddressTaken`, `LanguageUnknown`, `PasswordWeak`.
    """
    address = _address(email)
    _require_language(language)
    user = User(email=address, name=name.strip(), language=language, created_at=now)
    _give_password(user, password)
    with tenancy.platform("add a person"):
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            raise AddressTaken from None
        _record(Action.ACCOUNTS_USER_CREATED, user, actor, now)
    return user


def set_password(*, user: User, password: str, actor: str, now: datetime) -> None:
    """Give an operator a password. Refuses: `PasswordWeak`."""
    _give_password(user, password)
    with tenancy.platform("change a person"):
        user.save(update_fields=["password"])
        _record(Action.ACCOUNTS_USER_CHANGED, user, actor, now)


def set_language(*, user: User, language: str, actor: str, now: datetime) -> None:
    """Speak another language to a person. Refuses: `LanguageUnknown`."""
    _require_language(language)
    user.language = language
    with tenancy.platform("change a person"):
        user.save(update_fields=["language"])
        _record(Action.ACCOUNTS_USER_CHANGED, user, actor, now, language=language)


def set_operator_role(
    *, user: User, role: str, actor: str, now: datetime, reason: str = ""
) -> None:
    """Make a person an operator of a role, or none with an empty role. Refuses: `RoleUnknown`."""
    if role not in OperatorRole.values:
        raise RoleUnknown(role=role)
    before, user.operator_role = user.operator_role, role
    with tenancy.platform("change a person"):
        user.save(update_fields=["operator_role"])
        change = {"from": before, "to": role}
        _record(Action.ACCOUNTS_OPERATOR_ROLE_CHANGED, user, actor, now, reason=reason, **change)


def _require_language(language: str) -> None:
    if language not in dict(settings.LANGUAGES):
        raise LanguageUnknown(field="language", language=language)


def _give_password(user: User, password: str) -> None:
    if not password:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordWeak(reason=" ".join(error.messages)) from None
    user.set_password(password)


def _record(
    action: Action, user: User, actor: str, now: datetime, *, reason: str = "", **body: str
) -> None:
    audit.append(
        action=action,
        tenant_id=None,
        actor=actor,
        target=("user", str(user.id)),
        at=now,
        reason=reason,
        body=body,
    )
