"""What a plan tells: that no sum overflows, how large it is, and who can reach a cell."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_engine.catalogue import load_catalogue
from query_engine.geography import REGIONS, load_authorities
from query_engine.language.parser import parse_query
from query_engine.planning.measuring import LARGEST_ROSTER, MOST_ROWS, NOISE_ROOM
from query_engine.planning.overflow import LIMIT, OverflowPossible, plan_bytes, prove_no_overflow
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.planning.reach import contributors, smallest_reach
from query_engine.refusal import QueryRefused

PlanOf = Callable[[str], QueryPlan]
ALL = frozenset(load_authorities())


def in_region(name: str) -> frozenset[str]:
    return frozenset(code for code, each in load_authorities().items() if each.region == name)


# --- Overflow ------------------------------------------------------------------------------------------------------

AMOUNTS = [
    (table.name, column.name)
    for table in load_catalogue().tables.values()
    for column in table.columns.values()
    if column.role == "measure"
]


@st.composite
def widest_queries(draw: st.DrawFn) -> str:
    """Sums, squares and products of any measures of a table, as wide as the language allows."""
    table, first = draw(st.sampled_from(AMOUNTS))
    second = draw(st.sampled_from([name for each, name in AMOUNTS if each == table]))
    figure = draw(st.sampled_from(["SUM({0})", "AVG({0})", "STDDEV({0})", "SUM({0} * {1})", "REGR_SLOPE({0}, {1})"]))
    return f"SELECT {figure.format(first, second)} AS x FROM {table}"


@settings(max_examples=100, derandomize=True, deadline=None)
@given(widest_queries())
def test_no_sum_over_any_roster_leaves_64_bits(sql: str) -> None:
    """Every row of the largest roster at its bound, on either side of zero, with all the noise there is room for."""
    try:
        plan = plan_query(parse_query(sql, load_catalogue()), load_catalogue())
    except QueryRefused:
        return  # too wide, and said so before anything ran
    bounds = {each.statistic: each for each in prove_no_overflow(plan)}
    for each in plan.statistics:
        extreme = sum([each.bound * MOST_ROWS] * LARGEST_ROSTER) + NOISE_ROOM
        assert -extreme >= -LIMIT
        assert extreme < LIMIT
        assert bounds[each.name].most == extreme
        assert bounds[each.name].room >= 1


def test_a_bound_that_is_too_wide_is_found(plan_of: PlanOf) -> None:
    """The proof is worked out, not assumed."""
    plan = plan_of("SELECT SUM(suspensions) AS x FROM child_year")
    wide = tuple(replace(each, bound=2**33) for each in plan.statistics)
    with pytest.raises(OverflowPossible, match="children"):
        prove_no_overflow(replace(plan, statistics=wide))


def test_the_size_is_of_every_statistic_of_every_cell(plan_of: PlanOf) -> None:
    plan = plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex)")
    assert (plan.cells, len(plan.statistics), plan_bytes(plan)) == (5, 2, 80)


# --- Who can reach a cell ------------------------------------------------------------------------------------------

REACH = [
    ("COUNT(*) AS n FROM child_year", ALL),
    ("COUNT(*) AS n FROM child_year WHERE sex = 'M'", ALL),
    ("COUNT(*) AS n FROM child_year WHERE home_region = 'London'", in_region("London")),
    ("COUNT(*) AS n FROM child_year WHERE host_region = 'London'", ALL),
    ("COUNT(*) AS n FROM child_year WHERE host_authority = '301'", ALL),
    ("COUNT(*) AS n FROM child_year WHERE host_authority = '301' AND school_in_area", frozenset({"301"})),
    ("COUNT(*) AS n FROM child_year WHERE host_authority = '301' AND NOT school_in_area", ALL - {"301"}),
    ("COUNT(*) AS n FROM child_year WHERE host_region = 'London' AND school_in_area", in_region("London")),
    ("COUNT(*) AS n FROM child_year WHERE host_region = 'London' AND home_region = 'North East'",
     in_region("North East")),
    ("COUNT(*) AS n FROM child_year WHERE host_region = 'London' AND home_region = 'South West' AND school_in_area",
     frozenset()),
    ("COUNT(*) AS n FROM child_year WHERE host_authority = '301' AND placement_in_area", ALL),
    ("COUNT(*) AS n FROM child_year WHERE home_region = 'London' OR sex = 'M'", ALL),
    ("COUNT(*) AS n FROM pupil_year WHERE host_region = 'London'", in_region("London")),
    ("COUNT(*) AS n FROM placements", ALL),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), REACH)
def test_who_can_reach_the_one_cell(asked: str, expected: frozenset[str], plan_of: PlanOf) -> None:
    """By what a row of an authority's node can say of geography."""
    plan = plan_of(f"SELECT {asked}")
    assert contributors(plan, ()) == expected


def test_who_can_reach_each_cell(plan_of: PlanOf) -> None:
    """Region by region, and everybody for the total."""
    plan = plan_of("SELECT home_region, sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (home_region, sex)")
    place = [each.name for each in plan.dimensions].index("home_region")
    for cell in plan.iter_cells():
        expected = ALL if cell[place] == TOTAL else in_region(str(cell[place]))
        assert contributors(plan, cell) == expected
    assert smallest_reach(plan) == min(len(in_region(each)) for each in REGIONS)


def test_a_dimension_can_bear_on_geography_through_the_filter(plan_of: PlanOf) -> None:
    """Girls are London's alone here, though sex is no geography."""
    plan = plan_of("SELECT sex, COUNT(*) AS n FROM child_year WHERE sex = 'M' OR home_region = 'London' GROUP BY sex")
    found = {cell[0]: contributors(plan, cell) for cell in plan.iter_cells()}
    assert (found["M"], found["F"]) == (ALL, in_region("London"))
    assert smallest_reach(plan) == len(in_region("London"))


# --- Size ------------------------------------------------------------------------------------------------------------


def test_an_answer_that_is_too_large_to_travel_is_refused(plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its bytes: two statistics of four cells are 64."""
    sql = "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex"
    monkeypatch.setattr("query_engine.planning.planner.BYTE_LIMIT", 64)
    assert plan_bytes(plan_of(sql)) == 64
    monkeypatch.setattr("query_engine.planning.planner.BYTE_LIMIT", 63)
    with pytest.raises(QueryRefused, match="64 bytes"):
        plan_of(sql)
