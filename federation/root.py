"""The root of trust: one Ed25519 key on a machine of its own, which signs the register and nothing else."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from federation.keys import read_secret, write_secret
from federation.register import ROOT_ID, public_text
from federation.state import ROOT_FILE, StateError, hold_directory, read_root_key, write_file
from federation.wire import Name

SEED_FILE = "root.key"
NAME_FILE = "federation"


@dataclass(frozen=True, repr=False)
class RootKey:
    """The root's private key, for as long as a register is being signed."""

    federation: str
    seed: bytes
    member_id: str = ROOT_ID

    def sign(self, message: bytes) -> bytes:
        """Return the root's Ed25519 signature of `message`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    @property
    def public_key(self) -> bytes:
        """The public half, which every member pins."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()


def create_root(directory: Path, federation: str) -> Path:
    """Make the root key; return the path of its public half.

    Raises `StateError` where a root exists already, or for a name that is not one.
    """
    _check_name(federation)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = RootKey(federation, secrets.token_bytes(32))
    with hold_directory(directory):
        if (directory / SEED_FILE).exists():
            raise StateError(f"{directory} already holds a root key: it is made once and never replaced")
        write_file(directory / NAME_FILE, federation.encode() + b"\n")
        write_file(directory / ROOT_FILE, _to_line(key.public_key))
        (directory / ROOT_FILE).chmod(0o644)  # the public half is meant to be handed on
        # The key comes last: where it stands, everything stands, and an interrupted ceremony is simply begun again.
        write_secret(directory / SEED_FILE, _to_line(key.seed))
    return directory / ROOT_FILE


def open_root(directory: Path) -> RootKey:
    """Read the root key. Raises `StateError`, or `KeyFileError` when the file is open to other users."""
    path = directory / SEED_FILE
    if not path.exists():
        raise StateError(f"{directory} holds no root key: make one with circe member root")
    try:
        seed = read_root_key(read_secret(path).decode())
        federation = (directory / NAME_FILE).read_text(encoding="utf-8").strip()
        _check_name(federation)
    except (OSError, UnicodeDecodeError, StateError):
        raise StateError(f"{path} or {NAME_FILE} beside it is damaged: restore them from a copy") from None
    return RootKey(federation, seed)


def _check_name(federation: str) -> None:
    try:
        msgspec.convert(federation, Name)
    except msgspec.ValidationError:
        raise StateError("a federation's name is 1 to 64 of a-z, 0-9 and . _ @ -") from None


def _to_line(key: bytes) -> bytes:
    return public_text(key).encode() + b"\n"
