"""Tables of this room. Slots are written by `dispatch` alone, with all their effects at once."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenantry.core.gates import Verdict
from tenantry.sdk.models import TenantOwned
from tenantry.work.automation.models import Connection, Job
from tenantry.work.automation.states import JobState
from tenantry.work.schedules.explanations import stop_reason
from tenantry.work.schedules.rule import EVERY_DAY, MOST_TIMES, Rule, parse
from tenantry.work.schedules.states import (
    STATUS_OF_JOB,
    STATUS_OF_OUTCOME,
    AdminStatus,
    Origin,
    Outcome,
    Status,
)

MOST_PER_DAY = 100
LONGEST_REASON = 500


class Schedule(TenantOwned):
    """When one connection publishes one piece of content.

    The rule (zone, weekdays, times) is compiled into `next_due_at` alone: the only future instant
    that is stored. `watermark_at` is the last decided nominal instant; nothing before it is ever
    decided again. A schedule that is off or not approved still falls due, so that its slots say why
    they did nothing. `version` counts edits.
    """

    # Never deleted on the other side, and never looked up from there without the tenant.
    connection = models.ForeignKey(
        Connection,
        on_delete=models.PROTECT,
        related_name="schedules",
        db_index=False,
        db_constraint=False,
    )
    product = models.CharField(_("product"), max_length=20)
    # The product's kind of job that publishes.
    kind = models.CharField(max_length=60, editable=False)
    name = models.CharField(_("name"), max_length=80)
    content_id = models.UUIDField(_("content"))
    content_digest = models.CharField(max_length=128, blank=True, editable=False)
    approved_digest = models.CharField(max_length=128, blank=True, editable=False)
    zone = models.CharField(_("time zone"), max_length=64)
    weekdays = models.SmallIntegerField(_("weekdays"), default=EVERY_DAY)
    times = ArrayField(models.CharField(max_length=5), verbose_name=_("times"), size=MOST_TIMES)
    daily_limit = models.SmallIntegerField(_("daily limit"))
    user_enabled = models.BooleanField(_("turned on"), default=True)
    admin_status = models.CharField(
        _("approval"), max_length=20, choices=AdminStatus, default=AdminStatus.APPROVED
    )
    admin_reason = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True)
    next_due_at = models.DateTimeField(_("next run"), null=True)
    watermark_at = models.DateTimeField(_("decided up to"))
    consecutive_failures = models.SmallIntegerField(_("failures in a row"), default=0)
    version = models.IntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        """Every index here is paid for by every slot: only what the scheduler and queues need."""

        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(admin_status__in=AdminStatus.values), name="schedules_schedule_admin"
            ),
            models.CheckConstraint(
                condition=Q(weekdays__gt=0, weekdays__lte=EVERY_DAY),
                name="schedules_schedule_weekdays",
            ),
            models.CheckConstraint(
                condition=Q(daily_limit__gte=1, daily_limit__lte=MOST_PER_DAY),
                name="schedules_schedule_limit",
            ),
            models.CheckConstraint(
                condition=Q(next_due_at__isnull=True) | Q(next_due_at__gt=models.F("watermark_at")),
                name="schedules_schedule_forward",
            ),
            models.CheckConstraint(
                condition=~Q(admin_reason="")
                | ~Q(admin_status__in=[AdminStatus.SUSPENDED, AdminStatus.BANNED]),
                name="schedules_schedule_reason",
            ),
            models.CheckConstraint(
                condition=Q(consecutive_failures__gte=0), name="schedules_schedule_failures"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_due_at", "id"],
                condition=Q(next_due_at__isnull=False),
                name="schedules_schedule_due",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(admin_status=AdminStatus.NEEDS_REVIEW),
                name="schedules_schedule_review",
            ),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    @property
    def rule(self) -> Rule:
        """Return the pure rule."""
        return parse(zone=self.zone, weekdays=self.weekdays, times=self.times)

    @property
    def is_active(self) -> bool:
        """Return whether a next slot is planned."""
        return self.next_due_at is not None

    @property
    def is_locked(self) -> bool:
        """Return whether the operator's gate keeps the customer from turning it on."""
        return self.admin_status != AdminStatus.APPROVED

    @property
    def reason_text(self) -> str:
        """Return why an operator or the platform stopped it, in the active language."""
        return stop_reason(self.admin_reason)


class JobOutcome(models.TextChoices):
    """How the slot's job ended; UNKNOWN may still become another."""

    SUCCESS = JobState.SUCCESS.value, JobState.SUCCESS.label
    FAILED = JobState.FAILED.value, JobState.FAILED.label
    CANCELLED = JobState.CANCELLED.value, JobState.CANCELLED.label
    UNKNOWN = JobState.UNKNOWN.value, JobState.UNKNOWN.label


class Slot(TenantOwned):
    """One nominal instant of one schedule and what was decided about it, once."""

    tenant_id = models.UUIDField(editable=False)
    schedule = models.ForeignKey(
        Schedule, on_delete=models.PROTECT, related_name="slots", db_index=False
    )
    nominal_at = models.DateTimeField(_("due"))
    origin = models.CharField(_("origin"), max_length=10, choices=Origin, default=Origin.CLOCK)
    decided_at = models.DateTimeField(_("decided"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    code = models.CharField(_("reason"), max_length=40)
    verdicts = models.JSONField(_("gates"))
    policy_version = models.BigIntegerField(_("policy version"))
    local_day = models.DateField(_("local day"))
    job = models.OneToOneField(
        Job,
        on_delete=models.DO_NOTHING,
        related_name="slot",
        null=True,
        db_constraint=False,
    )
    job_outcome = models.CharField(_("job"), max_length=10, choices=JobOutcome, blank=True)
    trace_id = models.CharField(_("trace"), max_length=32)

    class Meta:
        """One decision per slot and at most one job, kept by the database."""

        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "nominal_at"], name="schedules_slot_once"),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="schedules_slot_outcome"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=Origin.values), name="schedules_slot_origin"
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.DISPATCHED, job__isnull=False)
                | (~Q(outcome=Outcome.DISPATCHED) & Q(job__isnull=True)),
                name="schedules_slot_job",
            ),
            models.CheckConstraint(
                condition=Q(job_outcome="")
                | Q(job_outcome__in=JobOutcome.values, job__isnull=False),
                name="schedules_slot_job_outcome",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-nominal_at"], name="schedules_slot_log"),
        ]

    def __str__(self) -> str:
        """Show instant and outcome."""
        return f"{self.nominal_at.isoformat()} {self.outcome}"

    @property
    def gate_verdicts(self) -> tuple[Verdict, ...]:
        """Return the stored verdicts, in the order of the gates."""
        return tuple(Verdict.from_json(stored) for stored in self.verdicts)

    @property
    def status(self) -> Status:
        """Return the chip; reads the job of a dispatched slot."""
        if self.job is None:
            return STATUS_OF_OUTCOME.get(self.outcome, Status.BLOCKED)
        return STATUS_OF_JOB[self.job.state]
