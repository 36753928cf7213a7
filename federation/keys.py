"""A member's own keys: made on its own machine, kept in one file that only it can read, never sent anywhere.

The file holds an Ed25519 signing key (RFC 8032), the member's first sealing key for the hybrid KEM X25519 + ML-KEM-768
(RFC 9180 and FIPS 203), the Ed25519 key of its audit log, and two token secrets: the row secret turns a child's
identifier into the token inside snapshots, the log secret turns it into the token inside the audit log. They differ on
purpose: whoever holds one of them can enumerate identifiers against it, and must learn nothing about the other.

The signing key is rotated; the new one waits in a file of its own until the register has it. The first sealing key is
destroyed after its week (`federation.sealing_keys`). Log key and token secrets stay, for what they made stays.
"""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from federation.envelope import EnvelopeError, decode_base64
from federation.wire import MAX_DOCUMENT_BYTES, Document, Name, WireError, decode_document, encode_document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

KEY_FILE = "key.json"
NEXT_KEY_FILE = "key-next.json"

SEALING_SEED_BYTES = 64 + 32
"""The seed of a sealing key: ML-KEM-768's first, then X25519's."""


class KeyFileError(Exception):
    """A key file is missing, unreadable, malformed, or open to other users."""


class KeyFile(Document, frozen=True):
    """What is written to disk: seeds in base64. `sealing_seed` is empty once the first sealing key is destroyed."""

    version: Literal[2]
    member_id: Name
    signing_seed: str
    sealing_seed: str
    log_seed: str
    row_secret: str
    log_secret: str


class CurrentKeys(Protocol):
    """Whatever knows a member's keys at the moment: the keys themselves, or a ring on which they are exchanged."""

    def current(self) -> "MemberKeys":
        """Return the keys in use now."""


@dataclass(frozen=True, repr=False)
class MemberKeys:
    """A member's private keys in memory. The repr names the member and nothing else."""

    member_id: str
    signing_seed: bytes
    sealing_seed: bytes
    log_seed: bytes
    row_secret: bytes
    log_secret: bytes
    held_seeds: tuple[bytes, ...] = field(default=(), kw_only=True)
    """Those of the sealing keys that this member has published and still holds, the newest first."""

    def __repr__(self) -> str:
        return f"MemberKeys({self.member_id!r}, secret)"

    @cached_property
    def _signing_key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.signing_seed)

    @cached_property
    def _log_key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.log_seed)

    @cached_property
    def opening_keys(self) -> "tuple[MLKEM768X25519PrivateKey, ...]":
        """The private halves of every sealing key that is still held: the newest first, the first of all last."""
        first = (self.sealing_seed,) if self.sealing_seed else ()
        return tuple(open_sealing_seed(seed) for seed in (*self.held_seeds, *first))

    @cached_property
    def sealing_key(self) -> "MLKEM768X25519PrivateKey":
        """The private half of the first sealing key. Raises `KeyFileError` once it is destroyed."""
        return open_sealing_seed(self.sealing_seed)

    @property
    def public_signing_key(self) -> bytes:
        """The 32 bytes by which others verify this member's signatures."""
        return self._signing_key.public_key().public_bytes_raw()

    @property
    def public_log_key(self) -> bytes:
        """The 32 bytes by which others verify this member's audit log."""
        return self._log_key.public_key().public_bytes_raw()

    @cached_property
    def public_sealing_key(self) -> bytes:
        """The public half of the first sealing key, as the register has it. Raises `KeyFileError` once destroyed."""
        return publish_sealing_seed(self.sealing_seed)

    def current(self) -> "MemberKeys":
        """Return these keys, which are not exchanged."""
        return self

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of `message`."""
        return self._signing_key.sign(message)

    def sign_log(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a checkpoint of the audit log."""
        return self._log_key.sign(message)

    def log_token(self, identifier: str) -> str:
        """Return the token under which the audit log names a child; only this organisation can recompute it."""
        return hmac.digest(self.log_secret, identifier.encode(), "sha256").hex()[:32]

    @property
    def category_secret(self) -> bytes:
        """The secret of the keys that cells without children have, where counts of nobody are changed too."""
        return hmac.digest(self.row_secret, b"circe category keys", "sha256")


