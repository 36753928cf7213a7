"""A member's state directory: everything one party keeps, in one place.

    member.toml    who this member is, and where its hub is (editable, except for the identity)
    key.json       its private keys, mode 0600
    root.pub       the federation's root key, pinned when it joined
    register.json  the last good register
    log.pub        the key by which anyone verifies its audit log

Files are written beside their place and moved there, so that a reader finds the old content or the new.
"""

import base64
import json
import os
import tomllib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import msgspec

from federation.envelope import write_envelope
from federation.keys import MemberKeys, generate_keys, load_keys, save_keys
from federation.register import (
    Member,
    MemberKind,
    OrganisationKind,
    Register,
    public_text,
    read_register,
    read_signed_register,
    write_enrolment,
)
from federation.wire import Document, Line, Name, whole_seconds

PROFILE_FILE = "member.toml"
ROOT_FILE = "root.pub"
REGISTER_FILE = "register.json"
ENROLMENT_FILE = "enrolment.json"
LOG_KEY_FILE = "log.pub"
DATABASE_FILE = "circe.sqlite"

MEMBERSHIP = timedelta(days=365)
"""How long a member asks to be enrolled for."""


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
    authorities: tuple[str, ...]
    hub: str = ""
    hub_ca: str = ""


@dataclass(frozen=True)
class Party:
    """One member on its own machine: its directory, profile and keys."""

    directory: Path
    profile: Profile
    keys: MemberKeys

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

    @cached_property
    def root_key(self) -> bytes:
        """The pinned root key. Raises `StateError` before the member has joined."""
        path = self.directory / ROOT_FILE
        try:
            return read_root_key(path.read_text())
        except OSError:
            raise StateError(f"{path} is missing: join a federation first") from None

    def register(self, now: datetime) -> Register:
        """Return the last good register, verified again. Raises `StateError` or `RegisterError`."""
        path = self.directory / REGISTER_FILE
        try:
            data = path.read_bytes()
        except OSError:
            raise StateError(f"{path} is missing: no register has been received yet") from None
        return read_register(data, self.root_key, now)

    def adopt_register(self, data: bytes, now: datetime) -> Register:
        """Verify a register under the pinned root, refuse one older than the last good one, and keep it."""
        path = self.directory / REGISTER_FILE
        known = read_signed_register(path.read_bytes(), self.root_key).version if path.exists() else 0
        register = read_register(data, self.root_key, now, not_before=known)
        if register.version > known:
            write_file(path, data)
        return register


def make_profile(**fields: object) -> Profile:
    """Return a profile of the values that a command was given. Raises `StateError` naming the one that is wrong."""
    try:
        return msgspec.convert(fields, Profile)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("`$.")[2].rstrip("`")
        raise StateError(
            f"{field} is not acceptable: ids are 1 to 64 of a-z, 0-9 and . _ @ -, titles are one line"
        ) from None


def create_party(directory: Path, profile: Profile, now: datetime) -> Party:
    """Make a member's directory with fresh keys and its enrolment request. Raises `StateError` if one is there."""
    if (directory / PROFILE_FILE).exists():
        raise StateError(f"{directory} already holds a member: choose another directory")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = generate_keys(profile.member_id)
    save_keys(keys, directory)
    write_file(directory / ENROLMENT_FILE, write_envelope(write_enrolment(describe_member(profile, keys, now), keys)))
    write_profile(directory, profile)
    return Party(directory, profile, keys)


def publish_log_key(party: Party) -> None:
    """Write the key by which anyone verifies this party's audit log, in the C2SP signed-note form."""
    from audit.checkpoint import VerifierKey

    key = VerifierKey(party.member_id, party.keys.public_signing_key)
    write_file(party.directory / LOG_KEY_FILE, (key.to_text() + "\n").encode())


def describe_member(profile: Profile, keys: MemberKeys, now: datetime) -> Member:
    """Return the register entry that a member asks for."""
    start = whole_seconds(now)
    return Member(
        id=profile.member_id,
        kind=profile.kind,
        title=profile.title,
        organisation=profile.organisation,
        organisation_kind=profile.organisation_kind,
        operator=profile.operator,
        authorities=profile.authorities,
        signing_key=public_text(keys.public_signing_key),
        sealing_key=public_text(keys.public_sealing_key),
        valid_from=start,
        valid_to=start + MEMBERSHIP,
        revoked=False,
    )


def open_party(directory: Path, *kinds: MemberKind) -> Party:
    """Open a member's directory. Raises `StateError` when it is not there or belongs to another kind of member."""
    path = directory / PROFILE_FILE
    try:
        raw = tomllib.loads(path.read_text())
        profile = msgspec.convert(raw, Profile)
    except OSError:
        raise StateError(f"{directory} is no member's state directory: {PROFILE_FILE} is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError):
        raise StateError(f"{path} is damaged: restore it, or start again in another directory") from None
    if kinds and profile.kind not in kinds:
        expected = " or ".join(kinds)
        raise StateError(f"{directory} belongs to a {profile.kind}, and this needs the directory of a {expected}")
    keys = load_keys(directory)
    if keys.member_id != profile.member_id:
        raise StateError(f"{directory}: the keys belong to another member than {PROFILE_FILE} names")
    return Party(directory, profile, keys)


def join_federation(party: Party, root_key: bytes, hub: str, hub_ca: str = "") -> Party:
    """Pin the root key and note where the hub is. Raises `StateError` if another root is pinned already."""
    path = party.directory / ROOT_FILE
    if path.exists() and read_root_key(path.read_text()) != root_key:
        raise StateError(f"{path} pins another root: a member belongs to one federation for life")
    write_file(path, (public_text(root_key) + "\n").encode())
    profile = msgspec.structs.replace(party.profile, hub=hub.rstrip("/"), hub_ca=hub_ca)
    write_profile(party.directory, profile)
    return replace(party, profile=profile)


def read_root_key(text: str) -> bytes:
    """Read a root key file: one line of base64. Raises `StateError`."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
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
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
