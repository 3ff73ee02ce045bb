"""Only an operator with password and second factor gets in; nothing else does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from tenantry.core import clock, tenancy
from tenantry.customers.accounts import services as accounts
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.states import OperatorRole
from tenantry.faces.console import limits
from tenantry.ledger.audit.models import AuditEntry
from tests.faces.console.conftest import ACTOR, PASSWORD, enrol, enter_password, totp_code
from tests.probes import database_text

DOOR = "/console/sign-in/?next=%2Fconsole%2F"
MakeOperator = Callable[..., User]


def written(action: str) -> list[tuple[str, str, str]]:
    with tenancy.platform("test"):
        entries = AuditEntry.objects.filter(action=action).order_by("seq")
        return [(entry.actor, entry.target_id, entry.reason) for entry in entries]


def location(client: Client, path: str = "/console/") -> str:
    return client.get(path).headers.get("Location", "")


def test_nobody_is_led_to_the_door(client: Client, db: None) -> None:
    assert location(client) == DOOR
    assert location(client, "/console/no/such/page/") == (
        "/console/sign-in/?next=%2Fconsole%2Fno%2Fsuch%2Fpage%2F"
    )


def test_password_alone_leads_to_setting_up_a_second_factor_and_nowhere_else(
    client: Client, make_operator: MakeOperator
) -> None:
    assert enter_password(client, make_operator()) == "/console/"
    assert location(client) == "/console/second-factor/"
    assert location(client, "/console/second-factor/recovery-codes/") == "/console/second-factor/"
    page = client.get("/console/second-factor/")
    assert page.status_code == 200
    assert "add-app" in page.content.decode()


def test_an_authenticator_app_opens_the_console(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    enter_password(client, user)
    enrol(client)
    assert client.get("/console/").status_code == 200
    assert client.get("/console/second-factor/recovery-codes/").status_code == 200
    actor = f"operator:{user.id}"
    assert written("accounts.second_factor.added") == [(actor, str(user.id), "")]
    assert written("accounts.operator.signed_in") == [(actor, str(user.id), "")]


def test_the_next_sign_in_needs_password_and_code(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    enter_password(client, user)
    secret = enrol(client)
    other = Client()
    assert enter_password(other, user) == "/console/sign-in/code/"
    assert location(other) == DOOR
    answer = other.post("/console/sign-in/code/", {"code": totp_code(secret)})
    assert answer.headers["Location"] == "/console/"
    assert other.get("/console/").status_code == 200


def test_a_code_works_once(client: Client, make_operator: MakeOperator) -> None:
    user = make_operator()
    enter_password(client, user)
    secret = enrol(client)
    code = totp_code(secret)
    for browser, expected in ((Client(), 302), (Client(), 200)):
        enter_password(browser, user)
        assert browser.post("/console/sign-in/code/", {"code": code}).status_code == expected


def test_the_secret_of_the_app_is_not_readable_in_the_database(
    client: Client, make_operator: MakeOperator
) -> None:
    enter_password(client, make_operator())
    secret = enrol(client)
    assert secret not in database_text()


def test_a_portal_session_of_an_operator_opens_nothing(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    client.force_login(user)
    assert location(client) == DOOR
    session = client.session
    session["face"] = "portal"
    session.save()
    assert location(client) == DOOR
    assert location(client, "/console/second-factor/app/").startswith("/console/sign-in/")


def test_mailbox_and_password_do_not_replace_the_second_factor(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    enter_password(client, user)
    enrol(client)
    thief = Client()
    enter_password(thief, user)
    # A code by e-mail in the portal signs the same session in.
    thief.force_login(user)
    assert location(thief) == DOOR
    for path in ("app/", "passkey/", "", "recovery-codes/", "recovery-codes/new/"):
        assert location(thief, f"/console/second-factor/{path}").startswith("/console/sign-in/")
    assert location(thief, "/console/password-again/").startswith("/console/sign-in/")


def test_a_session_without_factor_is_worth_nothing_once_another_browser_set_one_up(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    early = Client()
    enter_password(early, user)
    enter_password(client, user)
    enrol(client)
    assert location(early, "/console/second-factor/app/").startswith("/console/sign-in/")


def test_a_customer_with_a_password_looks_like_a_wrong_password(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    accounts.set_operator_role(user=user, role="", actor=ACTOR, now=clock.now())
    answer = client.post("/console/sign-in/", {"login": user.email, "password": PASSWORD})
    wrong = client.post("/console/sign-in/", {"login": user.email, "password": "x" * 20})
    assert answer.status_code == wrong.status_code == 200
    assert answer.context["form"].errors == wrong.context["form"].errors
    assert written("accounts.operator.refused") == [("system:web", str(user.id), "password")] * 2


def test_an_unknown_address_is_recorded_as_a_hash(client: Client, db: None) -> None:
    client.post("/console/sign-in/", {"login": "who@nowhere.example", "password": "x" * 20})
    ((actor, target, reason),) = written("accounts.operator.refused")
    assert (actor, len(target), reason) == ("system:web", 16, "password")


@pytest.mark.parametrize("change", ["role", "active"])
def test_losing_the_role_ends_the_session_at_once(
    client: Client, make_operator: MakeOperator, change: str
) -> None:
    user = make_operator()
    enter_password(client, user)
    enrol(client)
    assert client.get("/console/").status_code == 200
    if change == "role":
        accounts.set_operator_role(user=user, role="", actor=ACTOR, now=clock.now())
    else:
        User.objects.filter(id=user.id).update(is_active=False)
    assert location(client) == DOOR


def test_a_session_ends_after_its_longest_time(client: Client, make_operator: MakeOperator) -> None:
    enter_password(client, make_operator())
    enrol(client)
    session = client.session
    old = (clock.now() - timedelta(hours=12, minutes=1)).timestamp()
    for record in session["account_authentication_methods"]:
        record["at"] = old
    session.save()
    assert location(client) == DOOR


def test_passwords_are_tried_ten_times_an_hour(
    client: Client, make_operator: MakeOperator, settings: object
) -> None:
    user = make_operator()
    for turn in range(limits.PASSWORDS_PER_ADDRESS_HOUR):
        assert limits.admit_password(
            email=user.email.upper(), network=f"10.0.{turn}.1", now=clock.now()
        )
    assert enter_password(client, user) == ""
    assert written("accounts.operator.refused")[-1][2] == "too_many_tries"


def test_codes_are_tried_ten_times_an_hour(client: Client, make_operator: MakeOperator) -> None:
    user = make_operator()
    enter_password(client, user)
    secret = enrol(client)
    for _turn in range(limits.CODES_PER_PERSON_HOUR):
        assert limits.admit_code(user=user, now=clock.now())
    thief = Client()
    enter_password(thief, user)
    answer = thief.post("/console/sign-in/code/", {"code": totp_code(secret)})
    assert answer.status_code == 200
    assert written("accounts.operator.refused")[-1] == (
        "system:web",
        str(user.id),
        "too_many_tries",
    )


def test_a_recovery_code_opens_the_console_once(
    client: Client, make_operator: MakeOperator
) -> None:
    user = make_operator()
    enter_password(client, user)
    enrol(client)
    page = client.get("/console/second-factor/recovery-codes/")
    code = page.context["unused_codes"][0]
    for expected in (302, 200):
        browser = Client()
        enter_password(browser, user)
        assert browser.post("/console/sign-in/code/", {"code": code}).status_code == expected


def age_proof(client: Client) -> None:
    """Let the session forget that the password was just typed."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record.pop("reauthenticated", None)
    session.save()


