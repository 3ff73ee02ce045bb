"""Handlers of messages."""

from tenantry.core import clock
from tenantry.core.queue import handles
from tenantry.sdk.content import ContentChanged
from tenantry.work.automation.messages import JobEnded
from tenantry.work.schedules import services


@handles(JobEnded)
def record_job_end(event: JobEnded) -> None:
    """Note how a slot's job ended."""
    services.record_job_end(
        tenant_id=event.tenant_id,
        slot_id=event.subject,
        state=event.state,
        error_code=event.error_code,
        now=clock.now(),
    )


@handles(ContentChanged)
def follow_content(event: ContentChanged) -> None:
    """Take over that content was changed or deleted."""
    services.follow_content(
        tenant_id=event.tenant_id,
        product=event.product,
        content_id=event.content_id,
        now=clock.now(),
    )
