"""The approval queue: what waits for an operator's word, with what it would publish."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from tenantry.core import clock, tenancy
from tenantry.core.errors import NotFound, Text
from tenantry.customers.accounts.models import User
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.admin.schedules import days_of
from tenantry.faces.console.site import console, may
from tenantry.faces.console.words import actor_link, age, uuid_of
from tenantry.ledger.audit.models import AuditEntry
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.sdk.content import Content
from tenantry.sdk.errors import ConnectorError
from tenantry.work.schedules.models import Schedule
from tenantry.work.schedules.states import AdminStatus

PER_PAGE = 20
_MOST_IMAGES = 4
_LARGEST_IMAGE = 2_000_000
_ASKING = (Action.SCHEDULES_SCHEDULE_CREATED, Action.SCHEDULES_REVIEW_REQUESTED)
_CHANGED: dict[str, Text] = {
    "connection_id": _("the account"),
    "content_id": _("which post"),
    "content_digest": _("the post"),
    "daily_limit": _("the daily limit"),
    "name": _("the name"),
    "times": _("the times"),
    "weekdays": _("the days"),
    "zone": _("the time zone"),
}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One schedule of the queue."""

    schedule: Any
    why: Text
    changed: str
    who: object
    since: object
    days: object
    token: str


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    """Show what waits, the oldest first."""
    page = Paginator(waiting_rows(request), PER_PAGE).get_page(request.GET.get("page"))
    rows = list(page.object_list)
    ids = {found for row in rows if (found := uuid_of(row.asked_by))}
    people = {user.id: user.email for user in console.rows(request, User).filter(id__in=ids)}
    context = {
        **console.each_context(request),
        "title": _("Approvals"),
        "page": page,
        "waiting": [_waiting(row, people) for row in rows],
        "may_review": may(request, OperatorAct.REVIEW_SCHEDULES),
    }
    return TemplateResponse(request, "console/approvals.html", context)


def waiting_rows(request: HttpRequest) -> QuerySet[Any]:
    """Return the schedules that await approval with who asked, when, and what was changed last."""
    entries = (
        console.rows(request, AuditEntry)
        .filter(target_kind="schedule", target_id=Cast(OuterRef("id"), TextField()))
        .order_by("-id")
    )
    asking, edits = (
        entries.filter(action__in=_ASKING),
        entries.filter(action=Action.SCHEDULES_SCHEDULE_EDITED),
    )
    rows = console.rows(request, Schedule).filter(admin_status=AdminStatus.NEEDS_REVIEW)
    return (
        rows.select_related("connection")
        .annotate(
            asked_at=Coalesce(Subquery(asking.values("at")[:1]), "created_at"),
            asked_by=Subquery(asking.values("actor")[:1]),
            last_edit=Subquery(edits.values("body")[:1]),
        )
        .order_by("asked_at", "id")
    )


def _waiting(row: Any, people: dict[UUID, str]) -> Waiting:  # noqa: ANN401  # annotated
    edit = json.loads(row.last_edit) if row.last_edit and row.approved_digest else {}
    names = [str(_CHANGED[name]) for name in edit.get("changed", []) if name in _CHANGED]
    return Waiting(
        schedule=row,
        why=_why(row),
        changed=", ".join(names),
        who=actor_link(row.asked_by or "", people),
        since=age(row.asked_at),
        days=days_of(row),
        token=f"{row.id}:{row.content_digest}",
    )


def _why(row: Schedule) -> Text:
    if not row.approved_digest:
        return _("was never approved")
    if row.approved_digest != row.content_digest:
        return _("the post changed since it was approved")
    return _("the post is the approved one")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a schedule would publish now, or why it cannot."""

    content: Content | None
    images: tuple[str, ...] = ()
    more_images: int = 0
    trouble: Text = ""


@require_safe
def preview(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Show what would be published if it fell due now; loaded when its card comes into view."""
    row = console.rows(request, Schedule).filter(id=schedule_id).first()
    if row is None:
        raise NotFound
    shown = preview_of(row, now=clock.now())
    stale = shown.content is not None and shown.content.digest != request.GET.get("digest")
    context = {"preview": shown, "stale": stale}
    return TemplateResponse(request, "console/parts/preview.html", context)


def preview_of(row: Schedule, *, now: datetime) -> Preview:
    """Return what would be published at a moment, rendered by the product in its tenant's scope."""
    try:
        provider = registry.product(row.product).content
    except NotFound:
        provider = None
    if provider is None:
        return Preview(content=None, trouble=_("Its product is not installed."))
    try:
        with tenancy.scope(row.tenant_id):
            content = provider.render(
                tenant_id=row.tenant_id, content_id=row.content_id, moment=now, zone=row.zone
            )
    except ConnectorError as error:
        return Preview(content=None, trouble=str(error) or error.code)
    small = [image for image in content.images if len(image.data) <= _LARGEST_IMAGE]
    shown = tuple(
        f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
        for image in small[:_MOST_IMAGES]
    )
    return Preview(content=content, images=shown, more_images=len(content.images) - len(shown))


console.page(path("approvals/", console.admin_view(approvals), name="approvals"))
console.page(
    path(
        "approvals/<uuid:schedule_id>/preview/",
        console.admin_view(preview),
        name="approval_preview",
    )
)
