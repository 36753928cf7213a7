"""A member's state directory: everything one party keeps, in one place.

    member.toml    who this member is, and where its hub is (editable, except for the identity)
    key.json       its private keys, mode 0600; key-next.json those that wait for the register to name them
    sealing/       the private halves of the sealing keys of this week and, for a while, of the last
    root.pub       the federation's root key, pinned when it joined
    register.json  the last good register
    log.pub        the key by which anyone verifies its audit log

Files are written beside their place and moved there, so that a reader finds the old content or the new.
"""

import fcntl
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from federation.envelope import EnvelopeError, decode_base64
from federation.key_ring import KeyRing
from federation.keys import NEXT_KEY_FILE, MemberKeys, generate_keys, load_keys, save_keys, sync_directory
from federation.register import (
    MemberKind,
    OrganisationKind,
    Register,
    RegisterError,
    public_text,
    read_register,
    read_signed_register,
)
from federation.wire import Document, Line, Name, convert_value

if TYPE_CHECKING:
    from disclosure_control.presets.shelf import PresetShelf

PROFILE_FILE = "member.toml"
ROOT_FILE = "root.pub"
REGISTER_FILE = "register.json"
PRESETS = "presets"
LOG_KEY_FILE = "log.pub"
DATABASE_FILE = "circe.sqlite"

Setting = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]*\Z")]
"""A text that TOML can hold as JSON writes it."""

HubAddress = Annotated[str, msgspec.Meta(pattern=r"^(https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?)?\Z")]
"""The address of a hub, without a slash at its end; empty before a member has joined."""


Recorder = Callable[[Register | None, Register], object]
"""Records that a register follows another, or is the first."""


class StateError(Exception):
    """A state directory is missing, incomplete or damaged. The text says which file and what to do."""


class Profile(Document, frozen=True):
    """Who a member is, as `member.toml` states it."""

    member_id: Name
    kind: MemberKind
    title: Line
    organisation: Name
    organisation_kind: OrganisationKind
    operator: Name
    authorities: tuple[Name, ...]
    hub: HubAddress = ""
    hub_ca: Setting = ""


@dataclass(frozen=True)
class Party:
    """One member on its own machine: its directory, profile and keys."""

    directory: Path
    profile: Profile

    @cached_property
    def ring(self) -> KeyRing:
        """The member's keys as they change on its disk."""
        return KeyRing(self.directory)

    @property
    def keys(self) -> MemberKeys:
        """The member's private keys as they stand now: others, once they have been rotated. Raises `KeyFileError`."""
        return self.ring.current()

    @property
    def member_id(self) -> str:
        """The id under which the register knows this member."""
        return self.profile.member_id

    @property
    def authority(self) -> str:
        """The code of the authority that this member, a node, serves. Raises `StateError` for other members."""
        if len(self.profile.authorities) != 1:
            raise StateError(f"{self.member_id} does not serve one authority")
        return self.profile.authorities[0]

    @property
    def database(self) -> Path:
        """Where ledger, inbox and audit log live."""
        return self.directory / DATABASE_FILE

    @property
    def presets(self) -> "PresetShelf":
        """The presets that this member knows: those that Circe ships, and its own files in `presets/`."""
        from disclosure_control.presets.shelf import PresetShelf

        return PresetShelf(self.directory / PRESETS)

    @cached_property
    def root_key(self) -> bytes:
        """The pinned root key. Raises `StateError` before the member has joined."""
        path = self.directory / ROOT_FILE
        if not path.exists():
            raise StateError(f"{path} is missing: join a federation first")
        return load_root_key(path)

    @property
    def has_joined(self) -> bool:
        """Whether a register has been received yet."""
        return (self.directory / REGISTER_FILE).exists()

    def register(self, now: datetime) -> Register:
        """Return the last good register, verified again. Raises `StateError` or `RegisterError`."""
        return read_register(self.read_signed_register(), self.root_key, now)

    def read_signed_register(self) -> bytes:
        """Return the last good register as the root signed it. Raises `StateError`."""
        path = self.directory / REGISTER_FILE
        try:
            return path.read_bytes()
        except OSError:
            raise StateError(f"{path} is missing: no register has been received yet; join a federation") from None

    def adopt_register(self, data: bytes, now: datetime, record: Recorder | None = None) -> Register:
        """Verify a register under the pinned root and keep it; one older than the last good one is refused.

        One that is newer is recorded first, as the next one after the last, by whoever keeps a log. Where it names the
        keys that wait here, they come into use. Raises `RegisterError`, also for another register of
        the same version, and `StateError` when the last good one is damaged: without it nobody could tell a rollback.
        """
        path = self.directory / REGISTER_FILE
        with hold_directory(self.directory):
            known = self._last_register()
            register = read_register(data, self.root_key, now, not_before=known.version if known else 0)
            if known is None or register.version > known.version:
                if record is not None:
                    record(known, register)
                write_file(path, data)
            elif register != known:
                raise RegisterError(f"two registers of version {known.version} are signed by the root: tell its keeper")
            self._take_up_keys(register)
        return register

    @property
    def awaits_rotation(self) -> bool:
        """Whether keys wait here until the register names them."""
        return (self.directory / NEXT_KEY_FILE).exists()

    def _take_up_keys(self, register: Register) -> None:
        if self.awaits_rotation:
            following = public_text(load_keys(self.directory, NEXT_KEY_FILE).public_signing_key)
            if any(member.id == self.member_id and member.signing_key == following for member in register.members):
                self.ring.take_up_next()

    def _last_register(self) -> Register | None:
        path = self.directory / REGISTER_FILE
        if not path.exists():
            return None
        try:
            return read_signed_register(path.read_bytes(), self.root_key)
        except RegisterError as error:
            raise StateError(f"{path} is damaged ({error}): restore it from a copy") from None


