"""People."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tenantry.core.ids import uuid7


class OperatorRole(models.TextChoices):
    """What an operator may do in the console; empty for everybody else."""

    NONE = "", _("not an operator")
    REVIEWER = "reviewer", _("reviewer")
    OPERATOR = "operator", _("operator")
    SUPERUSER = "superuser", _("superuser")


class User(AbstractBaseUser):
    """A person: of a customer, by membership, or of the company that runs the platform, by role."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    operator_role = models.CharField(
        _("operator role"), max_length=10, choices=OperatorRole, blank=True, default=OperatorRole.NONE
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), editable=False)

    objects: ClassVar[BaseUserManager["User"]] = BaseUserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        """One address is one person, however it is capitalised."""

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
