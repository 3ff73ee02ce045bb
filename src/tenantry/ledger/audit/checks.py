"""System checks of the audit log."""

from django.core.checks import CheckMessage, Error

from tenantry.ledger.audit import checkpoint


def check_keys(**_options: object) -> list[CheckMessage]:
    """Tell whether checkpoints can be signed and verified with the keys of the settings."""
    try:
        checkpoint.verifiers()
    except ValueError as error:
        return [
            Error(
                f"The audit log's keys cannot be used: {error}.",
                hint=(
                    "AUDIT_SIGNING_KEY is the base64 of 32 random bytes, AUDIT_ORIGIN a name"
                    " without blanks, AUDIT_TRUSTED_KEYS a list of `name+id+base64`."
                ),
                id="tenantry.audit.E001",
            )
        ]
    return []
