"""Evidence of an attempt: taken from the page, redacted, put into the object store, recorded.

Nothing here raises for a page or a store that does not answer: what could not be had is recorded
as lost, and the job's outcome is kept.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError

from tenantry.core import db, objects
from tenantry.core.errors import DomainError
from tenantry.core.ids import uuid7
from tenantry.core.logs import get_logger
from tenantry.sdk.browser import Page, PageError
from tenantry.work.automation import services
from tenantry.work.automation.browserhost import Seat
from tenantry.work.automation.models import Evidence, EvidenceKind, Job
from tenantry.work.automation.redaction import known_secrets, redact_html, redact_trace

_CAPTURE_SECONDS = 8.0
_STORE_SECONDS = 15.0
_LARGEST = 50_000_000
_MEDIA = {
    EvidenceKind.SCREENSHOT: ("png", "image/png"),
    EvidenceKind.ARTICLE: ("png", "image/png"),
    EvidenceKind.HTML: ("html", "text/html; charset=utf-8"),
    EvidenceKind.TRACE: ("zip", "application/zip"),
}
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Captured:
    """One piece, redacted and ready to be stored; or why it could not be had."""

    kind: EvidenceKind
    data: bytes = b""
    lost: str = ""


async def of_failure(
    page: Page | None, seat: Seat | None, secrets: Iterable[str]
) -> list[Captured]:
    """Take screenshot and HTML of a failed attempt, and the trace where one was made."""
    if page is None or seat is None:
        return []
    all_secrets = {*secrets, *await _cookies(seat)}
    captured = [
        await _screenshot(page, EvidenceKind.SCREENSHOT),
        await _html(page, all_secrets),
    ]
    if seat.traced:
        captured.append(await _trace(seat, all_secrets))
    return captured


async def of_article(page: Page | None) -> list[Captured]:
    """Take a picture of the published article."""
    return [] if page is None else [await _screenshot(page, EvidenceKind.ARTICLE)]


async def _cookies(seat: Seat) -> frozenset[str]:
    try:
        async with asyncio.timeout(_CAPTURE_SECONDS):
            cookies = await seat.context.cookies()
    except (PageError, TimeoutError):
        return frozenset()
    return known_secrets(states=[{"cookies": cookies}])


async def _screenshot(page: Page, kind: EvidenceKind) -> Captured:
    try:
        async with asyncio.timeout(_CAPTURE_SECONDS):
            try:
                data = await _shot(page, kind)
            except PageError:
                # A visible page that was not painted yet cannot be pictured.
                await page.bring_to_front()
                data = await _shot(page, kind)
    except (PageError, TimeoutError) as error:
        return Captured(kind=kind, lost=_cause(error))
    return Captured(kind=kind, data=data)


async def _shot(page: Page, kind: EvidenceKind) -> bytes:
    return await page.screenshot(
        full_page=kind is EvidenceKind.ARTICLE,
        mask=[page.locator("input[type=password]")],
        animations="disabled",
    )


async def _html(page: Page, secrets: set[str]) -> Captured:
    try:
        async with asyncio.timeout(_CAPTURE_SECONDS):
            source = await page.content()
    except (PageError, TimeoutError) as error:
        return Captured(kind=EvidenceKind.HTML, lost=_cause(error))
    return Captured(kind=EvidenceKind.HTML, data=redact_html(source, secrets).encode())


async def _trace(seat: Seat, secrets: set[str]) -> Captured:
    with tempfile.TemporaryDirectory(prefix="tenantry-trace-") as folder:
        path = Path(folder) / "trace.zip"
        try:
            async with asyncio.timeout(_CAPTURE_SECONDS * 2):
                await seat.context.tracing.stop(path=path)
            seat.traced = False
            archive = await asyncio.to_thread(path.read_bytes)
            data = await asyncio.to_thread(redact_trace, archive, secrets)
        except (PageError, TimeoutError, OSError) as error:
            return Captured(kind=EvidenceKind.TRACE, lost=_cause(error))
    return Captured(kind=EvidenceKind.TRACE, data=data)


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


async def store(job: Job, captured: Sequence[Captured], *, now: datetime) -> None:
    """Put each piece under `evidence/<tenant>/<job>/` and record it with its digest."""
    for piece in captured:
        evidence = await _stored(job, piece, now)
        if evidence.lost:
            _log.warning(
                "evidence_lost", job_id=str(job.id), kind=evidence.kind, reason=evidence.lost
            )
        try:
            await db.in_thread(services.record_evidence, evidence=evidence)
        except DatabaseError as error:
            _log.warning("evidence_unrecorded", job_id=str(job.id), reason=str(error))


async def _stored(job: Job, piece: Captured, now: datetime) -> Evidence:
    extension, media_type = _MEDIA[piece.kind]
    digest = hashlib.sha256(piece.data).hexdigest()
    key = (
        f"evidence/{job.tenant_id}/{job.id}/"
        f"{job.attempts}-{piece.kind.value}-{digest[:8]}.{extension}"
    )
    lost = piece.lost
    if not lost and len(piece.data) > _LARGEST:
        lost = f"larger than {_LARGEST} bytes"
    if not lost:
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await db.in_thread(objects.put, key, piece.data)
        except TimeoutError:
            lost = "the object store did not answer in time"
        except DomainError as error:
            lost = str(error)[:300]
    evidence = Evidence(
        id=uuid7(),
        tenant_id=job.tenant_id,
        job=job,
        attempt_number=job.attempts,
        kind=piece.kind,
        lost=lost,
        created_at=now,
    )
    if not lost:
        evidence.object_key, evidence.sha256 = key, digest
        evidence.size, evidence.media_type = len(piece.data), media_type
    return evidence
