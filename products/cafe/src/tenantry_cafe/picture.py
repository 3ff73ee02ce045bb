"""A small picture to post, made without a library."""

import struct
import zlib


def png(width: int = 96, height: int = 64) -> bytes:
    """Return a PNG with a soft gradient."""
    rows = b"".join(
        b"\0" + b"".join(bytes((90 + x, 120 + y, 200)) for x in range(width)) for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
