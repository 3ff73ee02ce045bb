"""Pages as people read them."""

import html
import re


def text_of(page: str) -> str:
    """Return the words of a page's main part, one blank between them."""
    body = page[page.index("<main") : page.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
