"""How long questions take: to plan, to answer from many rows, and to answer over every authority.

The rows are made up from the catalogue alone, each column's values equally often, so that no cell is empty. An answer
is set beside hand-written SQL for the same figures: one aggregate for each statistic of the plan, in one pass over the
same file, through the same engine's connection.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from query_engine.catalogue import Catalogue, Column, GovernedTable, load_catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import finalise
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.planning.region import Region, Split
from query_engine.questions import Question, load_questions
from query_engine.rendering.conditions import render_condition

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = Mapping[str, str | int | float]

PLANNED = 20
"""How often each question is planned; the median is reported."""

RUNS = 5
"""How often each answer is worked out on warm connections, turn and turn about; the median is reported."""

_MISSING_EVERY = 23
_ROWS_PER_CHILD = 2
_YEARS = (202324, 202425)
_TYPES = {"category": "VARCHAR", "integer": "INTEGER", "boolean": "BOOLEAN"}


def measure_questions(directory: Path, rows: int) -> Iterator[Row]:
    """For each question: milliseconds to plan it, and seconds of the engine and of hand-written SQL on so many rows."""
    catalogue = load_catalogue()
    plans = [_plan(each, catalogue) for each in load_questions()]
    paths = write_rows(directory, catalogue, plans, rows)
    with DuckDBEngine(paths, memory_limit="4GB", seconds=600) as engine:
        for question, plan in zip(load_questions(), plans, strict=True):
            yield {
                "question": question.asks,
                "rows": rows,
                "plan_ms": round(1000 * statistics.median(_planning_times(question, catalogue)), 2),
                **_answering_times(engine, plan),
            }


def measure_federation(directory: Path, authorities: int, rows: int) -> Iterator[Row]:
    """For each question: seconds to answer it at every authority in turn, to add the answers up and to finish them."""
    catalogue = load_catalogue()
    plans = [_plan(each, catalogue) for each in load_questions()]
    nodes = []
    for number in range(authorities):
        home = directory / str(number)
        home.mkdir(parents=True)
        nodes.append(write_rows(home, catalogue, plans, rows, first=number * rows))
    for question, plan in zip(load_questions(), plans, strict=True):
        before = time.perf_counter()
        totals = {each.name: [0] * plan.cells for each in plan.statistics}
        answering = 0.0
        for paths in nodes:
            with DuckDBEngine(paths) as engine:
                start = time.perf_counter()
                raw = engine.run(plan)
                answering += time.perf_counter() - start
            for name, column in totals.items():
                totals[name] = [a + b for a, b in zip(column, raw.statistic(name), strict=True)]
        _finish(plan, totals)
        yield {
            "question": question.asks,
            "authorities": authorities,
            "rows": authorities * rows,
            "engine_s": round(answering, 3),
            "seconds": round(time.perf_counter() - before, 3),
        }


def _finish(plan: QueryPlan, totals: Mapping[str, Sequence[int]]) -> None:
    for place in range(plan.cells):
        figures = {name: column[place] for name, column in totals.items()}
        for output in plan.outputs:
            if output.dimension is None:
                finalise(output, figures)


def _plan(question: Question, catalogue: Catalogue) -> QueryPlan:
    return plan_query(parse_query(question.sql, catalogue), catalogue)


def _planning_times(question: Question, catalogue: Catalogue) -> Iterator[float]:
    for _ in range(PLANNED):
        before = time.perf_counter()
        assert _plan(question, catalogue).plan_id
        yield time.perf_counter() - before


def _answering_times(engine: DuckDBEngine, plan: QueryPlan) -> Row:
    """The engine's own run and the hand-written one, after one of each to warm up."""
    handwritten = write_by_hand(plan)
    ours, theirs = [], []
    for run in range(RUNS + 1):
        before = time.perf_counter()
        engine.run(plan)
        between = time.perf_counter()
        engine.fetch(handwritten)
        after = time.perf_counter()
        if run:
            ours.append(between - before)
            theirs.append(after - between)
    engine_s, handwritten_s = statistics.median(ours), statistics.median(theirs)
    return {
        "engine_s": round(engine_s, 4),
        "handwritten_s": round(handwritten_s, 4),
        "ratio": round(engine_s / handwritten_s, 2),
    }


