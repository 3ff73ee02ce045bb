"""Notices, the outbox, and the built-in mailbox."""

import json
from dataclasses import dataclass
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tenantry.core import crypto
from tenantry.core.ids import uuid7
from tenantry.customers.notices.catalogue import NOTICES, read
from tenantry.customers.notices.states import MailState
from tenantry.sdk.models import TenantOwned


class Notice(TenantOwned):
    """Something a tenant's people should know; the text is made when it is read."""

    code = models.CharField(_("notice"), max_length=60)
    facts = models.JSONField(_("facts"))
    link = models.CharField(_("link"), max_length=200, blank=True)
    dedupe_key = models.CharField(max_length=120, default="", editable=False)
    created_at = models.DateTimeField(_("created"))
    read_at = models.DateTimeField(_("read"), null=True)

    class Meta:
        """One notice per dedupe key."""

        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "dedupe_key"],
                condition=~models.Q(dedupe_key=""),
                name="notices_notice_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-created_at"], name="notices_notice_recent"),
        ]

    def __str__(self) -> str:
        """Show the title in the active language."""
        return self.title

    @property
    def title(self) -> str:
        """Return what happened, in the active language."""
        return str(NOTICES[self.code].title) % read(self.facts)

    @property
    def message(self) -> str:
        """Return the cause, in the active language."""
        return str(NOTICES[self.code].message) % read(self.facts)

    @property
    def remedy(self) -> str:
        """Return what the reader can do, in the active language."""
        return str(NOTICES[self.code].remedy) % read(self.facts)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A mail as it is read: subject, plain text and HTML."""

    subject: str
    text: str
    html: str

    def seal(self, *, aad: bytes) -> bytes:
        """Return it encrypted."""
        body = {"subject": self.subject, "text": self.text, "html": self.html}
        return crypto.keyring().seal(json.dumps(body).encode(), aad=aad)

    @classmethod
    def unseal(cls, sealed: bytes | memoryview, *, aad: bytes) -> "Letter":
        """Return what was sealed; raises `core.crypto.SealBroken`."""
        return cls(**json.loads(crypto.keyring().unseal(bytes(sealed), aad=aad)))


class Mail(models.Model):
    """One mail to one person; its content is encrypted, and gone once it was sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(null=True, db_index=True, editable=False)
    recipient = models.EmailField(_("recipient"))
    language = models.CharField(_("language"), max_length=5)
    template = models.CharField(_("template"), max_length=60)
    dedupe_key = models.CharField(max_length=400, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=MailState, default=MailState.QUEUED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    sealed = models.BinaryField(null=True)
    trace_id = models.CharField(_("trace"), max_length=32, db_index=True, default="")
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True)

    class Meta:
        """What was sent is erased."""

        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(state=MailState.SENT) | models.Q(sealed__isnull=True),
                name="notices_mail_erased",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-created_at"], name="notices_mail_open")
        ]

    def __str__(self) -> str:
        """Show recipient and template."""
        return f"{self.template} -> {self.recipient}"

    @property
    def aad(self) -> bytes:
        """Return what binds the ciphertext to this row."""
        return f"mail|{self.id}".encode()


class Captured(models.Model):
    """A mail that the built-in mailbox took instead of a mail server; encrypted too."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.EmailField(_("recipient"), db_index=True)
    sealed = models.BinaryField()
    captured_at = models.DateTimeField(_("received"), db_default=Now(), db_index=True)

    class Meta:
        """The newest first."""

        verbose_name = _("captured mail")
        verbose_name_plural = _("mailbox")

    def __str__(self) -> str:
        """Show the recipient."""
        return self.recipient

    @property
    def aad(self) -> bytes:
        """Return what binds the ciphertext to this row."""
        return f"captured|{self.id}".encode()

    @property
    def letter(self) -> Letter:
        """Return the mail itself."""
        return Letter.unseal(self.sealed, aad=self.aad)
