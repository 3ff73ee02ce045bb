"""Tables of this room. `state` fields are written by `ledger.audit.lifecycle` only."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenantry.fleet.provisioning.failures import Failure, Trouble, trouble
from tenantry.fleet.provisioning.states import (
    ENDED_RUNS,
    LIVE_RUNS,
    ConditionStatus,
    ConditionType,
    Desired,
    Level,
    Observed,
    RunKind,
    RunState,
    StepState,
)
from tenantry.sdk.models import TenantOwned

_CODE = Q(error_code__in=["", *(code.value for code in Failure)])


class Run(TenantOwned):
    """One durable execution that makes, stops, starts or archives a tenant's instance.

    `subject` is whom the funnel counts it for. A cancelled run is live until all is undone.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=RunKind)
    state = models.CharField(_("state"), max_length=10, choices=RunState, default=RunState.QUEUED)
    subject = models.UUIDField(null=True, editable=False)
    region = models.CharField(_("region"), max_length=40, blank=True)
    recipe = models.CharField(_("recipe"), max_length=40)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    actor = models.CharField(_("asked for by"), max_length=120)
    cancel_asked = models.BooleanField(_("cancel asked"), default=False)
    cancel_reason = models.CharField(_("reason to cancel"), max_length=500, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    error_code = models.CharField(_("error code"), max_length=30, blank=True)
    trace_id = models.CharField(_("trace"), max_length=32, db_index=True)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        """One live run per tenant."""

        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=Q(state__in=sorted(LIVE_RUNS)),
                name="provisioning_run_live",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="provisioning_run_state"
            ),
            models.CheckConstraint(condition=_CODE, name="provisioning_run_code"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False) ^ ~Q(state__in=sorted(ENDED_RUNS)),
                name="provisioning_run_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state=RunState.FAILED) | ~Q(error_code=""),
                name="provisioning_run_failed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-created_at"], name="provisioning_run_recent"),
        ]

    def __str__(self) -> str:
        """Show kind and state."""
        return f"{self.kind} {self.state}"

    @property
    def is_live(self) -> bool:
        """Return whether something is still to happen."""
        return self.state in LIVE_RUNS

    @property
    def trouble(self) -> Trouble | None:
        """Return what keeps it from going on, with message and remedy, or None."""
        return trouble(self.error_code) if self.error_code else None


class Step(TenantOwned):
    """One step of a run, done under a lease.

    `intent` is what was about to be made outside, stored before; `result` is what came of it.
    `since` is when the present try began: the deadline of retries counts from it.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("step"), max_length=30)
    state = models.CharField(_("state"), max_length=12, choices=StepState)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    since = models.DateTimeField(null=True, editable=False)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    next_try_at = models.DateTimeField(_("next try"), null=True)
    error_code = models.CharField(_("error code"), max_length=30, blank=True)
    message = models.CharField(_("detail"), max_length=500, blank=True)
    intent = models.JSONField(_("intent"), default=dict)
    result = models.JSONField(_("result"), default=dict)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        """In order; whoever runs holds a lease."""

        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "position"], name="provisioning_step_position"),
            models.CheckConstraint(
                condition=Q(state__in=StepState.values), name="provisioning_step_state"
            ),
            models.CheckConstraint(condition=_CODE, name="provisioning_step_code"),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=False, lease_until__isnull=False)
                | ~Q(state=StepState.RUNNING),
                name="provisioning_step_leased",
            ),
            models.CheckConstraint(
                condition=Q(next_try_at__isnull=False)
                | Q(lease_token__isnull=False)
                | ~Q(state=StepState.WAITING),
                name="provisioning_step_waiting",
            ),
        ]

    def __str__(self) -> str:
        """Show name and state."""
        return f"{self.name} {self.state}"

    @property
    def trouble(self) -> Trouble | None:
        """Return what keeps it from going on, with message and remedy, or None."""
        return trouble(self.error_code) if self.error_code else None


class LogLine(TenantOwned):
    """One line of a step's log, for operators; written as it happens, never a secret."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(_("at"))
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.INFO)
    text = models.CharField(_("line"), max_length=500)

    class Meta:
        """As they came."""

        verbose_name = _("log line")
        verbose_name_plural = _("log lines")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        """Show the line."""
        return self.text


class Instance(models.Model):
    """A tenant's own deployment: where it is, what is wanted of it and what its host saw last.

    `label` finds all that belongs to it outside the platform. Its passwords are in the vault.
    """

    tenant_id = models.UUIDField(primary_key=True, editable=False)
    label = models.CharField(_("label"), max_length=40, unique=True)
    recipe = models.CharField(_("recipe"), max_length=40)
    version = models.CharField(_("version"), max_length=60, blank=True)
    host_id = models.UUIDField(_("host"), null=True, db_index=True)
    database = models.CharField(_("database"), max_length=63, blank=True)
    port = models.PositiveIntegerField(_("port"), null=True)
    upstream = models.CharField(_("address on the host"), max_length=100, blank=True)
    # Nothing is asked of a host before the instance step.
    desired = models.CharField(_("wanted"), max_length=10, choices=Desired, blank=True)
    observed = models.CharField(
        _("seen"), max_length=10, choices=Observed, default=Observed.UNKNOWN
    )
    pid = models.PositiveIntegerField(_("process"), null=True)
    starts = models.PositiveIntegerField(_("starts"), default=0)
    observed_at = models.DateTimeField(_("seen at"), null=True)
    looked_at = models.DateTimeField(_("probed at"), null=True)
    admin_secret_id = models.UUIDField(null=True, editable=False)
    owner_secret_id = models.UUIDField(null=True, editable=False)
    database_secret_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        """One per tenant."""

        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(desired__in=["", *Desired.values]), name="provisioning_instance_desired"
            ),
            models.CheckConstraint(
                condition=Q(observed__in=Observed.values), name="provisioning_instance_observed"
            ),
        ]

    def __str__(self) -> str:
        """Show the label."""
        return self.label


class Condition(TenantOwned):
    """A fact about a tenant's instance, with its age and the evidence behind it.

    `reason` is a code of `failures`, empty while it holds.
    """

    type = models.CharField(_("condition"), max_length=20, choices=ConditionType)
    status = models.CharField(
        _("status"), max_length=10, choices=ConditionStatus, default=ConditionStatus.UNKNOWN
    )
    reason = models.CharField(_("reason"), max_length=30, blank=True)
    message = models.CharField(_("detail"), max_length=500, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    last_transition_at = models.DateTimeField(_("since"))
    checked_at = models.DateTimeField(_("checked"))

    class Meta:
        """One of each type per tenant."""

        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "type"], name="provisioning_condition_type"
            ),
            models.CheckConstraint(
                condition=Q(type__in=ConditionType.values), name="provisioning_condition_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=ConditionStatus.values),
                name="provisioning_condition_status",
            ),
        ]

    def __str__(self) -> str:
        """Show type and status."""
        return f"{self.type} {self.status}"

    @property
    def trouble(self) -> Trouble | None:
        """Return why it does not hold, with message and remedy, or None."""
        return trouble(self.reason) if self.reason else None
