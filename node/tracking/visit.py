"""A visit to the tracking records: who reads what, why, and what the log has of it.

Whoever comes states a purpose, which is logged before anything is read; the policy decides whose records they find; and
each child whose record is shown is in the log, by our own log token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from federation.state import StateError
from node.lookups.pace import record_asked
from node.lookups.purpose import PurposeMissing
from node.lookups.same_policy import CODE, check_same_policy
from node.people import Person
from node.service import Node
from node.snapshots import Snapshot
from node.tracking.children import find_children
from node.tracking.flags import Watch
from node.tracking.known import KnownChild
from node.tracking.record import TrackingRecord
from node.tracking.store import read_record, read_records
from policies.access_policy import AccessDenied, DenialCode
from policies.names import Action as PolicyAction
from policies.names import Relation

LISTING = "tracking"


class NoSuchChild(Exception):
    """Nobody whose record this person may read is meant; the message names nobody."""


@dataclass(frozen=True)
class Visit:
    """One of a node's people among the tracking records of a snapshot, for a stated purpose."""

    node: Node
    person: Person
    purpose: str
    snapshot: Snapshot
    policy_version: str

    @cached_property
    def children(self) -> tuple[KnownChild, ...]:
        """The children whose records this person may read."""
        return find_children(self.node, self.snapshot, self.person)

    @property
    def watch(self) -> Watch:
        """By what flags are worked out today."""
        return Watch(self.node.clock().date(), float(self.node.rules().tracking.acceleration))

    def find(self, token: str) -> KnownChild:
        """One of these children, by row token. Raises `NoSuchChild`."""
        for child in self.children:
            if child.token == token:
                return child
        raise NoSuchChild("there is nobody here whose record you may read: start again from the list")

    def record_of(self, child: KnownChild) -> TrackingRecord:
        """What this person may see of a child's record."""
        return read_record(self.node.database.connection, child.token).seen_by(child.readable)

    def records(self) -> dict[str, TrackingRecord]:
        """The same of all children, by row token; an empty record where nothing was set down."""
        kept = read_records(self.node.database.connection)
        nothing = TrackingRecord()
        return {child.token: kept.get(child.token, nothing).seen_by(child.readable) for child in self.children}

    def sign_for(self, children: Sequence[KnownChild], **details: Detail) -> None:
        """Log that the records of some children are about to be shown. Raises `PolicyChanged`."""
        check_same_policy(self.node, self.policy_version, self._event(Outcome.REFUSED, None, code=CODE))
        shown = [self._event(Outcome.DONE, child) for child in children]
        self.node.record(*shown, self._event(Outcome.DONE, None, children=len(children), **details))

    def record_refused(self, page: str) -> None:
        """Log that something was not shown, since the policy does not permit it."""
        self.node.record(self._event(Outcome.REFUSED, None, page=page, code=DenialCode.NOT_PERMITTED.value))

    def _event(self, outcome: Outcome, child: KnownChild | None, **details: Detail) -> AuditEvent:
        return self.node.event(
            Action.CHILDREN_LISTED,
            name_person(self.person),
            "",
            outcome=outcome,
            acting_for=self.node.authority,
            purpose=self.purpose,
            subject=self.node.party.keys.log_token(child.token) if child else "",
            relationship=Relation.HOME if self.person.school_urn is None else Relation.SCHOOL,
            fields=tuple(sorted(child.readable)) if child else (),
            policy_version=self.policy_version,
            listing=LISTING,
            **details,
        )


def name_person(person: Person) -> str:
    """Somebody as the log has them."""
    return f"{person.id} ({person.role})"


def begin_visit(node: Node, person_id: str, purpose: str) -> Visit:
    """Let one of the node's people read tracking records, and log that they asked.

    Raises `StateError` for somebody unknown or where nothing is loaded, `PurposeMissing` for a purpose that is empty or
    that the log must not keep, `AccessDenied` where the policy lets their role read nobody's record, and
    `TooManyLookups`.
    """
    person, snapshot = node.find_person(person_id), node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    if not purpose.strip():
        raise PurposeMissing("say why the records are read: it is logged")
    policy = node.policy()
    visit = Visit(node, person, purpose, snapshot, policy.version)
    try:
        asked, refused = visit._event(Outcome.INTENDED, None), visit._event(Outcome.REFUSED, None)
    except EventInvalid as error:
        raise PurposeMissing(f"the purpose cannot be logged: {error}") from None
    try:
        policy.row_filter(person.role, PolicyAction.READ, node.authority, person.school_urn)
    except AccessDenied:
        node.record(refused)
        raise
    record_asked(node, person, asked)
    return visit
