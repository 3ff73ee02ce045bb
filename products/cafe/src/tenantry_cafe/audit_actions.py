"""The product's words in the audit log."""

from enum import StrEnum


class Action(StrEnum):
    """What can happen to a template."""

    TEMPLATE_CREATED = "cafe.template.created"
    TEMPLATE_SAVED = "cafe.template.saved"
    TEMPLATE_DELETED = "cafe.template.deleted"
