"""What is worked out of a record: ambition, plans by term, absence, the conversation, and what is flagged."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.terms import term_of
from node.tracking.absence import attendance_to_date, days_away, days_to_roll, level_of
from node.tracking.ambition import Course, course_of, judge_target, last_day
from node.tracking.conversation import MAY_FOLLOW, State, check_step, is_late, latest_step
from node.tracking.facts import (
    Admission,
    Attendance,
    Fact,
    FactInvalid,
    Plan,
    Qualification,
    SchoolMove,
    StartingPoint,
    Step,
    Support,
    Target,
    TimeAway,
)
from node.tracking.flags import Flag, Watch, find_flags
from node.tracking.grades import best_within, load_grades
from node.tracking.known import KnownChild, LoadedPlan, YearFacts
from node.tracking.plans import PlanState, list_plans
from node.tracking.record import Entry, TrackingRecord
from node.tracking.summary import find_first_on_paper, share_paper
from policies.names import CHILD_RECORD, FieldGroup
from tests.node.tracking.test_tracking_record import NOW

TODAY = date(2025, 3, 3)
START = StartingPoint(subject="english", grade="WTS", assessed_on=date(2023, 9, 1))


@pytest.mark.parametrize(
    ("facts", "room"), [([0, 0], 6), ([3, 40, 2], 6), ([9] * 5, 5), ([9] * 11, 2), ([9] * 40, 1), ([28], 6)]
)
def test_kinds_share_the_room_of_a_sheet(facts: list[int], room: int) -> None:
    assert share_paper(facts) == room


@pytest.mark.parametrize(
    ("moments", "room", "kept"),
    [("", 6, 0), ("1123", 6, 4), ("1123", 2, 2), ("1123", 3, 2), ("3333", 2, 4), ("1333", 2, 3)],
)
def test_what_is_on_paper_is_the_newest_and_of_no_moment_a_part(moments: str, room: int, kept: int) -> None:
    """So what is left out is earlier than all that is there; facts of the newest moment are there, however many."""
    first = find_first_on_paper(list(moments), room)
    assert sum(moment >= first for moment in moments) == kept


@given(st.dates(date(2001, 1, 1), date(2098, 1, 1)))
def test_the_last_day_of_a_term_is_in_it_and_the_next_is_not(day: date) -> None:
    last = last_day(str(term_of(day)))
    assert term_of(last) == term_of(day)
    assert term_of(date.fromordinal(last.toordinal() + 1)) != term_of(day)
    assert day <= last


@pytest.mark.parametrize(
    ("grade", "expected", "start", "ambition", "keeps"),
    [
        ("WTS", None, START, "expected", False),  # no more than where the child stood
        ("EXS", None, START, "above", True),
        ("PKS", None, START, "below", False),
        ("5", None, START, "above", True),  # on another scale, by the same points
        ("4", "6", START, "below", False),  # the school expects more than the start tells
        ("9", "9", None, "expected", True),  # nothing is higher
        ("4", "4", None, "expected", False),
        ("4", None, None, None, True),  # nothing is known to hold it against
    ],
)
def test_a_target_is_ambitious_where_it_asks_for_more_than_is_expected(
    grade: str, expected: str | None, start: StartingPoint | None, ambition: str | None, keeps: bool
) -> None:
    target = Target(term="202425-summer", subject="english", target=grade, expected=expected)
    judged = judge_target(target, course_of(start, 0.5) if start else None)
    assert (judged.ambition, judged.keeps_rule) == (ambition, keeps)


def test_the_accelerated_course_asks_for_more_with_every_year() -> None:
    """From grade 3, half a point a year: six years on, grade 4 is above what is expected and not enough."""
    long_ago = Course(date(2019, 9, 1), 3, 0.5)
    assert not judge_target(Target(term="202425-summer", subject="english", target="4"), long_ago).keeps_rule
    assert judge_target(Target(term="202425-summer", subject="english", target="6"), long_ago).keeps_rule
    assert long_ago.accelerated(date(2100, 1, 1)) == 9


@given(st.sampled_from(["standard", "gcse"]), st.floats(0, 9))
def test_the_best_grade_within_some_points_is_the_highest_that_takes_no_more(scale: str, points: float) -> None:
    of_scale = [grade for grade in load_grades().values() if grade.scale == scale]
    best = best_within(scale, points)
    assert best == of_scale[0] or best.points <= points
    assert not any(best.points < grade.points <= points for grade in of_scale)


def test_a_plan_is_due_in_every_term_of_care() -> None:
    held = Plan(term="202425-spring", meeting_date=date(2025, 2, 1))
    done = Plan(term="202324-summer", completed_date=date(2024, 6, 1))
    late = Plan(term="202324-spring", completed_date=date(2024, 4, 2))
    plans = list_plans([held, done, late], date(2024, 2, 1), TODAY)
    assert [(each.term, each.state) for each in plans] == [
        ("202425-spring", PlanState.MET),
        ("202425-autumn", PlanState.OVERDUE),
        ("202324-summer", PlanState.COMPLETED),
        ("202324-spring", PlanState.COMPLETED_LATE),
    ]
    assert [each.is_open for each in plans] == [True, True, False, False]


def test_a_plan_that_was_loaded_counts_where_none_is_tracked() -> None:
    loaded = [
        LoadedPlan(term="202425-autumn", on_time=True, quality="poor", sdq_strategies=True),
        LoadedPlan(term="202324-summer", on_time=False),
        LoadedPlan(term="202425-spring", on_time=False),
    ]
    tracked = Plan(term="202425-spring", completed_date=date(2025, 2, 1), quality="good")
    plans = list_plans([tracked], date(2024, 4, 1), TODAY, loaded)
    assert [(each.term, each.state, each.quality) for each in plans] == [
        ("202425-spring", PlanState.COMPLETED, "good"),
        ("202425-autumn", PlanState.COMPLETED, "poor"),
        ("202324-summer", PlanState.NOT_ON_TIME, None),
    ]
    child = replace(CHILD, care_start=date(2024, 4, 1), plans=tuple(loaded), sdq_score=30)
    assert flags(*QUIET[:2], child=child) == [Flag.PEP_POOR]
    assert flags(*QUIET, child=child) == []


def test_attendance_to_date_is_of_the_whole_academic_year() -> None:
    autumn = Attendance(term="202425-autumn", possible=140, authorised=10, unauthorised=4)
    spring = Attendance(term="202425-spring", possible=60, authorised=6, unauthorised=0)
    before = Attendance(term="202324-summer", possible=100, authorised=99, unauthorised=0)
    to_date = attendance_to_date([autumn, spring, before], 202425)
    assert (to_date.possible, to_date.rate, to_date.level) == (200, 0.9, "persistent")
    assert [level_of(rate) for rate in (None, 1.0, 0.901, 0.9, 0.501, 0.5, 0)] == [
        "", "", "", "persistent", "persistent", "severe", "severe"
    ]  # fmt: skip


def test_days_away_are_counted_for_any_cause() -> None:
    times = [
        TimeAway(cause="suspension", start_date=date(2024, 10, 7), end_date=date(2024, 10, 8), days=Decimal("1.5")),
        TimeAway(cause="suspension", start_date=date(2025, 1, 10), end_date=date(2025, 1, 13)),  # Friday to Monday
        TimeAway(cause="no_school_place", start_date=date(2025, 2, 28)),  # a Friday; today is the Monday after
        TimeAway(cause="other", start_date=date(2024, 6, 1), days=Decimal(9)),
    ]
    away = {each.cause: (each.days, each.times, each.goes_on) for each in days_away(times, 202425, TODAY)}
    assert away == {"suspension": (Decimal("3.5"), 2, False), "no_school_place": (Decimal(2), 1, True)}


def test_days_from_request_to_roll_go_on_until_the_child_is_on_it() -> None:
    assert days_to_roll(Admission(request_date=date(2025, 2, 1), on_roll_date=date(2025, 2, 11)), TODAY) == 10
    assert days_to_roll(Admission(request_date=date(2025, 2, 1)), TODAY) == 30


def step(state: State, on: date, due: date | None = date(2025, 3, 1), owner: str = "school") -> Step:
    over = state is State.SETTLED
    return Step(topic="ambition", on=on, step=state, owner="nobody" if over else owner, due=None if over else due)


@pytest.mark.parametrize("before", MAY_FOLLOW)
@pytest.mark.parametrize("after", State)
def test_a_step_may_be_taken_where_the_path_leads_there(before: State | None, after: State) -> None:
    steps = [] if before is None else [step(before, date(2025, 2, 1))]
    taken = step(after, date(2025, 2, 2))
    if after in MAY_FOLLOW[before]:
        check_step(steps, taken)
    else:
        with pytest.raises(FactInvalid, match="what may follow is"):
            check_step(steps, taken)


def test_every_state_has_a_way_on_and_every_conversation_can_be_settled() -> None:
    assert set(MAY_FOLLOW) == {None, *State}
    reached: list[State | None] = [None]
    for state in reached:
        reached += [after for after in MAY_FOLLOW[state] if after not in reached]
    assert set(reached) == {None, *State}
    assert all(State.SETTLED in MAY_FOLLOW[state] for state in State if state is not State.SETTLED)


def test_a_step_has_a_day_an_owner_and_a_day_for_what_is_to_come() -> None:
    first = step(State.CHALLENGED, date(2025, 2, 1))
    with pytest.raises(FactInvalid, match="a later step"):
        check_step([first], step(State.REPLIED, date(2025, 1, 31)))
    with pytest.raises(FactInvalid, match="by when"):
        check_step([first], step(State.REPLIED, date(2025, 2, 2), due=None))
    with pytest.raises(FactInvalid, match="somebody"):
        check_step([first], step(State.REPLIED, date(2025, 2, 2), owner="nobody"))
    same_day = step(State.REPLIED, date(2025, 2, 1))
    assert latest_step([first, same_day]) == same_day
    assert is_late([first], TODAY)
    assert not is_late([first, step(State.SETTLED, date(2025, 2, 5))], TODAY)


CHILD = KnownChild(
    token="0" * 32,
    number="77",
    readable=frozenset(CHILD_RECORD),
    writable=frozenset(CHILD_RECORD),
    care_start=date(2025, 1, 6),
    years=(YearFacts(academic_year=202324, attendance_rate=0.97),),
)
WATCH = Watch(TODAY, 0.5)
QUIET: tuple[Fact, ...] = (
    START,
    Target(term="202425-summer", subject="english", target="EXS"),
    Plan(term="202425-spring", completed_date=date(2025, 2, 1), quality="good"),
)
"""A record that calls for nothing."""


def record(*facts: Fact) -> TrackingRecord:
    numbered = enumerate(facts, start=1)
    return TrackingRecord.of(
        Entry(version=version, at=NOW, by="vsh", role="virtual_school_head", reason="Review", fact=fact)
        for version, fact in numbered
    )


def flags(*facts: Fact, child: KnownChild = CHILD) -> list[Flag]:
    return [each.flag for each in find_flags(record(*facts), child, WATCH)]


CASES: dict[Flag, tuple[tuple[Fact, ...], KnownChild]] = {
    Flag.LOW_TARGET: ((*QUIET, Target(term="202425-spring", subject="english", target="WTS")), CHILD),
    Flag.NO_TARGET: ((QUIET[0], QUIET[2]), CHILD),
    Flag.NO_START: (QUIET[1:], CHILD),
    Flag.NOT_ENTERED: (
        (*QUIET, Qualification(academic_year=202425, subject="GCSE maths", capable=True, entered=False)),
        CHILD,
    ),
    Flag.PEP_OVERDUE: (QUIET, replace(CHILD, care_start=date(2024, 10, 1))),
    Flag.PEP_DUE: (QUIET[:2], CHILD),
    Flag.PEP_POOR: (
        (*QUIET[:2], Plan(term="202425-spring", completed_date=date(2025, 2, 1), quality="poor")),
        CHILD,
    ),
    Flag.SDQ_UNANSWERED: (QUIET, replace(CHILD, sdq_score=17)),
    Flag.SUPPORT_UNLINKED: (
        (*QUIET, Support(kind="tuition", start_date=TODAY, target_subject="science", premium=True)),
        CHILD,
    ),
    Flag.SEVERE_ABSENCE: (
        (*QUIET, Attendance(term="202425-autumn", possible=10, authorised=5, unauthorised=0)),
        CHILD,
    ),
    Flag.PERSISTENT_ABSENCE: (
        QUIET,
        replace(CHILD, years=(YearFacts(academic_year=202324, attendance_rate=0.85),)),
    ),
    Flag.AWAY: ((*QUIET, TimeAway(cause="part_time_timetable", start_date=date(2025, 2, 1))), CHILD),
    Flag.WAITING: ((*QUIET, Admission(request_date=date(2025, 2, 1))), CHILD),
    Flag.MOVE_NOT_AGREED: ((*QUIET, SchoolMove(moved_on=TODAY, planned=True, emergency=True)), CHILD),
    Flag.MOVE_UNPLANNED: (
        (*QUIET, SchoolMove(moved_on=TODAY, planned=False, emergency=False, agreed_on=TODAY)),
        CHILD,
    ),
    Flag.CONVERSATION_LATE: ((*QUIET, step(State.CHALLENGED, date(2025, 2, 1))), CHILD),
}
"""For each flag, a record and a child that raise it and no other."""


@pytest.mark.parametrize(
    ("today", "overdue"),
    [
        (date(2024, 8, 31), ["spring 2023/24"]),  # the summer term's is due until its last day
        (date(2024, 9, 1), ["summer 2023/24"]),  # the next day it is overdue, though the academic year is another
        (date(2024, 12, 31), ["summer 2023/24"]),
        (date(2025, 1, 1), ["autumn 2024/25"]),  # what lies a year back can no longer be made good
    ],
)
def test_a_plan_of_the_summer_is_overdue_in_the_autumn(today: date, overdue: list[str]) -> None:
    child = replace(CHILD, care_start=date(2024, 2, 1))
    found = find_flags(record(), child, Watch(today, 0.5))
    assert [each.about for each in found if each.flag is Flag.PEP_OVERDUE] == overdue


def test_every_flag_has_a_case() -> None:
    assert set(CASES) == set(Flag)


def test_a_record_that_is_as_it_should_be_calls_for_nothing() -> None:
    assert flags(*QUIET) == []


@pytest.mark.parametrize("flag", Flag)
def test_a_flag_is_raised_for_what_it_means(flag: Flag) -> None:
    facts, child = CASES[flag]
    assert flags(*facts, child=child) == [flag]


@pytest.mark.parametrize("flag", Flag)
def test_no_flag_tells_whoever_may_not_read_what_it_is_about(flag: Flag) -> None:
    """A designated teacher sees no sign of the virtual school's own record; who may read nothing sees no flag."""
    facts, child = CASES[flag]
    for readable in (frozenset[FieldGroup](), frozenset({FieldGroup.IDENTITY})):
        blind = replace(child, readable=readable, sdq_score=None, years=())
        assert find_flags(record(*facts).seen_by(readable), blind, WATCH) == ()
