"""One question has one plan id however it is spelled, and two questions have two; and the plans' answers are true."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import finalise
from query_engine.plan import QueryPlan
from tests.query_engine.golden_files import Block, read_blocks
from tests.query_engine.golden_tables import write_golden_tables

SAME = read_blocks("same_question.sql")
DIFFERENT = read_blocks("different_questions.sql")
STATEMENTS = sorted({statement for block in SAME + DIFFERENT for statement in block.statements})

PlanOf = Callable[[str], QueryPlan]


@pytest.mark.parametrize("block", SAME, ids=str)
def test_one_question_has_one_plan(block: Block, plan_of: PlanOf) -> None:
    """Spellings of one question share the id, the cells, the statistics and the rendered SQL's meaning."""
    plans = [plan_of(statement) for statement in block.statements]
    assert len(plans) > 1
    assert len({plan.plan_id for plan in plans}) == 1
    assert len({plan.canonical for plan in plans}) == 1
    assert len({(plan.dimensions, plan.statistics, plan.where) for plan in plans}) == 1


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
    answers = {}
    for place, cell in enumerate(plan.iter_cells()):
        figures = {each.name: raw.statistic(each.name)[place] for each in plan.statistics}
        if plan.dimensions and figures["children"] == 0:
            continue
        categories = dict(zip((each.name for each in plan.dimensions), cell, strict=True))
        row = {o.label: categories[o.dimension] if o.dimension else finalise(o, figures) for o in plan.outputs}
        answers[_key(row)] = row
    assert answers == {_key(row): row for row in _run_text(statement, plan, snapshot)}


def _run_text(statement: str, plan: QueryPlan, snapshot: dict[str, Path]) -> Iterator[dict[str, Any]]:
    with duckdb.connect(":memory:") as connection:
        for table, path in snapshot.items():
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
        connection.execute(statement.replace("AVG(uasc)", "AVG(uasc::INT)"))
        labels = [column[0] for column in connection.description]
        for row in connection.fetchall():
            named = dict(zip(labels, row, strict=True))
            named.pop(plan.authority_column, None)
            yield {label: round(Decimal(v), 6) if isinstance(v, float) else v for label, v in named.items()}


def _key(row: dict[str, Any]) -> str:
    return repr(sorted((label, str(value)) for label, value in row.items() if isinstance(value, str | bool | None)))
