"""Refusals of this room."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class TenantNameInvalid(DomainError):
    """The company's name is empty or too long."""

    code = "tenant_name_invalid"
    http_status = 422
    message = _("A company needs a name of 1 to %(most)s characters.")
    remedy = _("Write the name your customers know.")


class RoleUnknown(DomainError):
    """There is no such role in a company."""

    code = "member_role_unknown"
    http_status = 422
    message = _("There is no role called %(role)s.")
    remedy = _("Choose one from the list.")


class TenantStateRefuses(DomainError):
    """In its present state a company cannot do this."""

    code = "tenant_state_refuses"
    http_status = 403
    message = _("This is not possible while the company is %(state)s.")
    remedy = _("Ask the operators what is needed to change that.")


class AlreadyMember(DomainError):
    """The person belongs to the company already."""

    code = "already_member"
    message = _("This person belongs to the company already.")
    remedy = _("Change the role instead.")
