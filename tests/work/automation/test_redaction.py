import io
import json
import zipfile
from html import escape
from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from tenantry.work.automation.redaction import (
    REDACTED,
    known_secrets,
    redact_html,
    redact_text,
    redact_trace,
)

secrets = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=6, max_size=30
).filter(lambda text: text.strip() == text and text not in REDACTED)


@given(secret=secrets, before=st.text(max_size=20), after=st.text(max_size=20))
def test_text_loses_a_secret_in_every_encoding(secret: str, before: str, after: str) -> None:
    for written in (secret, escape(secret), quote_plus(secret), json.dumps(secret)[1:-1]):
        redacted = redact_text(f"{before}{written}{after}", [secret])
        assert written not in redacted.replace(REDACTED, "")


def test_text_without_secrets_is_left_alone() -> None:
    assert redact_text("plain words", []) == "plain words"


def test_html_loses_password_inputs_and_hidden_tokens() -> None:
    page = """
        <input value="hunter22" type="password"><input type='password' value='x'>
        <input type="hidden" name="csrfmiddlewaretoken" value="tok-123456">
        <meta name="csrf-token" content="meta-98765"><input name="title" value="Phone for sale">
        <script>var t = "tok-123456"; var m = 'meta-98765';</script>
    """
    redacted = redact_html(page, [])
    assert [word for word in ("hunter22", "tok-123456", "meta-98765") if word in redacted] == []
    assert 'value="Phone for sale"' in redacted
    assert "value='x'" not in redacted


def test_known_secrets_are_passwords_long_cookies_and_stored_tokens() -> None:
    state: dict[str, object] = {
        "cookies": [{"name": "sid", "value": "abcdef123"}, {"name": "lang", "value": "ko"}],
        "origins": [{"localStorage": [{"name": "jwt", "value": "eyJhbGciOiJI"}]}],
    }
    assert known_secrets(passwords=["pw", ""], states=[state]) == {
        "pw",
        "abcdef123",
        "eyJhbGciOiJI",
    }


def make_trace(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_trace_loses_secrets_in_every_entry() -> None:
    network = {
        "snapshot": {
            "request": {
                "headers": [
                    {"name": "Authorization", "value": "Basic c2VjcmV0"},
                    {"name": "Cookie", "value": "sid=from-header-1"},
                ],
                "cookies": [{"name": "sid", "value": "from-har-12"}],
            }
        }
    }
    fill = {"params": {"selector": "#pw", "value": "p@ss word"}}
    dom = ["INPUT", {"type": "password", "__playwright_value_": "typed-by-hand"}]
    lines = [json.dumps(each) for each in (fill, dom)] + ["not json p@ss word"]
    archive = make_trace(
        {
            "trace.network": json.dumps(network).encode(),
            "trace.trace": "\n".join(lines).encode(),
            "resources/form.dat": b"pw=p%40ss+word&t=tok-from-form",
            "resources/page.html": b'<input name="csrf" value="tok-from-form">',
            "resources/shot.jpeg": b"\xff\xd8\xff harmless picture",
            "resources/odd.bin": b"\xff\xd8 p@ss word",
        }
    )
    redacted = redact_trace(archive, ["p@ss word"])
    with zipfile.ZipFile(io.BytesIO(redacted)) as made:
        assert made.testzip() is None
        contents = {name: made.read(name) for name in made.namelist()}
    everything = b"\n".join(contents.values())
    planted = [
        *(b"p@ss word", b"p%40ss+word", b"c2VjcmV0", b"from-header-1", b"from-har-12"),
        *(b"typed-by-hand", b"tok-from-form"),
    ]
    assert [secret for secret in planted if secret in everything] == []
    assert contents["resources/shot.jpeg"] == b"\xff\xd8\xff harmless picture"
    assert json.loads(contents["trace.network"])["snapshot"]["request"]["headers"][0]["name"]
