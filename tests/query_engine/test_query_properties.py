"""Whole queries drawn at random: the engine, the naive answer, and the federated answer are one and the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import finalise
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query import model, predicate
from query_engine.query.model import AggregateQuery, Grouped, Grouping
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.tables import RawTable
from tests.query_engine import strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.oracle import Answer, answer, category, figure, kept
from tests.query_engine.small_tables import Row, write_table
from tests.query_engine.spelling import spell

thorough = settings(max_examples=examples(50), derandomize=True, deadline=None)
Figures = dict[str, list[int]]
IDLE = (RefusalCode.CONSTANT_CONDITION, RefusalCode.GROUPING_FORM, RefusalCode.VALUES_APART)


def planned(query: AggregateQuery, catalogue: Catalogue) -> QueryPlan:
    """The plan; a query with a condition that decides nothing is not worth an example."""
    try:
        return plan_query(query, catalogue)
    except QueryRefused as refusal:
        event(f"refused: {refusal.code}")
        assume(refusal.code not in IDLE)
        raise


@contextmanager
def engine_on(rows: Sequence[Row], catalogue: Catalogue) -> Iterator[DuckDBEngine]:
    """An engine on one node's rows."""
    with TemporaryDirectory() as directory:
        table = catalogue.table(strategies.TABLE)
        path = write_table(Path(directory) / "rows.parquet", table, strategies.COLUMNS, rows)
        with DuckDBEngine({table.name: path}) as engine:
            yield engine


def figures_of(raw: RawTable) -> Figures:
    return {each.name: list(raw.statistic(each.name)) for each in raw.plan.statistics}


def finished(plan: QueryPlan, figures: Figures) -> Answer:
    """The asked columns of every cell, in the order of the SELECT list."""
    asked = [each for each in plan.outputs if each.kind != "dimension"]
    cells = [{name: column[place] for name, column in figures.items()} for place in range(plan.cells)]
    return {
        cell: tuple(finalise(output, found) for output in asked)
        for cell, found in zip(plan.iter_cells(), cells, strict=True)
    }


def naive(query: AggregateQuery, plan: QueryPlan, rows: Sequence[Row]) -> Answer:
    """The oracle's answer over the plan's cells: what it finds, and the answer to no rows everywhere else."""
    found = answer(query, rows, strategies.KEY, groupings_of(query, plan))
    assert found.keys() <= set(plan.iter_cells())
    items = [each.item for each in query.selected if not isinstance(each.item, Grouped)]
    empty = tuple(figure(each, [], strategies.KEY) for each in items)
    return {cell: found.get(cell, empty) for cell in plan.iter_cells()}


def groupings_of(query: AggregateQuery, plan: QueryPlan) -> list[Grouping]:
    """What is grouped by, in the order of the plan's dimensions."""
    labels = {each.label: each.item.by for each in query.selected if isinstance(each.item, Grouped)}
    named = {each.dimension: labels[each.label] for each in plan.outputs if each.dimension is not None}
    return [named[each.name] for each in plan.dimensions]


@thorough
@given(query=strategies.queries(), rows=strategies.rows)
def test_the_engine_agrees_with_the_naive_answer(query: AggregateQuery, rows: list[Row], catalogue: Catalogue) -> None:
    """Every cell and every asked column, missing values and empty cells included."""
    plan = planned(query, catalogue)
    with engine_on(rows, catalogue) as engine:
        figures = figures_of(engine.run(plan))
    assert finished(plan, figures) == naive(query, plan, rows)
    finest = figures["children"][: plan.cells_of(plan.sets[0])]
    cells = [tuple(category(each, row) for each in groupings_of(query, plan)) for row in kept(query, rows)]
    assert sum(finest) == len({(row["child"], *cell) for row, cell in zip(kept(query, rows), cells, strict=True)})


@thorough
@given(query=strategies.queries(), rows=strategies.rows, here=st.sets(st.sampled_from(strategies.CHILDREN)))
def test_adding_up_the_nodes_gives_the_pooled_answer(
    query: AggregateQuery, rows: list[Row], here: set[str], catalogue: Catalogue
) -> None:
    """Whole children kept at two nodes in any way: finishing the added statistics answers for the pooled rows."""
    plan = planned(query, catalogue)
    with engine_on([row for row in rows if row["child"] in here], catalogue) as engine:
        one = figures_of(engine.run(plan))
    with engine_on([row for row in rows if row["child"] not in here], catalogue) as engine:
        other = figures_of(engine.run(plan))
    added = {name: [sum(cell) for cell in zip(one[name], other[name], strict=True)] for name in one}
    assert finished(plan, added) == naive(query, plan, rows)


@thorough
@given(query=strategies.queries())
def test_a_query_written_out_and_read_again_is_the_same_question(query: AggregateQuery, catalogue: Catalogue) -> None:
    """Writing a query as SQL and parsing it changes neither plan id, cells, statistics nor labels."""
    plan = planned(query, catalogue)
    again = plan_query(parse_query(spell(query, catalogue.table(strategies.TABLE)), catalogue), catalogue)
    assert (again.plan_id, again.dimensions, again.statistics) == (plan.plan_id, plan.dimensions, plan.statistics)
    assert again.outputs == plan.outputs


@thorough
@given(query=strategies.queries(), rows=strategies.rows)
def test_no_row_contributes_more_than_the_plan_says(
    query: AggregateQuery, rows: list[Row], catalogue: Catalogue
) -> None:
    """With one row more, no statistic of any cell moves by more than its bound."""
    assume(rows)
    plan = planned(query, catalogue)
    with engine_on(rows, catalogue) as whole, engine_on(rows[:-1], catalogue) as less:
        after, before = figures_of(whole.run(plan)), figures_of(less.run(plan))
    for statistic in plan.statistics:
        moves = [abs(a - b) for a, b in zip(after[statistic.name], before[statistic.name], strict=True)]
        assert max(moves) <= statistic.bound


def test_every_node_of_the_model_has_a_strategy() -> None:
    """A node type without a strategy would be tested by nothing above."""
    assert {*strategies.LEAVES, *strategies.BRANCHES} == set(get_args(predicate.Predicate))
    assert set(strategies.MEASURED) == set(get_args(model.Measured))
    assert {*strategies.STATISTICS, model.Grouped, model.FitModel} == set(get_args(model.Item))
    assert set(strategies.GROUPINGS) == set(get_args(model.Grouping))
    assert {*strategies.OF_ONE, *strategies.OF_TWO, "quantile"} == set(get_args(model.Function))
