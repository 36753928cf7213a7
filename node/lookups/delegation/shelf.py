"""The delegations that are kept here: those that we gave, and those that others gave to our people."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from audit.connection import Connection
from federation.countersigning import countersign, name_member
from federation.database import stamp
from federation.delegations import (
    DELEGATION_TYPE,
    LONGEST_DAYS,
    Delegation,
    DelegationInvalid,
    read_delegation,
    verify_delegation,
)
from federation.envelope import Envelope, read_envelope, write_envelope
from federation.register import Member, RegisterError
from federation.state import StateError
from node.lookups.delegation.givers import check_giver
from node.people import Person
from node.service import Node
from policies.access_policy import AccessDenied

DRAFT_GOOD_FOR = timedelta(minutes=5)
"""How long a written delegation waits for its signature."""

KEPT_LISTED = timedelta(days=2 * LONGEST_DAYS)
"""How long one that is over is still listed."""

TOLD_GIVEN, TOLD_REVOKED = "given", "revoked"
"""What the receiving node was told, and took."""


@dataclass(frozen=True, repr=False)
class Given:
    """A delegation that we gave, as it is kept; `told` is what the receiving node has heard last."""

    delegation: Delegation
    envelope: Envelope
    revoked_at: str
    revoked_by: str
    told: str

    def is_in_force(self, day: date) -> bool:
        """Whether a day is within its days, and nobody has revoked it. Who signed it is looked at besides."""
        return not self.revoked_at and self.delegation.holds_on(day)

    @property
    def to_be_told(self) -> str:
        """What the receiving node has to know."""
        return TOLD_REVOKED if self.revoked_at else TOLD_GIVEN

    @property
    def is_told(self) -> bool:
        """Whether the receiving node has heard it, and took it or said why not."""
        return self.told.startswith(self.to_be_told)

    @property
    def is_taken(self) -> bool:
        """Whether the receiving node has heard it, and took it."""
        return self.told == self.to_be_told


@dataclass(frozen=True, repr=False)
class Come:
    """A delegation to our people, as its home has told us."""

    delegation: Delegation
    envelope: Envelope
    come_at: str
    revoked_at: str


def keep_draft(connection: Connection, delegation: Delegation, drafted: Envelope) -> None:
    """Keep a written delegation until it is signed."""
    row = (
        delegation.delegation_id,
        delegation.authority,
        write_envelope(drafted),
        stamp(delegation.given_at),
    )
    connection.execute(
        "INSERT INTO delegations (delegation_id, authority, envelope, given_at) VALUES (?, ?, ?, ?)", row
    )


def drop_drafts(connection: Connection, node: Node) -> None:
    """Delete the drafts that have waited too long."""
    oldest = stamp(node.clock() - DRAFT_GOOD_FOR)
    connection.execute("DELETE FROM delegations WHERE signed = 0 AND given_at <= ?", (oldest,))


def list_drafts(node: Node) -> tuple[tuple[Delegation, Envelope], ...]:
    """Return what is written, and waits for its signature still."""
    oldest = stamp(node.clock() - DRAFT_GOOD_FOR)
    return tuple((each.delegation, each.envelope) for each in _read(node, "signed = 0 AND given_at > ?", oldest))


def list_given(node: Node) -> tuple[Given, ...]:
    """Return what was given and is not long over, the newest first."""
    return tuple(_read(node, "signed = 1 AND given_at > ?", stamp(node.clock() - KEPT_LISTED)))


def find_given(node: Node, delegation_id: str) -> Given | None:
    """Return one that we gave, and that is not long over."""
    oldest = stamp(node.clock() - KEPT_LISTED)
    return next(_read(node, "signed = 1 AND given_at > ? AND delegation_id = ?", oldest, delegation_id), None)


def _read(node: Node, condition: str, *values: str) -> Iterator[Given]:
    rows = node.database.connection.execute(
        f"""SELECT envelope, revoked_at, revoked_by, told FROM delegations
            WHERE {condition} ORDER BY given_at DESC, delegation_id""",  # noqa: S608 - ours
        values,
    )
    for row in rows.fetchall():
        envelope = read_envelope(bytes(row["envelope"]), DELEGATION_TYPE)
        yield Given(read_delegation(envelope), envelope, row["revoked_at"], row["revoked_by"], row["told"])


def find_in_force(node: Node, authority: str, role: str, person: str) -> tuple[Given, ...]:
    """Return the delegations by which somebody may read now: theirs, of today, not revoked, its giver's still.

    Each has our node's signature by its key of now.
    """
    today = node.clock().date()
    theirs = (
        renew_signature(node, given)
        for given in list_given(node)
        if given.is_in_force(today)
        and (given.delegation.authority, given.delegation.role) == (authority, role)
        and given.delegation.person in ("", person)
    )
    return tuple(given for given in theirs if _verifies(node, given))


def renew_signature(node: Node, given: Given) -> Given:
    """The same, signed by our node's key of now beside its giver's signature."""
    return replace(given, envelope=countersign(given.envelope, node.party.keys))


def is_still_signed(node: Node, given: Given) -> bool:
    """Whether whoever gave a delegation may still give it, and the register has the key that they gave it by."""
    return _verifies(node, renew_signature(node, given))


def _verifies(node: Node, given: Given) -> bool:
    try:
        giver = node.find_person(given.delegation.given_by)
        check_giver(node, giver, given.delegation.field_groups)
        home = node.register().find(node.party.member_id, node.clock())
        verify_given(node, given.envelope, given.delegation, home)
    except (AccessDenied, DelegationInvalid, RegisterError, StateError):
        return False
    return True


def verify_given(node: Node, envelope: Envelope, delegation: Delegation, home: Member) -> None:
    """Verify who signed a delegation by the register as it is now. Raises `DelegationInvalid`."""
    try:
        giver = node.register().find(name_member(delegation.given_by, home.organisation), node.clock())
    except RegisterError:
        raise DelegationInvalid("a delegation: the register does not have whoever gave it") from None
    verify_delegation(envelope, delegation, home, giver)


def list_come(node: Node) -> tuple[Come, ...]:
    """Return what others gave to our people and is not long over, the newest first."""
    rows = node.database.connection.execute(
        "SELECT envelope, come_at, revoked_at FROM delegations_come WHERE come_at > ? ORDER BY come_at DESC, sender",
        (stamp(node.clock() - KEPT_LISTED),),
    )
    return tuple(_read_come(bytes(row["envelope"]), row["come_at"], row["revoked_at"]) for row in rows)


def is_revoked(node: Node, sender: str, delegation_id: str) -> bool:
    """Whether a home has told us that it revoked one."""
    row = node.database.connection.execute(
        "SELECT 1 FROM delegations_come WHERE sender = ? AND delegation_id = ? AND revoked_at <> ''",
        (sender, delegation_id),
    ).fetchone()
    return row is not None


def list_come_to(node: Node, person: Person) -> tuple[Come, ...]:
    """Return what others gave to one of our people, or to whoever has their role."""
    return tuple(
        come
        for come in list_come(node)
        if come.delegation.role == person.role and come.delegation.person in ("", person.id)
    )


def _read_come(data: bytes, come_at: str, revoked_at: str) -> Come:
    envelope = read_envelope(data, DELEGATION_TYPE)
    return Come(read_delegation(envelope), envelope, come_at, revoked_at)
