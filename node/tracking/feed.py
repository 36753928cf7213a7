"""What the tracking records tell the reporting tables: plans, ambition of targets, support, admissions, attendance.

Every load takes it in, and `circe node track feed` builds a new snapshot of it alone. The conversation with a school,
and every reason, stay where they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from node.ingest.tracked import TrackedFacts
from node.service import Node
from node.terms import term_of
from node.tracking.ambition import judge_target
from node.tracking.facts import Admission, Attendance, Plan, Support, Target
from node.tracking.flags import courses_of
from node.tracking.record import TrackingRecord
from node.tracking.store import read_records

Row = tuple[Any, ...]


def tell_tracked(node: Node) -> TrackedFacts:
    """What all tracking records of a node tell, as they stand."""
    acceleration = float(node.rules().tracking.acceleration)
    return tell_records(read_records(node.database.connection), acceleration)


def tell_records(records: Mapping[str, TrackingRecord], acceleration: float) -> TrackedFacts:
    """What some records tell, table by table, in the order of its columns (`node.ingest.tracked`)."""
    return {
        "tracked_reviews": _tell(records, _reviews),
        "tracked_targets": _tell(records, lambda record: _targets(record, acceleration)),
        "tracked_support": _tell(records, _support),
        "tracked_admissions": _tell(records, _admissions),
        "tracked_attendance": _tell(records, _attendance),
    }


def _tell(records: Mapping[str, TrackingRecord], rows_of: Callable[[TrackingRecord], Iterable[Row]]) -> list[Row]:
    return [(token, *row) for token, record in records.items() for row in rows_of(record)]


def _dated(term: str) -> tuple[int, str]:
    year, _, name = term.partition("-")
    return int(year), name


def _reviews(record: TrackingRecord) -> Iterator[Row]:
    for each in record.all(Plan):
        yield (*_dated(each.term), each.meeting_date, each.completed_date, each.quality, each.sdq_strategies)


def _targets(record: TrackingRecord, acceleration: float) -> Iterator[Row]:
    courses = courses_of(record, acceleration)
    for each in record.all(Target):
        yield (*_dated(each.term), each.subject, judge_target(each, courses.get(each.subject)).ambition)


def _support(record: TrackingRecord) -> Iterator[Row]:
    for each in record.all(Support):
        year = term_of(each.start_date).academic_year
        yield year, each.kind, each.target_subject, each.start_date, each.end_date, each.cost


def _admissions(record: TrackingRecord) -> Iterator[Row]:
    for each in record.all(Admission):
        year = term_of(each.on_roll_date or each.request_date).academic_year
        yield year, each.request_date, each.on_roll_date


def _attendance(record: TrackingRecord) -> Iterator[Row]:
    for each in record.all(Attendance):
        yield int(each.term[:6]), each.possible, each.authorised, each.unauthorised
