"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, NotFound


class PolicyInvalid(DomainError):
    """The value is of the wrong kind or outside its bounds."""

    code = "policy_invalid"
    http_status = 422
    message = _("%(value)s is not allowed for %(label)s.")
    remedy = _("Allowed: %(allowed)s.")


class PolicyUnknown(NotFound):
    """The registry has no policy of this name."""

    code = "policy_unknown"
    message = _("There is no policy called %(key)s.")
    remedy = _("Choose one of the policies on the list.")


class PolicyReasonMissing(DomainError):
    """A policy was to be changed without a word why."""

    code = "policy_reason_missing"
    http_status = 422
    message = _("A policy is not changed without a reason.")
    remedy = _("Write in a few words why it changes; everybody can read it later.")
