"""Evidence: what the browser saw, given to the tenant's people and to nobody else."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from tenantry.core import clock
from tenantry.faces.portal.access import portal_page, tenant_scope
from tenantry.work.automation import queries as automation
from tenantry.work.automation import services
from tenantry.work.automation.models import Evidence, EvidenceKind

# Whatever a foreign page held: nothing of it runs, loads or is sent anywhere.
_SANDBOX = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
_SUFFIXES = {
    EvidenceKind.SCREENSHOT: "png",
    EvidenceKind.HTML: "html",
    EvidenceKind.TRACE: "zip",
    EvidenceKind.ARTICLE: "png",
}


@portal_page()
def show_evidence(request: HttpRequest, short_id: str, evidence_id: UUID) -> HttpResponse:
    """Give one object: pictures and pages to look at, all else, or with `?download`, as a file."""
    with tenant_scope(request, short_id) as tenant:
        piece = automation.get_evidence(tenant_id=tenant.tenant_id, evidence_id=evidence_id)
    # The store is asked outside of the transaction: it may be slow or away.
    data = services.read_evidence(
        tenant_id=tenant.tenant_id, evidence_id=evidence_id, actor=tenant.actor, now=clock.now()
    )
    return _given(piece, data, download="download" in request.GET)


def _given(piece: Evidence, data: bytes, *, download: bool) -> HttpResponse:
    looked_at = piece.media_type.startswith(("image/", "text/html"))
    way = "inline" if looked_at and not download else "attachment"
    suffix = _SUFFIXES.get(EvidenceKind(piece.kind), "bin")
    media_type = piece.media_type or "application/octet-stream"
    headers: dict[str, Any] = {
        "Content-Disposition": f'{way}; filename="{piece.kind}-{piece.attempt_number}.{suffix}"',
        "Content-Security-Policy": _SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return HttpResponse(data, content_type=media_type, headers=headers)
