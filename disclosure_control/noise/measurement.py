"""How long noise takes at one node: drawing its share for every cell of a table, beside running the table itself."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from disclosure_control.noise.shares import add_noise_share
from disclosure_control.noise.terms import NoiseTerms
from query_engine.catalogue import load_catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.engines.measurement import write_rows
from query_engine.language.parser import parse_query
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query

__all__ = ["measure_noise"]

RUNS = 15
"""How often each is done, turn and turn about, after one of each to warm up; the median is reported."""

TERMS = NoiseTerms("1", parties=153, dropouts=20, colluders=7)
"""England, with the tolerance that the utility of noise is stated for."""

GROUPED = ("age", "age, ethnicity_major", "age, need, sex", "age, need, sex, birth_term")
"""What counts are grouped by: tables of 27, 216, 972 and 3,888 cells."""


def measure_noise(directory: Path, rows: int) -> Iterator[Mapping[str, str | int | float]]:
    """For each table: seconds to run it from so many rows, and to draw a node's share of the noise for every cell."""
    plans = [_plan(grouped) for grouped in GROUPED]
    with DuckDBEngine(write_rows(directory, load_catalogue(), plans, rows)) as engine:
        for plan in plans:
            raw = engine.run(plan)
            running, noising = _time(lambda plan=plan: engine.run(plan), lambda raw=raw: add_noise_share(raw, TERMS))  # type: ignore[misc]
            yield {
                "cells": plan.cells,
                "statistics": len(plan.statistics),
                "rows": rows,
                "engine_s": round(running, 5),
                "noise_s": round(noising, 5),
                "ratio": round((running + noising) / running, 3),
            }


def _plan(grouped: str) -> QueryPlan:
    catalogue = load_catalogue()
    sql = f"SELECT {grouped}, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 GROUP BY {grouped}"  # noqa: S608
    return plan_for_path(plan_query(parse_query(sql, catalogue), catalogue), "noisy_sum")


def _time(*acts: Callable[[], object]) -> list[float]:
    """The median of how long each act takes."""
    taken: list[list[float]] = [[] for _ in acts]
    for run in range(RUNS + 1):
        for place, act in enumerate(acts):
            before = time.perf_counter()
            act()
            if run:
                taken[place].append(time.perf_counter() - before)
    return [statistics.median(each) for each in taken]
