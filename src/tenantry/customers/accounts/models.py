"""People, and the codes they sign in with."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tenantry.core.ids import uuid7
from tenantry.customers.accounts.states import CodeState, OperatorRole


class User(AbstractBaseUser):
    """A person: of a customer, by membership, or of the company that runs the platform, by role."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    operator_role = models.CharField(
        _("operator role"),
        max_length=10,
        choices=OperatorRole,
        blank=True,
        default=OperatorRole.NONE,
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), editable=False)

    objects = BaseUserManager["User"]()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        """One address is one person, however it is capitalised."""

        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_once"),
        ]

    def __str__(self) -> str:
        """Show the address."""
        return self.email

    @property
    def is_staff(self) -> bool:
        """Return whether the console is for this person."""
        return bool(self.operator_role) and self.is_active

    @property
    def is_superuser(self) -> bool:
        """Return whether every operator act is open to this person."""
        return self.operator_role == OperatorRole.SUPERUSER and self.is_active


class SignInCode(models.Model):
    """One code for one identity, purpose and browser; nothing in it can be read back.

    Addresses without an account have such rows too, with a code that nobody was sent, so that
    trying codes tells nothing about who has an account.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purpose = models.CharField(max_length=20, editable=False)
    identity_hash = models.BinaryField(max_length=32)
    browser_hash = models.BinaryField(max_length=32)
    code_hash = models.BinaryField(max_length=32)
    attempts = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=CodeState, default=CodeState.LIVE)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        """One live code per identity and purpose."""

        verbose_name = _("sign-in code")
        verbose_name_plural = _("sign-in codes")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["purpose", "identity_hash"],
                condition=models.Q(state=CodeState.LIVE),
                name="accounts_signincode_one_live",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["identity_hash", "code_hash"], name="accounts_signincode_known"),
            models.Index(fields=["expires_at"], name="accounts_signincode_age"),
        ]

    def __str__(self) -> str:
        """Show purpose and state."""
        return f"{self.purpose} {self.state}"
