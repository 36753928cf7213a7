"""Members: what the register says of each, who it is, for whom it acts, by which keys, and from when to when."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from federation.envelope import decode_base64
from federation.passkeys import Passkey
from federation.wire import Document, Instant, Line, Name


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


class Served(Document, frozen=True):
    """An authority's code, and from when to when a node serves it: codes end where authorities are reorganised."""

    code: Name
    valid_from: Instant
    valid_to: Instant | None


class Entry(Document, frozen=True):
    """What the root's keeper says of a member: who it is, for whom it acts and until when. It has no keys yet."""

    id: Name
    kind: MemberKind
    title: Line
    organisation: Name
    organisation_kind: OrganisationKind
    operator: Name
    authorities: tuple[Served, ...]
    valid_to: Instant

    def authority(self, moment: datetime) -> str:
        """Return the code of the one authority that this node serves at a moment; empty for anybody else."""
        return next((served.code for served in self.authorities if is_within(served, moment)), "")


class FormerKey(Document, frozen=True):
    """A signing key that a member has rotated out, and the last version of the register that had it."""

    signing_key: str
    last_version: Annotated[int, msgspec.Meta(ge=1)]


class Member(Entry, frozen=True):
    """One entry of the register: anything with keys in the federation. `valid_from` is when it made these keys."""

    valid_from: Instant
    signing_key: str
    sealing_key: str
    log_key: str
    former_keys: tuple[FormerKey, ...]
    passkeys: tuple[Passkey, ...]
    revoked: bool

    @property
    def public_signing_key(self) -> bytes:
        """The member's Ed25519 public key."""
        return decode_base64(self.signing_key)

    def signing_key_in(self, version: int) -> bytes:
        """Return the Ed25519 key that a version of the register had: for reading records, never for acting on them."""
        for former in self.former_keys:
            if version <= former.last_version:
                return decode_base64(former.signing_key)
        return self.public_signing_key

    @property
    def public_sealing_key(self) -> bytes:
        """The member's first public sealing key: good for a week, as those are that it publishes itself later."""
        return decode_base64(self.sealing_key)

    @property
    def public_log_key(self) -> bytes:
        """The Ed25519 key by which the member's audit log is verified; it outlives the other keys."""
        return decode_base64(self.log_key)


def is_within(span: Served | Member, moment: datetime) -> bool:
    """Whether a moment is within a member's or a code's validity."""
    return span.valid_from <= moment and (span.valid_to is None or moment < span.valid_to)


def overlap(one: Served | Member, other: Served | Member) -> bool:
    """Whether two of these are valid at one moment."""
    return (one.valid_to is None or other.valid_from < one.valid_to) and (
        other.valid_to is None or one.valid_from < other.valid_to
    )
