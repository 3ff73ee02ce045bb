"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, InvalidInput


class NoCapacity(DomainError):
    """Every host of the region is full or drained; room that is given back helps, so retry."""

    code = "no_capacity"
    http_status = 503
    message = _("No host has room at the moment (region: %(region)s).")
    remedy = _("Try again in a few minutes, or start another host in this region.")


class RegionUnknown(DomainError):
    """No host was ever registered in the region; trying again does not help."""

    code = "region_unknown"
    http_status = 422
    message = _("There is no region called %(region)s.")
    remedy = _("Choose one from the list.")


class HostNotVisible(DomainError):
    """A host would have had room but is silent; an operator must look."""

    code = "host_not_visible"
    http_status = 503
    message = _("A host has room, but nothing was heard from it lately (region: %(region)s).")
    remedy = _("See whether the process `tenantry host` runs on %(host)s.")


class LeaseLost(DomainError):
    """The tenant holds no capacity: its lease ran out or was given back."""

    code = "lease_lost"
    message = _("The room that was held for this company has been given back.")
    remedy = _("Place the company anew.")


class HostReasonMissing(InvalidInput):
    """An operator closed or opened a host without saying why."""

    code = "host_reason_missing"
    message = _("Say why: the reason is shown to the next operator.")
    remedy = _("Write a reason and send the form again.")
