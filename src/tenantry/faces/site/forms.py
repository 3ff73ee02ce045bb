"""Forms of the trial. They parse; what becomes of it is decided by services."""

import zoneinfo
from functools import cache

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tenantry.core.errors import DomainError
from tenantry.core.forms import RefusingForm
from tenantry.faces.site import words


class AddressForm(RefusingForm):
    """The address; it is text to us, because a browser's own check knows less than the verdict."""

    email = forms.CharField(
        label=_("Work e-mail"),
        max_length=320,
        error_messages={"required": _("Type your e-mail address.")},
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": _("name@company.com"),
            }
        ),
    )

    def refuse(self, refusal: DomainError) -> None:
        """Show a refusal; whatever it is, it is about the address."""
        super().refuse(refusal)
        self.fields["email"].widget.attrs["aria-invalid"] = "true"


class TrialCodeForm(RefusingForm):
    """The code from the mail, however it was copied."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        error_messages={"required": _("Type the code from the mail.")},
        widget=forms.TextInput(
            attrs={
                "class": "code",
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class CompanyForm(RefusingForm):
    """The company and where its data lives."""

    company = forms.CharField(
        label=_("Company name"),
        max_length=200,
        error_messages={"required": _("Write the name your customers know.")},
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    region = forms.ChoiceField(
        label=_("Where your data lives"),
        error_messages={
            "required": _("Choose one of the regions."),
            "invalid_choice": _("This region is not open now. Choose another one."),
        },
        widget=forms.RadioSelect,
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        regions: list[str],
        initial: dict[str, str] | None = None,
    ) -> None:
        """Offer the regions that are open."""
        super().__init__(data, initial=initial)
        region, zone = self.fields["region"], self.fields["zone"]
        assert isinstance(region, forms.ChoiceField)
        assert isinstance(zone, forms.ChoiceField)
        region.choices = [(name, words.region(name).name) for name in regions]
        zone.choices = [(name, name.replace("_", " ")) for name in zone_names()]


@cache
def zone_names() -> tuple[str, ...]:
    """Return the zones that people choose from: places, and UTC."""
    known = zoneinfo.available_timezones()
    places = (name for name in known if "/" in name and not name.startswith("Etc/"))
    return (*sorted(places), "UTC")
