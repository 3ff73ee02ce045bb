"""What counts as an image here: four formats, told by their bytes and never by their name."""

import re
import struct

MAX_IMAGE_BYTES = 10 * 1024 * 1024

CONTENT_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
FILE_NAME = re.compile(r"[0-9a-f]{32}\.(png|jpg|gif|webp)")


def tell_format(data: bytes) -> str | None:
    """`png`, `jpg`, `gif` or `webp` when the bytes begin and end as that format does, else None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return "png" if data[-8:-4] == b"IEND" else None
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg" if data.rstrip(b"\x00").endswith(b"\xff\xd9") else None
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif" if data.endswith(b";") else None
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp" if struct.unpack("<I", data[4:8])[0] + 8 == len(data) else None
    return None
