"""DuckDB on an asker's own words, which Circe never runs: what the figures of a plan must come to.

Quantiles, which are snapped to bins, are set aside.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from query_engine.finalisers import finalise
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable


def assert_text_agrees(sql: str, raw: RawTable, tables: Mapping[str, Path]) -> None:
    """Hold every figure of every cell that has rows to what the text says of these tables."""
    plan = raw.plan
    figures = [{each.name: raw.statistic(each.name)[place] for each in plan.statistics} for place in range(plan.cells)]
    compared = [each for each in plan.outputs if each.dimension is None and each.kind != "quantile"]
    ours = [[finalise(each, cell) for each in compared] for cell in figures if cell["children"]]
    theirs = _run_text(sql, plan, tables, [each.label for each in compared])
    for one, other in zip(sorted(map(_numbers, ours)), sorted(map(_numbers, theirs)), strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)  # DuckDB's own are binary fractions, ours six places


def _numbers(row: Sequence[object]) -> list[float]:
    return [float(str(each or 0)) for each in row]


def _run_text(sql: str, plan: QueryPlan, tables: Mapping[str, Path], labels: list[str]) -> list[list[object]]:
    with duckdb.connect(":memory:") as connection:
        for table, path in tables.items():
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