@pytest.mark.parametrize("page", ["passkey/", "recovery-codes/", "recovery-codes/new/"])
def test_changing_the_sign_in_asks_for_the_password_again(
    sign_in: Callable[..., Client], page: str
) -> None:
    browser, address = sign_in(), f"/console/second-factor/{page}"
    age_proof(browser)
    again = location(browser, address)
    assert again.startswith("/console/password-again/?next=")
    assert browser.get(again).status_code == 200
    assert browser.post(again, {"password": "x" * 20}).status_code == 200
    assert location(browser, address) == again
    assert browser.post(again, {"password": PASSWORD}).headers["Location"] == address
    assert browser.get(address).status_code == 200


def test_the_password_again_is_counted_too(sign_in: Callable[..., Client]) -> None:
    browser = sign_in()
    for turn in range(limits.PASSWORDS_PER_ADDRESS_HOUR):
        limits.admit_password(
            email="operator@tenantry.example", network=f"10.1.{turn}.1", now=clock.now()
        )
    answer = browser.post("/console/password-again/", {"password": PASSWORD})
    assert answer.status_code == 200
    assert written("accounts.operator.refused")[-1][2] == "too_many_tries"


def test_new_recovery_codes_end_the_old_ones(sign_in: Callable[..., Client]) -> None:
    browser = sign_in()
    codes = "/console/second-factor/recovery-codes/"
    before = browser.get(codes).context["unused_codes"]
    assert browser.post(f"{codes}new/").headers["Location"] == codes
    after = browser.get(codes).context["unused_codes"]
    assert (len(after), set(after) & set(before)) == (10, set())
    assert after[0] in browser.get(f"{codes}download/").content.decode()