def write_by_hand(plan: QueryPlan) -> str:
    """What a statistician would type for the same figures: one SELECT with an aggregate for each statistic."""
    key = plan.governed.child_key
    dimensions = [_expression(plan, place) for place in range(len(plan.dimensions))]
    figures = [_aggregate(plan, number, key) for number in range(len(plan.statistics))]
    where = f" WHERE {condition}" if (condition := _condition(plan.where, plan)) else ""
    sets = ", ".join("(" + ", ".join(str(place + 1) for place in each) + ")" for each in plan.sets)
    group = f" GROUP BY GROUPING SETS ({sets})" if len(plan.sets) > 1 else " GROUP BY ALL" if dimensions else ""
    return f"SELECT {', '.join([*dimensions, *figures])} FROM {plan.table}{where}{group}"  # noqa: S608


def _expression(plan: QueryPlan, place: int) -> str:
    dimension = plan.dimensions[place]
    if not dimension.regions:
        return dimension.name
    *firsts, _ = dimension.regions
    branches = " ".join(f"WHEN {_condition(each, plan)} THEN {code}" for code, each in enumerate(firsts))
    return f"CASE {branches} ELSE {len(firsts)} END" if firsts else "0"


def _condition(region: Region, plan: QueryPlan) -> str:
    """A condition as text; empty where every row meets it."""
    return render_condition(region, plan.governed).sql(dialect="duckdb") if isinstance(region, Split) else ""


def _aggregate(plan: QueryPlan, number: int, key: str) -> str:
    statistic = plan.statistics[number]
    measure = statistic.measure
    condition = _condition(measure.where, plan) if measure else ""
    columns = [plan.governed.columns[name] for name in measure.columns] if measure else []
    product = " * ".join(f"CAST({each.name} * {10**each.scale} AS BIGINT)" for each in columns)
    if statistic.kind == "nonzero":
        condition = " AND ".join(filter(None, [condition, *(f"{each.name} <> 0" for each in columns)]))
    kept = f" FILTER (WHERE {condition})" if condition else ""
    match statistic.kind:
        case "rows":
            return f"COUNT(*){kept}"
        case "children" | "nonzero":
            return f"COUNT(DISTINCT {key}){kept}"
        case _:
            return f"SUM({product}){kept}"


def write_rows(
    directory: Path, catalogue: Catalogue, plans: Sequence[QueryPlan], rows: int, first: int = 0
) -> dict[str, Path]:
    """Made-up rows of each table that the plans are of, with the columns that they use, as Parquet."""
    import duckdb

    written = {}
    with duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "4GB"}) as connection:
        for name in dict.fromkeys(plan.table for plan in plans):
            table = catalogue.table(name)
            used = frozenset[str]().union(*(plan.columns for plan in plans if plan.table == name))
            written[name] = directory / f"{name}.parquet"
            _write(connection, table, sorted(used), rows, first, written[name])
    return written


def _write(
    connection: "DuckDBPyConnection", table: GovernedTable, columns: Sequence[str], rows: int, first: int, path: Path
) -> None:
    key = f"md5(((i + {first}) // {_ROWS_PER_CHILD})::VARCHAR) AS {table.child_key}"
    made = ", ".join(f"{_made_up(table.columns[name], place)} AS {name}" for place, name in enumerate(columns))
    query = f"SELECT {key}, {made} FROM range({rows}) AS t(i)"  # noqa: S608 - names are the catalogue's
    connection.execute(f"COPY ({query}) TO {exp.Literal.string(str(path)).sql()} (FORMAT parquet)")


def _made_up(column: Column, place: int) -> str:
    """An expression for a value of the column, from the number of the row."""
    drawn = f"hash(i * 1000 + {2 * place})"
    if column.type == "boolean":
        value = f"{drawn} % 2 = 1"
    elif column.domain is not None:
        listed = _YEARS if column.name == "academic_year" else column.domain
        values = ", ".join(exp.convert(each).sql() for each in listed)
        value = f"list_extract([{values}], ({drawn} % {len(listed)})::BIGINT + 1)"
    else:
        value = f"({column.scaled_bounds[0]} + ({drawn} % {column.present_codes})::BIGINT) / {10**column.scale}"
    made = f"({value})::{_type(column)}"
    missing = f"hash(i * 1000 + {2 * place + 1}) % {_MISSING_EVERY} = 0"
    return f"CASE WHEN {missing} THEN NULL ELSE {made} END" if column.nullable else made


def _type(column: Column) -> str:
    return _TYPES.get(column.type) or f"DECIMAL(9, {column.scale})"
