"""The funnel drawn: how far visitors come, where they leave, and how long each step takes."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tenantry.core import clock
from tenantry.faces.console.funnelchart import draw
from tenantry.faces.console.site import console
from tenantry.faces.console.words import span_of, tenths_of
from tenantry.ledger.funnel import queries

_DAYS = 30
_WINDOW = "168"
_WINDOWS = (
    ("1", _("an hour")),
    ("24", _("a day")),
    (_WINDOW, _("a week")),
    ("720", _("30 days")),
)


class RangeForm(forms.Form):
    """Whose visits count, and for how long each is followed; days are UTC, both included."""

    since = forms.DateField(
        label=_("From day"), widget=UnfoldAdminTextInputWidget({"type": "date"})
    )
    until = forms.DateField(label=_("To day"), widget=UnfoldAdminTextInputWidget({"type": "date"}))
    window = forms.ChoiceField(
        label=_("Each followed for"), choices=_WINDOWS, widget=UnfoldAdminSelectWidget()
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        given: dict[str, Any] = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            self.add_error("until", _("It ends before it begins."))
        return given


@dataclass(frozen=True, kw_only=True)
class _Range:
    since: date
    until: date
    window: timedelta


@require_safe
def funnel(request: HttpRequest) -> HttpResponse:
    """Show the funnel of a range; without one, of the last 30 days."""
    now = clock.now()
    initial = {"since": now.date() - timedelta(days=_DAYS), "until": now.date(), "window": _WINDOW}
    form = RangeForm({**initial, **request.GET.dict()})
    asked = _range(form, initial)
    drawing = draw(
        queries.funnel(
            since=_midnight(asked.since),
            until=_midnight(asked.until + timedelta(days=1)),
            window=asked.window,
            now=now,
        )
    )
    context = {
        **console.each_context(request),
        "title": _("Funnel"),
        "form": form,
        "narrowed": bool(request.GET),
        "drawing": drawing,
        "bars": [(bar, _times(bar.median, bar.p90)) for bar in drawing.bars],
        "asked": asked,
        "trial_url": f"{settings.BASE_URL.rstrip('/')}/trial",
    }
    return TemplateResponse(request, "console/funnel.html", context)


def _range(form: RangeForm, initial: dict[str, Any]) -> _Range:
    given = form.cleaned_data if form.is_valid() else initial
    return _Range(
        since=given["since"],
        until=given["until"],
        window=timedelta(hours=int(given["window"])),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _times(median: float | None, p90: float | None) -> str:
    if median is None or p90 is None:
        return ""
    return str(_("half in %(median)s, nine of ten in %(p90)s")) % {
        "median": _span(median),
        "p90": _span(p90),
    }


def _span(seconds: float) -> str:
    return tenths_of(seconds) if seconds < 10 else span_of(seconds)  # noqa: PLR2004  # tenths count


console.page(path("funnel/", console.admin_view(funnel), name="funnel"))
