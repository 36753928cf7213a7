"""A child's record in plain language, for the young person and their carer.

It tells of targets, what was reached, attendance, the plan and the support. It tells of no flag, no grade of the plan's
quality and no conversation between authorities: these are about how grown-ups do their work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from federation.told_days import tell_day
from node.terms import term_of
from node.tracking.absence import attendance_to_date
from node.tracking.ambition import last_day
from node.tracking.facts import Attainment, Attendance, Plan, Qualification, StartingPoint, Support, Target
from node.tracking.grades import load_grades
from node.tracking.known import KnownChild
from node.tracking.plans import list_plans
from node.tracking.record import TrackingRecord
from node.tracking.values import tell_subject, tell_term

_ENTERED = {
    True: "You are entered for it.",
    False: "Your school has not entered you for it yet: ask why.",
    None: "Your school is still to say whether it enters you.",
}


@dataclass(frozen=True)
class Part:
    """A heading and its sentences."""

    title: str
    sentences: tuple[str, ...]


def tell_plainly(record: TrackingRecord, child: KnownChild, today: date) -> tuple[Part, ...]:
    """The record in plain language; a part of which there is nothing to tell is left out."""
    parts = (
        Part("What you are working towards", tuple(_targets(record, today))),
        Part("How far you have come", tuple(_reached(record))),
        Part("Exams", tuple(_exams(record, today))),
        Part("Being in school", tuple(_attendance(record, child, today))),
        Part("Help that you get", tuple(_support(record, today))),
        Part("Your education plan", tuple(_plan(record, child, today))),
    )
    return tuple(part for part in parts if part.sentences)


def _targets(record: TrackingRecord, today: date) -> Iterator[str]:
    ahead = [each for each in record.all(Target) if last_day(each.term) >= today]
    for each in sorted(ahead, key=lambda target: last_day(target.term)):
        yield f"In {tell_subject(each.subject)}: {_grade(each.target)}, by the end of {tell_term(each.term)}."


def _reached(record: TrackingRecord) -> Iterator[str]:
    for start in record.all(StartingPoint):
        yield f"In {tell_subject(start.subject)} you started {_grade(start.grade)}."
    latest: dict[str, Attainment] = {}
    for each in sorted(record.all(Attainment), key=lambda reached: last_day(reached.term)):
        latest[each.subject] = each
    for each in latest.values():
        yield f"In {tell_subject(each.subject)} you were {_grade(each.grade)} in {tell_term(each.term)}."


def _grade(code: str) -> str:
    if code == "U":
        return "without a grade"
    grade = load_grades()[code]
    return f"at {grade.meaning.partition(',')[0]}" if grade.scale == "gcse" else grade.meaning


def _exams(record: TrackingRecord, today: date) -> Iterator[str]:
    for each in record.all(Qualification):
        if each.capable and each.academic_year >= term_of(today).academic_year:
            told = _ENTERED[each.entered]
            yield f"Everyone agrees that you can gain {each.subject}. {told}"


def _attendance(record: TrackingRecord, child: KnownChild, today: date) -> Iterator[str]:
    to_date = attendance_to_date(record.all(Attendance), term_of(today).academic_year)
    if to_date.rate is not None:
        days = (to_date.authorised + to_date.unauthorised) / 2
        yield f"You have been in school for {to_date.rate:.0%} of this school year, and away for {days:g} days."


def _support(record: TrackingRecord, today: date) -> Iterator[str]:
    for each in record.all(Support):
        if each.end_date is None or each.end_date >= today:
            until = f", until {tell_day(each.end_date)}" if each.end_date else ""
            yield f"{tell_subject(each.kind).capitalize()}, to help with {tell_subject(each.target_subject)}{until}."


def _plan(record: TrackingRecord, child: KnownChild, today: date) -> Iterator[str]:
    now = next((each for each in list_plans(record.all(Plan), child.care_start, today, child.plans)), None)
    if now is None:
        return
    if now.is_open:
        yield f"Your plan for this term is to be ready by {tell_day(now.due)}. You can say what you want in it."
    elif now.completed_date is not None:
        yield f"Your plan for {tell_term(now.term)} has been ready since {tell_day(now.completed_date)}."
