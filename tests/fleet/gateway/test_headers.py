"""Rules of the header as properties: what no client can say, and what every answer says."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from tenantry.core import trace
from tenantry.fleet.gateway import headers
from tenantry.fleet.gateway.headers import Said

HERE = trace.continued(None)
TENANT = uuid.UUID(int=7)
OURS = {
    "host": "tenant-a.localhost",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "tenant-a.localhost",
    "x-tenant-id": str(TENANT),
    "traceparent": HERE.traceparent,
    "x-trace-id": HERE.trace_id,
}
HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
NAMES = st.one_of(
    st.sampled_from(
        [
            *OURS,
            *HOP,
            "X-TENANT-ID",
            "x-tenantry-relay",
            "x_tenant_id",
            "X-Forwarded-Port",
            "cookie",
        ]
    ),
    st.from_regex(r"\A[A-Za-z0-9_-]{1,20}\Z"),
)
PAIRS = st.lists(
    st.tuples(
        NAMES.map(str.encode),
        st.one_of(st.binary(max_size=20), st.sampled_from([b"host, x-tenant-id", b"x-trace-id"])),
    ),
    max_size=12,
)


def said(*, continued: bool = False) -> Said:
    return Said(
        tenant_id=TENANT,
        client="203.0.113.7",
        proto="http",
        host=b"tenant-a.localhost",
        trace=HERE,
        continued=continued,
    )


@given(PAIRS, st.booleans())
def test_what_the_gateway_says_is_said_once_and_by_nobody_else(
    pairs: list[tuple[bytes, bytes]], socket: bool
) -> None:
    passed = headers.upward(pairs, said(), socket=socket)
    for name, value in OURS.items():
        assert [given for key, given in passed if key == name] == [value]
    for name, _value in passed:
        assert name == name.lower()
        assert "_" not in name
        assert name not in HOP
        assert name in OURS or not name.startswith(("x-tenant-", "x-tenantry-", "x-forwarded-"))


@given(PAIRS)
def test_answer_carries_the_trace_once(pairs: list[tuple[bytes, bytes]]) -> None:
    passed = headers.downward(pairs, HERE)
    ids = [value for name, value in passed if name.lower() == b"x-trace-id"]
    assert ids == [HERE.trace_id.encode()]
    assert {name.lower().decode() for name, _value in passed} & (HOP - {"expect"}) == set()


@given(st.text(alphabet="abcXYZ019-.:[]% \u00e9_/@", max_size=40))
def test_host_is_read_in_one_way_or_not_at_all(text: str) -> None:
    found = headers.host_of([(b"host", text.encode())])
    if found is not None:
        assert found == found.lower()
        assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_~[]:")
        again = headers.host_of([(b"host", found.encode())])
        assert again in {found, found.removesuffix(".") or None}


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_target_is_ascii_and_loses_nothing(path: bytes, query: bytes) -> None:
    target = headers.target_of(b"/" + path, query)
    assert target.isascii()
    assert not set(target) & set("\r\n\t \x00\x7f")
    plain = bytes(byte for byte in path if 0x21 <= byte < 0x7F)
    if plain == path and not query:
        assert target.encode() == b"/" + path
