"""What news from below changes here: jobs that ended, content that changed."""

from datetime import datetime
from uuid import UUID

from django.utils.text import format_lazy

from tenantry.core import tenancy
from tenantry.governance.policies import services as limits
from tenantry.ledger.audit.vocabulary import Action
from tenantry.sdk import registry
from tenantry.work.automation.errorcodes import Code, lookup
from tenantry.work.schedules import policy as policies
from tenantry.work.schedules import usage
from tenantry.work.schedules.explanations import (
    SUSPENDED_REMEDY,
    failures_cause,
    failures_reason,
)
from tenantry.work.schedules.models import JobOutcome, Schedule, Slot
from tenantry.work.schedules.rule import local_instant
from tenantry.work.schedules.services import editing, news
from tenantry.work.schedules.states import AdminStatus


def record_job_end(
    *, tenant_id: UUID, slot_id: UUID, state: str, error_code: str, now: datetime
) -> None:
    """Note how a slot's job ended; hearing it again changes nothing.

    Success ends a row of failures, a failure lengthens it, at the policy's number the schedule is
    suspended and its people are told. What certainly was not posted is given back to the day's
    limit. An unknown outcome may become another one later, no other ever changes.
    """
    with tenancy.scope(tenant_id):
        slot = Slot.objects.select_related("job").filter(id=slot_id, job__isnull=False).first()
        if slot is None:
            return
        schedule = news.locked(slot.schedule_id)
        known = [""] if state == JobOutcome.UNKNOWN else ["", JobOutcome.UNKNOWN]
        if not Slot.objects.filter(id=slot_id, job_outcome__in=known).update(job_outcome=state):
            return
        unknown = state == JobOutcome.UNKNOWN or error_code == Code.OUTCOME_UNKNOWN
        if state == JobOutcome.SUCCESS:
            _count(schedule, 0)
        elif state == JobOutcome.FAILED and not unknown:
            _count(schedule, schedule.consecutive_failures + 1)
            _suspend_if_hopeless(schedule, error_code, now=now)
        elif state == JobOutcome.FAILED:
            _tell_uncertain(schedule, slot, now=now)
        if state in {JobOutcome.FAILED, JobOutcome.CANCELLED} and not unknown:
            _give_back(slot)
        news.tell(schedule)


def _count(schedule: Schedule, failures: int) -> None:
    if schedule.consecutive_failures != failures:
        schedule.consecutive_failures = failures
        schedule.save(update_fields=["consecutive_failures"])


def _give_back(slot: Slot) -> None:
    assert slot.job is not None  # only jobs end
    # Of the account the job ran on; the schedule may have another by now.
    for key in (usage.of_schedule(slot.schedule_id), usage.of_connection(slot.job.connection_id)):
        limits.release(key=key, window=slot.local_day.isoformat())


def _suspend_if_hopeless(schedule: Schedule, error_code: str, *, now: datetime) -> None:
    failures = schedule.consecutive_failures
    approved = schedule.admin_status == AdminStatus.APPROVED
    if not approved or failures < policies.suspend_after():
        return
    reason = failures_reason(count=failures, error_code=error_code)
    news.move(
        schedule,
        AdminStatus.SUSPENDED,
        Action.SCHEDULES_SCHEDULE_SUSPENDED,
        actor=news.SYSTEM,
        now=now,
        reason=reason,
    )
    news.stop_jobs([schedule.id], actor=news.SYSTEM, now=now, reason=reason)
    news.notify_people(
        schedule,
        "schedule_suspended",
        {
            "cause": failures_cause(count=failures, error_code=error_code),
            "remedy": format_lazy("{} {}", lookup(error_code).remedy, SUSPENDED_REMEDY),
        },
        now=now,
        dedupe_key=f"suspended:{schedule.id}:{now.isoformat()}",
    )


def _tell_uncertain(schedule: Schedule, slot: Slot, *, now: datetime) -> None:
    moment = local_instant(schedule.rule, slot.nominal_at)
    news.notify_people(
        schedule,
        "post_unknown",
        {"moment": f"{moment:%Y-%m-%d %H:%M} ({schedule.zone})"},
        now=now,
        dedupe_key=f"unknown:{slot.id}",
    )


def follow_content(*, tenant_id: UUID, product: str, content_id: UUID, now: datetime) -> None:
    """Take over that content was changed or deleted, for every schedule that would post it.

    What counts is the content as it is now, so that news may come late, twice or in any order.
    Changed content is reviewed as the policy says; of deleted content nothing is posted.
    """
    with tenancy.scope(tenant_id):
        provider = registry.product(product).content
        digest = provider.digest(tenant_id=tenant_id, content_id=content_id) if provider else None
        affected = Schedule.objects.filter(
            tenant_id=tenant_id, product=product, content_id=content_id
        ).exclude(content_digest=digest or "")
        for schedule_id in affected.order_by("id").values_list("id", flat=True):
            schedule = news.locked(schedule_id)
            schedule.content_digest = digest or ""
            schedule.save(update_fields=["content_digest"])
            if digest:
                editing.review_again(schedule, elsewhere=False, actor=news.SYSTEM, now=now)
            news.tell(schedule)
