"""What the product refuses, and how to mend it."""

from django.utils.translation import gettext_lazy as _

from tenantry.sdk import DomainError


class UnknownVariable(DomainError):
    """A template names a variable that does not exist, or leaves one open."""

    code = "cafe_unknown_variable"
    http_status = 422
    message = _("There is no variable “%(variable)s”.")
    remedy = _("Use one of %(known)s. To write the braces themselves, put \\ before them.")


class NameTaken(DomainError):
    """Two templates of one customer cannot share a name."""

    code = "cafe_name_taken"
    message = _("Another template is called “%(name)s”.")
    remedy = _("Choose another name.")


class TooManyImages(DomainError):
    """More images than a post can carry."""

    code = "cafe_too_many_images"
    http_status = 422
    message = _("A post carries %(most)s images at most; these are %(count)s.")
    remedy = _("Remove some of them.")


class ImageTooLarge(DomainError):
    """An image file is larger than a cafe takes."""

    code = "cafe_image_too_large"
    http_status = 422
    message = _("“%(name)s” has %(size)s MB; a cafe takes %(most)s MB at most.")
    remedy = _("Save it smaller and choose it again.")


class ImageTooDetailed(DomainError):
    """An image would unpack to more pixels than are reasonable."""

    code = "cafe_image_too_detailed"
    http_status = 422
    message = _("“%(name)s” has too many pixels.")
    remedy = _("Scale it down to 40 million pixels or less and choose it again.")


class DamagedImage(DomainError):
    """A file is no image, or is damaged."""

    code = "cafe_not_an_image"
    http_status = 422
    message = _("“%(name)s” is not an image, or it is damaged.")
    remedy = _("Choose a JPEG, PNG, GIF or WebP file.")


class EditedMeanwhile(DomainError):
    """The template was saved by somebody else since the form was opened."""

    code = "cafe_edited_meanwhile"
    message = _("Somebody else has saved this template since you opened it.")
    remedy = _("Copy what you wrote, reload the page and put it in again.")
