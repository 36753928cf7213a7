"""The paper's twenty questions are answered, and DuckDB running their texts gives the same figures."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.engines.measurement import write_by_hand, write_rows
from query_engine.finalisers import finalise
from query_engine.planning.plan import QueryPlan
from query_engine.questions import Question, load_questions

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
    figures = [{each.name: raw.statistic(each.name)[place] for each in plan.statistics} for place in range(plan.cells)]
    compared = [each for each in plan.outputs if each.dimension is None and each.kind != "quantile"]
    ours = [[finalise(each, cell) for each in compared] for cell in figures if cell["children"]]
    theirs = _run_text(question.sql, plan, made_up, [each.label for each in compared])
    for one, other in zip(sorted(map(_numbers, ours)), sorted(map(_numbers, theirs)), strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)  # DuckDB's own are binary fractions, ours six places


def _numbers(row: Sequence[object]) -> list[float]:
    return [float(str(each or 0)) for each in row]


def _run_text(sql: str, plan: QueryPlan, made_up: dict[str, Path], labels: list[str]) -> list[list[object]]:
    with duckdb.connect(":memory:") as connection:
        for table, path in made_up.items():
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
        connection.execute(_bins(plan))
        found = connection.execute(_as_numbers(sql, plan)).fetchall()
        names = [each[0] for each in connection.description or ()]
    return [[row[names.index(label)] for label in labels] for row in found]


def _as_numbers(sql: str, plan: QueryPlan) -> str:
    """AVG of yes/no written out, which DuckDB leaves to the asker."""
    flags = "|".join(each.name for each in plan.governed.columns.values() if each.role == "flag")
    return re.sub(rf"AVG\(({flags})\)", r"AVG(\1::INT)", sql)


def _bins(plan: QueryPlan) -> str:
    """The declared bins of the one measure that a question is grouped by."""
    edges = plan.governed.columns["suspension_days"].bins if "suspension_days" in plan.governed.columns else ()
    bins = " ".join(f"WHEN x >= {edge} THEN '{edge}'" for edge in reversed(edges)) or "WHEN true THEN ''"
    return f"CREATE MACRO bin(x) AS CASE {bins} END"
