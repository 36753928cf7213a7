"""Charts: whatever a record holds, every line and mark lies within the picture, and the table tells the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from node.tracking.chart import BOTTOM, LEFT, RIGHT, TOP, Chart
from node.tracking.facts import Attainment, Attendance, Fact, StartingPoint, Target
from node.tracking.kinds import KINDS, key_of
from node.tracking.known import YearFacts
from node.tracking.progress import draw_attendance, draw_cohort, draw_progress
from tests.node.tracking.test_tracked_progress import record
from tests.node.tracking.tracked_facts import facts_of

SCHOOLING = st.sampled_from(["starting_point", "target", "attainment"]).flatmap(lambda name: facts_of(KINDS[name]))
ATTENDED = facts_of(KINDS["attendance"])


def lies_within(chart: Chart) -> bool:
    """A line may begin or end in the margin, and nothing is drawn outside."""
    lines = [point.split(",") for series in chart.series for point in series.line.split()]
    marks = [(x, y) for series in chart.series for x, y, _ in series.marks]
    points = [*((float(x), float(y)) for x, y in lines), *marks]
    return all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in points)


@settings(max_examples=40)
@given(st.lists(SCHOOLING, max_size=8, unique_by=key_of))
def test_progress_is_drawn_within_the_picture_and_told(facts: list[Fact]) -> None:
    told = record(*facts)
    shown = draw_progress(told, 0.5)
    assert all(lies_within(each.chart) for each in shown)
    aims: list[Target | Attainment] = [*told.all(Target), *told.all(Attainment)]
    assert len(shown) == len({each.subject for each in aims})
    assert sum(len(each.table.rows) for each in shown) == len({(each.subject, each.term) for each in aims})


@settings(max_examples=40)
@given(st.lists(ATTENDED, max_size=6, unique_by=key_of), st.lists(st.floats(0, 1), max_size=3))
def test_attendance_is_drawn_within_the_picture_and_told(facts: list[Fact], rates: list[float]) -> None:
    years = [YearFacts(academic_year=202223 + 101 * n, attendance_rate=rate) for n, rate in enumerate(rates)]
    terms = [fact for fact in facts if isinstance(fact, Attendance) and fact.possible]
    shown = draw_attendance(years, terms)
    assert (shown is None) == (not years and not terms)
    if shown is not None:
        assert lies_within(shown.chart)
        assert len(shown.table.rows) == len(years) + len(terms)


@settings(max_examples=30)
@given(st.lists(st.lists(SCHOOLING, max_size=6, unique_by=key_of), max_size=6))
def test_a_cohort_counts_each_child_with_a_start_and_something_reached(children: list[list[Fact]]) -> None:
    records = [record(*facts) for facts in children]
    shown = draw_cohort(records, "english")
    counted = [
        each
        for each in records
        if any(start.subject == "english" for start in each.all(StartingPoint))
        and any(reached.subject == "english" for reached in each.all(Attainment))
    ]
    assert (shown is None) == (not counted)
    if shown is not None:
        assert lies_within(shown.chart)
        assert sum(int(row[-1]) for row in shown.table.rows) == len(counted)


def test_what_is_of_a_year_stands_over_the_words_of_that_year() -> None:
    """A year's attendance at its last day would stand where the next year begins, and read as of that."""
    years = [YearFacts(academic_year=year, attendance_rate=0.9) for year in (202324, 202425)]
    autumn = Attendance(term="202425-autumn", possible=100, authorised=0, unauthorised=0)
    shown = draw_attendance(years, [autumn])
    assert shown is not None
    drawn = {each.name: [x for x, _, _ in each.marks] for each in shown.chart.series}
    assert drawn["each year"] == [x for x, _ in shown.chart.across]
    assert [text for _, text in shown.chart.across] == ["2023/24", "2024/25"]
    (term,) = drawn["each term"]
    first, second = drawn["each year"]
    assert second - (second - first) / 2 < term < second


def test_a_chart_of_many_years_has_few_words_along_its_foot() -> None:
    years = [YearFacts(academic_year=201213 + 101 * n, attendance_rate=0.9) for n in range(12)]
    shown = draw_attendance(years, [])
    assert shown is not None
    assert len(shown.chart.across) <= 5
    assert lies_within(shown.chart)
