"""What an approval is bound to: a digest over all that will be published. Pure."""

import hashlib
import json
from collections.abc import Sequence


def digest_of(*, title: str, body: str, cafe: str, board: str, images: Sequence[str]) -> str:
    """Return the SHA-256, in hex, over the canonical JSON of a template.

    `images` are the SHA-256 of the images' bytes, in their order.
    """
    source = {"title": title, "body": body, "cafe": cafe, "board": board, "images": list(images)}
    canonical = json.dumps(source, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def digest_of_bytes(data: bytes) -> str:
    """Return the SHA-256 of an image's bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
