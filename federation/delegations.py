"""Delegations: a home authority names children of its own to somebody else, with the fields and the days.

Home's node signs the exact bytes on behalf of its virtual school head, and keeps them. They give no right by
themselves: home looks up at each reading whether one still holds, so that revoking it needs nothing of anybody
else. Who received it holds what home tells against it.
"""

from datetime import date
from typing import Annotated

import msgspec

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    read_envelope,
    seal_envelope,
    verify_signature,
    write_envelope,
)
from federation.wire import Document, Instant, Line, Name, WireError, decode_document, encode_document
from policies.names import CHILD_RECORD, FieldGroup

DELEGATION_TYPE = "application/vnd.circe.delegation+json"

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


def sign_delegation(delegation: Delegation, signer: Signer) -> Envelope:
    """Return a delegation signed by its home's node."""
    return seal_envelope(encode_document(delegation), DELEGATION_TYPE, signer)


def read_delegation(envelope: Envelope, home: str, public_key: bytes) -> Delegation:
    """Read a delegation and verify that the node `home` signed it, in its own name. Raises `DelegationInvalid`."""
    try:
        checked = read_envelope(write_envelope(envelope), DELEGATION_TYPE)
        verify_signature(checked, home, public_key)
        delegation = decode_document(checked.body, Delegation)
    except (EnvelopeError, WireError) as error:
        raise DelegationInvalid(f"a delegation: {error}") from None
    if delegation.sender != home:
        raise DelegationInvalid("a delegation is signed by another node than the one it says")
    return delegation
