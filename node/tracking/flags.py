"""What a child's record calls for: flags, each with the group of fields that it tells of, and a sentence.

Flags are worked out of what their reader may see, so that they tell nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from federation.explained import Explained
from federation.told_days import tell_day
from node.terms import first_day, term_of
from node.tracking.absence import attendance_to_date, days_to_roll, level_of
from node.tracking.ambition import Course, course_of, judge_target
from node.tracking.conversation import MEANINGS, State, is_late, latest_step
from node.tracking.facts import (
    Admission,
    Attendance,
    Plan,
    Qualification,
    SchoolMove,
    StartingPoint,
    Support,
    Target,
    TimeAway,
)
from node.tracking.known import KnownChild
from node.tracking.plans import PlanState, list_plans
from node.tracking.record import TrackingRecord
from node.tracking.values import tell_term
from policies.names import FieldGroup

SDQ_CONCERN = 17
"""A strengths and difficulties score from here up is a cause for concern."""


class Flag(Explained):
    """What is flagged, and what it means."""

    LOW_TARGET = "low_target", "a target is below the ambition rule"
    NO_TARGET = "no_target", "no target is set for this academic year"
    NO_START = "no_starting_point", "no starting point at entry to care is recorded"
    NOT_ENTERED = "not_entered", "not entered for a qualification that the child can gain"
    PEP_OVERDUE = "pep_overdue", "a personal education plan is overdue"
    PEP_DUE = "pep_due", "this term's personal education plan is still to be completed"
    PEP_POOR = "pep_poor", "the latest plan is of poor quality"
    SDQ_UNANSWERED = "sdq_unanswered", "the SDQ score is a cause for concern, and no strategy is recorded"
    SUPPORT_UNLINKED = "support_unlinked", "support is paid for that serves no target of the child"
    SEVERE_ABSENCE = "severe_absence", "half of the sessions or more are missed"
    PERSISTENT_ABSENCE = "persistent_absence", "a tenth of the sessions or more are missed"
    AWAY = "away", "the child is away from learning now"
    WAITING = "waiting_for_school", "a school place was asked for, and the child is not on the roll"
    MOVE_NOT_AGREED = "move_not_agreed", "a change of school has not been agreed by the virtual school head"
    MOVE_UNPLANNED = "move_unplanned", "an unplanned change of school in this academic year"
    CONVERSATION_LATE = "conversation_late", "what was to come of a conversation with the school is late"

    @property
    def label(self) -> str:
        """The flag in a word or two."""
        return " ".join(word.upper() if word in ("pep", "sdq") else word for word in self.value.split("_"))


URGENT = frozenset(
    {
        *(Flag.LOW_TARGET, Flag.NOT_ENTERED, Flag.PEP_OVERDUE, Flag.SEVERE_ABSENCE, Flag.AWAY, Flag.WAITING),
        *(Flag.MOVE_NOT_AGREED, Flag.CONVERSATION_LATE),
    }
)
"""Flags of what is going wrong now; the others tell what is still to be done or watched."""


@dataclass(frozen=True)
class Flagged:
    """One flag, and of what: a subject, a term, a cause."""

    flag: Flag
    about: str = ""

    def sentence(self) -> str:
        """The flag in words."""
        return f"{self.flag.meaning}: {self.about.replace('_', ' ')}" if self.about else self.flag.meaning


@dataclass(frozen=True)
class Watch:
    """By what flags are worked out: the day, and the points a year by which children are to gain."""

    today: date
    acceleration: float

    @property
    def academic_year(self) -> int:
        """The academic year of the day."""
        return term_of(self.today).academic_year


def find_flags(record: TrackingRecord, child: KnownChild, watch: Watch) -> tuple[Flagged, ...]:
    """Everything that a record, and what is known of the child otherwise, call for today."""
    return tuple(flagged for look in _LOOKS for flagged in look(record, child, watch))


def courses_of(record: TrackingRecord, acceleration: float) -> dict[str, Course]:
    """The course of each subject with a starting point."""
    return {start.subject: course_of(start, acceleration) for start in record.all(StartingPoint)}


def _look_at_targets(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Flagged]:
    courses = courses_of(record, watch.acceleration)
    targets = [each for each in record.all(Target) if int(each.term[:6]) == watch.academic_year]
    if FieldGroup.PLAN in child.readable and not courses:
        yield Flagged(Flag.NO_START)
    if FieldGroup.PLAN_PEP in child.readable and not targets:
        yield Flagged(Flag.NO_TARGET)
    for target in targets:
        if not judge_target(target, courses.get(target.subject)).keeps_rule:
            yield Flagged(Flag.LOW_TARGET, f"{target.subject}, {tell_term(target.term)}")
    for each in record.all(Qualification):
        if each.capable and each.entered is False and each.academic_year >= watch.academic_year:
            yield Flagged(Flag.NOT_ENTERED, each.subject)


def _look_at_plans(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Flagged]:
    if FieldGroup.PLAN_PEP not in child.readable:
        return
    plans = list_plans(record.all(Plan), child.care_start, watch.today, child.plans)
    for each in plans:
        if each.state is PlanState.OVERDUE and _is_pressing(each.term, watch):
            yield Flagged(Flag.PEP_OVERDUE, tell_term(each.term))
        elif each.is_open and each.term == str(term_of(watch.today)):
            yield Flagged(Flag.PEP_DUE, f"by {tell_day(each.due)}")
    latest = next((each for each in plans if each.quality), None)
    if latest is not None and latest.quality == "poor":
        yield Flagged(Flag.PEP_POOR, tell_term(latest.term))
    answered = any(each.sdq_strategies for each in plans)
    if child.sdq_score is not None and child.sdq_score >= SDQ_CONCERN and not answered:
        yield Flagged(Flag.SDQ_UNANSWERED)


def _is_pressing(term: str, watch: Watch) -> bool:
    """Whether a term's plan can still be made good: it is of this academic year, or of the term that ended last."""
    ended_last = first_day(term_of(watch.today)) - timedelta(days=1)
    return int(term[:6]) == watch.academic_year or term == str(term_of(ended_last))


