import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright._impl._errors import TargetClosedError

from tenantry.sdk import errors
from tenantry.sdk.browser import PageError, PageTimeout
from tenantry.work.automation.errorcodes import REGISTRY, Code, classify, lookup
from tenantry.work.automation.states import SessionState

# Messages that a classifier by words takes for something else.
MISLEADING = [
    "로그인이 만료되었습니다",
    "제목 입력란을 찾을 수 없습니다. 페이지 구조가 변경되었을 수 있습니다",
    "이미 세션 재연결을 시도했습니다 (연결)",
    "Failed to generate",
    "카페 멤버만 글을 쓸 수 있습니다",
    "rate limit timeout network captcha 429 net::err_failed",
]


def test_registry_is_total_and_closed() -> None:
    assert set(REGISTRY) == set(Code)
    assert {code.value for code in Code} >= errors.CODES
    assert len(Code) == 15


@pytest.mark.parametrize("code", Code)
def test_every_code_says_cause_remedy_and_hint(code: Code) -> None:
    entry = REGISTRY[code]
    assert all(len(str(text)) > 10 for text in (entry.cause, entry.remedy, entry.hint))


KINDS = sorted(
    (kind for kind in errors.ConnectorError.__subclasses__() if kind.__module__ == errors.__name__),
    key=lambda kind: kind.__name__,
)


@given(
    kind=st.sampled_from(KINDS),
    words=st.sampled_from(MISLEADING) | st.text(max_size=80),
)
def test_connector_errors_are_classified_by_type_whatever_they_say(
    kind: type[errors.ConnectorError], words: str
) -> None:
    assert classify(kind(words)).code == Code(kind.code)


@given(words=st.sampled_from(MISLEADING) | st.text(max_size=80))
def test_unknown_exceptions_stay_unknown_whatever_they_say(words: str) -> None:
    class Novel(Exception):
        pass

    assert classify(Novel(words)).code == Code.UNKNOWN
    assert classify(PageError(words.replace("net::ERR_", ""))).code == Code.UNKNOWN


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PageTimeout("Timeout 15000ms exceeded."), Code.TIMEOUT),
        (TimeoutError(), Code.TIMEOUT),
        (TargetClosedError(), Code.BROWSER_ERROR),
        (ConnectionResetError(), Code.NETWORK_ERROR),
        (PageError("Page.goto: net::ERR_NAME_NOT_RESOLVED at http://x/"), Code.NETWORK_ERROR),
        (PageError("Page.goto: net::ERR_CONNECTION_REFUSED at http://x/"), Code.NETWORK_ERROR),
        (PageError("Page.goto: net::ERR_BLOCKED_BY_CLIENT at http://x/"), Code.UI_CHANGED),
        (PageError("Page.goto: net::ERR_OUT_OF_MEMORY"), Code.BROWSER_ERROR),
        (ZeroDivisionError(), Code.UNKNOWN),
    ],
)
def test_other_exceptions_are_classified_by_structure(error: Exception, code: Code) -> None:
    assert classify(error).code == code


def test_lost_browser_explains_whatever_was_raised() -> None:
    assert classify(PageError("anything"), browser_lost=True).code == Code.BROWSER_ERROR
    assert classify(errors.UiChanged("x"), browser_lost=True).code == Code.UI_CHANGED


def test_rate_limit_carries_the_wish_of_the_site() -> None:
    assert classify(errors.RateLimited(retry_after=900)).retry_after == 900


def test_session_effects_are_these() -> None:
    effects = {code: entry.session for code, entry in REGISTRY.items() if entry.session}
    assert effects == {
        Code.AUTH_EXPIRED: SessionState.EXPIRED,
        Code.CHALLENGE_REQUIRED: SessionState.CHALLENGE_REQUIRED,
        Code.AUTH_INVALID: SessionState.ERROR,
        Code.LOGIN_FAILED: SessionState.ERROR,
    }


def test_lookup_takes_a_strange_code_for_unknown() -> None:
    assert lookup("NO_SUCH").code == Code.UNKNOWN
