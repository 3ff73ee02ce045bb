"""What a connector may raise. The platform decides by type, never by words in a message.

Each class carries the `code` of the platform's closed registry, which holds the retry rule and the
texts for customer and operator. Anything else a connector raises is recorded as UNKNOWN.
"""

from typing import ClassVar


class ConnectorError(Exception):
    """The site did not let the connector finish; `detail` is for operators and holds no secret."""

    code: ClassVar[str] = "UNKNOWN"

    def __init__(self, detail: str = "") -> None:
        """Remember what was seen."""
        super().__init__(detail)
        self.detail = detail


class AuthExpired(ConnectorError):
    """The saved login no longer counts; the account's owner must sign in again."""

    code = "AUTH_EXPIRED"


class AuthInvalid(ConnectorError):
    """The site refused the id or the password."""

    code = "AUTH_INVALID"


class LoginFailed(ConnectorError):
    """The login page was left without a positive sign of being signed in."""

    code = "LOGIN_FAILED"


class ChallengeRequired(ConnectorError):
    """The site asks for a person: CAPTCHA or a second factor. Never solved by the machine."""

    code = "CHALLENGE_REQUIRED"


class RateLimited(ConnectorError):
    """The site asks to slow down; `retry_after` is its own wish in seconds, if it gave one."""

    code = "RATE_LIMIT"

    def __init__(self, detail: str = "", *, retry_after: int | None = None) -> None:
        """Remember the site's wish."""
        super().__init__(detail)
        self.retry_after = retry_after


class UiChanged(ConnectorError):
    """A known landmark of the page is missing; `landmark` names it."""

    code = "UI_CHANGED"

    def __init__(self, detail: str = "", *, landmark: str = "") -> None:
        """Remember which landmark was looked for."""
        super().__init__(detail or landmark)
        self.landmark = landmark


class UploadFailed(ConnectorError):
    """The site did not take an image."""

    code = "UPLOAD_FAILED"


class NetworkError(ConnectorError):
    """The connection was cut or could not be made."""

    code = "NETWORK_ERROR"


class PermissionDenied(ConnectorError):
    """The account may not do this on the site."""

    code = "PERMISSION_DENIED"


class TargetNotFound(ConnectorError):
    """The place to publish to does not exist."""

    code = "TARGET_NOT_FOUND"


class SiteTimeout(ConnectorError):
    """The site took too long."""

    code = "TIMEOUT"


class BrowserFailed(ConnectorError):
    """The browser itself crashed or could not be started."""

    code = "BROWSER_ERROR"


class PayloadInvalid(ConnectorError):
    """The content cannot be published as it is."""

    code = "VALIDATION_ERROR"


class OutcomeUnknown(ConnectorError):
    """The post was sent and the answer never came; only a look at the site can tell."""

    code = "OUTCOME_UNKNOWN"


# Every code a connector can raise by type; job kinds declare a part of these.
CODES: frozenset[str] = frozenset(
    {error.code for error in ConnectorError.__subclasses__()} | {ConnectorError.code}
)
