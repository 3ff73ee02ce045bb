"""Publishing once: render, publish up to the last safe point, submit, and prove it from the site.

After the intent was stored nothing is attempted again before a look at the account's own posts has
told whether the article is there.
"""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError

from tenantry.core import db, tenancy
from tenantry.core.errors import DomainError
from tenantry.core.logs import get_logger
from tenantry.sdk.browser import Page
from tenantry.sdk.content import Content, Image
from tenantry.sdk.errors import ConnectorError, OutcomeUnknown, PayloadInvalid
from tenantry.sdk.product import Proof, Published
from tenantry.work.automation import evidence, queries, services
from tenantry.work.automation.errorcodes import Code, Failure, classify, lookup
from tenantry.work.automation.errors import JobStopped
from tenantry.work.automation.lane import Lane
from tenantry.work.automation.models import Job
from tenantry.work.automation.retry import Phase, absence_counts
from tenantry.work.automation.services import Tried

# The site's clock may be behind ours.
_CLOCKS_APART = timedelta(seconds=30)
_LOOK_SECONDS = 120.0
_LONGEST_NOTE = 500
_log = get_logger(__name__)


@dataclass(kw_only=True)
class StoredIntent:
    """The `sdk.Intent` of one attempt."""

    lane: Lane
    job: Job
    content: Content
    stored: bool = False

    async def submitting(self) -> None:
        """Store the intent; raises `JobStopped` when the job was stopped meanwhile."""
        await db.in_thread(
            services.intend, job=self.job, submitted=_snapshot(self.content), now=self.lane.now()
        )
        self.stored = True
        self.lane.send_once()

    @property
    def phase(self) -> Phase:
        """Return how far the attempt has come."""
        return Phase.SUBMITTED if self.stored else Phase.BEFORE_SUBMIT


def _snapshot(content: Content) -> dict[str, object]:
    images = [{"name": image.name, "media_type": image.media_type} for image in content.images]
    return {
        "title": content.title,
        "body": content.body,
        "target": content.target,
        "digest": content.digest,
        "images": images,
    }


async def publish(lane: Lane, job: Job, content: Content, intent: StoredIntent) -> None:
    """Publish the content and end the job as SUCCESS with the proof read from the article."""
    page = await lane.open_page(debug=job.debug, go_on=True)
    published = await lane.connector.publish(page, content, intent)
    if not intent.stored:
        _log.error("published_without_intent", connector=lane.connector.slug)
        await intent.submitting()
    await db.in_thread(services.remember_article, job=job, published=published)
    proof = await _prove(lane, page, published, content)
    await _succeed(lane, job, published, proof, lane.tried(Phase.SUBMITTED))
    lane.keep_page()


def render(*, lane: Lane, job: Job) -> Content:
    """Return the content for the job's moment.

    Raises `PayloadInvalid` when it is gone or is not what was approved.
    """
    provider = lane.product.content
    if provider is None or job.content_id is None or job.moment is None:
        raise PayloadInvalid("this job names no content")
    with tenancy.scope(job.tenant_id):
        content = provider.render(
            tenant_id=job.tenant_id, content_id=job.content_id, moment=job.moment, zone=job.zone
        )
    if content.digest != job.content_digest:
        raise PayloadInvalid("the content is not the approved one: it needs approval again")
    return content


async def _prove(lane: Lane, page: Page, published: Published, content: Content) -> Proof:
    proof = await lane.connector.read_back(page, published, content)
    if not proof.matches:
        raise OutcomeUnknown(f"what {published.url} shows differs from the content")
    return proof


async def _succeed(
    lane: Lane, job: Job, published: Published, proof: Proof, tried: Tried | None
) -> None:
    await evidence.store(job, await evidence.of_article(lane.page), now=lane.now())
    result = {"id": published.id, **asdict(proof)}
    try:
        await db.in_thread(
            services.succeed,
            job=job,
            published=published,
            result=result,
            tried=tried,
            now=lane.now(),
        )
    except IntegrityError as error:
        raise OutcomeUnknown(f"article {published.id} belongs to another job") from error
    await lane.keep_login()


async def settle(lane: Lane, job: Job, failure: Failure, tried: Tried) -> None:
    """Find out at once what became of a post that failed after its intent was stored.

    Found: SUCCESS. Proven absent: it runs again or fails. In doubt: UNKNOWN, looked up later.
    """
    note = f"{failure.code}: {failure.detail}; then found on the site"[:_LONGEST_NOTE]
    verb, looked_at = services.fail_attempt, lane.now()
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            if looked := await _look(lane, job):
                await _succeed(lane, job, *looked, replace(tried, note=note))
                return
        if _is_proof(job, failure, looked_at):
            verb = services.proven_absent
    except (JobStopped, DatabaseError):
        raise
    except Exception as doubt:  # noqa: BLE001  # whatever it was, the outcome is not known
        _log.info("outcome_in_doubt", job_id=str(job.id), reason=classify(doubt).code)
    await db.in_thread(verb, job=job, failure=failure, tried=tried, now=lane.now())


async def look_up(lane: Lane, job: Job) -> None:
    """Look for a post whose outcome an earlier attempt left open; any doubt raises."""
    looked_at = lane.now()
    async with asyncio.timeout(_LOOK_SECONDS):
        if looked := await _look(lane, job):
            await _succeed(lane, job, *looked, None)
            return
    cause = Failure(
        code=lookup(job.error_code or Code.OUTCOME_UNKNOWN).code, detail=job.error_message
    )
    if not _is_proof(job, cause, looked_at):
        raise OutcomeUnknown("not there yet; it may still be on its way")
    await db.in_thread(services.proven_absent, job=job, failure=cause, tried=None, now=lane.now())


def _is_proof(job: Job, cause: Failure, looked_at: datetime) -> bool:
    assert job.submitted_at is not None
    return absence_counts(code=cause.code, submitted_at=job.submitted_at, looked_at=looked_at)


async def _look(lane: Lane, job: Job) -> tuple[Published, Proof] | None:
    """Return the article of a job with its proof, None when it is not there; a doubt raises."""
    assert job.submitted_at is not None
    content = await db.in_thread(_submitted_content, lane=lane, job=job)
    if url := job.article_url:
        remembered = Published(id=str(job.result["id"]), url=url)
        try:
            page = await lane.open_page()
            return remembered, await _prove(lane, page, remembered, content)
        except ConnectorError as error:
            _log.info("article_not_proven", job_id=str(job.id), reason=error.detail)
    since = job.submitted_at - _CLOCKS_APART
    known = await db.in_thread(_known, job=job, since=since)
    page = await lane.open_page()
    found = await lane.connector.find_published(page, content, since, known)
    return (found, await _prove(lane, page, found, content)) if found else None


def _known(*, job: Job, since: datetime) -> frozenset[str]:
    with tenancy.scope(job.tenant_id):
        return queries.known_articles(connection_id=job.connection_id, since=since, but=job.id)


def _submitted_content(*, lane: Lane, job: Job) -> Content:
    """Return what was submitted: rendered again, or without its images when it changed since."""
    sent: dict[str, Any] = job.submitted or {}
    try:
        content = render(lane=lane, job=job)
    except (ConnectorError, DomainError):
        content = None
    if content and (content.title, content.body) == (sent.get("title"), sent.get("body")):
        return content
    images = [Image(data=b"", **image) for image in sent.get("images", [])]
    words = {key: sent.get(key, "") for key in ("title", "body", "target", "digest")}
    return Content(images=tuple(images), **words)
