"""One lookup from the asking end: who asks what and why, the requests that say so, and what our log keeps of it.

The log has that it was asked before anything is sent, and whatever came back before it is shown: each child by our own
log token, each node that refused or holds the request with its reason, and each that answered something else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from audit.event import Action, AuditEvent, Detail, Outcome
from federation.lookups import (
    ChildFile,
    ChildRecord,
    ChildSought,
    LookupAnswer,
    LookupKind,
    LookupOutcome,
    LookupRequest,
)
from federation.register import Member
from federation.wire import encode_document, whole_seconds
from node.lookups.kept_proofs import keep_proofs
from node.lookups.notices import NoticeKind, give_notice
from node.people import Person
from node.service import Node
from policies.names import Action as PolicyAction
from policies.names import Relation


@dataclass(frozen=True, repr=False)
class Question:
    """What is asked: the relation and action that our own access matrix must allow first, and whom it is after.

    What is told by one that is `copying` goes to a file or another program, which takes the right to export.
    """

    kind: LookupKind
    relation: Relation
    action: PolicyAction
    sought: ChildSought | None = None
    school_urn: int | None = None
    copying: bool = False


@dataclass(frozen=True)
class Missing:
    """A node that did not answer, or not in a way that could be read."""

    node: str
    authority: str
    reason: str


@dataclass(frozen=True)
class LookupResult:
    """What came back: the answers by authority, who is missing, and who of these answered something else than asked.

    `schools_here` are the schools, by pupil number, that our own rolls have of children of whom none was told.
    """

    lookup_id: str
    answers: tuple[LookupAnswer, ...]
    missing: tuple[Missing, ...]
    wrong: tuple[Missing, ...] = ()
    schools_here: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, repr=False)
class Errand:
    """A question, asked by one of our people for a stated purpose, under our policy of that moment."""

    node: Node
    person: Person
    purpose: str
    question: Question
    policy_version: str
    lookup_id: str = ""

    def request(self, receiver: Member) -> LookupRequest:
        """Return the request to one node."""
        return LookupRequest(
            lookup_id=self.lookup_id,
            kind=self.question.kind,
            sender=self.node.party.member_id,
            receiver=receiver.id,
            authority=self.node.authority,
            person=self.person.id,
            role=self.person.role,
            purpose=self.purpose,
            asked_at=whole_seconds(self.node.clock()),
            sought=self.question.sought,
            school_urn=self.question.school_urn,
        )

    def asked_event(self, outcome: Outcome, **details: Detail) -> AuditEvent:
        """An entry that this is about to be asked, or may not be. Raises `EventInvalid`."""
        return self._event(
            Action.LOOKUP_ASKED,
            outcome,
            relationship=self.question.relation,
            policy_version=self.policy_version,
            kind=self.question.kind.value,
            **self._describe_sought(),
            **({"own_surname": True} if self._seeks_namesake() else {}),
            **({"copied": True} if self.question.copying else {}),
            **details,
        )

    def _describe_sought(self) -> dict[str, Detail]:
        """A token of what a child is sought by: so the log tells one search from another, and has no number or name."""
        if self.question.sought is None:
            return {}
        sought = encode_document(self.question.sought).decode().casefold()
        return {"sought": self.node.party.keys.log_token(f"sought/{sought}")}

    def _seeks_namesake(self) -> bool:
        """Whether a child is sought by the surname of whoever seeks: the log says that, and not the name."""
        surname = self.question.sought.surname if self.question.sought else None
        own = self.person.title.split()[-1:]
        return bool(surname) and [str(surname).casefold()] == [word.casefold() for word in own]

    def received_events(self, result: LookupResult) -> Iterator[AuditEvent]:
        """Yield an entry for every child that was told of, every node that did not tell, and the whole."""
        seen = 0
        for answer in result.answers:
            if answer.outcome is not LookupOutcome.ANSWERED:
                yield self._received(_OUTCOMES[answer.outcome], home=answer.authority, code=answer.code)
            told: tuple[ChildRecord | ChildFile, ...] = (*answer.children, *answer.files)
            for child in told:
                seen += 1
                yield self._received(
                    Outcome.DONE,
                    subject=self._name_child(answer, child),
                    relationship=self.question.relation,
                    fields=answer.fields,
                    home=answer.authority,
                )
        for wrong in result.wrong:
            yield self._received(Outcome.REFUSED, home=wrong.authority, code="not_as_asked")
        yield self._received(Outcome.DONE, children=seen, missing=len(result.missing))

    def _name_child(self, answer: LookupAnswer, child: ChildRecord | ChildFile) -> str:
        """Our own token for another authority's child: by whatever identifier we were told, or asked by.

        A child of whom we know none has a token of this lookup alone, and not that of every other such child.
        """
        sought = self.question.sought
        number = child.upn or child.la_child_id or (sought and (sought.upn or sought.la_child_id))
        return self.node.party.keys.log_token(f"{answer.authority}/{number or self.lookup_id}")

    def _received(self, outcome: Outcome, *, subject: str = "", **more: Detail | tuple[str, ...]) -> AuditEvent:
        return self._event(Action.LOOKUP_RECEIVED, outcome, subject=subject, **more)

    def _event(self, action: Action, outcome: Outcome, **more: Detail | tuple[str, ...]) -> AuditEvent:
        return self.node.event(
            action,
            f"{self.person.id} ({self.person.role})",
            self.lookup_id,
            outcome=outcome,
            acting_for=self.node.authority,
            purpose=self.purpose,
            **more,  # type: ignore[arg-type]
        )


_OUTCOMES = {LookupOutcome.HELD: Outcome.HELD, LookupOutcome.REFUSED: Outcome.REFUSED}


def record_seen(errand: Errand, result: LookupResult) -> None:
    """Log what came back, and give our officer notice of whoever answered something else than was asked."""
    node = errand.node
    with node.database.transaction() as connection:
        for wrong in result.wrong:
            give_notice(
                connection,
                node.clock(),
                NoticeKind.WRONG_ANSWER,
                reference=errand.lookup_id,
                authority=wrong.authority,
                text=wrong.reason,
            )
        keep_proofs(connection, errand.lookup_id, result.answers, node.clock())
        node.database.log.append(connection, *errand.received_events(result))
