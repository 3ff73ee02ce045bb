"""The events of the funnel.

The table is made by SQL (migration 0001): the database refuses UPDATE, DELETE and TRUNCATE.
"""

from django.db import models

from tenantry.ledger.funnel.states import Step


class FunnelEvent(models.Model):
    """A subject reached a step. `subject` is the journey's id; `facts` hold no personal data."""

    id = models.UUIDField(primary_key=True)
    subject = models.UUIDField()
    step = models.TextField(choices=Step)
    at = models.DateTimeField()
    tenant_id = models.UUIDField(null=True)
    trace_id = models.TextField()
    facts = models.JSONField()

    class Meta:
        """In the order in which it happened."""

        managed = False
        db_table = "funnel_event"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        """Show who reached what."""
        return f"{self.subject} {self.step}"
