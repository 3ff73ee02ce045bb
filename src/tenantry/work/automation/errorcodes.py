"""Why an attempt did not succeed: a closed registry, and the classifier that fills it.

An exception is classified by its type and its structure, never by words in a message: messages are
written by others, in any language, and change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _
from playwright._impl._errors import TargetClosedError

from tenantry.core.errors import Text
from tenantry.sdk.browser import PageError, PageTimeout
from tenantry.sdk.errors import ConnectorError, RateLimited
from tenantry.work.automation.states import SessionState


class Code(StrEnum):
    """Every error code a job may carry."""

    AUTH_EXPIRED = "AUTH_EXPIRED"
    AUTH_INVALID = "AUTH_INVALID"
    LOGIN_FAILED = "LOGIN_FAILED"
    CHALLENGE_REQUIRED = "CHALLENGE_REQUIRED"
    RATE_LIMIT = "RATE_LIMIT"
    UI_CHANGED = "UI_CHANGED"
    UPLOAD_FAILED = "UPLOAD_FAILED"
    NETWORK_ERROR = "NETWORK_ERROR"
    TIMEOUT = "TIMEOUT"
    BROWSER_ERROR = "BROWSER_ERROR"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    TARGET_NOT_FOUND = "TARGET_NOT_FOUND"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    UNKNOWN = "UNKNOWN"


class RetryRule(StrEnum):
    """When another attempt makes sense, as long as nothing was submitted."""

    NEVER = "never"
    NETWORK = "network"
    RATE_LIMIT = "rate_limit"
    # Only once it was proven that nothing was published.
    IF_ABSENT = "if_absent"


@dataclass(frozen=True, kw_only=True)
class ErrorCode:
    """One code: its retry rule, what it does to the session, and what it says to whom.

    `answered`: the site itself gave this answer, so a look right afterwards can be trusted; without
    it a post may still be on its way.
    """

    code: Code
    cause: Text
    remedy: Text
    hint: Text
    retry: RetryRule = RetryRule.NEVER
    session: SessionState | None = None
    answered: bool = False


_ALL = (
    ErrorCode(
        code=Code.AUTH_EXPIRED,
        session=SessionState.EXPIRED,
        answered=True,
        cause=_("The site no longer accepts the saved sign-in."),
        remedy=_("Connect the account again; the schedule then goes on by itself."),
        hint=_("Expected at the end of a session's life. Many at once: the site signed all out."),
    ),
    ErrorCode(
        code=Code.AUTH_INVALID,
        session=SessionState.ERROR,
        answered=True,
        cause=_("The site refused the account name or the password."),
        remedy=_("Try them on the site itself, then connect the account again."),
        hint=_("Never retried: more tries would lock the account."),
    ),
    ErrorCode(
        code=Code.LOGIN_FAILED,
        session=SessionState.ERROR,
        cause=_("Signing in ended without a sign that it worked."),
        remedy=_("Connect the account again. If it repeats, sign in on the site once by hand."),
        hint=_("Look at the screenshot: a notice or a new step stands between login and home."),
    ),
    ErrorCode(
        code=Code.CHALLENGE_REQUIRED,
        session=SessionState.CHALLENGE_REQUIRED,
        answered=True,
        cause=_("The site wants to see a person: a picture puzzle or a second factor."),
        remedy=_("Sign in on the site yourself and answer it, then connect the account again."),
        hint=_("Never answered by the machine. Lower this account's pace if it repeats."),
    ),
    ErrorCode(
        code=Code.RATE_LIMIT,
        retry=RetryRule.RATE_LIMIT,
        answered=True,
        cause=_("The site says that this account posts too much."),
        remedy=_("Nothing to do: it is tried again later. Plan fewer posts if it repeats."),
        hint=_("The wait is the site's own wish or the policy, whichever is longer."),
    ),
    ErrorCode(
        code=Code.UI_CHANGED,
        cause=_("The site's page looks different from what we know."),
        remedy=_("We have to adapt to the new page. Nothing was posted."),
        hint=_("The detail names the missing landmark; compare the stored HTML."),
    ),
    ErrorCode(
        code=Code.UPLOAD_FAILED,
        retry=RetryRule.NETWORK,
        answered=True,
        cause=_("The site did not take an image."),
        remedy=_("Use JPEG or PNG pictures of a few megabytes at most."),
        hint=_("Try the same file by hand; sites change their size limits."),
    ),
    ErrorCode(
        code=Code.NETWORK_ERROR,
        retry=RetryRule.NETWORK,
        cause=_("The connection to the site was cut."),
        remedy=_("Nothing to do: it is tried again shortly."),
        hint=_("Several accounts at once: our network or the site's. One: its proxy or DNS."),
    ),
    ErrorCode(
        code=Code.TIMEOUT,
        retry=RetryRule.NETWORK,
        cause=_("The site took too long to answer."),
        remedy=_("Nothing to do: it is tried again unless the post may be out already."),
        hint=_("The detail says what was waited for."),
    ),
    ErrorCode(
        code=Code.BROWSER_ERROR,
        retry=RetryRule.NETWORK,
        cause=_("Our browser stopped in the middle."),
        remedy=_("Nothing to do: it is tried again with a fresh browser."),
        hint=_("Memory? Run `tenantry doctor`: it says whether Chromium can be started."),
    ),
    ErrorCode(
        code=Code.PERMISSION_DENIED,
        answered=True,
        cause=_("This account may not do that on the site."),
        remedy=_("Join the cafe or ask its manager for the right to write on the board."),
        hint=_("Membership grade, a block, or a board for staff."),
    ),
    ErrorCode(
        code=Code.TARGET_NOT_FOUND,
        answered=True,
        cause=_("The place to post to does not exist."),
        remedy=_("Choose the place again in the post's template."),
        hint=_("Renamed, closed, or hidden from this account."),
    ),
    ErrorCode(
        code=Code.VALIDATION_ERROR,
        answered=True,
        cause=_("The post cannot be published as it is."),
        remedy=_("Correct the template and save it. If it changed, it needs approval again."),
        hint=_("The detail names the field, or says that the content is not the approved one."),
    ),
    ErrorCode(
        code=Code.OUTCOME_UNKNOWN,
        retry=RetryRule.IF_ABSENT,
        cause=_("The post was sent, but whether it appeared could not be seen."),
        remedy=_("Look on the site before you post it again."),
        hint=_("Looked up in the account's own posts with growing pauses, then left to a person."),
    ),
    ErrorCode(
        code=Code.UNKNOWN,
        cause=_("Something happened that we do not know yet."),
        remedy=_("Nothing to do for you: the operators see it. Tell us if it repeats."),
        hint=_("Not classified: look at the evidence and give it a type of its own."),
    ),
)
REGISTRY: Mapping[Code, ErrorCode] = MappingProxyType({entry.code: entry for entry in _ALL})


def lookup(code: str) -> ErrorCode:
    """Return the entry of a code; one that is not known counts as UNKNOWN."""
    return REGISTRY[Code(code)] if code in Code.__members__ else REGISTRY[Code.UNKNOWN]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A classified exception. `detail` is for operators; the caller redacts it."""

    code: Code
    detail: str = ""
    retry_after: int | None = None


