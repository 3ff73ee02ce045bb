"""Everybody who can sign in."""

from collections.abc import Sequence

from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Membership
from tenantry.faces.console.listing import ReadOnlyAdmin, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    code,
    history,
    row_link,
    toned,
)


class UserAdmin(ReadOnlyAdmin):
    """Everybody who can sign in, customers and operators."""

    empty = _("Nobody yet.")
    list_display = ("person", "operator", "active", "language", "since")
    list_filter = ("operator_role", "is_active", "language")
    search_fields = ("email", "name", "id")
    ordering = ("email",)

    @display(description=_("person"), ordering="email")
    def person(self, row: User) -> str:
        """Return the address, over the name."""
        return stacked(row.email, row.name)

    @display(description=_("operator"), ordering="operator_role")
    def operator(self, row: User) -> object:
        """Return the operator role."""
        return toned("busy", row.get_operator_role_display()) if row.operator_role else NOTHING

    @display(description=_("active"), ordering="is_active")
    def active(self, row: User) -> object:
        """Return whether the person can sign in."""
        return toned("ok", _("yes")) if row.is_active else toned("bad", _("no"))

    @display(description=_("since"), ordering="created_at")
    def since(self, row: User) -> object:
        """Return since when there is an account."""
        return age(row.created_at)

    def panels(self, request: HttpRequest, row: User) -> Sequence[Panel]:
        """Return the person and the companies it belongs to."""
        del request
        memberships: list[Membership] = list(
            row.memberships.select_related("tenant").order_by("tenant__name")
        )
        return [
            Facts(
                title=_("Person"),
                rows=[
                    (_("e-mail"), row.email),
                    (_("name"), row.name or NOTHING),
                    (_("operator role"), self.operator(row)),
                    (_("active"), self.active(row)),
                    (_("language"), row.language),
                    (_("last sign-in to the console"), both(row.last_login)),
                    (_("account since"), both(row.created_at)),
                    (_("id"), code(row.id)),
                    (_("history"), history("user", row.id)),
                ],
            ),
            Grid(
                title=_("Companies"),
                heads=[_("company"), _("role"), _("since")],
                rows=[
                    [
                        row_link("tenants", "tenant", member.tenant_id, member.tenant.name),
                        member.get_role_display(),
                        age(member.created_at),
                    ]
                    for member in memberships
                ],
                empty=_("This person belongs to no company."),
            ),
        ]


console.register(User, UserAdmin)
