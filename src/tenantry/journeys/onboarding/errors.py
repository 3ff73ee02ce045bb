"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class AddressUnreadable(DomainError):
    """What was typed is not a mail address that we can write to; `problem` says what is wrong."""

    code = "address_unreadable"
    http_status = 422
    message = _("We cannot write to this address: %(problem)s")
    remedy = _("Check it for typing errors; it looks like name@company.com.")


class AddressRefused(DomainError):
    """The verdict on the address; `cause` and `cure` are its primary gate's texts."""

    code = "address_refused"
    http_status = 422
    message = _("A trial cannot start with this address. %(cause)s")
    remedy = "%(cure)s"


class TooManyRegistrations(DomainError):
    """One network asked for too many trials in an hour."""

    code = "too_many_registrations"
    http_status = 429
    message = _("Too many trials were asked for from your network.")
    remedy = _("Wait an hour and try again, or write to us.")


class RegistrationMissing(DomainError):
    """There is no such registration, or it belongs to another browser: both look the same."""

    code = "registration_missing"
    http_status = 404
    message = _("This browser has no running registration.")
    remedy = _("Start again with your address; a registration that runs is found by it.")


class NotNow(DomainError):
    """The registration's state has no room for this step."""

    code = "registration_not_now"
    message = _("This step does not fit: the registration is “%(state)s”.")
    remedy = _("Reload the page; it shows the step that is next.")


class RegionUnavailable(DomainError):
    """No server of this region takes new companies now."""

    code = "region_unavailable"
    http_status = 422
    message = _("The region %(region)s is not open for new companies.")
    remedy = _("Choose another region from the list.")


class ReasonMissing(DomainError):
    """An operator's decision needs a reason that can be read later."""

    code = "registration_reason_missing"
    http_status = 422
    message = _("A rejection needs a reason.")
    remedy = _("Write it so that the visitor can act on it; it is mailed.")


class EntryOver(DomainError):
    """The address was proven too long ago to open a session by the cookie alone."""

    code = "entry_over"
    http_status = 403
    message = _("Your address was proven too long ago to sign you in without a code.")
    remedy = _("Sign in with your address; a code comes by mail.")


class DomainInvalid(DomainError):
    """What an operator typed is not a domain."""

    code = "dictionary_domain_invalid"
    http_status = 422
    message = _("%(domain)s is not a domain that can have mail addresses.")
    remedy = _("Write what stands after the @, like company.com.")


class DomainListed(DomainError):
    """The dictionary has this domain already."""

    code = "dictionary_domain_listed"
    message = _("The dictionary has %(domain)s already.")
    remedy = _("Change the line that is there.")


class NoteMissing(DomainError):
    """A line of the dictionary says why it is there."""

    code = "dictionary_note_missing"
    http_status = 422
    message = _("A line of the dictionary needs a note.")
    remedy = _("Write why the domain is treated like this.")
