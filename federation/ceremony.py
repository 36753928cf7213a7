"""The root's ceremonies: invitations, and the registers that follow one another.

Everything here reads and writes files on the machine where the root key lives, and nothing reaches for a network. The
machine remembers in `ledger.json` which invitations it gave and which keys have ended, and in `register.json` what it
signed last; so a register file that was mistaken, mislaid or restored from an old copy starts no second line of
versions, and a key that ended comes back by no request.

A ceremony writes the ledger first, its own register next and the copy that is carried away last. One that was broken
off is begun again with the same requests; where that says that they have been granted, without any.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from federation.enrolment import (
    ENROLMENT_TYPE,
    ROTATION_TYPE,
    Enrolment,
    Invitation,
    check_membership,
    hash_code,
    list_differences,
    make_invitation,
    read_enrolment,
    read_rotation,
)
from federation.envelope import Envelope, write_envelope
from federation.register import (
    CLOCK_SKEW,
    Entry,
    FormerKey,
    Member,
    Register,
    RegisterError,
    read_signed_register,
    sign_register,
)
from federation.root import RootKey, open_root
from federation.state import REGISTER_FILE, StateError, hold_directory, write_file
from federation.wire import Digest, Document, Instant, WireError, decode_document, encode_document, whole_seconds

LEDGER_FILE = "ledger.json"

MOST_FORMER = 16
"""How many keys that a member rotated out the register remembers."""


class GivenInvitation(Document, frozen=True):
    """An invitation as the root's machine remembers it. `used_by` is the digest of the request that used it, if any."""

    code_hash: Digest
    given_at: Instant
    expires_at: Instant
    entry: Entry
    used_by: str


class RootLedger(Document, frozen=True):
    """What the root's machine must not forget between two ceremonies."""

    invitations: tuple[GivenInvitation, ...]
    ended_keys: tuple[Digest, ...]


def invite_member(root: Path, entry: Entry, days: int, now: datetime) -> Invitation:
    """Invite a member, and remember the hash of the code.

    Raises `RegisterError` for an entry that could not be enrolled: somebody of that id is a member already. One who was
    revoked, or whose membership has ended, may be invited again, and comes back with other keys.
    """
    key = open_root(root)
    with hold_directory(root):
        last, ledger = read_last(root, key), read_ledger(root)
        if last is not None and any(member.id == entry.id and _is_active(member, now) for member in last.members):
            raise RegisterError(f"{entry.id} is a member already: its keys are rotated, or revoked first")
        invitation = make_invitation(key.federation, entry, days, now)
        given = GivenInvitation(
            code_hash=hash_code(invitation.code),
            given_at=whole_seconds(now),
            expires_at=invitation.expires_at,
            entry=entry,
            used_by="",
        )
        # An earlier invitation of the same id is void: whoever found it first could otherwise be enrolled in its place.
        kept = [each for each in ledger.invitations if each.used_by or each.entry.id != entry.id]
        write_ledger(root, msgspec.structs.replace(ledger, invitations=(*kept, given)))
    return invitation


def enrol_members(
    root: Path,
    register_file: Path,
    requests: Sequence[Path],
    days: int,
    now: datetime,
    *,
    until: datetime | None = None,
) -> Register:
    """Sign the next register, with the members whom the requests enrol and the keys that they rotate.

    Without a request it is renewed. Memberships whose keys are rotated run `until` that moment where one is given.
    Raises `RegisterError`, naming the file, for a request that does not hold; then nothing is signed.
    """
    with _open_ceremony(root, register_file, now) as ceremony:
        for path in requests:
            try:
                ceremony.grant(path.read_bytes(), until)
            except RegisterError as error:
                raise RegisterError(f"{path}: {error}") from None
        return ceremony.sign(days)


