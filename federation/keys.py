"""A member's own keys: made on its own machine, kept in one file that only it can read, never sent anywhere.

The file holds an Ed25519 signing key (RFC 8032), a sealing key for the hybrid KEM X25519 + ML-KEM-768 (RFC 9180 and
FIPS 203), and two token secrets: the row secret turns a child's identifier into the token inside snapshots, the log
secret turns it into the token inside the audit log. They differ on purpose: whoever holds one of them can enumerate
identifiers against it, and must learn nothing about the other.
"""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from federation.envelope import EnvelopeError, decode_base64
from federation.wire import MAX_DOCUMENT_BYTES, Document, Name, WireError, decode_document, encode_document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

KEY_FILE = "key.json"


class KeyFileError(Exception):
    """A key file is missing, unreadable, malformed, or open to other users."""


class KeyFile(Document, frozen=True):
    """What is written to disk: seeds in base64."""

    version: Literal[1]
    member_id: Name
    signing_seed: str
    sealing_seed: str
    row_secret: str
    log_secret: str


@dataclass(frozen=True, repr=False)
class MemberKeys:
    """A member's private keys in memory. The repr names the member and nothing else."""

    member_id: str
    signing_seed: bytes
    sealing_seed: bytes
    row_secret: bytes
    log_secret: bytes

    def __repr__(self) -> str:
        return f"MemberKeys({self.member_id!r}, secret)"

    @cached_property
    def _signing_key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.signing_seed)

    @cached_property
    def sealing_key(self) -> "MLKEM768X25519PrivateKey":
        """The private half of the sealing key."""
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

        post_quantum, classical = self.sealing_seed[:64], self.sealing_seed[64:]
        return MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(post_quantum), X25519PrivateKey.from_private_bytes(classical)
        )

    @property
    def public_signing_key(self) -> bytes:
        """The 32 bytes by which others verify this member's signatures."""
        return self._signing_key.public_key().public_bytes_raw()

    @cached_property
    def public_sealing_key(self) -> bytes:
        """The 1,184 + 32 bytes to which others seal: ML-KEM-768 first, then X25519."""
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        post_quantum = MLKEM768PrivateKey.from_seed_bytes(self.sealing_seed[:64]).public_key()
        classical = X25519PrivateKey.from_private_bytes(self.sealing_seed[64:]).public_key()
        return post_quantum.public_bytes_raw() + classical.public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of `message`."""
        return self._signing_key.sign(message)

    def log_token(self, identifier: str) -> str:
        """Return the token under which the audit log names a child; only this organisation can recompute it."""
        return hmac.digest(self.log_secret, identifier.encode(), "sha256").hex()[:32]


def generate_keys(member_id: str) -> MemberKeys:
    """Make fresh keys from the operating system's random source."""
    return MemberKeys(
        member_id=member_id,
        signing_seed=secrets.token_bytes(32),
        sealing_seed=secrets.token_bytes(64 + 32),
        row_secret=secrets.token_bytes(32),
        log_secret=secrets.token_bytes(32),
    )


def save_keys(keys: MemberKeys, directory: Path) -> None:
    """Write the key file. Raises `KeyFileError` where one exists: keys are never overwritten."""
    document = KeyFile(
        version=1,
        member_id=keys.member_id,
        signing_seed=_to_text(keys.signing_seed),
        sealing_seed=_to_text(keys.sealing_seed),
        row_secret=_to_text(keys.row_secret),
        log_secret=_to_text(keys.log_secret),
    )
    write_secret(directory / KEY_FILE, encode_document(document))


def load_keys(directory: Path) -> MemberKeys:
    """Read a member's key file. Raises `KeyFileError`."""
    path = directory / KEY_FILE
    try:
        document = decode_document(read_secret(path), KeyFile)
        texts = (document.signing_seed, document.sealing_seed, document.row_secret, document.log_secret)
        seeds = [decode_base64(text) for text in texts]
    except (WireError, EnvelopeError) as error:
        raise KeyFileError(f"{path} is damaged ({error}): restore it, or start again in another directory") from None
    if [len(seed) for seed in seeds] != [32, 96, 32, 32]:
        raise KeyFileError(f"{path} is damaged (a seed has the wrong length): restore it")
    return MemberKeys(document.member_id, *seeds)


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


def _to_text(seed: bytes) -> str:
    return base64.b64encode(seed).decode()
