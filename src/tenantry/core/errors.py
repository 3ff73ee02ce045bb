"""Refusals: what the platform says when it will not do something, and how to mend it."""

from collections.abc import Mapping
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type_base = "urn:tenantry:problem:"

Text = str | Promise


class DomainError(Exception):
    """An anticipated refusal: never logged as an error, always shown with its remedy.

    Subclasses set `code` (stable, snake_case), `http_status`, `message` and `remedy`; texts may
    name facts as `%(fact)s`, and the facts are given to the constructor.
    """

    code: ClassVar[str] = "refused"
    http_status: ClassVar[int] = 409
    message: ClassVar[Text] = _("This cannot be done now.")
    remedy: ClassVar[Text] = _("Reload the page and try again.")

    def __init__(self, **facts: object) -> None:
        """Remember the facts that the texts name."""
        super().__init__(self.code)
        self.facts: Mapping[str, object] = facts

    def text(self) -> str:
        """Return the cause in the active language."""
        return str(self.message) % self.facts

    def remedy_text(self) -> str:
        """Return the remedy in the active language."""
        return str(self.remedy) % self.facts

    def __str__(self) -> str:
        """Show code and cause, for logs and tracebacks."""
        return f"{self.code}: {self.text()}"

    def problem(self, *, trace_id: str = "", instance: str = "") -> dict[str, object]:
        """Return the refusal as an RFC 9457 problem object."""
        return {
            "type": f"{type_base}{self.code}",
            "title": self.text(),
            "status": self.http_status,
            "detail": self.remedy_text(),
            "code": self.code,
            "instance": instance,
            "trace_id": trace_id,
        }


class NotFound(DomainError):
    """What was asked for is not there, or not for this person: both look the same."""

    code = "not_found"
    http_status = 404
    message = _("There is nothing at this address for you.")
    remedy = _("Check the address, or go back to the start page.")


class Forbidden(DomainError):
    """The person may see the thing but not do this with it."""

    code = "forbidden"
    http_status = 403
    message = _("Your role does not allow this.")
    remedy = _("Ask an owner or administrator of your company.")


class InvalidInput(DomainError):
    """A value that a form or an API call carried cannot be used."""

    code = "invalid_input"
    http_status = 422
    message = _("The value of %(field)s cannot be used.")
    remedy = _("Correct it and send the form again.")


class ZoneUnknown(InvalidInput):
    """The name is not in the IANA time zone database."""

    code = "zone_unknown"
    message = _("There is no time zone “%(zone)s”.")
    remedy = _("Choose a time zone from the list, for example Asia/Seoul.")


class LanguageUnknown(InvalidInput):
    """The platform does not speak this language."""

    code = "language_unknown"
    message = _("The language %(language)s is not available.")
    remedy = _("Choose one from the list.")


class Unavailable(DomainError):
    """Something the platform stands on does not answer now; nothing was lost."""

    code = "unavailable"
    http_status = 503
    message = _("%(part)s does not answer at the moment.")
    remedy = _("Try again in a minute; the operators have been told.")
