"""Every fault really happens, to whom and as often as asked, and leaves the right trace."""

import http.client
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tenantry_cafe.fakesite.control import Control, ControlError
from tenantry_cafe.fakesite.faults import KINDS, FaultBoard, build_fault
from tenantry_cafe.fakesite.server import RunningSite
from tenantry_cafe.fakesite.visitor import Answer, Visitor, find_value, make_png

Visit = Callable[..., Visitor]
WRITE = "/cafes/market/boards/sale/write"


def submit(visitor: Visitor, title: str = "제목") -> Answer:
    return visitor.submit("market", "sale", title, "<p>본문</p>")


def titles(site: RunningSite) -> list[str]:
    return [article["title"] for article in site.control.articles()]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_ui_changed_hides_the_known_fields(site: RunningSite, seller: Visitor) -> None:
    known = ("post-title", "post-body", "post-submit", "post-images", "write-form")
    assert [name for name in known if f'id="{name}"' in seller.get(WRITE).text] == list(known)
    site.control.set_fault("ui_changed", times=1)
    changed = seller.get(WRITE).text
    assert [name for name in known if name in changed] == []
    assert 'data-page="composer"' in changed
    assert 'id="post-title"' in seller.get(WRITE).text


def test_captcha_on_login_opens_for_whoever_reads_it(site: RunningSite, visit: Visit) -> None:
    site.control.set_fault("captcha", where="login", times=1)
    visitor = visit()
    wall = visitor.log_in("seller01", site.password, target="/me").text
    assert 'data-landmark="captcha-wall"' in wall
    assert visitor.get("/me").status == 303
    again = visitor.post_form("/login/captcha", challenge=find_value(wall, "challenge"), answer="1")
    assert 'data-landmark="captcha-wall"' in again.text
    answer = read_captcha(visitor, again.text)
    done = visitor.post_form(
        "/login/captcha", challenge=find_value(again.text, "challenge"), answer=answer
    )
    assert (done.status, done.location) == (303, "/me")
    assert visitor.get("/me").status == 200


def read_captcha(visitor: Visitor, wall: str) -> str:
    picture = visitor.get(f"/captcha/{find_value(wall, 'challenge')}.svg").text
    return "".join(piece.partition("<")[0][-1] for piece in picture.split("<text ")[1:])


