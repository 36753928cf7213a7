"""The record of what was disclosed of one child: every entry that our own log and the counterparties' logs have.

It names no child. What may be given out is a matter of who reviewed what, at the moment at which it is asked for: the
record is kept whole, and a copy for the parent or young person has what no officer holds back.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from audit.event import Action, AuditEvent, Outcome, format_time
from federation.disclosures import Disclosed, DisclosuresAnswer
from federation.wire import Document, Instant, Line, Name
from node.disclosures.marks import Marks, is_about_safety, is_held_back, name_marked


class Disclosure(Document, frozen=True):
    """One entry of one log: whose log, and what it says."""

    log: Name
    entry: int
    at: str
    reference: str
    actor: str
    action: str
    outcome: str
    acting_for: str
    other: str
    purpose: str
    relationship: str
    fields: tuple[str, ...]
    policy_version: str
    safeguarding: bool

    @property
    def marked_by(self) -> str:
        """By what an officer marks it."""
        return name_marked(self.reference, self.entry)


class Unheard(Document, frozen=True):
    """A counterparty whose log has not told all that ours says it should: why, and under how many lookups."""

    authority: str
    reason: str
    lookups: int


class DisclosureRecord(Document, frozen=True):
    """What was gathered, by whom, why and when, and whose logs did not tell all that they should."""

    record_id: Annotated[str, msgspec.Meta(pattern=r"^SAR-[0-9a-f]{16}\Z")]
    authority: Name
    made_at: Instant
    made_by: Name
    reason: Line
    disclosures: tuple[Disclosure, ...]
    unheard: tuple[Unheard, ...]

    def split(self, marks: Marks, now: datetime) -> tuple[tuple[Disclosure, ...], tuple[Disclosure, ...]]:
        """Return what may be given out now, and what is held back, oldest first."""
        open_now: list[Disclosure] = []
        held_back: list[Disclosure] = []
        # A lookup is held back whole: one end's entry would tell of the other's.
        unsafe = {each.marked_by for each in self.disclosures if each.safeguarding}
        for each in self.disclosures:
            is_unsafe = each.marked_by in unsafe
            held = is_held_back(marks, each.marked_by, safeguarding=is_unsafe, now=now)
            (held_back if held else open_now).append(each)
        return tuple(open_now), tuple(held_back)


_OTHER_ENDS: Mapping[Action, str] = {
    Action.LOOKUP_RECEIVED: "home",
    Action.DELEGATION_GIVEN: "receiver",
    Action.CLAIM_SENT: "host",
    Action.CLAIM_STORED: "host",
    Action.HANDOVER_OFFERED: "other",
    Action.HANDOVER_RECEIVED: "other",
    Action.HANDOVER_COLLECTED: "other",
    Action.HANDOVER_DECIDED: "other",
}
"""The detail by which our own entry of an action names the other end."""

_BEFOREHAND = frozenset({Action.CHILDREN_LISTED, Action.TRACKING_UPDATED, Action.LOOKUP_ASKED})
"""Actions that are logged before and after: what was only intended is no disclosure."""


def is_disclosure(event: AuditEvent) -> bool:
    """Whether an entry of our own log about a child belongs in the record: everything but what came to nothing yet."""
    about_the_record = event.action in (Action.SUBJECT_GATHERED, Action.SUBJECT_TOLD, Action.SUBJECT_MARKED)
    unfinished = event.outcome is Outcome.INTENDED and event.action in _BEFOREHAND
    kept = event.action in (Action.HOLD_PLACED, Action.HOLD_LIFTED, Action.AUDIT_READ)
    return not (about_the_record or unfinished or kept)


def tell_own(log: str, index: int, event: AuditEvent) -> Disclosure:
    """Return an entry of our own log as the record has it."""
    other = event.details.get(_OTHER_ENDS[event.action], "") if event.action in _OTHER_ENDS else ""
    return Disclosure(
        log=log,
        entry=index,
        at=format_time(event.at),
        reference=event.reference,
        actor=event.actor,
        action=event.action.value,
        outcome=event.outcome.value,
        acting_for=event.acting_for,
        other=str(other).removeprefix("node-"),
        purpose=event.purpose,
        relationship=event.relationship,
        fields=event.fields,
        policy_version=event.policy_version,
        safeguarding=is_about_safety(event),
    )


def tell_theirs(answer: DisclosuresAnswer) -> Iterator[Disclosure]:
    """Yield what a counterparty told."""
    for each in answer.entries:
        told = {name: getattr(each, name) for name in Disclosed.__struct_fields__}
        yield Disclosure(log=answer.authority, other="", **told)


def in_order(disclosures: Sequence[Disclosure]) -> tuple[Disclosure, ...]:
    """Return disclosures oldest first, whichever log they are of."""
    return tuple(sorted(disclosures, key=lambda each: (each.at, each.log, each.entry)))
