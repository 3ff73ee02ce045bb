"""Filters over values that the code knows: nothing is asked of a large table to offer them."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenantry.customers.notices.catalogue import MAILS
from tenantry.faces.console.words import kind_label
from tenantry.sdk import registry
from tenantry.work.automation import kinds
from tenantry.work.automation.errorcodes import Code
from tenantry.work.schedules.explanations import EXPLANATIONS

Choice = tuple[str, Any]


class KnownFilter(SimpleListFilter):
    """Rows whose field has one of the values that there are."""

    known: ClassVar[Callable[[], Iterable[Choice]]]

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[Choice]:
        """Return the values with their names."""
        del request, model_admin
        return list(type(self).known())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the chosen value."""
        del request
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class ErrorCodeFilter(KnownFilter):
    """Why jobs failed."""

    title = _("error code")
    parameter_name = "error_code"
    known = staticmethod(lambda: [(code.value, code.value) for code in Code])


class KindFilter(KnownFilter):
    """What jobs do."""

    title = _("kind")
    parameter_name = "kind"

    @staticmethod
    def known() -> list[Choice]:
        """Return the platform's own kinds and those of the products."""
        own = [kinds.SIGN_IN.name, kinds.CHECK.name]
        declared = [kind.name for product in registry.products() for kind in product.job_kinds]
        return [(name, kind_label(name)) for name in (*own, *declared)]


class ReasonFilter(KnownFilter):
    """What closed a slot, or that nothing did."""

    title = _("reason")
    parameter_name = "code"
    known = staticmethod(lambda: [(code, code) for code in EXPLANATIONS])


class ProductFilter(KnownFilter):
    """What rows belong to."""

    title = _("product")
    parameter_name = "product"
    known = staticmethod(lambda: [(one.slug, one.name) for one in registry.products()])


class TemplateFilter(KnownFilter):
    """What mails say."""

    title = _("template")
    parameter_name = "template"
    known = staticmethod(lambda: [(name, name) for name in MAILS])
