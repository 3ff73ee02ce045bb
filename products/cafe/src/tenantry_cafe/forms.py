"""The template form: everything a person types is checked here, and kept when refused."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.forms.boundfield import BoundField
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from tenantry.sdk import DomainError, Image
from tenantry.sdk.images import NotAnImage, TooManyPixels, read_image
from tenantry_cafe import variables
from tenantry_cafe.errors import (
    DamagedImage,
    ImageTooDetailed,
    ImageTooLarge,
    TooManyImages,
    UnknownVariable,
)
from tenantry_cafe.models import (
    BODY_LENGTH,
    IMAGE_NAME_LENGTH,
    MOST_IMAGE_BYTES,
    MOST_IMAGES,
    NAME_LENGTH,
    PLACE_LENGTH,
    TITLE_LENGTH,
    Template,
    TemplateImage,
)
from tenantry_cafe.services import Draft

_MEGABYTE = 1024 * 1024
_LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")

_one_word = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z",
    _("Write only the word from the address: letters, digits and hyphens."),
)
_no_controls = RegexValidator(
    r"[\x00-\x08\x0e-\x1f\x7f]",
    _("There is an invisible control character in the text. Write it anew or paste it as text."),
    inverse_match=True,
)


def refused(error: DomainError) -> ValidationError:
    """Return a refusal as a form shows it: cause, then remedy."""
    return ValidationError(f"{error.text()} {error.remedy_text()}", code=error.code)


class LineField(forms.CharField):
    """One line of text; runs of white space become one blank."""

    default_validators = [_no_controls]

    def to_python(self, value: object) -> str:
        """Return the line."""
        return " ".join((super().to_python(value) or "").split())


class TextField(forms.CharField):
    """Lines of plain text, parted by newlines whatever the browser sent."""

    default_validators = [_no_controls]
    widget = forms.Textarea(attrs={"rows": 12})

    def to_python(self, value: object) -> str:
        """Return the text."""
        return _LINE_ENDS.sub("\n", super().to_python(value) or "")


class ImagesInput(forms.FileInput):
    """Several image files at once."""

    allow_multiple_selected = True

    def value_from_datadict(
        self,
        data: Mapping[str, object],
        files: MultiValueDict[str, "UploadedFile[bytes]"],
        name: str,
    ) -> list["UploadedFile[bytes]"]:
        """Return every file that was chosen."""
        del data
        return files.getlist(name)


class ImagesField(forms.FileField):
    """Image files, each decoded in full; their media types are what their bytes say."""

    widget = ImagesInput(
        attrs={"multiple": True, "accept": "image/jpeg,image/png,image/gif,image/webp"}
    )

    def clean(self, data: Sequence["UploadedFile[bytes]"], initial: object = None) -> list[Image]:
        """Return the images; each refused file is named with its cause and remedy."""
        del initial
        images, errors = [], []
        for file in data:
            try:
                images.append(_read(file))
            except DomainError as error:
                errors.append(refused(error))
        if errors:
            raise ValidationError(errors)
        return images


def _read(file: "UploadedFile[bytes]") -> Image:
    name = PurePath(file.name or "image").name[-IMAGE_NAME_LENGTH:]
    size = file.size or 0
    if size > MOST_IMAGE_BYTES:
        megabytes = f"{size / _MEGABYTE:.1f}"
        raise ImageTooLarge(name=name, size=megabytes, most=MOST_IMAGE_BYTES // _MEGABYTE)
    data = file.read()
    try:
        return Image(name=name, media_type=read_image(data).media_type, data=data)
    except TooManyPixels:
        raise ImageTooDetailed(name=name) from None
    except NotAnImage:
        raise DamagedImage(name=name) from None


class TemplateForm(forms.Form):
    """What a template consists of. Stored images can be put in another order or removed."""

    name = LineField(
        label=_("Name"), max_length=NAME_LENGTH, help_text=_("Only you see it, in lists.")
    )
    cafe = LineField(
        label=_("Cafe"),
        max_length=PLACE_LENGTH,
        validators=[_one_word],
        help_text=_("The word that names it in its address, like market in /cafes/market/."),
    )
    board = LineField(
        label=_("Board"),
        max_length=PLACE_LENGTH,
        validators=[_one_word],
        help_text=_("The word that names it in its address, like sale in /boards/sale/."),
    )
    title = LineField(label=_("Title"), max_length=TITLE_LENGTH)
    body = TextField(
        label=_("Text"),
        max_length=BODY_LENGTH,
        help_text=_("Plain text; every line becomes a paragraph."),
    )
    images = ImagesField(
        label=_("Add images"),
        required=False,
        help_text=_("JPEG, PNG, GIF or WebP; up to 10 images of up to 10 MB each."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        files: MultiValueDict[str, "UploadedFile[bytes]"] | None = None,
        *,
        template: Template | None = None,
        stored: Sequence[TemplateImage] = (),
    ) -> None:
        """Start from a stored template and its images, or from nothing."""
        initial: dict[str, object] = {}
        if template is not None:
            fields = ("name", "cafe", "board", "title", "body")
            initial = {field: getattr(template, field) for field in fields}
            initial["seen"] = template.digest
        super().__init__(data, files, initial=initial)
        self.stored = stored
        for place, image in enumerate(stored, start=1):
            self.fields[f"place_{image.id}"] = forms.IntegerField(
                label=_("Place"),
                required=False,
                initial=place,
                min_value=1,
                max_value=99,
                widget=forms.NumberInput(attrs={"class": "short"}),
            )
            self.fields[f"remove_{image.id}"] = forms.BooleanField(
                label=_("Remove"), required=False
            )

    def stored_rows(self) -> Iterator[tuple[TemplateImage, BoundField, BoundField]]:
        """Yield every stored image with its two fields."""
        for image in self.stored:
            yield image, self[f"place_{image.id}"], self[f"remove_{image.id}"]

    def clean_title(self) -> str:
        """Refuse variables that do not exist."""
        return self._with_known_variables("title")

    def clean_body(self) -> str:
        """Refuse variables that do not exist."""
        return self._with_known_variables("body")

    def _with_known_variables(self, field: str) -> str:
        text: str = self.cleaned_data[field]
        try:
            variables.require_known(text)
        except UnknownVariable as error:
            raise refused(error) from error
        return text

    def clean(self) -> dict[str, Any]:
        """Refuse more images than a post carries."""
        count = len(self._kept()) + len(self.cleaned_data.get("images", ()))
        if count > MOST_IMAGES:
            self.add_error("images", refused(TooManyImages(most=MOST_IMAGES, count=count)))
        return self.cleaned_data

    def _kept(self) -> list[UUID]:
        given = self.cleaned_data
        kept = [image.id for image in self.stored if not given.get(f"remove_{image.id}")]
        # An empty place keeps the image where it was: at the end of those with a number.
        return sorted(kept, key=lambda image_id: given.get(f"place_{image_id}") or 100)

    def draft(self) -> Draft:
        """Return what was typed, with the images in their order: kept ones, then new ones."""
        given = self.cleaned_data
        return Draft(
            name=given["name"],
            title=given["title"],
            body=given["body"],
            cafe=given["cafe"],
            board=given["board"],
            images=(*self._kept(), *given["images"]),
        )