def revoke_member(root: Path, register_file: Path, member_id: str, days: int, now: datetime) -> Register:
    """Sign the next register, in which a member is revoked. Raises `RegisterError` for one unknown or revoked."""
    with _open_ceremony(root, register_file, now) as ceremony:
        ceremony.revoke(member_id)
        return ceremony.sign(days)


def _is_active(member: Member, now: datetime) -> bool:
    return not member.revoked and now < member.valid_to


@dataclass
class _Ceremony:
    """One sitting: what was signed last, and what the requests granted so far have made of it."""

    root: Path
    register_file: Path
    key: RootKey
    now: datetime
    last: Register | None
    members: dict[str, Member]
    ledger: RootLedger

    def grant(self, request: bytes, until: datetime | None) -> None:
        """Take a member's request in. Raises `RegisterError` for one that does not hold, and changes nothing then."""
        kind = _payload_type(request)
        if kind == ENROLMENT_TYPE:
            member, ledger = self._enrol(request)
        elif kind == ROTATION_TYPE:
            member, ledger = self._rotate(request, until), self.ledger
        else:
            raise RegisterError("neither an enrolment request nor a rotation request")
        if self.members.get(member.id) != self._registered(member.id):
            raise RegisterError(f"{member.id} has another request in this ceremony: find out which one is meant")
        if _key_digests(member) & set(ledger.ended_keys):
            raise RegisterError(f"{member.id} asks for a key that has been ended: make new ones")
        self.ledger = ledger
        self._end_keys(member.id)
        self.members[member.id] = member

    def revoke(self, member_id: str) -> None:
        """Revoke a member. Raises `RegisterError`."""
        member = self.members.get(member_id)
        if member is None or member.revoked:
            raise RegisterError(f"{member_id} is no member, or revoked already: circe member list shows who is")
        self._end_keys(member_id)
        self.members[member_id] = msgspec.structs.replace(member, revoked=True)

    def sign(self, days: int) -> Register:
        """Sign and write the next register. Raises `RegisterError` for one that its readers would refuse."""
        issued = whole_seconds(self.now)
        register = Register(
            federation=self.key.federation,
            version=self.last.version + 1 if self.last else 1,
            issued_at=issued,
            expires_at=issued + timedelta(days=days),
            members=tuple(self.members.values()),
        )
        data = write_envelope(sign_register(register, self.key))
        write_ledger(self.root, self.ledger)
        write_file(self.root / REGISTER_FILE, data)
        write_file(self.register_file, data)
        return register

    def _registered(self, member_id: str) -> Member | None:
        members = self.last.members if self.last else ()
        return next((member for member in members if member.id == member_id), None)

    def _enrol(self, request: bytes) -> tuple[Member, RootLedger]:
        enrolment = read_enrolment(request)
        member = enrolment.member
        known = self._registered(member.id)
        if known is not None and _is_active(known, self.now):
            raise RegisterError(f"{member.id} is a member already: leave its request out")
        return member, use_invitation(self.ledger, enrolment, hashlib.sha256(request).hexdigest(), self.now)

    def _rotate(self, request: bytes, until: datetime | None) -> Member:
        if self.last is None:
            raise RegisterError("rotation request: nobody is enrolled yet")
        member = read_rotation(request, self.last, self.now)
        former = FormerKey(signing_key=self.last.find(member.id, self.now).signing_key, last_version=self.last.version)
        end = member.valid_to if until is None else whole_seconds(until)
        check_membership(member.id, end, self.now)
        former_keys = (*member.former_keys, former)[-MOST_FORMER:]
        return msgspec.structs.replace(member, former_keys=former_keys, valid_to=end)

    def _end_keys(self, member_id: str) -> None:
        """Remember the keys that a member had: no request brings them back."""
        known = self._registered(member_id)
        if known is not None:
            ended = sorted({*self.ledger.ended_keys, *_key_digests(known)})
            self.ledger = msgspec.structs.replace(self.ledger, ended_keys=tuple(ended))


