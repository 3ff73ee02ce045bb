"""Codes: one purpose, one person, one browser, once; and nobody learns who has an account."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenantry.core import clock, tenancy
from tenantry.customers.accounts import services
from tenantry.customers.accounts.codes import ALPHABET, normalized
from tenantry.customers.accounts.errors import AddressInvalid, CodeRefused, TooManyCodes
from tenantry.customers.accounts.messages import SendSignInCode
from tenantry.customers.accounts.models import SignInCode, User
from tenantry.customers.accounts.queries import canonical
from tenantry.customers.accounts.states import CODE_MOVES, CodeState, Purpose
from tenantry.customers.notices import queries as notices
from tenantry.governance.policies import services as policies
from tenantry.governance.policies.models import Counter
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tests.probes import at_once, database_text, handle_messages

UNKNOWN = "nobody@hanbit.example"
PARALLEL = 64


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who wants to sign in, or to start a trial."""

    now: datetime
    purpose: Purpose = Purpose.SIGN_IN
    browser: str = "browser-1"
    network: str = "203.0.113.9"

    def asks(self, email: str) -> None:
        services.request_code(
            email=email,
            browser=self.browser,
            network=self.network,
            language="en",
            now=self.now,
            purpose=self.purpose,
        )

    def gets(self, email: str) -> str:
        self.asks(email)
        handle_messages()
        lines = notices.list_captured(to=email)[0].letter.text.splitlines()
        return normalized(lines[2])

    def types(self, email: str, code: str) -> str:
        """Return the address that was proven."""
        given: dict[str, Any] = {
            "email": email,
            "browser": self.browser,
            "code": code,
            "now": self.now,
        }
        if self.purpose is Purpose.SIGN_IN:
            return services.redeem_code(**given).email
        services.prove_address(**given, purpose=self.purpose)
        return canonical(email)


@pytest.fixture(params=Purpose)
def visitor(request: pytest.FixtureRequest, now: datetime) -> Visitor:
    """Somebody of each purpose: what holds for one code holds for all."""
    return Visitor(now=now, purpose=request.param)


@pytest.fixture
def member(now: datetime) -> Visitor:
    """Somebody who has an account, or says so."""
    return Visitor(now=now)


def other_than(code: str) -> str:
    last = ALPHABET[ALPHABET.index(code[-1]) - 1]
    return code[:-1] + last


def expire(seconds: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_signincode SET expires_at = now() - make_interval(secs => %s)",
            [seconds],
        )


def test_right_code_signs_in_once(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)

    assert visitor.types(owner.email, code) == owner.email
    with pytest.raises(CodeRefused):
        visitor.types(owner.email, code)


def test_address_and_code_may_be_typed_loosely(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)

    assert (
        visitor.types(f" {owner.email.upper()} ", f"{code[:4]} {code[4:]}".lower()) == owner.email
    )


def test_new_code_ends_the_old_one_and_the_old_costs_no_try(owner: User, visitor: Visitor) -> None:
    old = visitor.gets(owner.email)
    new = visitor.gets(owner.email)

    for _try in range(25):
        with pytest.raises(CodeRefused):
            visitor.types(owner.email, old)
    assert SignInCode.objects.get(state=CodeState.LIVE).attempts == 0
    assert visitor.types(owner.email, new) == owner.email


