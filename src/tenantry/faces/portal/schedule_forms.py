"""The form of a schedule. It parses and keeps what was typed; rules are the service's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import Text
from tenantry.core.forms import RefusingForm
from tenantry.faces.portal.plans import WEEKDAYS
from tenantry.work.schedules.rule import MOST_TIMES, zones
from tenantry.work.schedules.services import Wanted

# 9, 930, 9:30, 09.30, 9시 30분: what people type for a time of day.
_LOOSE = re.compile(r"(\d{1,2})\s*(?:[:.시h]\s*)?(\d{2})?\s*분?")
_SHOWN = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class TimesInput(forms.Widget):
    """Times of day side by side, an empty one last; what is no time stays as it was typed."""

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> list[str]:
        """Return what was typed, in order and as readable as it gets."""
        del files
        typed = data.getlist(name) if isinstance(data, QueryDict) else data.get(name, [])
        return [tidy(time) for time in typed if time.strip()]

    def render(
        self,
        name: str,
        value: Sequence[str] | None,
        attrs: Mapping[str, Any] | None = None,
        renderer: object = None,
    ) -> SafeString:
        """Draw the inputs and the button for one more."""
        del renderer
        times = [*(value or []), *([] if value else [""])]
        shared = {key: text for key, text in (attrs or {}).items() if key != "id"}
        inputs = [self._input(name, time, shared, number) for number, time in enumerate(times)]
        more = format_html(
            '<button class="btn small" type="button" data-more hidden>+ {}</button>',
            _("Another time"),
        )
        spare = format_html("<noscript>{}</noscript>", self._input(name, "", shared, len(times)))
        joined = format_html_join("", "{}", ((drawn,) for drawn in inputs))
        return format_html('<div class="times">{}{}{}</div>', joined, spare, more)

    def _input(self, name: str, time: str, shared: Mapping[str, Any], number: int) -> SafeString:
        kind = "time" if not time or _SHOWN.fullmatch(time) else "text"
        label = _("Time %(number)s") % {"number": number + 1}
        attributes = {**shared, "type": kind, "name": name, "value": time, "aria-label": label}
        return format_html("<input{}>", SafeString(flatatt(attributes)))


class TimesField(forms.Field):
    """A list of times of day; whether they are, the service says."""

    widget = TimesInput

    def clean(self, value: Sequence[str] | None) -> list[str]:
        """Return the list; an empty one is the service's to refuse."""
        return list(value or [])[: MOST_TIMES + 1]


def tidy(typed: str) -> str:
    """Return a time as `HH:MM` if it is meant as one, else what was typed."""
    match = _LOOSE.fullmatch(typed.strip())
    if match is None:
        return typed.strip()
    hours, minutes = match[1], match[2] or "00"
    return f"{int(hours):02}:{minutes}"


class WeekdaysInput(forms.CheckboxSelectMultiple):
    """The seven days as buttons."""

    template_name = "portal/partials/weekdays.html"


class ScheduleForm(RefusingForm):
    """What is posted, with which account, when, and how often at most."""

    name = forms.CharField(label=_("Name"), max_length=80)
    connection = forms.ChoiceField(label=_("Account"), required=False)
    content = forms.ChoiceField(label=_("What to post"), required=False)
    weekdays = forms.MultipleChoiceField(
        label=_("Days"), choices=WEEKDAYS, required=False, widget=WeekdaysInput
    )
    times = TimesField(label=_("Times of day"), required=False)
    zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=_("Times are on the clocks of this zone, summer time included."),
    )
    daily_limit = forms.IntegerField(
        label=_("At most this many posts a day"),
        widget=forms.NumberInput(attrs={"class": "short", "min": 1, "inputmode": "numeric"}),
    )

    version = forms.IntegerField(required=False, widget=forms.HiddenInput())

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        accounts: Sequence[tuple[str, str]],
        contents: Sequence[tuple[str, str]],
        initial: Mapping[str, Any],
    ) -> None:
        """Offer the tenant's accounts and contents, and nobody else's."""
        super().__init__(data, initial=dict(initial))
        self._offer("connection", accounts, _("Choose an account"))
        self._offer("content", contents, _("Choose what to post"))

    def _offer(self, name: str, choices: Sequence[tuple[str, str]], empty: Text) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*([] if len(choices) == 1 else [("", empty)]), *choices]

    def wanted(self) -> Wanted:
        """Return what is asked for, as the service takes it."""
        given = self.cleaned_data
        return Wanted(
            name=given["name"],
            connection_id=UUID(given["connection"]) if given["connection"] else None,
            content_id=UUID(given["content"]) if given["content"] else None,
            weekdays=sum(1 << int(day) for day in given["weekdays"]),
            times=given["times"],
            zone=given["zone"],
            daily_limit=given["daily_limit"],
        )


def days_of(mask: int) -> list[str]:
    """Return the form's values for weekdays as bits."""
    return [str(day) for day in range(7) if mask >> day & 1]


def zone_names() -> list[str]:
    """Return the zones that people choose from: places, and UTC."""
    places = (zone for zone in zones() if "/" in zone and not zone.startswith("Etc/"))
    return [*sorted(places), "UTC"]
