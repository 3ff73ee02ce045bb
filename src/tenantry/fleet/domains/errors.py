"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError, InvalidInput


class HostNameInvalid(InvalidInput):
    """The text is no host name that could be published."""

    code = "host_name_invalid"
    message = _("%(host)s is not a host name.")
    remedy = _("Write letters, digits and hyphens, parts separated by dots: erp.example.com.")


class HostNameReserved(DomainError):
    """The name is kept for the platform itself."""

    code = "host_name_reserved"
    http_status = 422
    message = _("The name %(host)s is reserved.")
    remedy = _("Choose another name.")


class HostNameTaken(DomainError):
    """Another company has the name."""

    code = "host_name_taken"
    message = _("The host name %(host)s belongs to another company.")
    remedy = _("Choose another name, or remove it from the other company first.")
