"""What two snapshots tell differently of one child: the pure comparison, group by group."""

from dataclasses import replace
from datetime import date

import pytest

from node.tracking.differences import Difference, compare_child, tell_arrival, tell_departure
from node.tracking.known import KnownChild, YearFacts
from policies.names import FieldGroup

ALL = frozenset(FieldGroup)
YEAR = YearFacts(
    academic_year=202425,
    attendance_rate=0.95,
    suspensions=1,
    placements=2,
    unplanned_placement_moves=1,
    managed_moves=0,
)
CHILD = KnownChild(
    token="t", number="1", readable=ALL, writable=ALL, care_start=date(2020, 1, 2), placement_type="foster",
    host_authority="301", school_urn=100001, years=(YEAR,),
)  # fmt: skip


def in_year(child: KnownChild = CHILD, **facts: object) -> KnownChild:
    return replace(child, years=(replace(YEAR, **facts),))  # type: ignore[arg-type]


def told(before: KnownChild, after: KnownChild) -> list[tuple[str, object, object, str]]:
    return [(each.label, each.before, each.after, each.remark) for each in compare_child(before, after)]


def test_nothing_is_told_of_a_child_who_is_as_before() -> None:
    assert told(CHILD, CHILD) == []


@pytest.mark.parametrize(
    ("unplanned", "remark"),
    [(2, "1 move, 1 recorded as unplanned"), (1, "1 move, none recorded as unplanned"), (None, "1 move")],
)
def test_a_move_of_placement_is_told_with_whether_it_was_planned(unplanned: int | None, remark: str) -> None:
    after = replace(in_year(placements=3, unplanned_placement_moves=unplanned), placement_type="childrens_home")
    assert told(CHILD, after) == [("Placement", "foster", "childrens_home", remark)]


def test_a_move_between_two_placements_of_a_kind_is_told_too() -> None:
    assert told(CHILD, in_year(placements=3)) == [
        ("Placement", "foster", "foster", "1 move, none recorded as unplanned")
    ]


def test_the_first_placement_of_a_new_year_is_no_move() -> None:
    assert told(CHILD, in_year(academic_year=202526, placements=1, unplanned_placement_moves=0, suspensions=0)) == []


def test_school_and_host_are_told_each_by_itself() -> None:
    after = replace(in_year(managed_moves=1), school_urn=200002, host_authority="302")
    assert told(CHILD, after) == [
        ("School", 100001, 200002, "1 managed move in the year"),
        ("Host authority", "301", "302", ""),
    ]


@pytest.mark.parametrize(
    ("before", "after", "remark"),
    [
        (0.95, 0.9, "a tenth of the sessions or more are missed"),
        (0.95, 0.5, "half of the sessions or more are missed"),
        (0.8, 0.4, "half of the sessions or more are missed"),
        (0.4, 0.8, "a tenth of the sessions or more are missed"),
        (0.8, 0.91, "above 90% again"),
        (None, 0.8, "a tenth of the sessions or more are missed"),
        (0.95, 0.91, None),
        (0.8, 0.7, None),
        (0.8, None, None),
        (None, 0.95, None),
    ],
)
def test_attendance_is_told_where_it_crosses_a_threshold(
    before: float | None, after: float | None, remark: str | None
) -> None:
    expected = [] if remark is None else [("Attendance rate", before, after, remark)]
    assert told(in_year(attendance_rate=before), in_year(attendance_rate=after)) == expected


def test_attendance_of_two_years_says_of_which() -> None:
    after = in_year(academic_year=202526, attendance_rate=0.8, suspensions=0, placements=1, unplanned_placement_moves=0)
    ((_, _, _, remark),) = told(CHILD, after)
    assert remark.endswith("2024/25 was told of before, and 2025/26 is now")


def test_suspensions_are_told_by_how_many_there_were_and_are() -> None:
    assert told(CHILD, in_year(suspensions=3)) == [("Suspensions", 1, 3, "in 2024/25")]
    new_year = in_year(academic_year=202526, suspensions=1, placements=1, unplanned_placement_moves=0)
    assert told(CHILD, new_year) == [("Suspensions", 0, 1, "in 2025/26")]
    assert told(CHILD, in_year(suspensions=0)) == []


@pytest.mark.parametrize("withheld", ["before", "after"])
def test_what_may_not_be_read_on_either_side_is_not_told(withheld: str) -> None:
    """Were the fields there by mistake, they would not be told all the same."""
    after = replace(
        in_year(placements=3, suspensions=3, attendance_rate=0.4), placement_type="other", school_urn=200002
    )
    for group, labels in (
        (FieldGroup.CARE, {"School", "Attendance rate", "Suspensions"}),
        (FieldGroup.EDUCATION, {"Placement"}),
    ):
        sides = {"before": CHILD, "after": after}
        sides[withheld] = replace(sides[withheld], readable=ALL - {group})
        assert {label for label, *_ in told(**sides)} == labels


def test_coming_and_leaving_are_told_to_whoever_may_read_of_care() -> None:
    ended = date(2025, 5, 1)
    assert tell_arrival(CHILD, at_school=False) == Difference("Came into care", None, CHILD.care_start, is_news=True)
    assert tell_departure(CHILD, ended) == Difference("Left care", None, ended, is_news=True)
    barred = replace(CHILD, readable=ALL - {FieldGroup.CARE})
    assert tell_departure(barred, ended) is None
    for arrival in (tell_arrival(barred, at_school=False), tell_arrival(CHILD, at_school=True)):
        assert (arrival.label, arrival.after) == ("New here", None)
