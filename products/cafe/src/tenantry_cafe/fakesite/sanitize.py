"""Member-written HTML is cut down to a few harmless tags, always well-formed."""

import re
from html import escape
from html.parser import HTMLParser

_SAME_AS = {"div": "p", "strong": "b", "em": "i"}
_KEPT = frozenset({"p", "b", "i", "a"})
_SILENCED = frozenset({"script", "style", "template", "iframe", "noscript", "textarea", "title"})
_IMAGE_PATH = re.compile(r"/uploads/[0-9a-f]{32}\.(?:png|jpg|gif|webp)")
_LINK = re.compile(r"https?://\S+", re.IGNORECASE)


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.images: list[str] = []
        self.has_text = False
        self._open: list[str] = []
        self._silenced: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = _SAME_AS.get(tag, tag)
        values = {name: value or "" for name, value in attrs}
        if tag in _SILENCED:
            self._silenced.append(tag)
        elif self._silenced:
            return
        elif tag == "br":
            self.out.append("<br>")
        elif tag == "img" and _IMAGE_PATH.fullmatch(values.get("src", "")):
            self.images.append(values["src"])
            self.out.append(f'<img src="{values["src"]}" alt="{escape(values.get("alt", ""))}">')
        elif tag in _KEPT:
            self._open_tag(tag, values)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # `<p/>` opens a paragraph in HTML; only void elements are complete without an end tag.
        self.handle_starttag(tag, attrs)

    def _open_tag(self, tag: str, values: dict[str, str]) -> None:
        if tag == "p":
            self.close_down_to("p")
        link = values.get("href", "")
        if tag == "a" and not _LINK.fullmatch(link):
            return
        self._open.append(tag)
        self.out.append(
            f'<a href="{escape(link)}" rel="nofollow noopener">' if tag == "a" else f"<{tag}>"
        )

    def handle_endtag(self, tag: str) -> None:
        tag = _SAME_AS.get(tag, tag)
        if self._silenced:
            if tag == self._silenced[-1]:
                self._silenced.pop()
        else:
            self.close_down_to(tag)

    def close_down_to(self, tag: str | None) -> None:
        """Close open tags up to and including `tag`; None closes all, an unopened tag none."""
        if tag is not None and tag not in self._open:
            return
        while self._open:
            closed = self._open.pop()
            self.out.append(f"</{closed}>")
            if closed == tag:
                return

    def handle_data(self, data: str) -> None:
        if self._silenced:
            return
        self.has_text = self.has_text or bool(data.strip())
        self.out.append(escape(data, quote=False))


def sanitize_body(html: str) -> tuple[str, list[str]]:
    """Cut the body down to p, br, b, i, a and own images; also give the image paths in order.

    The body is empty when it has neither visible text nor an image.
    """
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    cleaner.close_down_to(None)
    if not cleaner.has_text and not cleaner.images:
        return "", []
    return "".join(cleaner.out), cleaner.images