def open_sealing_seed(seed: bytes) -> "MLKEM768X25519PrivateKey":
    """Return the private key of a sealing seed. Raises `KeyFileError` for one that is destroyed."""
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

    post_quantum, classical = _split_sealing_seed(seed)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(post_quantum), X25519PrivateKey.from_private_bytes(classical)
    )


def publish_sealing_seed(seed: bytes) -> bytes:
    """Return the 1,184 + 32 bytes to which others seal: ML-KEM-768 first, then X25519. Raises `KeyFileError`."""
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    post_quantum, classical = _split_sealing_seed(seed)
    return (
        MLKEM768PrivateKey.from_seed_bytes(post_quantum).public_key().public_bytes_raw()
        + X25519PrivateKey.from_private_bytes(classical).public_key().public_bytes_raw()
    )


def _split_sealing_seed(seed: bytes) -> tuple[bytes, bytes]:
    if len(seed) != SEALING_SEED_BYTES:
        raise KeyFileError("the first sealing key has been destroyed, as it has to be after its week")
    return seed[:64], seed[64:]


def generate_keys(member_id: str) -> MemberKeys:
    """Make fresh keys from the operating system's random source."""
    return MemberKeys(
        member_id=member_id,
        signing_seed=secrets.token_bytes(32),
        sealing_seed=secrets.token_bytes(SEALING_SEED_BYTES),
        log_seed=secrets.token_bytes(32),
        row_secret=secrets.token_bytes(32),
        log_secret=secrets.token_bytes(32),
    )


def replace_keys(keys: MemberKeys) -> MemberKeys:
    """Return fresh keys in place of a member's signing key and first sealing key; the others stay."""
    return replace(keys, signing_seed=secrets.token_bytes(32), sealing_seed=secrets.token_bytes(SEALING_SEED_BYTES))


def save_keys(keys: MemberKeys, directory: Path, name: str = KEY_FILE) -> None:
    """Write a key file. Raises `KeyFileError` where one exists: keys are never overwritten."""
    write_secret(directory / name, _encode_keys(keys))


def _encode_keys(keys: MemberKeys) -> bytes:
    document = KeyFile(
        version=2,
        member_id=keys.member_id,
        signing_seed=to_text(keys.signing_seed),
        sealing_seed=to_text(keys.sealing_seed),
        log_seed=to_text(keys.log_seed),
        row_secret=to_text(keys.row_secret),
        log_secret=to_text(keys.log_secret),
    )
    return encode_document(document)


def load_keys(directory: Path, name: str = KEY_FILE) -> MemberKeys:
    """Read a member's key file. Raises `KeyFileError`."""
    path = directory / name
    try:
        document = decode_document(read_secret(path), KeyFile)
        texts = (document.signing_seed, document.sealing_seed, document.log_seed)
        seeds = [decode_base64(text) for text in (*texts, document.row_secret, document.log_secret)]
    except (WireError, EnvelopeError) as error:
        raise KeyFileError(f"{path} is damaged ({error}): restore it, or start again in another directory") from None
    if [len(seed) for seed in seeds] not in ([32, SEALING_SEED_BYTES, 32, 32, 32], [32, 0, 32, 32, 32]):
        raise KeyFileError(f"{path} is damaged (a seed has the wrong length): restore it")
    return MemberKeys(document.member_id, *seeds)


def rewrite_secret(path: Path, keys: MemberKeys) -> None:
    """Write a member's keys to another file than the key file. Raises `KeyFileError` where one exists."""
    write_secret(path, _encode_keys(keys))


def write_secret(path: Path, data: bytes) -> None:
    """Make a file that its owner alone can read. Raises `KeyFileError` where one exists: it is never overwritten."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path} exists already: keys are made once, so choose another directory") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        # Half a key is of no use, and would bar the way to a whole one.
        path.unlink()
        raise
    sync_directory(path.parent)


def read_secret(path: Path) -> bytes:
    """Read a file that must be closed to other users. Raises `KeyFileError`."""
    try:
        with path.open("rb") as file:
            # Asked of the open file, which nobody can exchange for another between the question and the reading.
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyFileError(f"{path} is open to other users: run chmod 600 on it and consider the keys lost")
            return file.read(MAX_DOCUMENT_BYTES)
    except OSError:
        raise KeyFileError(f"{path} cannot be read: is {path.parent} the right directory, and yours?") from None


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on disk before anything that relies on them happens."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_text(seed: bytes) -> str:
    """Return a secret as key files write it."""
    return base64.b64encode(seed).decode()
