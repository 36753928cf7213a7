"""One question has one plan id however it is spelled, and two questions have two; and the plans' answers are true."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from math import isnan
from pathlib import Path
from typing import Any

import duckdb
import pytest

from query_engine.catalogue import Catalogue, Column
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import finalise
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from tests.query_engine.golden_files import Block, read_blocks
from tests.query_engine.golden_tables import write_golden_tables

SAME = read_blocks("same_question.sql")
DIFFERENT = read_blocks("different_questions.sql")
STATEMENTS = sorted({statement for block in SAME + DIFFERENT for statement in block.statements})

Named = dict[str, Any]
PlanOf = Callable[[str], QueryPlan]


@pytest.mark.parametrize("block", SAME, ids=str)
def test_one_question_has_one_plan(block: Block, plan_of: PlanOf) -> None:
    """Spellings of one question share the id, the cells, the statistics and the rendered SQL's meaning."""
    plans = [plan_of(statement) for statement in block.statements]
    assert len(plans) > 1
    assert len({plan.plan_id for plan in plans}) == 1
    assert len({plan.canonical for plan in plans}) == 1
    assert len({(plan.statistics, plan.where, plan.cells) for plan in plans}) == 1
    assert len({tuple(each.name for each in plan.dimensions) for plan in plans}) == 1


@pytest.mark.parametrize("block", DIFFERENT, ids=str)
def test_two_questions_have_two_plans(block: Block, plan_of: PlanOf) -> None:
    """Questions that only look alike never share an id."""
    assert len(block.statements) > 1
    assert len({plan_of(statement).plan_id for statement in block.statements}) == len(block.statements)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> dict[str, Path]:
    """Both tables of one authority."""
    return write_golden_tables(tmp_path_factory.mktemp("snapshot"), catalogue)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_plan_gives_what_the_text_says(statement: str, plan_of: PlanOf, snapshot: dict[str, Path]) -> None:
    """DuckDB running the text itself, which Circe never does, agrees with the plan in every cell that has rows."""
    plan = plan_of(statement)
    with DuckDBEngine(snapshot) as engine:
        raw = engine.run(plan)
    answers: dict[str, Named] = {}
    for place, cell in enumerate(plan.iter_cells()):
        figures = {each.name: raw.statistic(each.name)[place] for each in plan.statistics}
        if plan.dimensions and figures["children"] == 0:
            continue
        categories = dict(zip((each.name for each in plan.dimensions), cell, strict=True))
        row = {o.label: categories[o.dimension] if o.dimension else finalise(o, figures) for o in plan.outputs}
        answers[_key(row, plan)] = row
    expected = {_key(row, plan): row for row in _run_text(statement, plan, snapshot)}
    assert answers.keys() == expected.keys()
    for key, row in answers.items():
        for output in plan.outputs:
            assert _is_near(row[output.label], _snapped(expected[key][output.label], output, plan)), output.label


def _run_text(statement: str, plan: QueryPlan, snapshot: dict[str, Path]) -> Iterator[Named]:
    with duckdb.connect(":memory:") as connection:
        for table, path in snapshot.items():
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
        connection.execute(_in_duckdb(statement, plan))
        labels = [column[0] for column in connection.description]
        for row in connection.fetchall():
            named = dict(zip(labels, row, strict=True))
            named.pop(plan.authority_column, None)
            over = named.pop("left_out", 0)
            for place, dimension in enumerate(reversed(plan.dimensions)):
                if over >> place & 1:
                    named[next(o.label for o in plan.outputs if o.dimension == dimension.name)] = TOTAL
            yield named


def _in_duckdb(statement: str, plan: QueryPlan) -> str:
    """The text as DuckDB takes it: bins written out, yes and no as figures, totals told from missing values.

    A line that begins with HAVING, ORDER BY or LIMIT is a view of the answer and not part of it. A quantile between two
    values is compared by the lower one, for what is compared is its bin.
    """
    statement = re.sub(r"\n(HAVING|ORDER BY|LIMIT) .*", "", statement)
    statement = re.sub(r"BIN\((\w+)\)", lambda found: _written_out(plan.governed.columns[found[1]]), statement)
    statement = re.sub(r"MEDIAN\((\w+)\)", r"QUANTILE_DISC(\1, 0.5)", statement).replace("_CONT(", "_DISC(")
    statement = statement.replace("AVG(uasc)", "AVG(uasc::INT)").replace("* uasc", "* uasc::INT")
    if len(plan.sets) > 1:
        columns = ", ".join(each.name for each in plan.dimensions)
        statement = statement.replace(" FROM ", f", GROUPING({columns}) AS left_out FROM ", 1)
    return statement


def _written_out(column: Column) -> str:
    assert column.bounds is not None
    names = []
    for least, after in pairwise([*column.bins, column.bounds[1] + 1]):
        is_last = after > column.bounds[1]
        name = f"{least} or more" if is_last else f"{least}" if after == least + 1 else f"{least} to {after - 1}"
        names.append(f"WHEN {column.name} >= {least} AND {column.name} < {after} THEN '{name}'")
    return f"CASE {' '.join(names)} END"


def _snapped(value: Any, output: Output, plan: QueryPlan) -> Any:
    """What the text says in the plan's terms: a quantile by the middle of its bin, and a sum of nothing as 0."""
    if value is None:
        return 0 if output.kind == "sum" else None
    if output.kind != "quantile":
        return value
    (name,) = output.measures[0].columns
    column = plan.governed.columns[name]
    assert column.bounds is not None
    ends = pairwise([*column.bins, column.bounds[1] + 1])
    return next((least + after - 1) / 2 for least, after in ends if least <= value < after)


def _is_near(mine: Any, theirs: Any) -> bool:
    if isinstance(theirs, float) and isnan(theirs):
        return mine is None
    if isinstance(mine, int | Decimal) and isinstance(theirs, int | float | Decimal):
        return abs(float(mine) - float(theirs)) <= 1e-6 * max(1.0, abs(float(theirs)))
    return bool(mine == theirs)


def _key(row: Named, plan: QueryPlan) -> str:
    return repr([str(row[each.label]).removesuffix(".0") for each in plan.outputs if each.dimension is not None])
