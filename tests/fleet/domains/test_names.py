"""Host names: what is one, what is kept back, what a tenant's is called."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.core.ids import short_id
from tenantry.fleet.domains.errors import HostNameInvalid
from tenantry.fleet.domains.names import (
    RESERVED,
    canonical_host,
    clean_host,
    is_label,
    is_reserved,
)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("erp.example.com", "erp.example.com"),
        ("  ERP.Example.COM.  ", "erp.example.com"),
        ("한빛.example", "xn--xx3br43b.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("erp\u3002example\uff0ecom", "erp.example.com"),
        ("faß.example", "xn--fa-hia.example"),
        ("a.b", "a.b"),
        (f"{'a' * 63}.example", f"{'a' * 63}.example"),
    ],
)
def test_host_is_stored_as_a_browser_sends_it(written: str, stored: str) -> None:
    assert clean_host(written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "localhost",
        "example",
        "-a.example",
        "a-.example",
        "a..example",
        ".a.example",
        "a_b.example",
        "a b.example",
        "*.example.com",
        "http://a.example",
        "a.example:8080",
        "a.example/path",
        "user@a.example",
        "127.0.0.1",
        "[::1]",
        "::1",
        "a.example.123",
        f"{'a' * 64}.example",
        ".".join(["abcdefg"] * 33),
        "a.example\r\nX-Other: 1",
        "a.example\x00",
        "xn--zzzzzzzz-.example",
        "xn--a.example",
    ],
)
def test_what_is_no_host_name_is_refused(written: str) -> None:
    with pytest.raises(HostNameInvalid) as refused:
        clean_host(written)
    assert refused.value.text().isprintable()


@given(st.text(max_size=80))
def test_clean_host_is_total_and_stable(written: str) -> None:
    try:
        host = clean_host(written)
    except HostNameInvalid:
        return
    assert clean_host(host) == host
    assert host.isascii()
    assert host == host.lower()
    assert len(host) <= 253
    assert all(1 <= len(label) <= 63 for label in host.split("."))


labels = st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True)


@given(st.lists(labels, min_size=2, max_size=4))
def test_ascii_names_follow_rfc_1123(parts: list[str]) -> None:
    host = ".".join(parts)
    try:
        cleaned = clean_host(host)
    except HostNameInvalid:
        plain = all(
            not part.startswith("-") and not part.endswith("-") and part[2:4] != "--"
            for part in parts
        )
        assert not plain or parts[-1].isdigit() or len(host) > 253
    else:
        assert cleaned == host
        assert all(is_label(part) for part in parts)
        with pytest.raises(ValueError):  # noqa: PT011  # the library's own
            ipaddress.ip_address(host)


@pytest.mark.parametrize(
    "label",
    ["www", "API", "mail", "localhost", "wpad", "tenant", "tenant-abc", "_dmarc", "console"],
)
def test_reserved_labels_are_kept_back(label: str) -> None:
    assert is_reserved(label) is True


@pytest.mark.parametrize("label", ["hanbit", "erp", "my-company", "w", "apis"])
def test_other_labels_are_free(label: str) -> None:
    assert is_reserved(label) is False


def test_reserved_labels_could_be_asked_for() -> None:
    assert [label for label in RESERVED if not is_label(label)] == []


@given(st.builds(short_id))
def test_canonical_host_is_a_host_of_its_own(short: str) -> None:
    host = canonical_host(short, "apps.example.com")
    assert host == f"tenant-{short}.apps.example.com"
    assert clean_host(host) == host
    assert is_reserved(host.partition(".")[0])


@pytest.mark.parametrize(
    ("short", "base"), [("", "localhost"), ("a.b", "localhost"), ("A23", "localhost"), ("abc", "")]
)
def test_canonical_host_of_nonsense_is_a_bug(short: str, base: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        canonical_host(short, base)
