"""Changing a tracking record: by whom the policy lets, for a reason, upon the version that they saw.

The entries and the log's event are kept in one transaction, so that neither is there without the other. A change that
is refused is in the log too.
"""

from collections.abc import Sequence
from dataclasses import replace

from audit.event import Action, AuditEvent, EventInvalid, Outcome
from node.tracking.facts import Fact
from node.tracking.kinds import kind_of
from node.tracking.known import KnownChild
from node.tracking.record import RecordMoved, TrackingRecord
from node.tracking.store import add_entries
from node.tracking.visit import Visit, name_person
from policies.access_policy import AccessDenied, DenialCode
from policies.names import Relation


class ReasonMissing(Exception):
    """A change has no reason, or one that the log must not keep."""


def change_record(visit: Visit, child: KnownChild, version: int, facts: Sequence[Fact], reason: str) -> TrackingRecord:
    """Add facts to a child's record as the person saw it at a version, and log it; all in one transaction.

    Raises `ReasonMissing`, `AccessDenied` where the policy does not let the person change what a fact is about,
    `RecordMoved` where the record has moved on, and `FactInvalid`. What is refused is logged, and changes nothing.
    """
    event = change_event(visit, child, facts, reason)
    _check_writable(visit, child, facts, event)
    try:
        with visit.node.database.transaction() as connection:
            told = {"by": visit.person.id, "role": str(visit.person.role), "reason": reason.strip()}
            at, seen = visit.node.clock(), child.readable
            record = add_entries(connection, child.token, version, facts, seen, at=at, **told)
            visit.node.database.log.append(connection, event)
    except RecordMoved:
        visit.node.record(refuse(event, "record_moved"))
        raise
    return record.seen_by(seen)


def _check_writable(visit: Visit, child: KnownChild, facts: Sequence[Fact], event: AuditEvent) -> None:
    """Raise `AccessDenied`, and log it, unless the visitor may change what these facts are about."""
    barred = {kind_of(fact).group for fact in facts} - child.writable
    if barred:
        visit.node.record(refuse(event, DenialCode.NOT_PERMITTED.value))
        named = ", ".join(sorted(barred))
        raise AccessDenied(
            DenialCode.NOT_PERMITTED, f"the role {visit.person.role} may not update {named} of this child"
        )


def refuse(event: AuditEvent, code: str) -> AuditEvent:
    """The entry of a change that was not made, and why."""
    return replace(event, outcome=Outcome.REFUSED, details={**event.details, "code": code})


def change_event(visit: Visit, child: KnownChild, facts: Sequence[Fact], reason: str) -> AuditEvent:
    """The entry of a change. Raises `ReasonMissing` for a reason that is empty or that the log must not keep."""
    if not reason.strip():
        raise ReasonMissing("say why the record is changed: it is kept and logged")
    try:
        return visit.node.event(
            Action.TRACKING_UPDATED,
            name_person(visit.person),
            "",
            acting_for=visit.node.authority,
            purpose=reason,
            subject=visit.node.party.keys.log_token(child.token),
            relationship=Relation.HOME if visit.person.school_urn is None else Relation.SCHOOL,
            fields=tuple(sorted({kind_of(fact).name for fact in facts})),
            policy_version=visit.policy_version,
            facts=len(facts),
        )
    except EventInvalid as error:
        raise ReasonMissing(f"the reason cannot be logged: {error}") from None
