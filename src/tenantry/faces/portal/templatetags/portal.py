"""Tags of the design language: icons, chips, moments, fields and the frame's navigation."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenantry.core import clock
from tenantry.core.errors import Text
from tenantry.customers.notices import queries as notices
from tenantry.customers.tenants import roles
from tenantry.customers.tenants.states import Role
from tenantry.faces.portal import navigation, words
from tenantry.sdk.portal import TenantAccess

register = template.Library()
_SPRITE = "portal/icons.svg"


@register.simple_tag
def icon(name: str, label: Text = "") -> SafeString:
    """Draw an icon of the sprite; without a label it is decoration."""
    address = f"{static(_SPRITE)}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', address)


@register.simple_tag
def chip(state: words.Chip | str, text: Text = "", sign: str = "") -> SafeString:
    """Draw a state: `{% chip row.chip %}`, or `{% chip "ok" _("On") "power" %}`."""
    shown = words.Chip(tone=state, text=text, icon=sign) if isinstance(state, str) else state
    return format_html(
        '<span class="chip {}">{}{}</span>', shown.tone, icon(shown.sign), shown.text
    )


@register.simple_tag
def moment(value: datetime | None, zone: str, *, seconds: bool = False) -> SafeString | str:
    """Show a moment in a zone, as `today 09:00`; the machine-readable instant rides along."""
    if value is None:
        return ""
    text = words.day_and_time(value, zone=zone, now=clock.now(), seconds=seconds)
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), zone, text)


@register.simple_tag(takes_context=True)
def moment_there(context: template.RequestContext, value: datetime, zone: str) -> SafeString:
    """Show a moment in a schedule's zone, with its place where it is not the company's own."""
    shown = format_html("{}", moment(value, zone))
    if zone == context["request"].tenant.zone:
        return shown
    return format_html('{} <span class="faint">{}</span>', shown, words.place(zone))


@register.simple_tag
def zone_name(zone: str) -> SafeString:
    """Show a zone as people say it, with its exact name at hand."""
    return format_html('<span title="{}">{}</span>', zone, words.zone_name(zone))


@register.simple_tag
def distance(value: datetime | None) -> SafeString | str:
    """Show how far a moment is from now, as `in 3 h`."""
    if value is None:
        return ""
    text = words.distance(value, now=clock.now())
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), text)


@register.inclusion_tag("portal/partials/field.html")
def field(bound: BoundField, hint: Text = "", *, optional: bool = False) -> dict[str, object]:
    """Draw a form's field with label, hint and errors, wired for screen readers."""
    described = [f"{bound.auto_id}-hint"] if hint or bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
    attributes: dict[str, Any] = {}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {
        "field": bound,
        "widget": bound.as_widget(attrs=attributes),
        "hint": hint or bound.help_text,
        "optional": optional,
        "grouped": bound.use_fieldset,
    }


@register.filter
def may(tenant: TenantAccess, act: str) -> bool:
    """Return whether the person may do it: `{% if request.tenant|may:"manage" %}`."""
    return roles.can(tenant.role, roles.Act(act))


@register.simple_tag(takes_context=True)
def query(context: template.RequestContext, **changes: object) -> str:
    """Return the page's query string with some values changed; empty values are left out."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value:
            values[name] = str(value)
    return f"?{values.urlencode()}"


@register.simple_tag(takes_context=True)
def navigation_of(context: template.RequestContext) -> navigation.Navigation:
    """Return the frame's navigation for the page's tenant, with the number of unread notices."""
    request: HttpRequest = context["request"]
    tenant: TenantAccess = request.__dict__["tenant"]
    return navigation.navigation(tenant=tenant, path=request.path, unread=notices.count_unread())


@register.simple_tag
def live(name: str) -> SafeString:
    """Make an element fetch itself again on news: `<div class="stack" {% live "runs" %}>`.

    The page's head (`id="head"`) and the number of unread notices come along.
    """
    return format_html(
        'id="{0}" hx-get="" hx-trigger="live from:body" hx-select="#{0}" hx-swap="outerHTML"'
        ' hx-select-oob="#head,#side-notices,#bar-notices"',
        name,
    )


@register.simple_tag
def live_url(short_id: str) -> str:
    """Return where the page hears of news."""
    return f"{settings.LIVE_URL}/t/{short_id}/events"


@register.simple_tag
def role_name(role: str) -> Text:
    """Return a member's role in words."""
    return Role(role).label