def test_who_has_an_app_is_not_offered_another(sign_in: Callable[..., Client]) -> None:
    assert location(sign_in(), "/console/second-factor/app/") == "/console/second-factor/"


@pytest.mark.parametrize(("host", "offered"), [("localhost", True), ("127.0.0.1", False)])
def test_passkeys_are_offered_where_browsers_have_them(
    sign_in: Callable[..., Client], host: str, offered: bool
) -> None:
    page = sign_in().get("/console/second-factor/", headers={"host": f"{host}:8000"})
    assert ('id="add-passkey"' in page.content.decode()) is offered


def test_signing_in_ends_the_portal_session_of_the_browser(
    client: Client, make_operator: MakeOperator, owner: User
) -> None:
    client.force_login(owner)
    assert owner.email in client.get("/console/sign-in/").content.decode()
    assert enter_password(client, make_operator()) == "/console/"
    assert location(client) == "/console/second-factor/"


def test_signing_out_is_a_post_and_ends_the_session(
    client: Client, make_operator: MakeOperator
) -> None:
    enter_password(client, make_operator())
    enrol(client)
    assert client.get("/console/sign-out/").status_code == 405
    assert client.get("/console/logout/").status_code == 405
    assert client.post("/console/logout/").headers["Location"] == "/console/sign-in/"
    assert location(client) == DOOR


@pytest.mark.parametrize(
    "path",
    [
        "signup/", "login/", "password/reset/", "password/change/", "email/", "mfa/",
        "password_change/", "autocomplete/", "r/1/1/",
    ],
)  # fmt: skip
def test_nothing_else_of_allauth_or_django_is_there(
    sign_in: Callable[..., Client], path: str
) -> None:
    assert sign_in().get(f"/console/{path}").status_code == 404


def test_the_form_needs_its_token(make_operator: MakeOperator) -> None:
    strict = Client(enforce_csrf_checks=True)
    data = {"login": make_operator().email, "password": PASSWORD}
    assert strict.post("/console/sign-in/", data).status_code == 403


def test_where_to_go_next_stays_on_this_site(client: Client, make_operator: MakeOperator) -> None:
    data = {"login": make_operator().email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/console/sign-in/", data).headers["Location"] == "/console/"


def test_every_answer_of_the_console_has_its_policy(client: Client, db: None) -> None:
    for path in ("/console/", "/console/sign-in/"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "'unsafe-eval'" in policy
    assert "'unsafe-eval'" not in client.get("/sign-in/").headers["Content-Security-Policy"]


def test_roles_are_known(db: None) -> None:
    assert set(OperatorRole.values) == {"", "reviewer", "operator", "superuser"}
