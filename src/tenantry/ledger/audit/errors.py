"""Refusals of the audit log."""

from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError


class Stale(DomainError):
    """Somebody else changed the thing first; nothing was written."""

    code = "stale"
    message = _("This was changed by somebody else in the meantime.")
    remedy = _("Reload the page and decide again.")


class NoteRefused(DomainError):
    """A checkpoint is not a signed note of a key that is trusted here."""

    code = "checkpoint_refused"
    http_status = 500
    message = _("A checkpoint of the audit log is not valid: %(cause)s.")
    remedy = _(
        "Run `tenantry audit verify`. After a change of key, name the old one in"
        " AUDIT_TRUSTED_KEYS."
    )


class CheckpointConflict(DomainError):
    """The object store holds another checkpoint of the same size: one of the two logs is a fork."""

    code = "checkpoint_conflict"
    http_status = 500
    message = _("The object store already holds a different checkpoint at %(key)s.")
    remedy = _("Was the database put back to an earlier state? Run `tenantry audit verify`.")
