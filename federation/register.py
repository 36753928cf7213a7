"""The register: the signed list of members and their public keys, from which all trust in the federation descends.

Its root key lives offline and is pinned by every member when it joins. Each member verifies each register it is handed
under its own pinned root, refuses one older than what it has (rollback), one that has expired, and one with any field
it does not know. The hub carries the register and can neither add a member to it nor hold an old one up for long: none
is good for more than thirty days after the root signed it, and then a member without a fresh one answers nobody.

A signature counts under the register that is valid now, whenever it was made. Releases alone, which are records that
nobody acts on, are read under the key that a node had when it replied.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations, pairwise
from typing import Annotated

import msgspec

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    check_signing_key,
    decode_base64,
    read_envelope,
    seal_envelope,
    verify_signature,
)
from federation.members import Entry, FormerKey, Member, MemberKind, OrganisationKind, Served, is_within, overlap
from federation.passkeys import PasskeyError, check_passkey
from federation.sealing import SealError, check_sealing_length
from federation.wire import Document, Instant, Name, WireError, decode_document, encode_document
from policies.words import call_role

__all__ = [
    "CLOCK_SKEW",
    "LONGEST_LIFE",
    "REGISTER_TYPE",
    "ROOT_ID",
    "Entry",
    "FormerKey",
    "Member",
    "MemberKind",
    "OrganisationKind",
    "Register",
    "RegisterError",
    "Served",
    "check_consistent",
    "check_current",
    "check_entry",
    "public_text",
    "read_register",
    "read_signed_register",
    "sign_register",
]

REGISTER_TYPE = "application/vnd.circe.register+json"
ROOT_ID = "root"

LONGEST_LIFE = timedelta(days=30)
"""No register is good for longer than this, whatever it says: so long a member works without a fresh one."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far two members' clocks may be apart before a moment counts as being in the future."""


class RegisterError(Exception):
    """A register is malformed, not signed by the pinned root, rolled back or expired; or a member is not in it."""


_ORGANISATIONS = {
    MemberKind.NODE: OrganisationKind.AUTHORITY,
    MemberKind.HUB: OrganisationKind.HUB_OPERATOR,
    MemberKind.DFE_ANALYST: OrganisationKind.DEPARTMENT,
}
"""The kind of organisation that members of some kinds can only belong to."""


class Register(Document, frozen=True, dict=True):
    """One version of the signed list."""

    federation: Name
    version: Annotated[int, msgspec.Meta(ge=1)]
    issued_at: Instant
    expires_at: Instant
    members: tuple[Member, ...]

    @cached_property
    def _by_id(self) -> Mapping[str, Member]:
        return {member.id: member for member in self.members}

    def find(self, member_id: str, now: datetime) -> Member:
        """Return an active member. Raises `RegisterError` for one unknown, revoked or outside its validity."""
        member = self._by_id.get(member_id)
        if member is None:
            raise RegisterError(f"{member_id} is not in register version {self.version}")
        if member.revoked:
            raise RegisterError(f"{member_id} is revoked in register version {self.version}")
        if not is_within(member, now):
            raise RegisterError(f"{member_id} is outside its validity in register version {self.version}")
        return member

    def active(self, kind: MemberKind, now: datetime) -> Iterator[Member]:
        """Yield the active members of one kind in the register's order."""
        for member in self.members:
            if member.kind is kind and not member.revoked and is_within(member, now):
                yield member

    def list_authorities(self, now: datetime) -> frozenset[str]:
        """Return the authorities that an active node serves."""
        return frozenset(member.authority(now) for member in self.active(MemberKind.NODE, now))

    def find_node(self, authority: str, now: datetime) -> Member:
        """Return the active node that serves an authority. Raises `RegisterError`."""
        for member in self.active(MemberKind.NODE, now):
            if member.authority(now) == authority:
                return member
        raise RegisterError(f"no active node serves authority {authority} in register version {self.version}")


def public_text(key: bytes) -> str:
    """Return a public key as the register writes it."""
    return base64.b64encode(key).decode()


def sign_register(register: Register, root: Signer) -> Envelope:
    """Sign a register with the root key; done on the machine where the root key lives.

    Raises `RegisterError` for a register that its readers would refuse.
    """
    body = encode_document(register)
    try:
        check_consistent(decode_document(body, Register))
    except WireError as error:
        raise RegisterError(f"register: {error}") from None
    return seal_envelope(body, REGISTER_TYPE, root)


def read_signed_register(data: bytes, root_key: bytes) -> Register:
    """Verify a register under a root key and return it, expired or not. Raises `RegisterError`."""
    try:
        envelope = read_envelope(data, REGISTER_TYPE)
        verify_signature(envelope, ROOT_ID, root_key)
        return decode_document(envelope.body, Register)
    except (EnvelopeError, WireError) as error:
        raise RegisterError(f"register: {error}") from None


