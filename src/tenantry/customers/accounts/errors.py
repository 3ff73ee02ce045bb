"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class AddressInvalid(DomainError):
    """What was typed is not an e-mail address."""

    code = "address_invalid"
    http_status = 422
    message = _("This is not an e-mail address.")
    remedy = _("Check it for typing errors; it looks like name@example.com.")


class CodeRefused(DomainError):
    """Wrong, expired, spent, replaced or of another browser: all look the same."""

    code = "code_refused"
    http_status = 422
    message = _("This code does not work.")
    remedy = _("Use the newest code, in the browser where you asked for it, or ask for a new one.")


class TooManyCodes(DomainError):
    """A limit on codes or on tries is reached; known and unknown addresses alike."""

    code = "too_many_codes"
    http_status = 429
    message = _("Too many sign-in codes were asked for or tried.")
    remedy = _("Wait an hour; if it goes on, wait a day or write to us.")


class LinkRefused(DomainError):
    """Wrong, expired or spent: all look the same."""

    code = "link_refused"
    http_status = 410
    message = _("This link was used already or is too old.")
    remedy = _("Sign in with your address; a code comes by mail.")


class AddressTaken(DomainError):
    """Another person has this address already."""

    code = "address_taken"
    message = _("Somebody has an account with this address already.")
    remedy = _("Use the existing account or another address.")


class PasswordWeak(DomainError):
    """The password breaks a rule."""

    code = "password_weak"
    http_status = 422
    message = _("This password cannot be used: %(reason)s")
    remedy = _("Choose a longer one that is not in common use.")


class RoleUnknown(DomainError):
    """There is no such operator role."""

    code = "role_unknown"
    http_status = 422
    message = _("There is no role called %(role)s.")
    remedy = _("Choose one from the list.")
