"""The paper's twenty questions are answered, and DuckDB running their texts gives the same figures."""

from collections.abc import Callable
from pathlib import Path

import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.engines.measurement import write_by_hand, write_rows
from query_engine.planning.plan import QueryPlan
from query_engine.questions import Question, load_questions
from tests.query_engine.plain_text import assert_text_agrees

PlanOf = Callable[[str], QueryPlan]
ROWS = 5_000


@pytest.fixture(scope="module")
def made_up(catalogue: Catalogue, plan_of: PlanOf, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    plans = [plan_of(each.sql) for each in load_questions()]
    return write_rows(tmp_path_factory.mktemp("rows"), catalogue, plans, ROWS)


def test_there_are_twenty_and_each_is_another(plan_of: PlanOf) -> None:
    assert len({plan_of(each.sql).plan_id for each in load_questions()}) == len(load_questions()) == 20


@pytest.mark.parametrize("question", load_questions(), ids=lambda question: question.asks)
def test_the_hand_written_sql_has_the_figures_of_the_plan(
    question: Question, plan_of: PlanOf, made_up: dict[str, Path]
) -> None:
    """What a question is measured against is the same work: every statistic of every cell that holds a row."""
    plan = plan_of(question.sql)
    with DuckDBEngine(made_up) as engine:
        raw, theirs = engine.run(plan), engine.fetch(write_by_hand(plan))
    cells = [[raw.statistic(each.name)[place] for each in plan.statistics] for place in range(plan.cells)]
    held = sorted(each for each in cells if any(each))
    assert held
    assert held == sorted([int(each or 0) for each in row[len(plan.dimensions) :]] for row in theirs)


@pytest.mark.parametrize("question", load_questions(), ids=lambda question: question.asks)
def test_the_text_itself_gives_the_same_figures(question: Question, plan_of: PlanOf, made_up: dict[str, Path]) -> None:
    """DuckDB on the asker's own words, which Circe never runs; quantiles, which are snapped to bins, are set aside."""
    plan = plan_of(question.sql)
    with DuckDBEngine(made_up) as engine:
        raw = engine.run(plan)
    assert_text_agrees(question.sql, raw, made_up)
