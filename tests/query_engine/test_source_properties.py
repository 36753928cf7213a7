"""Whole queries over joined and worked-out tables: the engine, the naive answer and the federated one are the same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query.model import AggregateQuery, Grouped
from query_engine.refusal import QueryRefused, RefusalCode
from tests.query_engine import source_strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.oracle import Answer, answer, figure
from tests.query_engine.small_tables import write_table
from tests.query_engine.source_oracle import joined_rows, spell_query
from tests.query_engine.source_strategies import POOLS, Tables
from tests.query_engine.test_query_properties import Figures, figures_of, finished, groupings_of

thorough = settings(
    max_examples=examples(25), derandomize=True, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
IDLE = (
    RefusalCode.CONSTANT_CONDITION,
    RefusalCode.GROUPING_FORM,
    RefusalCode.JOIN,
    RefusalCode.FILTER_TANGLED,
    RefusalCode.TOO_WIDE,
    RefusalCode.VALUES_APART,
)


def planned(query: AggregateQuery, catalogue: Catalogue) -> QueryPlan:
    """The plan; a query with a condition or a join that decides nothing is not worth an example."""
    try:
        return plan_query(query, catalogue)
    except QueryRefused as refusal:
        event(f"refused: {refusal.code}")
        assume(refusal.code not in IDLE)
        raise


@contextmanager
def engine_on(tables: Tables, catalogue: Catalogue) -> Iterator[DuckDBEngine]:
    """An engine on one node's tables."""
    with TemporaryDirectory() as directory:
        paths: dict[str, Path] = {}
        for name, rows in tables.items():
            columns = ("child", "home_authority", *POOLS[name])
            paths[name] = write_table(Path(directory) / f"{name}.parquet", catalogue.table(name), columns, rows)
        with DuckDBEngine(paths) as engine:
            yield engine


def naive(query: AggregateQuery, plan: QueryPlan, tables: Tables) -> Answer:
    """The oracle's answer over the plan's cells, the answer to no rows where it has none."""
    found = answer(query, joined_rows(query, tables), "child", groupings_of(query, plan))
    assert found.keys() <= set(plan.iter_cells())
    items = [each.item for each in query.selected if not isinstance(each.item, Grouped)]
    empty = tuple(figure(each, [], "child") for each in items)
    return {cell: found.get(cell, empty) for cell in plan.iter_cells()}


@thorough
@given(query=source_strategies.queries(), tables=source_strategies.tables)
def test_the_engine_agrees_with_joining_by_hand(query: AggregateQuery, tables: Tables, catalogue: Catalogue) -> None:
    """Every cell and column, over one table with a row for each child and over up to three tables."""
    plan = planned(query, catalogue)
    with engine_on(tables, catalogue) as engine:
        assert finished(plan, figures_of(engine.run(plan))) == naive(query, plan, tables)


@thorough
@given(
    query=source_strategies.queries(),
    tables=source_strategies.tables,
    here=st.sets(st.sampled_from(source_strategies.CHILDREN)),
)
def test_adding_up_the_nodes_gives_the_pooled_answer(
    query: AggregateQuery, tables: Tables, here: set[str], catalogue: Catalogue
) -> None:
    """Joins are within a child, so nothing is lost by keeping whole children at different nodes."""
    plan = planned(query, catalogue)
    halves: list[Figures] = []
    for kept in (True, False):
        half = {name: [row for row in rows if (row["child"] in here) is kept] for name, rows in tables.items()}
        with engine_on(half, catalogue) as engine:
            halves.append(figures_of(engine.run(plan)))
    added = {name: [sum(cell) for cell in zip(halves[0][name], halves[1][name], strict=True)] for name in halves[0]}
    assert finished(plan, added) == naive(query, plan, tables)


@thorough
@given(query=source_strategies.queries(), common=st.booleans())
def test_a_source_written_out_and_read_again_is_the_same_question(
    query: AggregateQuery, common: bool, catalogue: Catalogue
) -> None:
    """Aliases, brackets or WITH: reading the SQL gives the plan of the value that it was written from."""
    plan = planned(query, catalogue)
    again = plan_query(parse_query(spell_query(query, common=common), catalogue), catalogue)
    assert (again.plan_id, again.statistics, again.outputs) == (plan.plan_id, plan.statistics, plan.outputs)


@thorough
@given(query=source_strategies.queries(), tables=source_strategies.tables)
def test_what_is_worked_out_keeps_to_its_bounds(query: AggregateQuery, tables: Tables, catalogue: Catalogue) -> None:
    """No sum over the joined rows is more than the rows times the plan's bound for a row."""
    plan = planned(query, catalogue)
    rows = len(joined_rows(query, tables))
    bounds: Mapping[str, int] = {each.name: each.bound for each in plan.statistics}
    with engine_on(tables, catalogue) as engine:
        figures = figures_of(engine.run(plan))
    assert all(abs(cell) <= rows * bounds[name] for name, column in figures.items() for cell in column)
