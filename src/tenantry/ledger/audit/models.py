"""The book, its leaves, its checkpoints, and the lease of the one who seals it.

The tables are made by SQL (migration 0001), not by Django: their shape is what makes them
append-only. The database refuses UPDATE, DELETE and TRUNCATE on all but the lease.
"""

import json
from typing import Any

from django.db import models

from tenantry.ledger.audit.checkpoint import object_key
from tenantry.ledger.audit.vocabulary import label_of


class AuditEntry(models.Model):
    """What happened: who did what to which thing, when, why, and in which journey.

    `seq` is the order of arrival, not of commits; the column `xid` (the transaction that wrote the
    row) is read by the sealer only. `salt` keeps short bodies from being guessed from their hash.
    """

    id = models.UUIDField(primary_key=True)
    seq = models.BigIntegerField()
    tenant_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    actor = models.TextField()
    action = models.TextField()
    target_kind = models.TextField()
    target_id = models.TextField()
    reason = models.TextField()
    trace_id = models.TextField()
    body = models.TextField()
    salt = models.BinaryField()

    class Meta:
        """Newest first, as every timeline shows it."""

        managed = False
        db_table = "audit_auditentry"
        ordering = ["-at", "-seq"]

    def __str__(self) -> str:
        """Show what was done to what."""
        return f"{self.action} {self.target_kind}:{self.target_id}"

    @property
    def label(self) -> str:
        """The action in the reader's language."""
        return str(label_of(self.action))

    @property
    def facts(self) -> dict[str, Any]:
        """The body as it was given."""
        facts: dict[str, Any] = json.loads(self.body)
        return facts


class Leaf(models.Model):
    """The place of one entry in the tree: dense numbers from 0."""

    leaf_no = models.BigIntegerField(primary_key=True)
    entry_id = models.UUIDField(unique=True)
    hash = models.BinaryField()

    class Meta:
        """In the order of the tree."""

        managed = False
        db_table = "audit_leaf"
        ordering = ["leaf_no"]

    def __str__(self) -> str:
        """Show number and entry."""
        return f"{self.leaf_no} {self.entry_id}"


class Checkpoint(models.Model):
    """The signed root of the tree at one size; `frontier` is what the next batch starts from."""

    tree_size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    frontier = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """In the order of the tree."""

        managed = False
        db_table = "audit_checkpoint"
        ordering = ["tree_size"]

    def __str__(self) -> str:
        """Show the size."""
        return str(self.tree_size)

    @property
    def object_key(self) -> str:
        """Where the object store keeps it."""
        return object_key(self.tree_size)


class SealerLease(models.Model):
    """One row: who seals until when, how far he looked, and how far the object store has come.

    The column `sealed` is the PostgreSQL snapshot whose every entry has its leaf; `exported` is
    the size of the last checkpoint that the object store holds.
    """

    id = models.SmallIntegerField(primary_key=True)
    holder = models.TextField()
    token = models.UUIDField()
    until = models.DateTimeField()
    exported = models.BigIntegerField()

    class Meta:
        """Written by the sealer's own SQL."""

        managed = False
        db_table = "audit_sealerlease"

    def __str__(self) -> str:
        """Show the holder."""
        return self.holder
