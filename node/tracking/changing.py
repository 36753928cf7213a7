"""Changing a tracking record: by whom the policy lets, for a reason, upon the version that they saw.

The entries and the log's event are kept in one transaction, so that neither is there without the other. A change that
is refused is in the log too.
"""

from collections.abc import Sequence

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from node.people import Person
from node.tracking.facts import Fact
from node.tracking.kinds import kind_of
from node.tracking.known import KnownChild
from node.tracking.record import RecordMoved, TrackingRecord
from node.tracking.store import add_entries
from node.tracking.visit import Visit, name_person
from policies.access_policy import AccessDenied, DenialCode
from policies.names import FieldGroup, Relation


class ReasonMissing(Exception):
    """A change has no reason, or one that the log must not keep."""


def change_record(
    visit: Visit, child: KnownChild, version: int, facts: Sequence[Fact], reason: str, **details: Detail
) -> TrackingRecord:
    """Add facts to a child's record as it stood at a version, and log it; all in one transaction.

    Raises `ReasonMissing`, `AccessDenied` where the policy does not let the person change what a fact is about,
    `RecordMoved` where the record has moved on, and `FactInvalid`. What is refused is logged, and changes nothing.
    """
    groups = {kind_of(fact).group for fact in facts}
    if not reason.strip():
        raise ReasonMissing("say why the record is changed: it is kept and logged")
    try:
        event = _change_event(visit, child, Outcome.DONE, facts, reason, **details)
    except EventInvalid as error:
        raise ReasonMissing(f"the reason cannot be logged: {error}") from None
    if not groups <= child.writable:
        visit.node.record(
            _change_event(visit, child, Outcome.REFUSED, facts, reason, code=DenialCode.NOT_PERMITTED.value)
        )
        raise AccessDenied(DenialCode.NOT_PERMITTED, _denial(visit.person, groups - child.writable))
    try:
        with visit.node.database.transaction() as connection:
            record = add_entries(
                connection,
                child.token,
                version,
                facts,
                by=visit.person.id,
                role=str(visit.person.role),
                reason=reason.strip(),
                at=visit.node.clock(),
            )
            visit.node.database.log.append(connection, event)
    except RecordMoved as moved:
        visit.node.record(_change_event(visit, child, Outcome.REFUSED, facts, reason, code="record_moved"))
        raise RecordMoved(moved.record.seen_by(child.readable), version) from None
    return record.seen_by(child.readable)


def _denial(person: Person, groups: set[FieldGroup]) -> str:
    return f"the role {person.role} may not update {', '.join(sorted(groups))} of this child"


def _change_event(
    visit: Visit, child: KnownChild, outcome: Outcome, facts: Sequence[Fact], reason: str, **details: Detail
) -> AuditEvent:
    return visit.node.event(
        Action.TRACKING_UPDATED,
        name_person(visit.person),
        "",
        outcome=outcome,
        acting_for=visit.node.authority,
        purpose=reason,
        subject=visit.node.party.keys.log_token(child.token),
        relationship=Relation.HOME if visit.person.school_urn is None else Relation.SCHOOL,
        fields=tuple(sorted({kind_of(fact).name for fact in facts})),
        policy_version=visit.policy_version,
        facts=len(facts),
        **details,
    )
