"""Checkpoints: what a log signs about itself, in the C2SP formats tlog-checkpoint and signed-note.

    circe.example/node/301
    1742
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — circe.example/node/301 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO...

The first three lines are the body: the origin (who the log is), its size and its root. Each line after the blank one
carries a key name and base64 of a 4-byte key id and a signature over the body. Lines by keys that the reader does not
know are passed over, so that witnesses may add theirs.

We are stricter than the formats where that leaves one encoding for one meaning: the key is named after the origin, a
body has no extension lines, and what was parsed must serialise to the same bytes. Parsers raise CheckpointError alone.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.merkle import HASH_SIZE

MAX_NOTE = 128 * 1024
"""The longest note read, in bytes; enough for a cosignature by every authority."""

MAX_NAME = 200
MAX_LOG_SIZE = 2**63 - 1
"""The most entries a log may have: SQLite counts no further."""

KEY_ID_SIZE = 4
"""The bytes before a signature that say by which key it is."""

_KEY_SIZE = 32
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SIZE = re.compile(r"[0-9]{1,19}")
_SIGNATURE_LINE = re.compile(r"— ([^ ]+) ([A-Za-z0-9+/]+={0,2})")


class CheckpointError(Exception):
    """The text is not a checkpoint of this log, signed by its key."""


class KeyKind(Enum):
    """What a key signs, by the type byte of C2SP signed-note: one key has another key id for each."""

    CHECKPOINT = b"\x01"
    COSIGNATURE = b"\x04"


class Signer(Protocol):
    """Whoever holds a log's private key; it never leaves the holder."""

    @property
    def name(self) -> str:
        """The key name: the origin of the log."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""

    def sign(self, message: bytes, /) -> bytes:
        """Return the 64 bytes of the Ed25519 signature over the message."""


@dataclass(frozen=True)
class Checkpoint:
    """A log at one moment: its origin, its number of entries and their root.

    Raises CheckpointError on a name, size or root that no checkpoint can carry.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.origin)
        if type(self.size) is not int or not 0 <= self.size <= MAX_LOG_SIZE:
            raise CheckpointError("the size is not a whole number from 0 to 2**63 - 1")
        if not isinstance(self.root, bytes) or len(self.root) != HASH_SIZE:
            raise CheckpointError(f"the root is not {HASH_SIZE} bytes")

    def to_text(self) -> str:
        """Return the body: the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


@dataclass(frozen=True)
class VerifierKey:
    """The public key of a log or a witness under its name, as C2SP signed-note writes it down for verifiers.

    Raises CheckpointError on a name or key of the wrong form.
    """

    name: str
    public_key: bytes
    kind: KeyKind = KeyKind.CHECKPOINT

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.public_key, bytes) or len(self.public_key) != _KEY_SIZE:
            raise CheckpointError(f"the public key is not {_KEY_SIZE} bytes")

    @property
    def key_id(self) -> bytes:
        """The four bytes that mark this key's signatures: a hint for finding them, not a proof of anything."""
        return sha256(self.name.encode() + b"\n" + self.kind.value + self.public_key).digest()[:KEY_ID_SIZE]

    def to_text(self) -> str:
        """Return `<name>+<hex key id>+<base64 of the type byte and the key>`."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(self.kind.value + self.public_key)}"


def check_name(name: str) -> None:
    """Check that a log may go by this name: one word without a plus. Raises CheckpointError."""
    if not isinstance(name, str) or len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise CheckpointError(f"an origin is one word of up to {MAX_NAME} characters without a plus sign")


def parse_verifier_key(text: str, kind: KeyKind = KeyKind.CHECKPOINT) -> VerifierKey:
    """Read a verifier key. Raises CheckpointError if it is malformed, of another kind, or its key id of another key."""
    name, _, rest = text.partition("+")
    _, _, encoded = rest.partition("+")
    key = VerifierKey(name, decode_base64(encoded, "the key")[1:], kind)
    if key.to_text() != text:
        raise CheckpointError("the verifier key is not of the form <name>+<key id>+<key>, or its key id is wrong")
    return key


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a body of three lines. Raises CheckpointError unless it is the one encoding of a checkpoint."""
    lines = text.split("\n")
    if len(lines) != 4:
        raise CheckpointError("a checkpoint has three lines: origin, size and root")
    origin, size, root, _ = lines
    if not _SIZE.fullmatch(size):
        raise CheckpointError("the size is not a decimal number of up to 19 digits")
    checkpoint = Checkpoint(origin, int(size), decode_base64(root, "the root"))
    if checkpoint.to_text() != text:
        raise CheckpointError("the checkpoint is not in its one accepted encoding")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the note: the checkpoint's body and the signer's line.

    Raises CheckpointError if the signer is not named after the checkpoint's origin.
    """
    if signer.name != checkpoint.origin:
        raise CheckpointError("the signer is not named after the origin of the log")
    body = checkpoint.to_text()
    key_id = VerifierKey(signer.name, signer.public_key).key_id
    return f"{body}\n— {signer.name} {encode_base64(key_id + signer.sign(body.encode()))}\n"


def verify_checkpoint(note: str | bytes, origin: str, public_key: bytes) -> Checkpoint:
    """Return the checkpoint that a note carries, once the log's own signature on it holds.

    Raises CheckpointError on a malformed note, another origin, or when the key did not sign it exactly once.
    """
    body, signatures = split_note(note)
    key = VerifierKey(origin, public_key)
    ours = [blob for name, blob in signatures if name == origin and blob.startswith(key.key_id)]
    if len(ours) != 1:
        raise CheckpointError(f"{len(ours)} signatures are by the log's key, not one")
    try:
        load_key(public_key).verify(ours[0][KEY_ID_SIZE:], body.encode())
    except InvalidSignature:
        raise CheckpointError("the signature does not fit the log's key") from None
    checkpoint = parse_checkpoint(body)
    if checkpoint.origin != origin:
        raise CheckpointError("the checkpoint is of a log with another origin")
    return checkpoint


def split_note(note: str | bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the signed text of a note, and the key name and decoded blob of each signature. Raises CheckpointError."""
    text = _decode_text(note)
    body, gap, lines = text.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise CheckpointError("the note has no blank line with signatures after it")
    return body + "\n", [read_signature(line) for line in lines[:-1].split("\n")]


def _decode_text(note: str | bytes) -> str:
    if len(note) > MAX_NOTE:
        raise CheckpointError(f"the note is longer than {MAX_NOTE} bytes")
    try:
        text = note.decode() if isinstance(note, bytes) else note
        text.encode()
    except UnicodeError:
        raise CheckpointError("the note is not UTF-8") from None
    return text


def read_signature(line: str) -> tuple[str, bytes]:
    """Return the key name of a signature line and what follows it, decoded. Raises CheckpointError."""
    match = _SIGNATURE_LINE.fullmatch(line)
    if not match:
        raise CheckpointError("a signature line is not of the form: em dash, key name, base64")
    check_name(match[1])
    blob = decode_base64(match[2], "a signature")
    if len(blob) <= KEY_ID_SIZE:
        raise CheckpointError("a signature line holds no signature")
    return match[1], blob


@lru_cache(maxsize=512)
def load_key(public_key: bytes) -> Ed25519PublicKey:
    """Return a public key as verifying needs it."""
    return Ed25519PublicKey.from_public_bytes(public_key)


def encode_base64(data: bytes) -> str:
    """Write bytes as notes do."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, what: str) -> bytes:
    """Read base64 in its one accepted form, padded and with no stray bits. Raises CheckpointError naming `what`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if encode_base64(data) != text or not data:
        raise CheckpointError(f"{what} is not base64")
    return data
