"""Evidence without secrets: what is taken out of HTML, of traces and of texts. Pure.

Two nets: what is known to be secret (password, cookie values, tokens) is replaced wherever it
stands, in every usual encoding; and what stands where secrets stand (password inputs, hidden
tokens, authorization and cookie headers) is blanked whatever it is.
"""

import base64
import html
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
# Shorter cookie values are switches like `ko` or `1`: replacing them would hollow out the page.
_SHORTEST_VALUE = 6
_SHORTEST_STORED = 12

_TAG = re.compile(r"""<(?:input|meta)\b(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
_TOKEN_NAME = re.compile(r"csrf|xsrf|token|nonce|secret|otp|passw", re.IGNORECASE)
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-csrf-token", "x-csrftoken"}
)
_JSON_LINES = (".trace", ".network")


def known_secrets(
    *, passwords: Iterable[str] = (), states: Iterable[Mapping[str, object]] = ()
) -> frozenset[str]:
    """Collect secret values from passwords and from browser states (`cookies`, `origins`)."""
    found = {password for password in passwords if password}
    for state in states:
        found.update(_values(state.get("cookies"), shortest=_SHORTEST_VALUE))
        origins = state.get("origins")
        for origin in origins if isinstance(origins, list) else []:
            found.update(_values(origin.get("localStorage"), shortest=_SHORTEST_STORED))
    return frozenset(found)


def _values(items: object, *, shortest: int) -> Iterator[str]:
    for item in items if isinstance(items, list) else []:
        value = str(item.get("value", ""))
        if len(value) >= shortest:
            yield value


def redact_text(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret, plain or as HTML, URL, form, JSON or base64 writes it."""
    written = {variant for secret in secrets for variant in _variants(secret)}
    if not written:
        return text
    longest_first = sorted(written, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), REDACTED, text)


def _variants(secret: str) -> set[str]:
    return {
        secret,
        html.escape(secret),
        html.escape(secret, quote=False),
        # As browsers serialize attributes: the apostrophe stays.
        secret.replace("&", "&amp;").replace('"', "&quot;"),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


def redact_html(page: str, secrets: Iterable[str]) -> str:
    """Blank password inputs and hidden tokens, and replace them and the secrets everywhere."""
    hidden = set(_hidden_values(page))
    blanked = _TAG.sub(lambda tag: _blank_tag(tag[0]), page)
    return redact_text(blanked, {*secrets, *hidden})


def _attributes(tag: str) -> dict[str, str]:
    return {
        name.lower(): html.unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(tag)
    }


def _holds_secret(attributes: Mapping[str, object]) -> bool:
    if str(attributes.get("type", "")).lower() == "password":
        return True
    name = str(attributes.get("name") or attributes.get("id") or "")
    return bool(_TOKEN_NAME.search(name))


def _hidden_values(page: str) -> Iterator[str]:
    for tag in _TAG.findall(page):
        attributes = _attributes(tag)
        if _holds_secret(attributes):
            for name in ("value", "content"):
                if len(attributes.get(name, "")) >= _SHORTEST_VALUE:
                    yield attributes[name]


def _blank_tag(tag: str) -> str:
    if not _holds_secret(_attributes(tag)):
        return tag
    return re.sub(
        r"""\b(value|content)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""",
        rf'\1="{REDACTED}"',
        tag,
        flags=re.IGNORECASE,
    )


def redact_trace(archive: bytes, secrets: Iterable[str]) -> bytes:
    """Return the trace archive with every entry redacted; one that cannot be is emptied."""
    with zipfile.ZipFile(io.BytesIO(archive)) as given:
        entries = {item.filename: given.read(item) for item in given.infolist()}
    all_secrets = {*secrets, *_tokens_in(entries)}
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries.items():
            made.writestr(name, _redact_entry(name, data, all_secrets))
    return output.getvalue()


def _redact_entry(name: str, data: bytes, secrets: set[str]) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # A picture. One that carries a secret byte for byte is not one.
        planted = any(variant.encode() in data for s in secrets for variant in _variants(s))
        return REDACTED.encode() if planted else data
    if name.endswith(_JSON_LINES):
        return "\n".join(_redact_line(line, secrets) for line in text.splitlines()).encode()
    return redact_html(text, secrets).encode()


def _redact_line(line: str, secrets: set[str]) -> str:
    try:
        parsed = json.loads(line)
    except ValueError:
        return redact_text(line, secrets)
    blanked = json.dumps(_blank(parsed), ensure_ascii=False, separators=(",", ":"))
    return redact_text(blanked, secrets)


def _blank(node: object) -> object:
    """Blank header values, cookie values and secret inputs in a trace's JSON."""
    if isinstance(node, list):
        return [_blank(item) for item in node]
    if not isinstance(node, dict):
        return node
    whole = str(node.get("name", "")).lower() in _SECRET_HEADERS or _holds_secret(node)
    result: dict[str, object] = {}
    for key, value in node.items():
        if key == "cookies" and isinstance(value, list):
            result[key] = [
                {**item, "value": REDACTED} if isinstance(item, dict) else item for item in value
            ]
        elif whole and key in {"value", "__playwright_value_"}:
            result[key] = REDACTED
        else:
            result[key] = _blank(value)
    return result


def _tokens_in(entries: Mapping[str, bytes]) -> Iterator[str]:
    """Find what stands in secret places of any entry, so that it is replaced in all of them."""
    for name, data in entries.items():
        text = data.decode(errors="replace")
        if not name.endswith(_JSON_LINES):
            yield from _hidden_values(text)
            continue
        for line in text.splitlines():
            try:
                yield from _tokens_of(json.loads(line))
            except ValueError:
                continue


def _tokens_of(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _tokens_of(item)
    elif isinstance(node, dict):
        if _holds_secret(node) or str(node.get("name", "")).lower() in _SECRET_HEADERS:
            for key in ("value", "__playwright_value_"):
                value = node.get(key)
                if isinstance(value, str) and len(value) >= _SHORTEST_VALUE:
                    yield value
        for key, value in node.items():
            if key == "cookies":
                yield from _values(value, shortest=_SHORTEST_VALUE)
            yield from _tokens_of(value)
