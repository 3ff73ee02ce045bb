"""Pictures from strangers: decoded in full before anybody believes that they are pictures."""

import io
from dataclasses import dataclass

from PIL import Image

# Only these decoders are ever given a stranger's bytes.
_DECODERS = ("JPEG", "PNG", "GIF", "WEBP")
# MPO is what the decoder of JPEG calls a picture with further views in it.
_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}


class NotAnImage(ValueError):
    """The bytes are no JPEG, PNG, GIF or WebP, or they are cut short."""


class TooManyPixels(ValueError):
    """Decoding would take more memory than a picture is worth (a decompression bomb)."""


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What the bytes really are, whatever their name says; sizes in pixels."""

    media_type: str
    width: int
    height: int


def read_image(data: bytes, *, most_pixels: int = 40_000_000) -> ImageFacts:
    """Decode a picture and say what it is.

    Raises `TooManyPixels` before decoding one that is larger, `NotAnImage` for anything else.
    """
    try:
        return _decoded(data, most_pixels)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(str(error)) from error
    except TooManyPixels:
        raise
    except Exception as error:  # decoders answer hostile bytes with any exception there is
        raise NotAnImage(type(error).__name__) from error


def _decoded(data: bytes, most_pixels: int) -> ImageFacts:
    # Each finds what the other overlooks: checksums and a missing end, then the picture itself.
    with Image.open(io.BytesIO(data), formats=_DECODERS) as image:
        width, height = image.size
        if width * height > most_pixels:
            raise TooManyPixels(f"{width} x {height} pixels")
        image.verify()
    with Image.open(io.BytesIO(data), formats=_DECODERS) as image:
        image.load()
        media_type = _MEDIA_TYPES[image.format or ""]
    return ImageFacts(media_type=media_type, width=width, height=height)
