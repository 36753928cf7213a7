"""The reading room: where an authority's own people read lists about its children, out of their own node.

The access matrix is asked at the door, for every group of fields that a list shows; a list taken away as a file, or
written for another program to read, is a copy, which needs the right to export as well. The log has who asks for which
list, why and under which policy before anything is read, and each child in it, by our own log token, before anything is
shown. Whoever is turned away is in the log, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from node.ingest.tokens import row_token
from node.lookups.pace import record_asked
from node.lookups.purpose import PurposeMissing
from node.lookups.same_policy import CODE, check_same_policy
from node.people import Person
from node.service import Node
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation


@dataclass(frozen=True)
class Listing:
    """A list about children: the name of the command, the columns it shows, the groups these belong to.

    `actions` are what a reader needs the right to do to each of the groups, by the `relation` in which they stand to
    the children of the list.
    """

    name: str
    columns: tuple[str, ...]
    groups: tuple[FieldGroup, ...]
    actions: tuple[PolicyAction, ...] = (PolicyAction.READ,)
    relation: Relation = Relation.HOME


@dataclass(frozen=True)
class Reader:
    """One of a node's people, reading one list for a stated purpose; `copying` it where it goes to a file."""

    node: Node
    person: Person
    purpose: str
    listing: Listing
    copying: bool
    policy_version: str

    def sign_for(self, children: Iterable[str | None]) -> None:
        """Log that the list is about to be shown, and each of our children in it, given by the authority's own number.

        A row about nobody of ours has no number: it names no child, and has no entry of its own. Raises
        `PolicyChanged`.
        """
        secret = self.node.party.keys.row_secret
        self.sign_for_tokens(row_token(secret, child) for child in children if child is not None)

    def sign_for_tokens(self, tokens: Iterable[str]) -> None:
        """Do the same for children who are given by their row tokens. Raises `PolicyChanged`."""
        check_same_policy(self.node, self.policy_version, self.event(Outcome.REFUSED, code=CODE))
        subjects = [self.node.party.keys.log_token(token) for token in sorted(set(tokens))]
        shown = [self.event(Outcome.DONE, subject=subject) for subject in subjects]
        self.node.record(*shown, self.event(Outcome.DONE, children=len(subjects)))

    def event(self, outcome: Outcome, *, subject: str = "", **details: Detail) -> AuditEvent:
        """An entry about this reading. Raises `EventInvalid` for a purpose that the log must not keep."""
        return self.node.event(
            Action.CHILDREN_LISTED,
            f"{self.person.id} ({self.person.role})",
            "",
            outcome=outcome,
            acting_for=self.node.authority,
            purpose=self.purpose,
            subject=subject,
            relationship=self.listing.relation,
            fields=self.listing.columns,
            policy_version=self.policy_version,
            listing=self.listing.name,
            copied=self.copying,
            **details,
        )


def admit_reader(node: Node, person_id: str, purpose: str, listing: Listing, *, copying: bool = False) -> Reader:
    """Let one of the node's people read a list, and log that they asked for it.

    Raises `StateError` for somebody the node does not know, `PurposeMissing` for a purpose that is empty or that the
    log must not keep, `AccessDenied` where the policy lets their role not read, or not copy, what the list shows, and
    `TooManyLookups`.
    """
    person = node.find_person(person_id)
    if not purpose.strip():
        raise PurposeMissing("say why the list is read: it is logged")
    policy = node.policy()
    reader = Reader(node, person, purpose, listing, copying, policy.version)
    try:
        asked = reader.event(Outcome.INTENDED)
    except EventInvalid as error:
        raise PurposeMissing(f"the purpose cannot be logged: {error}") from None
    try:
        check_reader(policy, reader)
    except AccessDenied as denied:
        node.record(reader.event(Outcome.REFUSED, code=denied.code.value))
        raise
    record_asked(node, person, asked)
    return reader


def check_reader(policy: AccessPolicy, reader: Reader) -> None:
    """Raise `AccessDenied` unless the policy lets a reader see, and take away if that is asked, the whole list."""
    for request in _wanted(reader):
        policy.check(request)


def _wanted(reader: Reader) -> Iterator[AccessRequest]:
    for action in (*reader.listing.actions, *([PolicyAction.EXPORT] if reader.copying else [])):
        for group in reader.listing.groups:
            yield AccessRequest(reader.person.role, reader.listing.relation, action, group)