def make_profile(**fields: object) -> Profile:
    """Return a profile of the values that a command was given. Raises `StateError` naming the one that is wrong."""
    try:
        return convert_value(fields, Profile)
    except msgspec.ValidationError as error:
        place = re.search(r"`\$?\.?(\w+)[^`]*`\Z", str(error))
        raise StateError(
            f"{place[1] if place else 'a value'} is missing or not acceptable: ids and authorities are 1 to 64 of a-z, "
            "0-9 and . _ @ -, a title is one line, a hub is http:// or https:// and a host"
        ) from None


def create_party(directory: Path, profile: Profile) -> Party:
    """Make a member's directory with fresh keys. Raises `StateError` if one is there."""
    if (directory / PROFILE_FILE).exists():
        raise StateError(f"{directory} already holds a member: choose another directory")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_private(directory)
    save_keys(generate_keys(profile.member_id), directory)
    write_profile(directory, profile)
    return Party(directory, profile)


def publish_log_key(party: Party) -> None:
    """Write the key by which anyone verifies this party's audit log, in the C2SP signed-note form."""
    from audit.checkpoint import VerifierKey

    key = VerifierKey(party.member_id, party.keys.public_log_key)
    write_file(party.directory / LOG_KEY_FILE, (key.to_text() + "\n").encode())


def check_private(directory: Path) -> None:
    """Raise `StateError` unless a directory is the caller's own and closed to everyone else.

    Who can write to it can change what this member lets out; so a directory that somebody else prepared is not used.
    """
    try:
        found = directory.stat()
    except OSError:
        return
    if found.st_uid != os.geteuid():
        raise StateError(f"{directory} belongs to another user: make one of your own")
    if found.st_mode & 0o077:
        raise StateError(f"{directory} is open to other users: run chmod 700 on it, and look whether it was changed")


def open_party(directory: Path, *kinds: MemberKind) -> Party:
    """Open a member's directory.

    Raises `StateError` when it is not there, open to others, or belongs to another kind of member.
    """
    check_private(directory)
    path = directory / PROFILE_FILE
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        profile = convert_value(raw, Profile)
    except OSError:
        raise StateError(f"{directory} is no member's state directory: {PROFILE_FILE} cannot be read") from None
    except (ValueError, RecursionError):
        raise StateError(f"{path} is damaged: restore it, or start again in another directory") from None
    if kinds and profile.kind not in kinds:
        expected = " or ".join(kinds)
        raise StateError(f"{directory} belongs to a {profile.kind}, and this needs the directory of a {expected}")
    party = Party(directory, profile)
    if party.keys.member_id != profile.member_id:
        raise StateError(f"{directory}: the keys belong to another member than {PROFILE_FILE} names")
    return party


def join_federation(party: Party, root_key: bytes, hub: str, hub_ca: str = "") -> Party:
    """Pin the root key and note where the hub is. Raises `StateError` if another root is pinned already."""
    path = party.directory / ROOT_FILE
    profile = make_profile(**msgspec.structs.asdict(party.profile) | {"hub": hub.rstrip("/"), "hub_ca": hub_ca})
    with hold_directory(party.directory):
        if path.exists() and load_root_key(path) != root_key:
            raise StateError(f"{path} pins another root: a member belongs to one federation for life")
        write_file(path, (public_text(root_key) + "\n").encode())
        write_profile(party.directory, profile)
    return replace(party, profile=profile)


def load_root_key(path: Path) -> bytes:
    """Read a root key from its file. Raises `StateError` naming the file."""
    try:
        return read_root_key(path.read_bytes().decode("ascii", errors="replace"))
    except (OSError, StateError):
        raise StateError(f"{path} is not a root key, one line of base64: fetch it again by a trusted way") from None


def read_root_key(text: str) -> bytes:
    """Read a root key: one line of base64. Raises `StateError`."""
    try:
        key = decode_base64(text.strip())
    except EnvelopeError:
        key = b""
    if len(key) != 32:
        raise StateError("a root key is one line of base64 holding 32 bytes")
    return key


def write_profile(directory: Path, profile: Profile) -> None:
    """Write `member.toml`. Every value is a string or a list of strings, whose JSON form is also TOML."""
    fields = msgspec.to_builtins(profile)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    write_file(directory / PROFILE_FILE, ("\n".join(lines) + "\n").encode())


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    # A name of its own for each writer: two threads must not write into one file.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


@contextmanager
def hold_directory(directory: Path) -> Iterator[None]:
    """Keep every other process and thread that asks from a directory, from looking at a file until it is replaced."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
