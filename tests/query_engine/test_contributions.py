"""What one child's rows of a year can add to a plan's figures: a table that says it, and data that never exceed it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.planning.centred_sums import centre_sums, take
from query_engine.planning.contributions import ContributionUnbounded, prove_contributions
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.query.model import AggregateQuery
from tests.query_engine import source_strategies, strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.small_tables import Row
from tests.query_engine.test_query_properties import engine_on, figures_of
from tests.query_engine.test_query_properties import planned as planned_alone
from tests.query_engine.test_source_properties import engine_on as engine_on_tables
from tests.query_engine.test_source_properties import planned

PlanOf = Callable[[str], QueryPlan]

BY_YEAR = "FROM (SELECT child, academic_year, COUNT(*) AS n FROM pep GROUP BY child, academic_year) AS p"
OVER_YEARS = "FROM (SELECT child, COUNT(*) AS n FROM pep GROUP BY child) AS p"
IN_ONE_YEAR = "FROM (SELECT child, COUNT(*) AS n FROM pep WHERE academic_year = 202425 GROUP BY child) AS p"

CONTRIBUTIONS = [
    # asked                                                              statistic: the most, set by set
    ("sex, COUNT(*) AS n FROM child_year GROUP BY sex", {"rows": [1]}),
    ("COUNT(DISTINCT child) AS n FROM child_year", {"children": [1]}),
    ("sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex)", {"rows": [1, 1]}),
    # Scores are 0 to 40; attendance has four decimal places, and is 1 at most.
    ("SUM(sdq_score) AS n FROM child_year", {"sum:sdq_score": [40]}),
    ("SUM(attendance_rate) AS n FROM child_year", {"sum:attendance_rate": [10_000]}),
    ("SUM(sdq_score * sdq_score) AS n FROM child_year", {"sum:sdq_score*sdq_score": [1600]}),
    # A child can be in every cell of a table with several rows to a child, but of one academic year alone.
    ("COUNT(DISTINCT child) AS n FROM pep", {"children": [1]}),
    ("sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY ROLLUP (sex)", {"children": [4, 1]}),
    ("academic_year, sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY 1, 2", {"children": [4]}),
    # At most four reviews are counted of a year; the one row of a child over years may move to another cell.
    (f"SUM(p.n) AS n {BY_YEAR}", [4]),
    (f"SUM(p.n) AS n {OVER_YEARS}", [2 * 4 * 13]),
    (f"SUM(p.n) AS n {IN_ONE_YEAR}", [4]),
    (f"COUNT(*) AS n {OVER_YEARS}", {"rows": [2]}),
]


@pytest.mark.parametrize(("asked", "most"), CONTRIBUTIONS)
def test_what_a_child_year_can_add(asked: str, most: Mapping[str, list[int]] | list[int], plan_of: PlanOf) -> None:
    """In units of the statistic, added up over the cells of each grouping set."""
    found: dict[str, list[int]] = {}
    for each in prove_contributions(plan_for_path(plan_of(f"SELECT {asked}"), "noisy_sum")):
        found.setdefault(each.statistic, []).append(each.most)
    assert (found if isinstance(most, Mapping) else next(iter(found.values()))) == most


UNBOUNDED = [
    ("COUNT(*) AS n FROM pep", "a child can have any number of rows of pep in a year; count children"),
    ("SUM(cost) AS n FROM support", "any number of rows of support"),
    ("COUNT(DISTINCT child_year.child) AS n FROM child_year JOIN pep ON child_year.child = pep.child", "joined"),
    ("VAR_POP(cost) AS n FROM support", "in two parts|any number of rows"),
]


@pytest.mark.parametrize(("asked", "reason"), UNBOUNDED)
def test_what_cannot_be_proved_is_refused(asked: str, reason: str, plan_of: PlanOf) -> None:
    with pytest.raises(ContributionUnbounded, match=reason):
        prove_contributions(plan_of(f"SELECT {asked}"))


# --- Against data --------------------------------------------------------------------------------------------------

thorough = settings(max_examples=examples(25), derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
Tables = Mapping[str, Sequence[Row]]


def check_within(plan: QueryPlan, run: Callable[[Any], Any], whole: Any, without: Any) -> None:
    """Taking a child-year away moves each statistic, as noise is added to it, over the cells of each set, by no more
    than was proved."""
    sums = centre_sums(plan)
    with run(whole) as engine, run(without) as other:
        before, after = (take(sums, figures_of(each.run(plan))) for each in (engine, other))
    ends = [0]
    for grouping_set in plan.sets:
        ends.append(ends[-1] + plan.cells_of(grouping_set))
    for each in prove_contributions(plan):
        cells = range(ends[each.number], ends[each.number + 1])
        moved = sum(abs(before[each.statistic][cell] - after[each.statistic][cell]) for cell in cells)
        assert moved <= each.most, each


def noisy(plan: QueryPlan) -> QueryPlan:
    """The plan for noise; a question that noise cannot answer is not worth an example."""
    try:
        prove_contributions(plan)
    except ContributionUnbounded:
        assume(False)
    return plan_for_path(plan, "noisy_sum")


@thorough
@given(query=strategies.queries(), rows=strategies.rows.filter(bool), chosen=st.integers(0, 7))
def test_a_row_of_a_child_moves_no_more(
    query: AggregateQuery, rows: list[Row], chosen: int, catalogue: Catalogue
) -> None:
    """In the table with one row for each child and year, whatever is asked of it."""
    plan = noisy(planned_alone(query, catalogue))
    single = list({(row[strategies.KEY], row["academic_year"]): row for row in rows}.values())
    gone = single[chosen % len(single)]
    check_within(plan, lambda kept: engine_on(kept, catalogue), single, [row for row in single if row is not gone])


@thorough
@given(
    query=source_strategies.queries(most=1),
    tables=source_strategies.tables,
    child=st.sampled_from(source_strategies.CHILDREN),
    year=st.sampled_from([202324, 202425]),
)
def test_the_rows_of_a_child_year_move_no_more(
    query: AggregateQuery, tables: Tables, child: str, year: int, catalogue: Catalogue
) -> None:
    """In tables with a row for each child, worked out from several."""
    plan = noisy(planned(query, catalogue))

    @contextmanager
    def run(kept: Tables) -> Iterator[DuckDBEngine]:
        with engine_on_tables(kept, catalogue) as engine:  # type: ignore[arg-type]
            yield engine

    check_within(plan, run, tables, without(tables, child, year))


GROUPED = ["", "placement_type", "age", "academic_year", "academic_year, placement_type", "ROLLUP (placement_type)"]


@thorough
@given(
    grouped=st.sampled_from(GROUPED),
    asked=st.sampled_from(["COUNT(DISTINCT child)", "COUNT(DISTINCT child) FILTER (WHERE months > 0)"]),
    tables=source_strategies.tables,
    child=st.sampled_from(source_strategies.CHILDREN),
    year=st.sampled_from([202324, 202425]),
)
def test_a_child_with_several_rows_moves_no_more(
    grouped: str, asked: str, tables: Tables, child: str, year: int, plan_of: PlanOf, catalogue: Catalogue
) -> None:
    """Children are counted once in each cell, and a child-year can be in many."""
    named = grouped.removeprefix("ROLLUP (").removesuffix(")")
    sql = f"SELECT {named + ', ' if named else ''}{asked} AS n FROM placements"
    plan = noisy(plan_of(f"{sql} GROUP BY {grouped}" if grouped else sql))
    check_within(plan, lambda kept: engine_on_tables(kept, catalogue), tables, without(tables, child, year))


def without(tables: Tables, child: str, year: int) -> dict[str, list[Row]]:
    """The tables without one child's rows of one academic year."""
    return {
        name: [row for row in rows if (row["child"], row["academic_year"]) != (child, year)]
        for name, rows in tables.items()
    }
