"""Quantiles snapped to declared bins, and sums carried in two parts: against plain Python, with engines in between."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue, Column
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import finalise
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query.model import Aggregate, AggregateQuery, ByColumn, ColumnValue, Grouped, Selected
from query_engine.query.predicate import Predicate
from query_engine.refusal import QueryRefused
from tests.query_engine import strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.oracle import truth
from tests.query_engine.small_tables import Row, write_table
from tests.query_engine.spelling import spell

fractions = st.integers(1, 999).map(lambda thousandths: Decimal(thousandths) / 1000)
measures = st.sampled_from(["suspensions", "suspension_days", "attendance_rate"])


def value_at(values: Sequence[Decimal], fraction: Decimal) -> Decimal:
    """SQL's PERCENTILE_DISC: the first value, from the least up, by which so large a share has been met."""
    ranked = sorted(values)
    return next(value for place, value in enumerate(ranked, start=1) if place >= fraction * len(ranked))


def bin_of(column: Column, value: Decimal) -> tuple[Decimal, Decimal]:
    """The least and the greatest value of the declared bin in which a value lies."""
    assert column.bounds is not None
    step = Decimal(1).scaleb(-column.scale)
    low = max(edge for edge in column.bins if edge <= value)
    return low, min((edge - step for edge in column.bins if edge > value), default=column.bounds[1])


def answers(plan: QueryPlan, rows: list[Row], catalogue: Catalogue) -> dict[object, object]:
    """The first figure of every cell."""
    with TemporaryDirectory() as directory:
        table = catalogue.table(strategies.TABLE)
        path = write_table(Path(directory) / "rows.parquet", table, strategies.COLUMNS, rows)
        with DuckDBEngine({table.name: path}) as engine:
            raw = engine.run(plan)
    (output,) = (each for each in plan.outputs if each.dimension is None)
    cells = [{each.name: raw.statistic(each.name)[place] for each in plan.statistics} for place in range(plan.cells)]
    return {cell: finalise(output, figures) for (cell,), figures in zip(plan.iter_cells(), cells, strict=True)}


@settings(max_examples=examples(50), derandomize=True, deadline=None)
@given(
    name=measures,
    fraction=fractions,
    rows=strategies.rows,
    where=st.none() | strategies.predicates,
    only=st.none() | strategies.predicates,
)
def test_a_quantile_is_the_middle_of_the_bin_it_lies_in(
    name: str, fraction: Decimal, rows: list[Row], where: Predicate | None, only: Predicate | None, catalogue: Catalogue
) -> None:
    """In every cell, filtered or not; nothing where nobody has a value."""
    column = catalogue.table(strategies.TABLE).columns[name]
    asked = Aggregate("quantile", (ColumnValue(name),), only, fraction.normalize())
    selected = (Selected("sex", Grouped(ByColumn("sex"))), Selected("q", asked))
    query = AggregateQuery(strategies.TABLE, selected, (ByColumn("sex"),), where)
    try:
        plan = plan_query(query, catalogue)
    except QueryRefused:
        assume(False)
    assert plan_query(parse_query(spell(query, catalogue.table(strategies.TABLE)), catalogue), catalogue) == plan
    for sex, found in answers(plan, rows, catalogue).items():
        kept = [row for row in rows if row["sex"] == sex and all(c is None or truth(c, row) for c in (where, only))]
        values = [Decimal(str(row[name])) for row in kept if row[name] is not None]
        ends = bin_of(column, value_at(values, fraction)) if values else None
        allowed = {end for last in plan.outputs[-1].bins for end in last}
        assert found == (sum(ends) / 2 if ends else None)
        assert ends is None or set(ends) <= allowed


def test_a_quantile_never_says_more_than_its_bin(catalogue: Catalogue) -> None:
    """Every value of a bin gives the same answer, so the bin is the error that is stated."""
    column = catalogue.table("child_year").columns["suspensions"]
    plan = plan_query(parse_query("SELECT MEDIAN(suspensions) AS q FROM child_year", catalogue), catalogue)
    (output,) = plan.outputs
    middles = [(first + last) / 2 for first, last in output.bins]
    assert [first for first, _ in output.bins] == list(column.bins)
    for place, name in enumerate(output.statistics):
        figures = dict.fromkeys(output.statistics, 0) | {name: 7}
        assert finalise(output, figures) == middles[place]
