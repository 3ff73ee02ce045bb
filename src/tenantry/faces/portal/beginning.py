"""The first steps of a company: connect an account, write something to post, plan it."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.customers.tenants import roles
from tenantry.customers.tenants.roles import Act
from tenantry.faces.portal.navigation import section_url
from tenantry.sdk import registry
from tenantry.sdk.portal import TenantAccess


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: done, next, or later with the reason why not yet."""

    title: Text
    text: Text
    action: Text
    url: str
    done: bool
    state: str
    reason: Text = ""


def steps(tenant: TenantAccess, *, connected: bool, written: bool, planned: bool) -> list[Step]:
    """Return the three steps in their order; one that cannot be taken yet has no address."""
    may_connect = roles.can(tenant.role, Act.MANAGE)
    may_plan = tenant.may_edit and connected and written
    return [
        Step(
            title=_("Connect an account"),
            text=_("The account on the site that your posts go out with."),
            action=_("Connect an account"),
            url=_page("connect", tenant) if may_connect else "",
            reason=_("An owner or administrator does this."),
            done=connected,
            state="done" if connected else "now",
        ),
        Step(
            title=_("Write a template"),
            text=_("Title, text and images of the post, with variables such as the date."),
            action=_("Write a template"),
            url=_writing(tenant) if tenant.may_edit else "",
            reason=_("A member of your company does this."),
            done=written,
            state="done" if written else "now" if connected else "later",
        ),
        Step(
            title=_("Make a schedule"),
            text=_("Days and times; we post then, and show you the proof."),
            action=_("Make a schedule"),
            url=_page("schedule_new", tenant) if may_plan else "",
            reason=_why_not(tenant, connected=connected, written=written),
            done=planned,
            state="done" if planned else "now" if connected and written else "later",
        ),
    ]


def missing(tenant: TenantAccess, *, connected: bool, written: bool) -> list[Step]:
    """Return the steps that have to be taken before a schedule can be made."""
    return [
        step
        for step in steps(tenant, connected=connected, written=written, planned=False)[:2]
        if not step.done
    ]


def _why_not(tenant: TenantAccess, *, connected: bool, written: bool) -> Text:
    if not tenant.may_edit:
        return _("A member of your company does this.")
    if not connected:
        return _("Connect an account first.")
    return "" if written else _("Write a template first.")


def _page(name: str, tenant: TenantAccess) -> str:
    return reverse(f"portal:{name}", args=[tenant.short_id])


def _writing(tenant: TenantAccess) -> str:
    for product in registry.products():
        if product.content and product.portal:
            return section_url(product, tenant.short_id)
    return ""