def read_register(data: bytes, root_key: bytes, now: datetime, *, not_before: int = 0) -> Register:
    """Verify a register under the pinned root and return it for use now.

    Raises `RegisterError` when it is malformed, signed by another root, older than version `not_before`, issued in the
    future or expired.
    """
    register = read_signed_register(data, root_key)
    if register.version < not_before:
        raise RegisterError(f"register version {register.version} is older than version {not_before}, already seen")
    check_current(register, now)
    check_consistent(register)
    return register


def check_current(register: Register, now: datetime) -> None:
    """Raise `RegisterError` for a register issued in the future or expired."""
    if register.issued_at > now + CLOCK_SKEW or now >= register.expires_at:
        raise RegisterError(f"register version {register.version} is not valid now: ask for a fresh one")


def check_consistent(register: Register) -> None:
    """Raise `RegisterError` for a register that contradicts itself, lives too long or holds a key that is none."""
    if not timedelta(0) < register.expires_at - register.issued_at <= LONGEST_LIFE:
        raise RegisterError(f"a register is good for at most {LONGEST_LIFE.days} days, and ends after it begins")
    members = register.members
    _check_unique("id", [ROOT_ID, *(member.id for member in members)])
    _check_unique("signing key", [key for member in members for key in _list_signing_keys(member)])
    _check_unique("sealing key", [member.sealing_key for member in members])
    _check_unique("passkey", [passkey.credential for member in members for passkey in member.passkeys])
    for member in members:
        check_entry(member)
        _check_member(member)
        _check_former(member, register.version)
    _check_organisations(members)
    _check_authorities(members)


def _check_unique(what: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise RegisterError(f"two members of the register share one {what}")


def _list_signing_keys(member: Member) -> list[str]:
    return [member.signing_key, member.log_key, *(former.signing_key for former in member.former_keys)]


def _check_former(member: Member, version: int) -> None:
    lasted = [0, *(former.last_version for former in member.former_keys), version]
    if any(later <= earlier for earlier, later in pairwise(lasted)):
        raise RegisterError(f"the former keys of {member.id} are not those of earlier versions, in their order")


def check_entry(entry: Entry) -> None:
    """Raise `RegisterError` for an entry that cannot be: a person who serves an authority, a node that serves two."""
    expected = _ORGANISATIONS.get(entry.kind)
    if expected is not None and entry.organisation_kind is not expected:
        raise RegisterError(f"{entry.id}: a {entry.kind} belongs to an organisation of kind {expected}")
    if bool(entry.authorities) != (entry.kind is MemberKind.NODE):
        raise RegisterError(f"{entry.id}: a node serves an authority, and nobody else does")
    if any(served.valid_to is not None and served.valid_to <= served.valid_from for served in entry.authorities):
        raise RegisterError(f"{entry.id}: an authority's code ends before it begins")
    if any(overlap(one, other) for one, other in combinations(entry.authorities, 2)):
        raise RegisterError(f"{entry.id} serves two authorities at a time: each has a node of its own")


def _check_member(member: Member) -> None:
    if member.valid_to <= member.valid_from:
        raise RegisterError(f"{member.id} ends before it begins")
    try:
        for key in _list_signing_keys(member):
            check_signing_key(decode_base64(key))
        check_sealing_length(member.public_sealing_key)
        for passkey in member.passkeys:
            check_passkey(passkey)
    except (EnvelopeError, PasskeyError, SealError) as error:
        raise RegisterError(f"a key of {member.id} cannot be used: {error}") from None
    if member.passkeys and member.kind is not MemberKind.APPROVER:
        raise RegisterError(f"{member.id} is {call_role(member.kind)}: approvers alone have passkeys")


def _check_organisations(members: Iterable[Member]) -> None:
    """Who approves is counted by organisation and its kind, so an organisation is of one kind wherever it is named."""
    kinds: dict[str, OrganisationKind] = {}
    for member in members:
        if kinds.setdefault(member.organisation, member.organisation_kind) is not member.organisation_kind:
            raise RegisterError(f"{member.organisation} is of two kinds of organisation: {member.id} says another")


def _check_authorities(members: Iterable[Member]) -> None:
    """No two nodes may serve one authority at a time, for each would answer in its name."""
    serving: dict[str, list[tuple[Member, Served]]] = {}
    for node in members:
        for served in () if node.revoked else node.authorities:
            for other, theirs in serving.get(served.code, []):
                if overlap(node, other) and overlap(served, theirs):
                    raise RegisterError(f"{other.id} and {node.id} serve one authority, {served.code}, at a time")
            serving.setdefault(served.code, []).append((node, served))