def use_invitation(ledger: RootLedger, enrolment: Enrolment, request: str, now: datetime) -> RootLedger:
    """Return the ledger with the invitation of a request used up. Raises `RegisterError`.

    `request` is the request's digest: the very same one may be granted again, where a ceremony was broken off.
    """
    member, code_hash = enrolment.member, hash_code(enrolment.code)
    given = next((each for each in ledger.invitations if each.code_hash == code_hash), None)
    if given is None:
        raise RegisterError(f"enrolment request: {member.id} was not invited, or was invited anew since")
    if given.used_by not in ("", request):
        raise RegisterError(f"enrolment request: the invitation of {given.entry.id} has been used already")
    if now >= given.expires_at:
        raise RegisterError(f"enrolment request: the invitation of {given.entry.id} has run out")
    if changed := list_differences(given.entry, member):
        raise RegisterError(f"enrolment request: not as {given.entry.id} was invited, in {', '.join(changed)}")
    if member.revoked or member.former_keys or not given.given_at - CLOCK_SKEW <= member.valid_from <= now + CLOCK_SKEW:
        raise RegisterError(f"enrolment request: {member.id} made it before it was invited, or in the future")
    used = msgspec.structs.replace(given, used_by=request)
    invitations = tuple(used if each is given else each for each in ledger.invitations)
    return msgspec.structs.replace(ledger, invitations=invitations)


def _payload_type(data: bytes) -> str:
    try:
        return decode_document(data, Envelope).payload_type
    except WireError as error:
        raise RegisterError(f"request: {error}") from None


def _key_digests(member: Member) -> set[str]:
    return {hashlib.sha256(key.encode()).hexdigest() for key in (member.signing_key, member.sealing_key)}


# --- Files -------------------------------------------------------------------------------------------------------


@contextmanager
def _open_ceremony(root: Path, register_file: Path, now: datetime) -> Iterator[_Ceremony]:
    """Hold the root's directory for one sitting. Raises `RegisterError` and `StateError` where files do not fit."""
    key = open_root(root)
    if not register_file.parent.is_dir() or register_file.is_dir():
        raise StateError(f"{register_file} cannot be written: name a file in a directory that exists")
    with hold_directory(root):
        last = _find_last(root, register_file, key)
        members = {member.id: member for member in last.members} if last else {}
        yield _Ceremony(root, register_file, key, now, last, members, read_ledger(root))


def read_last(root: Path, key: RootKey) -> Register | None:
    """Return the register that this root signed last, from its own directory. Raises `RegisterError`."""
    return _read_signed(root / REGISTER_FILE, key)


def _find_last(root: Path, register_file: Path, key: RootKey) -> Register | None:
    """Return the newer of our own last register and the one to be replaced; either may be missing or older."""
    own, carried = read_last(root, key), _read_signed(register_file, key)
    if own is None or carried is None:
        return own or carried
    if own.version == carried.version and own != carried:
        raise RegisterError(f"{register_file} is another register of version {own.version}: find out who signed it")
    return max(own, carried, key=lambda register: register.version)


def _read_signed(path: Path, key: RootKey) -> Register | None:
    if not path.exists():
        return None
    try:
        return read_signed_register(path.read_bytes(), key.public_key)
    except RegisterError as error:
        raise RegisterError(f"{path}: {error}") from None


def read_ledger(root: Path) -> RootLedger:
    """Return what the root's machine remembers; nothing before the first ceremony. Raises `StateError`."""
    path = root / LEDGER_FILE
    if not path.exists():
        return RootLedger(invitations=(), ended_keys=())
    try:
        return decode_document(path.read_bytes(), RootLedger)
    except WireError as error:
        raise StateError(f"{path} is damaged ({error}): restore it from a copy") from None


def write_ledger(root: Path, ledger: RootLedger) -> None:
    """Write what the root's machine remembers."""
    write_file(root / LEDGER_FILE, encode_document(ledger))
