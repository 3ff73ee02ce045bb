"""What the frame around a tenant's page offers."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.sdk import registry
from tenantry.sdk.portal import TenantAccess
from tenantry.sdk.product import Product

_ANY_PRODUCT = "template"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One entry: where it leads, and whether the page is there."""

    label: Text
    icon: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Navigation:
    """The entries of the sidebar; on phones `tabs` stand below and notices above."""

    items: tuple[Item, ...]
    notices: Item

    @property
    def tabs(self) -> tuple[Item, ...]:
        """Return what stands in the bar at the bottom of a phone."""
        return self.items


def navigation(*, tenant: TenantAccess, path: str, unread: int) -> Navigation:
    """Return the navigation of a tenant's page."""
    home = reverse("portal:home", args=[tenant.short_id])

    def item(label: Text, icon: str, url: str, *, below: str = "", count: int = 0) -> Item:
        current = path == url if url == home else path.startswith(below or url)
        return Item(label=label, icon=icon, url=url, current=current, count=count)

    def page(name: str) -> str:
        return reverse(f"portal:{name}", args=[tenant.short_id])

    products = [
        item(
            product.portal.label,
            _icon(product),
            section_url(product, tenant.short_id),
            below=f"{home}{product.slug}/",
        )
        for product in registry.products()
        if product.portal
    ]
    items = (
        item(_("Home"), "home", home),
        item(_("Connections"), "link", page("connections")),
        *products,
        item(_("Schedules"), "calendar", page("schedules")),
        item(_("Runs"), "runs", page("runs")),
    )
    return Navigation(
        items=items, notices=item(_("Notices"), "bell", page("notices"), count=unread)
    )


def section_url(product: Product, short_id: str) -> str:
    """Return the first page of a product's section; a product without pages is a ValueError."""
    if product.portal is None:
        reason = f"{product.slug} has no pages"
        raise ValueError(reason)
    return reverse(f"{product.slug}:{product.portal.index}", args=[short_id])


def _icon(product: Product) -> str:
    wanted = product.portal.icon if product.portal else ""
    return wanted if f'id="{wanted}"' in _sprite() else _ANY_PRODUCT


@cache
def _sprite() -> str:
    sprite = files("tenantry.faces.portal").joinpath("static/portal/icons.svg")
    return sprite.read_text(encoding="utf-8")
