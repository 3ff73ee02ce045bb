"""What the audit log names, in the reader's language: kinds of rows, and the states they moved."""

from collections.abc import Mapping
from functools import cache

from django.apps import apps
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text

# Kinds that are no table.
_OTHERS: Mapping[str, Text] = {"identity": _("mail address"), "key": _("key")}


def kind_of(target_kind: str) -> Text:
    """Return what rows of this kind are called; the kind itself where no table has that name."""
    for model in _models(target_kind):
        return str(model._meta.verbose_name)  # noqa: SLF001  # public by documentation
    return _OTHERS.get(target_kind, target_kind)


def moved(target_kind: str, facts: Mapping[str, object]) -> str:
    """Return from where to where the entry's row moved, or nothing.

    A move is read as states of that kind where both are, and else as it was written.
    """
    if not {"from", "to"} <= facts.keys():
        return ""
    source, target = str(facts["from"]), str(facts["to"])
    for labels in _choices(target_kind):
        if source in labels and target in labels:
            return f"{labels[source]} → {labels[target]}"
    return f"{source} → {target}"


@cache
def _models(target_kind: str) -> tuple[type[Model], ...]:
    return tuple(one for one in apps.get_models() if one._meta.model_name == target_kind)  # noqa: SLF001


@cache
def _choices(target_kind: str) -> tuple[Mapping[str, Text], ...]:
    return tuple(
        {str(value): label for value, label in choices}
        for model in _models(target_kind)
        for field in model._meta.get_fields()  # noqa: SLF001
        if (choices := getattr(field, "choices", None))
    )
