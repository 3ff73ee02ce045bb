"""Signed checkpoints: C2SP tlog-checkpoint in a C2SP signed-note, signed with Ed25519.

https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note. A note reads: origin, size,
base64 of the root, a blank line, and `— name base64(key id | signature)`.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenantry.ledger.audit.errors import NoteRefused
from tenantry.ledger.audit.tree import HASH_BYTES

PREFIX = "audit/checkpoints/"
_ED25519 = b"\x01"
_ID_BYTES = 4
_SEED_BYTES = 32
_DIGITS = 20
_NAME = re.compile(r"^[^\s+]{1,200}$")
_SIGNATURE = re.compile(r"^\N{EM DASH} ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$")
_BODY = re.compile(r"^([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]+={0,2})\n$")


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """A public key and the name it signs under."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_BYTES]

    def encoded(self) -> str:
        """Return the key as others may be given it: `name+id+base64`."""
        key = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def decoded(cls, text: str) -> "Verifier":
        """Read `name+id+base64`; a ValueError says what is wrong."""
        name, _plus, rest = text.partition("+")
        key_id, _plus, key = rest.partition("+")
        raw = base64.b64decode(key, validate=True)
        if not _NAME.match(name) or raw[:1] != _ED25519 or len(raw) != 1 + HASH_BYTES:
            raise ValueError(f"{text!r} is not an Ed25519 verifier key")
        verifier = cls(name=name, public=raw[1:])
        if verifier.key_id.hex() != key_id:
            raise ValueError(f"{text!r}: the id does not belong to the key")
        return verifier


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A private key and the name it signs under, which is also the log's origin."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a name that cannot stand in a signature line, and a seed of the wrong length."""
        if not _NAME.match(self.name):
            raise ValueError("the origin may hold neither blanks nor plus signs")
        if len(self.seed) != _SEED_BYTES:
            raise ValueError(f"an Ed25519 seed has {_SEED_BYTES} bytes, not {len(self.seed)}")

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return Verifier(name=self.name, public=public.public_bytes_raw())

    def sign(self, *, size: int, root: bytes) -> str:
        """Return the signed note of a checkpoint."""
        text = f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        return sign_note(text, signer=self)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What a valid note says."""

    origin: str
    size: int
    root: bytes


def sign_note(text: str, *, signer: Signer) -> str:
    """Return a text, which ends with a new line, with its signature."""
    signature = Ed25519PrivateKey.from_private_bytes(signer.seed).sign(text.encode())
    line = base64.b64encode(signer.verifier.key_id + signature).decode()
    return f"{text}\n\N{EM DASH} {signer.name} {line}\n"


def open_note(note: str, *, verifiers: Iterable[Verifier]) -> str:
    """Return the text of a note that one of the keys signed; refuses: `NoteRefused`.

    Signatures of unknown keys are ignored, as C2SP demands; one wrong signature of a known key
    spoils the note.
    """
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteRefused(cause=_("it is not a signed note"))
    text += "\n"
    known = {(key.name, key.key_id): key for key in verifiers}
    valid = False
    for line in lines[:-1].split("\n"):
        match = _SIGNATURE.match(line)
        if not match:
            raise NoteRefused(cause=_("a signature line is malformed"))
        blob = _unbase64(match[2])
        if key := known.get((match[1], blob[:_ID_BYTES])):
            _require_signature(key, blob[_ID_BYTES:], text)
            valid = True
    if not valid:
        raise NoteRefused(cause=_("no trusted key signed it"))
    return text


def open_checkpoint(note: str, *, verifiers: Sequence[Verifier]) -> Signed:
    """Return what a signed checkpoint says; refuses: `NoteRefused`."""
    match = _BODY.match(open_note(note, verifiers=verifiers))
    if not match:
        raise NoteRefused(cause=_("the signed text is no checkpoint"))
    if match[1] not in {key.name for key in verifiers}:
        raise NoteRefused(cause=_("it belongs to another log"))
    root = _unbase64(match[3])
    if len(root) != HASH_BYTES:
        raise NoteRefused(cause=_("the root has the wrong length"))
    return Signed(origin=match[1], size=int(match[2]), root=root)


def object_key(tree_size: int) -> str:
    """Return where the object store keeps the checkpoint of a size; keys sort as sizes do."""
    return f"{PREFIX}{tree_size:0{_DIGITS}}"


def pack_object(*, note: str, hashes: Iterable[bytes]) -> bytes:
    """Return the stored object: the note, a blank line, and the batch's leaf hashes in base64."""
    lines = b"".join(base64.b64encode(leaf) + b"\n" for leaf in hashes)
    return note.encode() + b"\n" + lines


def unpack_object(data: bytes) -> tuple[str, list[bytes]]:
    """Return note and leaf hashes of a stored object; refuses: `NoteRefused`."""
    head, _blank, lines = data.rpartition(b"\n\n")
    try:
        hashes = [binascii.a2b_base64(line, strict_mode=True) for line in lines.splitlines()]
        note = head.decode() + "\n"
    except ValueError as error:
        raise NoteRefused(cause=_("the stored object is damaged")) from error
    if any(len(leaf) != HASH_BYTES for leaf in hashes):
        raise NoteRefused(cause=_("the stored object is damaged"))
    return note, hashes


def signer() -> Signer:
    """Return the signer of the settings; a ValueError says what is wrong with them."""
    try:
        seed = base64.b64decode(settings.AUDIT_SIGNING_KEY, validate=True)
    except binascii.Error as error:
        raise ValueError("AUDIT_SIGNING_KEY is not base64") from error
    return Signer(name=settings.AUDIT_ORIGIN, seed=seed)


def verifiers() -> tuple[Verifier, ...]:
    """Return the keys whose checkpoints count: the present one, and those kept as trusted."""
    older: Sequence[str] = settings.AUDIT_TRUSTED_KEYS
    return (signer().verifier, *(Verifier.decoded(text) for text in older))


def _require_signature(key: Verifier, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature as error:
        raise NoteRefused(cause=_("the signature is wrong")) from error


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteRefused(cause=_("it holds broken base64")) from error