def test_captcha_on_write_is_solved_once_per_session(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("captcha", where="write")
    wall = seller.get(WRITE).text
    assert 'data-landmark="captcha-wall"' in wall
    assert 'data-landmark="captcha-wall"' in seller.get(WRITE).text
    challenge, answer = find_value(wall, "challenge"), read_captcha(seller, wall)
    done = seller.post_form("/login/captcha", challenge=challenge, answer=answer)
    assert (done.status, done.location) == (303, WRITE)
    assert 'data-page="write"' in seller.get(WRITE).text
    spent = seller.post_form("/login/captcha", challenge=challenge, answer=answer)
    assert spent.status == 410


def test_two_factor_asks_for_the_code_after_the_password(site: RunningSite, visit: Visit) -> None:
    site.control.set_fault("two_factor", account="seller01", code="112233")
    visitor = visit()
    assert 'data-landmark="login-error"' in visitor.log_in("seller01", "wrong").text
    wall = visitor.log_in("seller01", site.password, target="/me").text
    assert 'data-landmark="two-factor"' in wall
    challenge = find_value(wall, "challenge")
    wrong = visitor.post_form("/login/two-factor", challenge=challenge, code="000000")
    assert 'role="alert"' in wrong.text
    assert visitor.get("/me").status == 303
    right = visitor.post_form("/login/two-factor", challenge=challenge, code="112233")
    assert (right.status, right.location) == (303, "/me")
    assert visit("seller02").get("/me").status == 200


def test_slow_upload_takes_its_time(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("slow_upload", seconds=0.3, times=1)
    start = time.monotonic()
    assert seller.upload(make_png()).status == 201
    assert time.monotonic() - start >= 0.3


def test_slow_page_can_be_meant_for_one_step(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("slow_page", seconds=0.3, where="write")
    start = time.monotonic()
    seller.get("/")
    seller.get(WRITE)
    assert time.monotonic() - start >= 0.3
    assert [fault["hits"] for fault in site.control.faults()] == [1]


def test_upload_refused(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("upload_refused", times=1)
    answer = seller.upload(make_png())
    assert (answer.status, answer.json()["code"]) == (415, "upload_refused")
    assert seller.upload(make_png()).status == 201


def test_submit_refused_then_accepted(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("submit_refused", times=1)
    answer = submit(seller)
    assert (answer.status, answer.json()["code"]) == (422, "submit_refused")
    assert titles(site) == []
    assert submit(seller).status == 201


def test_rate_limit_says_when_to_come_back(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("rate_limit", retry_after=7)
    page, answer = seller.get(WRITE), submit(seller)
    assert (page.status, page.headers["Retry-After"]) == (429, "7")
    assert 'data-code="rate_limited" data-status="429" data-retry-after="7"' in page.text
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    problem = answer.json()
    assert (problem["code"], problem["retry_after"]) == ("rate_limited", 7)
    assert titles(site) == []
    assert seller.get("/static/cafe.css").status == 200


@pytest.mark.parametrize("step", ["page", "login", "write", "upload", "submit"])
def test_server_error_meets_the_step_it_is_meant_for(
    site: RunningSite, seller: Visitor, step: str
) -> None:
    calls: dict[str, Callable[[], Answer]] = {
        "page": lambda: seller.get("/me"),
        "login": lambda: seller.get("/login"),
        "write": lambda: seller.get(WRITE),
        "upload": lambda: seller.upload(make_png()),
        "submit": lambda: submit(seller),
    }
    site.control.set_fault("server_error", where=step)
    assert {name for name, call in calls.items() if call().status == 500} == {step}


@pytest.mark.parametrize(("where", "denied"), [("any", {WRITE, "submit"}), ("submit", {"submit"})])
def test_permission_denied(
    site: RunningSite, seller: Visitor, where: str, denied: set[str]
) -> None:
    site.control.set_fault("permission_denied", where=where)
    statuses = {WRITE: seller.get(WRITE).status, "submit": submit(seller).status}
    assert {name for name, status in statuses.items() if status == 403} == denied
    assert titles(site) == []


@pytest.mark.parametrize("where", ["upload", "submit"])
def test_logout_mid_post_ends_the_session_then(
    site: RunningSite, seller: Visitor, where: str
) -> None:
    site.control.set_fault("logout_mid_post", where=where)
    assert seller.get(WRITE).status == 200
    answer = seller.upload(make_png()) if where == "upload" else submit(seller)
    assert (answer.status, answer.json()["code"]) == (401, "login_required")
    assert seller.get(WRITE).status == 303
    assert titles(site) == []


def test_accept_then_timeout_stores_and_answers_late(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("accept_then_timeout", seconds=0.3, times=1)
    start = time.monotonic()
    assert submit(seller).status == 504
    assert time.monotonic() - start >= 0.3
    assert titles(site) == ["제목"]


def test_accept_then_timeout_outlasts_the_client(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("accept_then_timeout")
    with closing(Visitor(site.url, timeout=0.3)) as hasty:
        hasty.cookies = dict(seller.cookies)
        with pytest.raises(TimeoutError):
            submit(hasty)
    assert titles(site) == ["제목"]


@pytest.mark.parametrize(
    ("step", "stored"),
    [
        ("page", []),
        ("login", []),
        ("write", []),
        ("upload", []),
        ("submit_before", []),
        ("submit_after", ["제목"]),
    ],
)
def test_network_cut_resets_the_connection(
    site: RunningSite, seller: Visitor, step: str, stored: list[str]
) -> None:
    site.control.set_fault("network_cut", step=step, times=1)
    calls: dict[str, Callable[[], Answer]] = {
        "page": lambda: seller.get("/"),
        "login": lambda: seller.get("/login"),
        "write": lambda: seller.get(WRITE),
        "upload": lambda: seller.upload(make_png()),
    }
    with pytest.raises(ConnectionResetError) as caught:
        calls.get(step, lambda: submit(seller))()
    assert not isinstance(caught.value, http.client.RemoteDisconnected)
    assert titles(site) == stored
    assert seller.get("/").status == 200


@pytest.mark.parametrize(("at", "before_release"), [("before", []), ("after", ["제목"])])
def test_held_submit_goes_on_when_released(
    site: RunningSite, seller: Visitor, at: str, before_release: list[str]
) -> None:
    site.control.set_fault("hold_submit", at=at, times=1)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(submit, seller)
        held = site.control.wait_until_held()
        assert held == [{"account": "seller01", "title": "제목", "at": at}]
        assert titles(site) == before_release
        assert not answer.done()
        assert site.control.release() == 1
        assert answer.result(timeout=10).status == 201
    assert (titles(site), site.control.held()) == (["제목"], [])


@pytest.mark.parametrize(
    ("at", "abandoned", "stored"),
    [("before", "drop", []), ("before", "keep", ["제목"]), ("after", "drop", ["제목"])],
)
def test_held_submit_of_a_dead_client(
    site: RunningSite, seller: Visitor, at: str, abandoned: str, stored: list[str]
) -> None:
    site.control.set_fault("hold_submit", at=at, abandoned=abandoned, times=1)
    hasty = Visitor(site.url, timeout=0.3)
    hasty.cookies = dict(seller.cookies)
    with pytest.raises(TimeoutError):
        submit(hasty)
    if abandoned == "keep":
        assert (titles(site), len(site.control.held())) == ([], 1)
        site.control.release()
    wait_for(lambda: site.control.held() == [])
    wait_for(lambda: titles(site) == stored)


def test_hold_nobody_releases_is_refused_in_the_end(site: RunningSite, seller: Visitor) -> None:
    site.control.set_fault("hold_submit", seconds=0.2)
    assert submit(seller).status == 503
    assert titles(site) == []


def test_latency_is_added_to_every_page(site: RunningSite, seller: Visitor) -> None:
    site.control.latency(200)
    start = time.monotonic()
    seller.get("/")
    assert time.monotonic() - start >= 0.2
    site.control.latency(0)
    assert site.site.latency == 0


def test_fault_for_one_account_spares_the_others(site: RunningSite, visit: Visit) -> None:
    first, second = visit("seller01"), visit("seller02")
    site.control.set_fault("server_error", account="seller02")
    assert (first.get("/me").status, second.get("/me").status) == (200, 500)
    assert visit().log_in("seller02", site.password).status == 500


def test_limited_fault_strikes_exactly_so_often_under_64_threads() -> None:
    board = FaultBoard()
    board.add(build_fault("ui_changed", {"times": 40}))
    start = threading.Barrier(64)

    def take(_: int) -> bool:
        start.wait()
        return board.take("ui_changed", None) is not None

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(take, range(64))) == 40
    assert board.describe()[0]["hits"] == 40


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_fault_can_be_set_and_cleared(site: RunningSite, name: str) -> None:
    site.control.set_fault(name, times=2, account="seller01")
    (fault,) = site.control.faults()
    assert (fault["name"], fault["times"], fault["account"], fault["hits"]) == (
        name,
        2,
        "seller01",
        0,
    )
    site.control.clear_faults("ui_changed" if name != "ui_changed" else "captcha")
    assert len(site.control.faults()) == 1
    site.control.clear_faults(name)
    assert site.control.faults() == []


def test_unknown_fault_is_refused_with_the_names(site: RunningSite) -> None:
    with pytest.raises(ControlError) as caught:
        site.control.set_fault("meteor")
    assert (caught.value.status, caught.value.names) == (400, list(KINDS))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ui_changed", {"seconds": 1}),
        ("ui_changed", {"times": 0}),
        ("ui_changed", {"times": True}),
        ("captcha", {"where": "upload"}),
        ("captcha", {"where": 3}),
        ("slow_page", {"seconds": -1}),
        ("slow_page", {"seconds": "1"}),
        ("rate_limit", {"retry_after": 1.5}),
        ("network_cut", {"step": "submit"}),
    ],
)
def test_bad_option_is_refused(site: RunningSite, name: str, options: dict[str, object]) -> None:
    with pytest.raises(ControlError) as caught:
        site.control.set_fault(name, **options)  # type: ignore[arg-type]
    assert caught.value.status == 400
    assert site.control.faults() == []


def test_control_needs_the_token(site: RunningSite) -> None:
    with pytest.raises(ControlError) as caught:
        Control(site.url, "guess").reset()
    assert caught.value.status == 403


def test_unknown_verb_is_refused_with_the_verbs(site: RunningSite) -> None:
    with pytest.raises(ControlError) as caught:
        site.control._call("explode")
    assert caught.value.status == 404
    assert "set_fault" in caught.value.names


def test_accounts_can_be_added_and_changed(site: RunningSite, visit: Visit) -> None:
    site.control.add_account("new", "first", level=2, nickname="새 가게")
    visitor = visit()
    assert visitor.log_in("new", "first").status == 303
    assert visitor.submit("market", "members", "제목", "<p>x</p>").status == 201
    site.control.set_password("new", "second")
    assert visitor.get("/me").status == 200
    assert 'data-landmark="login-error"' in visit().log_in("new", "first").text
    assert visit().log_in("new", "second").status == 303
    with pytest.raises(ControlError):
        site.control.set_password("nobody", "x")


def test_sessions_end_on_the_server(site: RunningSite, visit: Visit) -> None:
    first, second, other = visit("seller01"), visit("seller01"), visit("seller02")
    assert site.control.expire_sessions("seller01") == 2
    statuses = [visitor.get("/me").status for visitor in (first, second, other)]
    assert statuses == [303, 303, 200]


def test_session_lifetime_reaches_cookie_and_server(site: RunningSite, visit: Visit) -> None:
    site.control.session_lifetime(0)
    visitor = visit()
    answer = visitor.log_in("seller01", site.password)
    assert "; Max-Age=0; " in answer.headers["Set-Cookie"]
    assert visitor.get("/me").status == 303


def test_reset_brings_back_the_first_day(site: RunningSite, seller: Visitor, visit: Visit) -> None:
    image = seller.upload(make_png()).json()["url"]
    submit(seller)
    site.control.add_account("new", "x")
    site.control.set_password("seller01", "changed")
    site.control.set_fault("server_error")
    site.control.latency(50)
    site.control.reset()
    assert (titles(site), site.control.faults(), site.site.latency) == ([], [], 0)
    assert seller.get("/me").status == 303
    assert seller.get(image).status == 404
    assert 'data-landmark="login-error"' in visit().log_in("new", "x").text
    assert submit(visit("seller01")).json()["id"] == 1
