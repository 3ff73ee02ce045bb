"""Registrations, the decisions on their addresses, and the operators' dictionary."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenantry.core.gates import Verdict
from tenantry.core.ids import short_id, uuid7
from tenantry.journeys.onboarding.capabilities import Act, allows
from tenantry.journeys.onboarding.states import (
    RUNNING,
    UNFINISHED,
    DictionaryRule,
    Outcome,
    RegistrationState,
    VerdictKind,
)


class Decision(models.Model):
    """What a chain of gates said about one address, with everything that decided it.

    The address itself is not kept, only its domain and a keyed hash.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    registration_id = models.UUIDField(_("registration"), db_index=True)
    domain = models.CharField(_("domain"), max_length=255)
    address_key = models.CharField(max_length=64, editable=False)
    kind = models.CharField(_("verdict"), max_length=13, choices=VerdictKind)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    code = models.CharField(_("reason"), max_length=40)
    verdicts = models.JSONField(_("stages"))
    list_versions = models.JSONField(_("versions of lists"))
    # Milliseconds by stage.
    latencies = models.JSONField(_("time taken"))
    policy_version = models.BigIntegerField(_("version of policies"))
    trace_id = models.CharField(_("trace"), max_length=32)
    at = models.DateTimeField(_("decided"))

    class Meta:
        """The newest first."""

        verbose_name = _("decision on an address")
        verbose_name_plural = _("decisions on addresses")
        indexes: ClassVar = [
            models.Index(fields=["domain", "-at"], name="onboarding_decision_domain")
        ]

    def __str__(self) -> str:
        """Show domain and verdict."""
        return f"{self.domain} {self.kind}"

    @property
    def stages(self) -> tuple[Verdict, ...]:
        """Return each gate's answer, in order."""
        return tuple(Verdict.from_json(stored) for stored in self.verdicts)


class Registration(models.Model):
    """A stranger's request to become a tenant; its id is that of the journey in his cookie."""

    id = models.UUIDField(primary_key=True, editable=False)
    # What a visitor quotes when he writes to us.
    reference = models.CharField(
        _("reference"), max_length=10, unique=True, default=short_id, editable=False
    )
    state = models.CharField(
        _("state"),
        max_length=17,
        choices=RegistrationState,
        default=RegistrationState.STARTED,
        db_index=True,
    )
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    # Hash of the mailbox, whatever alias of it was typed.
    email_key = models.CharField(max_length=64, blank=True, editable=False)
    browser_hash = models.CharField(max_length=64, editable=False)
    decision = models.ForeignKey(
        Decision, models.PROTECT, verbose_name=_("decision"), null=True, related_name="+"
    )
    plan = models.CharField(_("plan"), max_length=30, blank=True)
    region = models.CharField(_("region"), max_length=30, blank=True)
    company = models.CharField(_("company"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=5)
    zone = models.CharField(_("time zone"), max_length=60, blank=True)
    tenant_id = models.UUIDField(_("tenant"), null=True, unique=True, editable=False)
    user_id = models.UUIDField(_("person"), null=True, editable=False)
    trace_id = models.CharField(_("trace"), max_length=32, editable=False)
    created_at = models.DateTimeField(_("created"))
    code_asked_at = models.DateTimeField(_("code asked for"), null=True)
    verified_at = models.DateTimeField(_("address proven"), null=True)
    expires_at = models.DateTimeField(_("expires"))
    reviewed_by = models.CharField(_("reviewed by"), max_length=60, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        """One running registration per mailbox."""

        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["email_key"],
                condition=models.Q(state__in=sorted(RUNNING)),
                name="onboarding_registration_one_runs",
            ),
            models.CheckConstraint(
                condition=models.Q(tenant_id__isnull=False, user_id__isnull=False)
                | ~models.Q(state__in=["accepted", "ready", "failed"]),
                name="onboarding_registration_has_tenant",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["email_key"], name="onboarding_registration_mail"),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state__in=sorted(UNFINISHED)),
                name="onboarding_registration_due",
            ),
        ]

    def __str__(self) -> str:
        """Show the reference."""
        return self.reference

    def can(self, act: Act) -> bool:
        """Return whether the visitor may do it now."""
        return allows(self.state, act)


class DictionaryEntry(models.Model):
    """What an operator says about a domain and everything below it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    domain = models.CharField(_("domain"), max_length=255, unique=True)
    rule = models.CharField(_("rule"), max_length=5, choices=DictionaryRule)
    note = models.CharField(_("note"), max_length=300)
    by = models.CharField(_("by"), max_length=60)
    at = models.DateTimeField(_("changed"))

    class Meta:
        """One line per domain."""

        db_table = "onboarding_dictionary"
        verbose_name = _("line of the dictionary")
        verbose_name_plural = _("lines of the dictionary")

    def __str__(self) -> str:
        """Show domain and rule."""
        return f"{self.domain}: {self.rule}"
