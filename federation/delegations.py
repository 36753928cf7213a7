"""Delegations: a home authority names children of its own to somebody else, with the fields and the days.

Home's virtual school head signs the exact bytes, by passkey or key file, and home's node beside them
(`federation.countersigning`). They give no right by themselves: home looks up at each reading whether one still holds,
so that revoking it needs nothing of anybody else. Home tells the receiving node of each as it is given and revoked, in
a sealed page like any other; who received it verifies both signatures, and holds what home tells against it.
"""

from datetime import UTC, date, datetime
from typing import Annotated

import msgspec

from federation.countersigning import verify_both
from federation.envelope import Envelope, EnvelopeError, read_envelope, seal_envelope, verify_signature, write_envelope
from federation.lookups import LookupId
from federation.members import Member
from federation.wire import Document, Instant, Line, Name, WireError, decode_document, encode_document
from policies.names import CHILD_RECORD, FieldGroup

DELEGATION_TYPE = "application/vnd.circe.delegation+json"
NOTICE_TYPE = "application/vnd.circe.delegation-notice+json"
NOTICE_ANSWER_TYPE = "application/vnd.circe.delegation-notice-answer+json"

MOST_CHILDREN = 50
"""How many children one delegation names: it is for named children, and no way to hand over a caseload unseen."""

LONGEST_DAYS = 366
"""How long a delegation lasts at most; it can be given again."""

DelegationId = Annotated[str, msgspec.Meta(pattern=r"^D-[0-9a-f]{32}\Z")]
ChildNumber = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""The number by which the home authority knows a child."""

Somebody = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9._@-]{0,63})?\Z")]
"""One person, by their own node's name for them; empty for whoever has the role there."""


class DelegationInvalid(Exception):
    """A delegation is malformed, not signed by its home, or not for us now. Repeats nothing of it."""


class Delegation(Document, frozen=True):
    """Who may read which groups of fields of which children, from one day to another, both included.

    Raises `ValueError` for days that are none, for a child or group named twice, and for a group that is no child's.
    """

    delegation_id: DelegationId
    home: Name
    sender: Name
    receiver: Name
    authority: Name
    role: Name
    person: Somebody
    children: Annotated[tuple[ChildNumber, ...], msgspec.Meta(min_length=1, max_length=MOST_CHILDREN)]
    field_groups: Annotated[tuple[FieldGroup, ...], msgspec.Meta(min_length=1, max_length=len(CHILD_RECORD))]
    valid_from: date
    valid_until: date
    purpose: Line
    given_by: Name
    given_at: Instant

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= (self.valid_until - self.valid_from).days <= LONGEST_DAYS:
            raise ValueError(f"a delegation ends on the day it begins or up to {LONGEST_DAYS} days after it")
        if len(set(self.children)) != len(self.children) or len(set(self.field_groups)) != len(self.field_groups):
            raise ValueError("a delegation names each child and each group of fields once")
        if not set(self.field_groups) <= set(CHILD_RECORD):
            raise ValueError("a delegation is of the fields of a child's record alone")

    def holds_on(self, day: date) -> bool:
        """Whether a day is within its days."""
        return self.valid_from <= day <= self.valid_until

    @property
    def terms(self) -> "Delegation":
        """What it says less when, by whom and under which number: the same for two that give the same."""
        return msgspec.structs.replace(self, delegation_id=f"D-{'0' * 32}", given_by="x", given_at=_NO_TIME)


_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class DelegationNotice(Document, frozen=True):
    """Home's node tells the receiving node of a delegation: that it was given or, later, that it is revoked.

    It answers with a `NodeAnswer` and no more.
    """

    lookup_id: LookupId
    sender: Name
    receiver: Name
    authority: Name
    asked_at: Instant
    delegation: Envelope
    revoked: bool


def draft_delegation(delegation: Delegation) -> Envelope:
    """Return a delegation as the bytes that its giver and then home's node sign."""
    return seal_envelope(encode_document(delegation), DELEGATION_TYPE)


def read_delegation(envelope: Envelope) -> Delegation:
    """Read a delegation; who signed it is for `verify_delegation` to say. Raises `DelegationInvalid`."""
    try:
        return decode_document(read_envelope(write_envelope(envelope), DELEGATION_TYPE).body, Delegation)
    except (EnvelopeError, WireError) as error:
        raise DelegationInvalid(f"a delegation: {error}") from None


def verify_delegation(envelope: Envelope, delegation: Delegation, home: Member, giver: Member) -> None:
    """Verify that home's node and the giver signed it, each in their own name. Raises `DelegationInvalid`."""
    check_home(delegation, home)
    try:
        verify_both(envelope, delegation.given_by, giver, home)
    except EnvelopeError as error:
        raise DelegationInvalid(f"a delegation: {error}") from None


def verify_revoked(envelope: Envelope, delegation: Delegation, home: Member) -> None:
    """Verify that home's node alone signed it: to end one takes nobody else. Raises `DelegationInvalid`."""
    check_home(delegation, home)
    try:
        verify_signature(envelope, home.id, home.public_signing_key)
    except EnvelopeError as error:
        raise DelegationInvalid(f"a delegation: {error}") from None


def check_home(delegation: Delegation, home: Member) -> None:
    """Raise `DelegationInvalid` for one that names another node as its home's."""
    if delegation.sender != home.id:
        raise DelegationInvalid("a delegation is signed by another node than the one it says")
