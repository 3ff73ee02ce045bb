"""Sealed values open only where they were sealed."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tenantry.core.crypto import Keyring, SealBroken, keyed_hash

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()
RING = Keyring.parse(f"new:{NEW},old:{OLD}")


@given(st.binary(max_size=2000), st.binary(max_size=100))
def test_what_is_sealed_opens_with_the_same_context(plaintext: bytes, aad: bytes) -> None:
    assert RING.unseal(RING.seal(plaintext, aad=aad), aad=aad) == plaintext


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    blob = bytearray(RING.seal(b"storage state", aad=b"tenant|session|1"))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        RING.unseal(bytes(blob), aad=b"tenant|session|1")


@given(st.binary(max_size=60))
def test_garbage_is_refused(blob: bytes) -> None:
    with pytest.raises(SealBroken):
        RING.unseal(blob, aad=b"")


def test_another_row_s_context_does_not_open_it() -> None:
    with pytest.raises(SealBroken):
        RING.unseal(RING.seal(b"x", aad=b"tenant-a|1"), aad=b"tenant-b|1")


def test_older_keys_still_open_and_the_current_one_seals() -> None:
    old_ring = Keyring.parse(f"old:{OLD}")
    assert RING.unseal(old_ring.seal(b"x", aad=b"a"), aad=b"a") == b"x"
    with pytest.raises(SealBroken):
        old_ring.unseal(RING.seal(b"x", aad=b"a"), aad=b"a")


def test_keys_and_plaintext_never_show() -> None:
    assert OLD not in repr(RING)
    assert b"secret words" not in RING.seal(b"secret words", aad=b"")


@pytest.mark.parametrize("text", ["", "a", f":{NEW}", "a:c2hvcnQ="])
def test_a_malformed_keyring_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        Keyring.parse(text)


def test_keyed_hashes_bind_purpose_and_parts() -> None:
    hashes = {
        keyed_hash("code", "ab", "c"),
        keyed_hash("code", "a", "bc"),
        keyed_hash("other", "ab", "c"),
        keyed_hash("code", "abc"),
    }
    assert len(hashes) == 4
    assert keyed_hash("code", "ab", "c") == keyed_hash("code", "ab", "c")
