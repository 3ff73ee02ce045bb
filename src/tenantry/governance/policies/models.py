"""Versions of policies, and counters against limits."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Policy(models.Model):
    """One value of one policy from one moment on; never changed, never deleted.

    `version` counts over all policies, so that one number names the whole set of values.
    """

    version = models.BigIntegerField(_("version"), primary_key=True)
    key = models.CharField(_("policy"), max_length=60)
    value = models.JSONField(_("value"))
    set_by = models.CharField(_("set by"), max_length=60)
    set_at = models.DateTimeField(_("set at"))
    reason = models.TextField(_("reason"))

    class Meta:
        """Read by key, the newest first."""

        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        indexes: ClassVar = [
            models.Index(fields=["key", "-version"], name="policies_policy_current")
        ]

    def __str__(self) -> str:
        """Show key and value."""
        return f"{self.key} = {self.value}"


class Counter(models.Model):
    """How much of a limit was used in one window, like one schedule on one local day.

    `key` names the subject and must be unknowable or unique across tenants (an id, a hash).
    """

    pk = models.CompositePrimaryKey("key", "window")
    tenant_id = models.UUIDField(null=True, editable=False)
    key = models.TextField()
    window = models.TextField()
    used = models.IntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """A count below zero would admit too much."""

        verbose_name = _("counter")
        verbose_name_plural = _("counters")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(used__gte=0), name="policies_counter_used"),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="policies_counter_age")]

    def __str__(self) -> str:
        """Show key, window and count."""
        return f"{self.key} {self.window}: {self.used}"