# Chromium's own names (net/base/net_error_list.h) for what is not the network's fault.
_NOT_NETWORK = {
    "ERR_OUT_OF_MEMORY": Code.BROWSER_ERROR,
    "ERR_INSUFFICIENT_RESOURCES": Code.BROWSER_ERROR,
    "ERR_TOO_MANY_REDIRECTS": Code.UI_CHANGED,
    # Our own fence: the page led to an address that the connector does not name.
    "ERR_BLOCKED_BY_CLIENT": Code.UI_CHANGED,
    "ERR_INVALID_URL": Code.VALIDATION_ERROR,
}
# A token of the browser's protocol, not a word: upper case, with its prefix.
_NET_ERROR = re.compile(r"\bnet::(ERR_[A-Z0-9_]+)")
_LONGEST_DETAIL = 500


def classify(error: BaseException, *, browser_lost: bool = False) -> Failure:
    """Name the cause of an exception; anything that is not known is UNKNOWN.

    `browser_lost`: the caller saw the page crash or the browser disconnect.
    """
    if isinstance(error, ConnectorError):
        retry_after = error.retry_after if isinstance(error, RateLimited) else None
        code = lookup(error.code).code
        return Failure(code=code, detail=_short(error.detail), retry_after=retry_after)
    return Failure(code=_code_of(error, browser_lost=browser_lost), detail=_short(_named(error)))


def _code_of(error: BaseException, *, browser_lost: bool) -> Code:
    if browser_lost or isinstance(error, TargetClosedError):
        return Code.BROWSER_ERROR
    if isinstance(error, PageTimeout | TimeoutError):
        return Code.TIMEOUT
    if isinstance(error, PageError):
        token = _NET_ERROR.search(error.message)
        return _NOT_NETWORK.get(token[1], Code.NETWORK_ERROR) if token else Code.UNKNOWN
    if isinstance(error, ConnectionError):
        return Code.NETWORK_ERROR
    return Code.UNKNOWN


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _short(text: str) -> str:
    # The lines after the first are the browser's log, which may quote what was typed.
    return text.strip().partition("\n")[0][:_LONGEST_DETAIL]
