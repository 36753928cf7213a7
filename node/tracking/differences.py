"""What two snapshots tell differently of one child: placement, school, attendance, suspensions, coming and leaving.

Both sides are as one reader may see them (`KnownChild`), and nothing is told of a group that they may not read on
either. Nothing is opened here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from node.tracking.absence import Level, level_of
from node.tracking.known import KnownChild, YearFacts
from policies.names import FieldGroup


@dataclass(frozen=True, repr=False)
class Difference:
    """One thing that is told otherwise: what, as it was told before and is now, and a remark.

    `is_news` is for what came or went, of which there is nothing before.
    """

    label: str
    before: object
    after: object
    remark: str = ""
    is_news: bool = False


def compare_child(before: KnownChild, after: KnownChild) -> tuple[Difference, ...]:
    """What the later snapshot says otherwise of a child, of the groups that the reader may read in both."""
    groups = before.readable & after.readable
    return tuple(found for group, look in _LOOKS if group in groups for found in look(before, after))


def tell_arrival(child: KnownChild, *, at_school: bool) -> Difference:
    """That a child is among those whom the reader may read, and was not; into care, for whoever may read of care."""
    if at_school:
        return Difference("New here", None, None, "among the children in care at your school", is_news=True)
    if FieldGroup.CARE not in child.readable:
        return Difference("New here", None, None, "among the children in care", is_news=True)
    return Difference("Came into care", None, child.care_start, is_news=True)


def tell_departure(child: KnownChild, care_end: date | None) -> Difference | None:
    """That a child has left care, and when as far as it is known; nothing for whoever may not read of care."""
    if FieldGroup.CARE not in child.readable:
        return None
    remark = "" if care_end else "no longer in care by these files"
    return Difference("Left care", None, care_end, remark, is_news=True)


def _look_at_placement(before: KnownChild, after: KnownChild) -> Iterator[Difference]:
    # A year's first placement is no move.
    moves = _gain(before, after, lambda year: year.placements, at_start=1)
    unplanned = _gain(before, after, lambda year: year.unplanned_placement_moves)
    if moves or before.placement_type != after.placement_type:
        remark = _count(moves, "move") if moves else ""
        if moves and unplanned is not None:
            remark += f", {unplanned or 'none'} recorded as unplanned"
        yield Difference("Placement", before.placement_type, after.placement_type, remark)


def _look_at_school(before: KnownChild, after: KnownChild) -> Iterator[Difference]:
    if before.school_urn != after.school_urn:
        managed = _gain(before, after, lambda year: year.managed_moves)
        remark = f"{_count(managed, 'managed move')} in the year" if managed else ""
        yield Difference("School", before.school_urn, after.school_urn, remark)
    if before.host_authority != after.host_authority:
        yield Difference("Host authority", before.host_authority, after.host_authority)


def _look_at_attendance(before: KnownChild, after: KnownChild) -> Iterator[Difference]:
    was, now = level_of(before.attendance_rate), level_of(after.attendance_rate)
    if was != now and after.attendance_rate is not None:
        remark = _SAID[now]
        if before.latest and after.latest and before.latest.academic_year != after.latest.academic_year:
            remark += f"; {_tell_year(before.latest)} was told of before, and {_tell_year(after.latest)} is now"
        yield Difference("Attendance rate", before.attendance_rate, after.attendance_rate, remark)


def _look_at_suspensions(before: KnownChild, after: KnownChild) -> Iterator[Difference]:
    more = _gain(before, after, lambda year: year.suspensions)
    if more and after.latest:
        total = after.latest.suspensions or 0
        yield Difference("Suspensions", total - more, total, f"in {_tell_year(after.latest)}")


_LOOKS: tuple[tuple[FieldGroup, Callable[[KnownChild, KnownChild], Iterator[Difference]]], ...] = (
    (FieldGroup.CARE, _look_at_placement),
    (FieldGroup.EDUCATION, _look_at_school),
    (FieldGroup.EDUCATION, _look_at_attendance),
    (FieldGroup.EDUCATION, _look_at_suspensions),
)
"""What is looked at, each with the group of fields that its reader has to be permitted."""

_SAID: dict[Level, str] = {
    "": "above 90% again",
    "persistent": "a tenth of the sessions or more are missed",
    "severe": "half of the sessions or more are missed",
}


def _gain(
    before: KnownChild, after: KnownChild, read: Callable[[YearFacts], int | None], *, at_start: int = 0
) -> int | None:
    """By how much a count of the newest year has grown: from what it was, or in a new year from where a year starts."""
    if after.latest is None or (now := read(after.latest)) is None:
        return None
    is_same_year = before.latest is not None and before.latest.academic_year == after.latest.academic_year
    was = (read(before.latest) or 0) if is_same_year and before.latest else at_start
    return max(now - was, 0)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _tell_year(year: YearFacts) -> str:
    return f"{year.academic_year // 100}/{year.academic_year % 100:02}"