def _look_at_support(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Flagged]:
    """Pupil Premium Plus is for the child's own targets; attendance and wellbeing are aims in themselves."""
    aims = {each.subject for each in record.all(Target)} | {"attendance", "social_and_emotional"}
    for each in record.all(Support):
        if each.premium and each.target_subject not in aims and (each.end_date or watch.today) >= watch.today:
            yield Flagged(Flag.SUPPORT_UNLINKED, each.kind)


def _look_at_absence(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Flagged]:
    rate = attendance_to_date(record.all(Attendance), watch.academic_year).rate
    level = level_of(rate if rate is not None else child.attendance_rate)
    if level:
        yield Flagged(Flag.SEVERE_ABSENCE if level == "severe" else Flag.PERSISTENT_ABSENCE)
    for each in record.all(TimeAway):
        if each.start_date <= watch.today and (each.end_date is None or each.end_date >= watch.today):
            yield Flagged(Flag.AWAY, each.cause)
    for admission in record.all(Admission):
        if admission.on_roll_date is None:
            yield Flagged(Flag.WAITING, f"{days_to_roll(admission, watch.today)} days")


def _look_at_moves(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Flagged]:
    for each in record.all(SchoolMove):
        if term_of(each.moved_on).academic_year < watch.academic_year:
            continue
        if each.agreed_on is None:
            yield Flagged(Flag.MOVE_NOT_AGREED, "an emergency: tell the head" if each.emergency else "")
        if not each.planned:
            yield Flagged(Flag.MOVE_UNPLANNED)


def _look_at_talks(record: TrackingRecord, child: KnownChild, watch: Watch) -> Iterator[Flagged]:
    for topic, steps in record.conversations():
        last = latest_step(steps)
        if last is not None and is_late(steps, watch.today):
            yield Flagged(Flag.CONVERSATION_LATE, f"{topic}, {MEANINGS[State(last.step)]}")


_LOOKS = (_look_at_targets, _look_at_plans, _look_at_support, _look_at_absence, _look_at_moves, _look_at_talks)
