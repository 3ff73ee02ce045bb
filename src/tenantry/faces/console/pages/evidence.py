"""Looking at evidence: authorised, recorded, and never as a page of ours."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from tenantry.core import clock, tenancy
from tenantry.core.errors import Forbidden
from tenantry.customers.accounts.roles import OperatorAct
from tenantry.faces.console.policy import HEADER
from tenantry.faces.console.site import actor_of, console, may
from tenantry.work.automation import queries
from tenantry.work.automation import services as automation

# What a browser shows by itself; everything else is downloaded.
_SHOWN = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "text/html": "text/html; charset=utf-8",
}
_OTHER = "application/octet-stream"
# It was written by a foreign site: no scripts, no forms, no origin, nothing loaded.
_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@require_GET
def evidence(request: HttpRequest, tenant_id: UUID, evidence_id: UUID) -> HttpResponse:
    """Show one piece of evidence and record who looked.

    The store is read outside of any transaction. Refuses: `NotFound`, `Forbidden`, `ObjectMissing`,
    `ObjectStoreUnavailable`.
    """
    if not may(request, OperatorAct.READ):
        raise Forbidden
    with tenancy.scope(tenant_id):
        piece = queries.get_evidence(tenant_id=tenant_id, evidence_id=evidence_id)
    data = automation.read_evidence(
        tenant_id=tenant_id, evidence_id=evidence_id, actor=actor_of(request), now=clock.now()
    )
    shown = _SHOWN.get(piece.media_type.partition(";")[0].strip())
    response = HttpResponse(data, content_type=shown or _OTHER)
    name = f"{piece.kind}-{str(piece.job_id)[:13]}-{piece.attempt_number}"
    response.headers["Content-Disposition"] = (
        f'inline; filename="{name}"' if shown else f'attachment; filename="{name}.zip"'
    )
    response.headers[HEADER] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


console.page(
    path(
        "evidence/<uuid:tenant_id>/<uuid:evidence_id>/",
        console.guarded(evidence),
        name="evidence",
    )
)
