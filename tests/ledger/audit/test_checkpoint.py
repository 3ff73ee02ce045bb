import base64

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from tenantry.ledger.audit import checkpoint
from tenantry.ledger.audit.checkpoint import (
    Signer,
    Verifier,
    object_key,
    open_checkpoint,
    open_note,
    pack_object,
    sign_note,
    unpack_object,
)
from tenantry.ledger.audit.checks import check_keys
from tenantry.ledger.audit.errors import NoteRefused

SIGNER = Signer(name="example.com/audit", seed=bytes(range(32)))
OTHER = Signer(name="example.com/audit", seed=bytes(32))
ROOT = bytes(range(100, 132))
NOTE = SIGNER.sign(size=7, root=ROOT)
KEYS = (SIGNER.verifier,)

# The example in the documentation of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)


def test_note_of_another_implementation_opens() -> None:
    key = Verifier.decoded(GO_KEY)
    assert open_note(f"{GO_TEXT}\n{GO_SIGNATURE}", verifiers=[key]) == GO_TEXT
    assert key.encoded() == GO_KEY


def test_note_reads_as_specified() -> None:
    lines = NOTE.split("\n")
    assert lines[:4] == ["example.com/audit", "7", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith("\N{EM DASH} example.com/audit ")
    assert lines[5:] == [""]


def test_signed_checkpoint_opens() -> None:
    signed = open_checkpoint(NOTE, verifiers=KEYS)
    assert (signed.origin, signed.size, signed.root) == ("example.com/audit", 7, ROOT)


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_any_changed_character_is_noticed(place: int, character: str) -> None:
    changed = NOTE[:place] + character + NOTE[place + 1 :]
    if changed != NOTE:
        try:
            signed = open_checkpoint(changed, verifiers=KEYS)
        except NoteRefused:
            return
        # Only base64's unused bits may differ, and then the note says the same.
        assert (signed.size, signed.root) == (7, ROOT)


@pytest.mark.parametrize(
    ("note", "cause"),
    [
        (OTHER.sign(size=7, root=ROOT), "no trusted key signed it"),
        (NOTE.replace("\n7\n", "\n8\n"), "the signature is wrong"),
        (NOTE.replace("\n\n", "\n"), "it is not a signed note"),
        (NOTE + "x\n", "a signature line is malformed"),
        ("", "it is not a signed note"),
        (sign_note("example.com/audit\n7\n", signer=SIGNER), "the signed text is no checkpoint"),
        (sign_note("other\n7\nAAAA\n", signer=SIGNER), "it belongs to another log"),
        (sign_note("example.com/audit\n7\nAAAA\n", signer=SIGNER), "the root has the wrong length"),
        (sign_note("example.com/audit\n7\nAAA\n", signer=SIGNER), "it holds broken base64"),
    ],
)
def test_invalid_checkpoint_is_refused(note: str, cause: str) -> None:
    with pytest.raises(NoteRefused) as refusal:
        open_checkpoint(note, verifiers=KEYS)
    assert str(refusal.value.facts["cause"]) == cause


def test_signature_of_a_stranger_beside_ours_is_ignored() -> None:
    witness = Signer(name="witness.example", seed=bytes(32))
    text = NOTE.rpartition("\n\n")[0] + "\n"
    cosigned = NOTE + sign_note(text, signer=witness).rpartition("\n\n")[2]
    assert open_checkpoint(cosigned, verifiers=KEYS).size == 7


def test_keys_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 3"):
        Signer(name="a", seed=b"abc")
    with pytest.raises(ValueError, match="neither blanks nor plus signs"):
        Signer(name="a b", seed=bytes(32))
    with pytest.raises(ValueError, match="not an Ed25519 verifier key"):
        Verifier.decoded("a+00000000+AAAA")
    with pytest.raises(ValueError, match="the id does not belong"):
        Verifier.decoded(GO_KEY.replace("c74f20a3", "c74f20a4"))


def test_seed_is_in_no_text() -> None:
    assert repr(SIGNER) == "Signer(name='example.com/audit')"


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20))
def test_stored_object_reads_back(hashes: list[bytes]) -> None:
    assert unpack_object(pack_object(note=NOTE, hashes=hashes)) == (NOTE, hashes)


@pytest.mark.parametrize("tail", [b"!\n", b"AAAA\n", b"\xff"])
def test_damaged_object_is_refused(tail: bytes) -> None:
    with pytest.raises(NoteRefused):
        unpack_object(pack_object(note=NOTE, hashes=[ROOT]) + tail)


def test_objects_sort_as_sizes_do() -> None:
    assert object_key(7) == "audit/checkpoints/00000000000000000007"
    assert sorted([object_key(10), object_key(9)]) == [object_key(9), object_key(10)]


def test_older_keys_stay_trusted(settings: LazySettings) -> None:
    settings.AUDIT_ORIGIN = SIGNER.name
    settings.AUDIT_SIGNING_KEY = base64.b64encode(bytes(32)).decode()
    with pytest.raises(NoteRefused):
        open_checkpoint(NOTE, verifiers=checkpoint.verifiers())
    settings.AUDIT_TRUSTED_KEYS = [SIGNER.verifier.encoded()]
    assert open_checkpoint(NOTE, verifiers=checkpoint.verifiers()).size == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUDIT_SIGNING_KEY", "not base64!"),
        ("AUDIT_SIGNING_KEY", "AAAA"),
        ("AUDIT_ORIGIN", "two words"),
        ("AUDIT_TRUSTED_KEYS", ["name+00+x"]),
    ],
)
def test_check_names_unusable_keys(settings: LazySettings, name: str, value: object) -> None:
    assert check_keys() == []
    setattr(settings, name, value)
    assert [message.id for message in check_keys()] == ["tenantry.audit.E001"]