def test_code_is_of_one_browser(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    elsewhere = replace(visitor, browser="browser-2")

    for _try in range(25):
        with pytest.raises(CodeRefused):
            elsewhere.types(owner.email, code)
    assert visitor.types(owner.email, code) == owner.email


def test_code_is_of_one_person(owner: User, stranger: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    visitor.gets(stranger.email)

    with pytest.raises(CodeRefused):
        visitor.types(stranger.email, code)
    assert visitor.types(owner.email, code) == owner.email


def test_code_is_of_one_purpose(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    (other,) = set(Purpose) - {visitor.purpose}

    for _try in range(25):
        with pytest.raises(CodeRefused):
            replace(visitor, purpose=other).types(owner.email, code)
    assert visitor.types(owner.email, code) == owner.email


def test_codes_of_two_purposes_live_side_by_side(owner: User, visitor: Visitor) -> None:
    (other,) = set(Purpose) - {visitor.purpose}
    code = visitor.gets(owner.email)
    second = replace(visitor, purpose=other).gets(owner.email)

    assert visitor.types(owner.email, code) == owner.email
    assert replace(visitor, purpose=other).types(owner.email, second) == owner.email


def test_moved_row_is_of_no_use(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    (other,) = set(Purpose) - {visitor.purpose}
    SignInCode.objects.update(purpose=other)

    with pytest.raises(CodeRefused):
        replace(visitor, purpose=other).types(owner.email, code)


def test_trial_code_proves_an_address_without_account(db: None, now: datetime) -> None:
    visitor = Visitor(now=now, purpose=Purpose.TRIAL)
    code = visitor.gets(UNKNOWN)

    assert visitor.types(UNKNOWN, code) == UNKNOWN
    with pytest.raises(CodeRefused):
        visitor.types(UNKNOWN, code)
    (captured,) = notices.list_captured(to=UNKNOWN)
    assert captured.letter.subject == f"Your code for the trial: {code[:4]}-{code[4:]}"
    assert User.objects.count() == 0
    with tenancy.platform("look"):
        told = AuditEntry.objects.filter(target_kind="identity").order_by("seq")
        assert [(entry.action, entry.facts) for entry in told] == [
            (Action.ACCOUNTS_CODE_REQUESTED, {"purpose": "trial"}),
            (Action.ACCOUNTS_CODE_REDEEMED, {"purpose": "trial"}),
        ]


def test_caller_that_rolls_back_spends_nothing(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    with pytest.raises(RuntimeError), tenancy.platform("try and fail"):
        answer = services.check_code(
            email=owner.email,
            browser=visitor.browser,
            code=code,
            purpose=visitor.purpose,
            now=visitor.now,
        )
        assert answer is services.CodeAnswer.PROVEN
        raise RuntimeError

    assert visitor.types(owner.email, code) == owner.email


def test_unicode_domain_and_its_ascii_form_are_one_address(db: None, visitor: Visitor) -> None:
    people = services.create_user(email="me@한빛.kr", actor="system:test", now=visitor.now)
    code = visitor.gets("me@xn--xx3br43b.kr")

    assert people.email == "me@xn--xx3br43b.kr"
    assert visitor.types("Me@한빛.KR", code) == people.email


def test_code_expires_by_the_time_of_the_database(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    row = SignInCode.objects.get()
    assert row.expires_at - row.created_at == timedelta(minutes=10)

    # A clock of a process that stands still or runs back changes nothing.
    expire(0)
    for hours in (-24, 0, 24):
        early = replace(visitor, now=visitor.now + timedelta(hours=hours))
        with pytest.raises(CodeRefused):
            early.types(owner.email, code)


def test_wrong_codes_use_up_the_code(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    for _try in range(5):
        with pytest.raises(CodeRefused):
            visitor.types(owner.email, other_than(code))

    with pytest.raises(CodeRefused):
        visitor.types(owner.email, code)


def test_wrong_codes_of_a_day_are_limited_per_address(
    owner: User, visitor: Visitor, now: datetime
) -> None:
    for _code in range(4):
        code = visitor.gets(owner.email)
        for _try in range(5):
            with pytest.raises(CodeRefused):
                visitor.types(owner.email, other_than(code))
    code = visitor.gets(owner.email)

    with pytest.raises(TooManyCodes):
        visitor.types(owner.email, code)
    tomorrow = replace(visitor, now=now + timedelta(days=1))
    assert tomorrow.types(owner.email, code) == owner.email


@pytest.mark.parametrize("typed", ["", "hello", "BCDF-GHJ", "0000-0000"])
def test_what_is_no_code_costs_no_try(owner: User, visitor: Visitor, typed: str) -> None:
    code = visitor.gets(owner.email)
    with pytest.raises(CodeRefused):
        visitor.types(owner.email, typed)

    assert SignInCode.objects.get().attempts == 0
    assert visitor.types(owner.email, code) == owner.email


def test_deactivated_person_gets_no_code_and_does_not_get_in(owner: User, member: Visitor) -> None:
    code = member.gets(owner.email)
    User.objects.filter(id=owner.id).update(is_active=False)

    with pytest.raises(CodeRefused):
        member.types(owner.email, code)
    member.asks(owner.email)
    handle_messages()
    subject = notices.list_captured(to=owner.email)[0].letter.subject
    assert subject == "Somebody tried to sign in with your address"


@pytest.mark.django_db(transaction=True)
def test_parallel_right_codes_sign_in_exactly_once(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)

    answers = at_once([partial(visitor.types, owner.email, code)] * PARALLEL)

    assert answers.count(owner.email) == 1
    assert [type(answer) for answer in answers if answer != owner.email] == [CodeRefused] * (
        PARALLEL - 1
    )


@pytest.mark.django_db(transaction=True)
def test_parallel_wrong_codes_never_exceed_the_tries(owner: User, visitor: Visitor) -> None:
    code = visitor.gets(owner.email)
    tries = [partial(visitor.types, owner.email, other_than(code))] * (PARALLEL - 1)

    answers = at_once([*tries, partial(visitor.types, owner.email, code)])

    row = SignInCode.objects.get()
    assert row.attempts <= 5
    compared = row.attempts if row.state == CodeState.LIVE else row.attempts - 1
    assert refused_guesses() == compared
    assert answers.count(owner.email) == (row.state == CodeState.SPENT)


def refused_guesses() -> int:
    with tenancy.platform("count"):
        counted = Counter.objects.filter(key__contains=".tries:").first()
    return counted.used if counted else 0


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_never_exceed_the_limit(owner: User, visitor: Visitor) -> None:
    answers = at_once([partial(visitor.asks, owner.email)] * PARALLEL)

    assert answers.count(None) == 5
    assert {type(answer) for answer in answers} == {type(None), TooManyCodes}


@pytest.mark.parametrize(
    ("limit", "ask"),
    [
        (5, lambda visitor, _n: visitor.asks(UNKNOWN)),
        (10, lambda visitor, n: visitor.asks(f"{n}@hanbit.example")),
        (
            30,
            lambda visitor, n: replace(visitor, browser=str(n), network=f"203.0.113.{n}").asks(
                f"{n}@hanbit.example"
            ),
        ),
    ],
    ids=["address", "browser", "network"],
)
def test_requests_are_limited_per_purpose(
    db: None, visitor: Visitor, limit: int, ask: Callable[[Visitor, int], None]
) -> None:
    for number in range(limit):
        ask(visitor, number)
    with pytest.raises(TooManyCodes):
        ask(visitor, limit)

    ask(replace(visitor, now=visitor.now + timedelta(hours=1)), limit)
    (other,) = set(Purpose) - {visitor.purpose}
    ask(replace(visitor, purpose=other), limit)


def test_refused_request_counts_nowhere(db: None, visitor: Visitor) -> None:
    for number in range(10):
        visitor.asks(f"{number}@hanbit.example")
    for _time in range(9):
        with pytest.raises(TooManyCodes):
            visitor.asks(UNKNOWN)

    replace(visitor, browser="browser-2").asks(UNKNOWN)


def test_limits_follow_the_policy(db: None, visitor: Visitor, now: datetime) -> None:
    policies.set_policy(
        key="codes.per_address_hour", value=1, reason="attack", actor="operator:0", now=now
    )
    visitor.asks(UNKNOWN)

    with pytest.raises(TooManyCodes):
        visitor.asks(UNKNOWN)


TOO_LONG = f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.example"


@pytest.mark.parametrize(
    "email",
    ["", "hello", "a@b", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", TOO_LONG],
)
def test_request_refuses_what_is_no_address(db: None, visitor: Visitor, email: str) -> None:
    with pytest.raises(AddressInvalid):
        visitor.asks(email)

    assert handle_messages() == 0


def test_browser_is_never_left_out(db: None, now: datetime) -> None:
    with pytest.raises(ValueError, match="browser"):
        Visitor(now=now, browser="").asks(UNKNOWN)
    with pytest.raises(ValueError, match="browser"):
        Visitor(now=now, browser="").types(UNKNOWN, "BCDFGHJK")


def statements(act: Callable[[], object]) -> list[str]:
    """Return the shapes of the statements an act sends, but for the shared cache of policies."""
    with CaptureQueriesContext(connection) as captured:
        act()
    shapes = [re.sub(r"'[^']*'|\"s\d+_x\d+\"|\d+", "?", query["sql"]) for query in captured]
    return [shape for shape in shapes if "policies_policy" not in shape]


def test_asking_is_the_same_for_known_and_unknown(owner: User, visitor: Visitor) -> None:
    known = statements(lambda: visitor.asks(owner.email))
    unknown = statements(lambda: visitor.asks(UNKNOWN))

    assert known == unknown


def test_trying_is_the_same_for_known_and_unknown(owner: User, visitor: Visitor) -> None:
    visitor.asks(owner.email)
    visitor.asks(UNKNOWN)
    handle_messages()
    answers: dict[str, list[object]] = {owner.email: [], UNKNOWN: []}
    work: dict[str, list[list[str]]] = {owner.email: [], UNKNOWN: []}

    def attempt(email: str) -> None:
        try:
            visitor.types(email, "BCDF-GHJK")
        except (CodeRefused, TooManyCodes) as refusal:
            answers[email].append(refusal.problem())

    for _try in range(7):
        for email in answers:
            work[email].append(statements(partial(attempt, email)))

    assert answers[owner.email] == answers[UNKNOWN]
    assert len(answers[UNKNOWN]) == 7
    assert work[owner.email] == work[UNKNOWN]


def test_unknown_address_is_told_by_mail_only(db: None, member: Visitor) -> None:
    member.asks(UNKNOWN)
    handle_messages()

    (captured,) = notices.list_captured(to=UNKNOWN)
    assert captured.letter.subject == "Somebody tried to sign in with your address"
    assert User.objects.count() == 0


def test_usable_code_is_in_no_table(owner: User, visitor: Visitor) -> None:
    visitor.asks(owner.email)
    with connection.cursor() as cursor:
        cursor.execute("SELECT args::text FROM procrastinate_jobs")
        (message,) = (row[0] for row in cursor.fetchall())
    handle_messages()
    letter = notices.list_captured(to=owner.email)[0].letter
    code = normalized(letter.text.splitlines()[2])
    text = database_text()

    assert owner.email in text
    for form in (code, f"{code[:4]}-{code[4:]}", code.lower()):
        assert form not in text
        assert form not in message
    # Not the hash alone either: it is keyed, and the browser's value is not in the database.
    assert visitor.browser not in text


def test_message_handled_twice_makes_one_code(owner: User, visitor: Visitor) -> None:
    visitor.asks(owner.email)
    with connection.cursor() as cursor:
        cursor.execute("SELECT args->'body' FROM procrastinate_jobs")
        body = SendSignInCode(**json.loads(cursor.fetchone()[0]))
    for _time in range(2):
        services.issue_code(now=clock.now(), **asdict(body))
    handle_messages()

    assert SignInCode.objects.count() == 1
    assert notices.list_captured(to=owner.email).count() == 1


def test_old_codes_are_forgotten(owner: User, visitor: Visitor) -> None:
    visitor.gets(owner.email)
    expire(23 * 3600)
    assert services.forget_old_codes() == 0
    expire(25 * 3600)
    assert services.forget_old_codes() == 1


def test_codes_live_once() -> None:
    assert CODE_MOVES[CodeState.SPENT] == CODE_MOVES[CodeState.SUPERSEDED] == frozenset()
