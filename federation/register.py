"""The register: the signed list of members and their public keys, from which all trust in the federation descends.

Its root key lives offline and is pinned by every member when it joins. Each member verifies each register it is handed
under its own pinned root, refuses one older than what it has (rollback), one that has expired, and one with any field
it does not know. The hub carries the register and can neither add a member to it nor hold an old one up for long.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated

import msgspec

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    decode_base64,
    read_envelope,
    seal_envelope,
    verify_signature,
)
from federation.sealing import PUBLIC_KEY_BYTES, SealError, check_sealing_key
from federation.wire import Document, Instant, Line, Name, WireError, decode_document, encode_document

REGISTER_TYPE = "application/vnd.circe.register+json"
ENROLMENT_TYPE = "application/vnd.circe.enrolment+json"
ROOT_ID = "root"

CLOCK_SKEW = timedelta(minutes=5)
"""How far two members' clocks may be apart before a moment counts as being in the future."""


class RegisterError(Exception):
    """A register is malformed, not signed by the pinned root, rolled back or expired; or a member is not in it."""


class MemberKind(StrEnum):
    """What a member is in the federation."""

    NODE = "node"
    HUB = "hub"
    APPROVER = "approver"
    RESEARCHER = "researcher"
    DFE_ANALYST = "dfe_analyst"
    IG_OFFICER = "ig_officer"
    OUTPUT_CHECKER = "output_checker"
    WITNESS = "witness"


class OrganisationKind(StrEnum):
    """What a member's organisation is; at least one approval of every query comes from an authority."""

    AUTHORITY = "authority"
    DEPARTMENT = "department"
    RESEARCH = "research"
    HUB_OPERATOR = "hub_operator"


class Member(Document, frozen=True):
    """One entry: anything with keys in the federation."""

    id: Name
    kind: MemberKind
    title: Line
    organisation: Name
    organisation_kind: OrganisationKind
    operator: Name
    authorities: tuple[Name, ...]
    signing_key: str
    sealing_key: str
    valid_from: Instant
    valid_to: Instant
    revoked: bool

    @property
    def public_signing_key(self) -> bytes:
        """The member's Ed25519 public key."""
        return decode_base64(self.signing_key)

    @property
    def public_sealing_key(self) -> bytes:
        """The member's public sealing key."""
        return decode_base64(self.sealing_key)


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
        if not member.valid_from <= now < member.valid_to:
            raise RegisterError(f"{member_id} is outside its validity in register version {self.version}")
        return member

    def active(self, kind: MemberKind, now: datetime) -> Iterator[Member]:
        """Yield the active members of one kind in the register's order."""
        for member in self.members:
            if member.kind is kind and not member.revoked and member.valid_from <= now < member.valid_to:
                yield member

    def find_node(self, authority: str, now: datetime) -> Member:
        """Return the active node that serves an authority. Raises `RegisterError`."""
        for member in self.active(MemberKind.NODE, now):
            if authority in member.authorities:
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
    """Raise `RegisterError` when two members share an id, a key or an authority, or a key has the wrong length."""
    _check_unique("id", [ROOT_ID, *(member.id for member in register.members)])
    _check_unique("signing key", [member.signing_key for member in register.members])
    _check_unique("sealing key", [member.sealing_key for member in register.members])
    nodes = [member for member in register.members if member.kind is MemberKind.NODE and not member.revoked]
    _check_unique("authority", [code for member in nodes for code in member.authorities])
    for member in register.members:
        _check_keys(member)


def _check_unique(what: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise RegisterError(f"two members of the register share one {what}")


def _check_keys(member: Member) -> None:
    try:
        lengths = (len(member.public_signing_key), len(member.public_sealing_key))
    except EnvelopeError:
        raise RegisterError(f"a key of {member.id} is not valid base64") from None
    if lengths != (32, PUBLIC_KEY_BYTES):
        raise RegisterError(f"a key of {member.id} has the wrong length")


def write_enrolment(member: Member, keys: Signer) -> Envelope:
    """Return a member's request to be enrolled, signed with its own key as proof that it holds it."""
    return seal_envelope(encode_document(member), ENROLMENT_TYPE, keys)


def read_enrolment(data: bytes) -> Member:
    """Read an enrolment request; check that the signing key is held and that pages can be sealed to the other.

    Raises `RegisterError`.
    """
    try:
        envelope = read_envelope(data, ENROLMENT_TYPE)
        member = decode_document(envelope.body, Member)
        verify_signature(envelope, member.id, member.public_signing_key)
        check_sealing_key(member.public_sealing_key)
    except (EnvelopeError, SealError, WireError) as error:
        raise RegisterError(f"enrolment request: {error}") from None
    return member
