"""When a refused mail is tried again, and when it is given up."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

# 5 s, 10 s, 20 s … together about forty minutes.
MAX_ATTEMPTS = 10
_FIRST_SECONDS = 5.0
_LONGEST_SECONDS = 900.0
# RFC 5321 section 4.2.1: replies of 500 and above are permanent.
_PERMANENT = 500


def wait_after(attempts: int, *, jitter: float) -> timedelta:
    """Return the wait after so many refusals; `jitter` from 0 to 1 adds up to a fifth."""
    seconds = min(_FIRST_SECONDS * 2 ** (attempts - 1), _LONGEST_SECONDS)
    return timedelta(seconds=seconds * (1 + jitter / 5))


def refusals() -> tuple[type[Exception], ...]:
    """Return what mail servers and mail services answer with; SMTPException is an OSError."""
    from anymail.exceptions import AnymailError  # noqa: PLC0415  # slow import

    return OSError, AnymailError


def is_permanent(error: Exception) -> bool:
    """Return whether the server said that trying again is useless."""
    from anymail.exceptions import AnymailRecipientsRefused  # noqa: PLC0415  # slow import

    if isinstance(error, AnymailRecipientsRefused):
        return True
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _reply in error.recipients.values())
    return isinstance(error, SMTPResponseException) and error.smtp_code >= _PERMANENT
