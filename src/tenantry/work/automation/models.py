"""Tables of this room. State fields are written by `ledger.audit.lifecycle` and `claims` only."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenantry.core.ids import uuid7
from tenantry.sdk.models import TenantOwned
from tenantry.work.automation.errorcodes import Code, ErrorCode, lookup
from tenantry.work.automation.states import ENDED, LIVE_SESSIONS, JobState, SessionState

_CODE = Q(error_code__in=["", *(code.value for code in Code)])


class Connection(TenantOwned):
    """A tenant's link to one account on one outside site, with the state of its living login.

    Secrets are in the vault; while a sign-in is pending the credentials are there too.
    """

    product = models.CharField(_("product"), max_length=20)
    connector = models.CharField(_("connector"), max_length=40)
    account = models.CharField(_("account"), max_length=120)
    label = models.CharField(_("label"), max_length=80, blank=True)
    session_state = models.CharField(
        _("session"), max_length=20, choices=SessionState, default=SessionState.PENDING
    )
    session_expires_at = models.DateTimeField(_("session expires"), null=True)
    session_checked_at = models.DateTimeField(_("session last checked"), null=True)
    session_code = models.CharField(_("session error code"), max_length=20, blank=True)
    # What the operators see of the cause.
    session_reason = models.CharField(_("session detail"), max_length=500, blank=True)
    session_deadline = models.DateTimeField(_("sign-in must end by"), null=True)
    session_secret_id = models.UUIDField(null=True, editable=False)
    credentials_secret_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"))
    removed_at = models.DateTimeField(_("removed"), null=True)

    # An outcome waits to be looked up: known only of a connection that a claim has read.
    has_open = False

    class Meta:
        """One live connection per account."""

        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "product", "connector", "account"],
                condition=Q(removed_at__isnull=True),
                name="automation_connection_account",
            ),
            models.UniqueConstraint(
                fields=["id", "tenant_id"], name="automation_connection_tenant"
            ),
            models.CheckConstraint(
                condition=Q(session_state__in=SessionState.values),
                name="automation_connection_state",
            ),
            models.CheckConstraint(
                condition=Q(session_deadline__isnull=False)
                ^ ~Q(session_state=SessionState.PENDING),
                name="automation_connection_deadline",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True)
                | Q(session_secret_id__isnull=True, credentials_secret_id__isnull=True),
                name="automation_connection_removed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["session_deadline"],
                condition=Q(session_state=SessionState.PENDING),
                name="automation_connection_pending",
            ),
            models.Index(
                fields=["session_expires_at"],
                condition=Q(session_state__in=sorted(LIVE_SESSIONS)),
                name="automation_connection_ageing",
            ),
        ]

    def __str__(self) -> str:
        """Show the label, if it has one, and the masked account."""
        return f"{self.label} ({self.masked_account})" if self.label else self.masked_account

    @property
    def masked_account(self) -> str:
        """Return the account as pages show it: the first two characters."""
        return f"{self.account[:2]}{'•' * max(3, min(len(self.account) - 2, 6))}"

    @property
    def is_live(self) -> bool:
        """Return whether jobs may use the saved login."""
        return self.removed_at is None and self.session_state in LIVE_SESSIONS

    @property
    def error(self) -> ErrorCode | None:
        """Return why the session was lost, with cause and remedy, or None."""
        return lookup(self.session_code) if self.session_code else None


class Job(TenantOwned):
    """One piece of work on one connection. What it published is its own: no two share an article.

    `content_digest` is what was approved; `moment` and `zone` are what variables are filled from.
    `submitted` is the rendered text at the moment of the intent, for looking it up afterwards.
    """

    connection = models.ForeignKey(
        Connection,
        on_delete=models.PROTECT,
        related_name="jobs",
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(_("kind"), max_length=60)
    state = models.CharField(_("state"), max_length=20, choices=JobState, default=JobState.QUEUED)
    content_id = models.UUIDField(null=True)
    content_digest = models.CharField(max_length=128, blank=True)
    moment = models.DateTimeField(_("for the moment"), null=True)
    zone = models.CharField(_("zone"), max_length=64, blank=True)
    # Who asked for it, for example the slot; at most one job each.
    subject = models.UUIDField(null=True, unique=True)
    debug = models.BooleanField(_("debug"), default=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    looks = models.PositiveSmallIntegerField(_("looks for the outcome"), default=0)
    run_after = models.DateTimeField(_("not before"))
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    error_code = models.CharField(_("error code"), max_length=20, blank=True)
    error_message = models.CharField(_("error detail"), max_length=500, blank=True)
    submitted = models.JSONField(null=True, editable=False)
    published_id = models.CharField(max_length=200, null=True)  # noqa: DJ001  # unique where known
    result = models.JSONField(_("result"), default=dict)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    trace_id = models.CharField(_("trace"), max_length=32)

    class Meta:
        """The database keeps what the lifecycle means."""

        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["id", "tenant_id"], name="automation_job_tenant"),
            models.UniqueConstraint(
                fields=["connection", "published_id"], name="automation_job_published"
            ),
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="automation_job_state"
            ),
            models.CheckConstraint(condition=_CODE, name="automation_job_code"),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=False, lease_until__isnull=False)
                | ~Q(state__in=[JobState.RUNNING, JobState.SUBMITTING]),
                name="automation_job_leased",
            ),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=False)
                | ~Q(state__in=[JobState.SUBMITTING, JobState.UNKNOWN]),
                name="automation_job_submitted",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False) ^ ~Q(state__in=sorted(ENDED)),
                name="automation_job_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state=JobState.FAILED) | ~Q(error_code=""),
                name="automation_job_failed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["connection", "run_after"],
                condition=Q(state=JobState.QUEUED),
                name="automation_job_ready",
            ),
            models.Index(
                fields=["connection", "run_after"],
                condition=Q(state__in=[JobState.SUBMITTING, JobState.UNKNOWN]),
                name="automation_job_unresolved",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=[JobState.RUNNING, JobState.SUBMITTING]),
                name="automation_job_lease",
            ),
            models.Index(fields=["connection", "-created_at"], name="automation_job_history"),
        ]

    def __str__(self) -> str:
        """Show kind and state."""
        return f"{self.kind} {self.state}"

    @property
    def error(self) -> ErrorCode | None:
        """Return why the last attempt did not succeed, with cause and remedy, or None."""
        return lookup(self.error_code) if self.error_code else None

    @property
    def article_url(self) -> str:
        """Return where the published article is, or nothing."""
        return str(self.result.get("url", ""))


class Mode(models.TextChoices):
    """What an attempt ran in."""

    PAGELESS = "pageless", _("without a browser")
    HEADLESS = "headless", _("headless browser")
    HEADLESS_TRACE = "headless_trace", _("headless browser with trace")
    HEADED_TRACE = "headed_trace", _("visible browser with trace")


class Attempt(TenantOwned):
    """One try of a job; an end without an error code is a success."""

    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, related_name="tries", db_index=False, db_constraint=False
    )
    number = models.PositiveSmallIntegerField(_("number"))
    mode = models.CharField(_("mode"), max_length=20, choices=Mode, default=Mode.HEADLESS)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    phase = models.CharField(_("phase"), max_length=20, blank=True)
    error_code = models.CharField(_("error code"), max_length=20, blank=True)
    message = models.CharField(_("detail"), max_length=500, blank=True)

    class Meta:
        """Numbered per job."""

        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "number"], name="automation_attempt_number"),
            models.CheckConstraint(condition=_CODE, name="automation_attempt_code"),
        ]

    def __str__(self) -> str:
        """Show number and outcome."""
        return f"{self.number}: {self.error_code or 'ok'}"

    @property
    def error(self) -> ErrorCode | None:
        """Return why it did not succeed, or None."""
        return lookup(self.error_code) if self.error_code else None


class EvidenceKind(models.TextChoices):
    """What a piece of evidence shows."""

    SCREENSHOT = "screenshot", _("screenshot")
    HTML = "html", _("page source")
    TRACE = "trace", _("browser trace")
    ARTICLE = "article", _("published article")


class Evidence(TenantOwned):
    """One redacted object in the store, or the record of why it was lost."""

    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, related_name="evidence", db_constraint=False
    )
    attempt_number = models.PositiveSmallIntegerField(_("attempt"))
    kind = models.CharField(_("kind"), max_length=20, choices=EvidenceKind)
    object_key = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    media_type = models.CharField(_("media type"), max_length=60, blank=True)
    lost = models.CharField(_("lost because"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        """Either stored or lost."""

        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(object_key="") ^ Q(lost=""), name="automation_evidence_stored"
            ),
        ]

    def __str__(self) -> str:
        """Show kind and attempt."""
        return f"{self.kind} {self.attempt_number}"


class ProcessBeat(models.Model):
    """One process of the platform and when it last said that it lives; of no tenant."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("process"), max_length=20)
    host = models.CharField(_("host"), max_length=120)
    pid = models.PositiveIntegerField(_("pid"))
    started_at = models.DateTimeField(_("started"))
    beat_at = models.DateTimeField(_("last sign of life"))
    version = models.CharField(_("version"), max_length=40, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        """One row per process."""

        verbose_name = _("process")
        verbose_name_plural = _("processes")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "host", "pid"], name="automation_processbeat_process"
            ),
        ]

    def __str__(self) -> str:
        """Show which process it is."""
        return f"{self.kind} {self.host}:{self.pid}"
