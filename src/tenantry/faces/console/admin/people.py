"""Customers' companies, and people."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import display
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenantry.customers.accounts.models import User
from tenantry.customers.tenants.models import Membership, Tenant
from tenantry.faces.console.listing import ReadOnlyAdmin, stacked
from tenantry.faces.console.panels import Facts, Grid, Panel
from tenantry.faces.console.site import console
from tenantry.faces.console.words import (
    NOTHING,
    age,
    both,
    chip,
    code,
    history,
    link,
    row_link,
    toned,
)


class TenantAdmin(ReadOnlyAdmin):
    """The customers' companies."""

    heading = _("Companies")
    empty = _("No company yet.")
    list_display = ("company", "status", "people", "zone", "language", "since")
    list_filter = ("state", "language")
    search_fields = ("name", "short_id", "id")
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the companies, with how many people each has."""
        rows: QuerySet[Any] = super().get_queryset(request)
        annotated: QuerySet[Any] = rows.annotate(people=Count("memberships"))
        return annotated

    @display(description=_("company"), ordering="name")
    def company(self, row: Tenant) -> str:
        """Return the name, over the short id."""
        return stacked(row.name, row.short_id)

    @display(description=_("state"), ordering="state")
    def status(self, row: Tenant) -> object:
        """Return its state."""
        return chip(row.state, row.get_state_display())

    @display(description=_("people"), ordering="people")
    def people(self, row: Any) -> int:  # noqa: ANN401  # annotated
        """Return how many people belong to it."""
        return int(row.people)

    @display(description=_("since"), ordering="created_at")
    def since(self, row: Tenant) -> object:
        """Return since when it is a customer."""
        return age(row.created_at)

    def headline(self, row: Tenant) -> Sequence[object]:
        """Return state and short id."""
        return self.status(row), code(row.short_id)

    def panels(self, request: HttpRequest, row: Tenant) -> Sequence[Panel]:
        """Return the company, its people, and where to look further."""
        del request
        people = row.memberships.select_related("user").order_by("user__email")
        members: list[Membership] = list(people)
        audit = reverse("console:audit_auditentry_changelist")
        return [
            Facts(
                title=_("Company"),
                rows=[
                    (_("state"), self.status(row)),
                    (_("time zone"), row.zone),
                    (_("language"), row.language),
                    (_("customer since"), both(row.created_at)),
                    (_("id"), code(row.id)),
                ],
            ),
            Facts(
                title=_("Look further"),
                rows=[
                    (_("schedules"), _filtered("schedules", "schedule", row)),
                    (_("slots"), _filtered("schedules", "slot", row)),
                    (_("sessions"), _filtered("automation", "connection", row)),
                    (_("jobs"), _filtered("automation", "job", row)),
                    (
                        _("audit log"),
                        link(f"{audit}?tenant={row.id}", _("open")),
                    ),
                ],
            ),
            Grid(
                title=_("People"),
                heads=[_("person"), _("role"), _("since")],
                rows=[
                    [
                        row_link("accounts", "user", member.user_id, member.user.email),
                        member.get_role_display(),
                        age(member.created_at),
                    ]
                    for member in members
                ],
                empty=_("Nobody belongs to this company."),
            ),
        ]


def _filtered(app: str, model: str, row: Tenant) -> object:
    address = reverse(f"console:{app}_{model}_changelist")
    return link(f"{address}?tenant_id={row.id}", _("open"))


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


console.register(Tenant, TenantAdmin)
console.register(User, UserAdmin)
