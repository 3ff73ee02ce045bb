"""The look of the console and its menu; Unfold reads it from the settings."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tenantry.core.errors import Text

_RUNS = pgettext_lazy("of instances", "Runs")
_MAILBOX = "tenantry.customers.notices.drivers.mailbox.MailboxBackend"


def style(_request: HttpRequest) -> str:
    """Return our own style sheet."""
    return static("console/console.css")


def script(_request: HttpRequest) -> str:
    """Return our own script."""
    return static("console/console.js")


def favicon(_request: HttpRequest) -> str:
    """Return the sign in the browser's tab."""
    return static("console/favicon.svg")


def language_action(_request: HttpRequest) -> str:
    """Return where the language is chosen."""
    return reverse("console_language")


def account_links(_request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links of the user menu."""
    return [{"title": _("Second factor"), "link": reverse("mfa_index")}]


def mailbox_is_used() -> bool:
    """Return whether mails end in the built-in mailbox instead of leaving."""
    return bool(settings.EMAIL_BACKEND == _MAILBOX)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu; what there is to read is the same for every role."""
    del request
    mailbox = (
        [_item(_("Mailbox"), "mail", "notices_captured_changelist")] if mailbox_is_used() else []
    )
    return [
        _group(
            None,
            _item(_("Overview"), "space_dashboard", "index"),
            _item(_("Approvals"), "fact_check", "approvals"),
        ),
        _group(
            _("Work"),
            _item(_("Schedules"), "calendar_clock", "schedules_schedule_changelist"),
            _item(_("Slots"), "rule", "schedules_slot_changelist"),
            _item(_("Jobs"), "work_history", "automation_job_changelist"),
            _item(_("Sessions"), "key", "automation_connection_changelist"),
        ),
        _group(
            _("Customers"),
            _item(_("Companies"), "apartment", "tenants_tenant_changelist"),
            _item(_("People"), "group", "accounts_user_changelist"),
            _item(_("Mail outbox"), "outbox", "notices_mail_changelist"),
            *mailbox,
        ),
        _group(
            _("Trials"),
            _item(_("Funnel"), "filter_alt", "funnel"),
            _item(_("Registrations"), "how_to_reg", "onboarding_registration_changelist"),
            _item(_("Dictionary"), "menu_book", "onboarding_dictionaryentry_changelist"),
            _item(_("Test an address"), "troubleshoot", "address"),
        ),
        _group(
            _("Fleet"),
            _item(_("Hosts"), "dns", "hosts_host_changelist"),
            _item(
                pgettext_lazy("of instances", "Runs"), "account_tree", "provisioning_run_changelist"
            ),
        ),
        _group(
            _("Platform"),
            _item(_("Audit log"), "history", "audit_auditentry_changelist"),
            _item(_("Policies"), "tune", "policies_policy_changelist"),
            _item(_("Queue"), "stacks", "queue"),
            _item(_("Processes"), "memory", "automation_processbeat_changelist"),
        ),
    ]


def _group(title: Text | None, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": title is not None, "items": list(items)}


def _item(title: Text, icon: str, page: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse(f"console:{page}")}


_INDIGO = {
    "50": "#f1f4fe",
    "100": "#e4eafd",
    "200": "#c9d4fb",
    "300": "#a3b4f6",
    "400": "#7f93f0",
    "500": "#5b74e8",
    "600": "#3353d8",
    "700": "#2743bb",
    "800": "#223a99",
    "900": "#1f3479",
    "950": "#151f49",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Tenantry",
    "SITE_HEADER": "Tenantry",
    "SITE_SUBHEADER": _("Operators' console"),
    "SITE_ICON": "tenantry.faces.console.menu.favicon",
    "SITE_URL": None,
    "DASHBOARD_CALLBACK": "tenantry.faces.console.pages.overview.overview",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": "tenantry.faces.console.menu.favicon",
        }
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": "tenantry.faces.console.menu.language_action"},
    "STYLES": ["tenantry.faces.console.menu.style"],
    "SCRIPTS": ["tenantry.faces.console.menu.script"],
    "ACCOUNT": {"navigation": "tenantry.faces.console.menu.account_links"},
    "BORDER_RADIUS": "8px",
    "COLORS": {"primary": _INDIGO},
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "tenantry.faces.console.menu.navigation",
    },
}
