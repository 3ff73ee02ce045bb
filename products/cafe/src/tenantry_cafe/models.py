"""Post templates and their images."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from tenantry.sdk.models import TenantOwned

NAME_LENGTH = 100  # characters, as all lengths of text
TITLE_LENGTH = 200
BODY_LENGTH = 20_000
PLACE_LENGTH = 50
IMAGE_NAME_LENGTH = 100
MOST_IMAGES = 10
MOST_IMAGE_BYTES = 10 * 1024 * 1024


class Template(TenantOwned):
    """What a customer wants to post, and where; `digest` is what an approval is bound to."""

    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    body = models.TextField(_("text"))
    cafe = models.CharField(_("cafe"), max_length=PLACE_LENGTH)
    board = models.CharField(_("board"), max_length=PLACE_LENGTH)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        """One name is one template."""

        db_table = "cafe_template"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="cafe_template_name_once"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("body"), BODY_LENGTH),
                name="cafe_template_body_length",
            ),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class TemplateImage(TenantOwned):
    """One image of a template; its bytes never change, a new picture is a new row.

    The bytes lie in the table: at most 100 MB per template, and then a save, its digest and its
    audit entry are one transaction without a store of files that could disagree with them.
    """

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=IMAGE_NAME_LENGTH)
    media_type = models.CharField(max_length=20)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    data = models.BinaryField()

    class Meta:
        """One place in the row of images holds one image."""

        db_table = "cafe_image"
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["template", "position"],
                name="cafe_image_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=models.Q(position__lt=MOST_IMAGES), name="cafe_image_count"
            ),
            models.CheckConstraint(
                condition=models.Q(size__lte=MOST_IMAGE_BYTES), name="cafe_image_size"
            ),
        ]

    def __str__(self) -> str:
        """Show the file name."""
        return self.name
