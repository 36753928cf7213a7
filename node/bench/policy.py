"""`circe bench policy`: what the access policy costs when a million children's rows are asked for.

The same query is run over the same rows without a filter and with one, for an asker to whom every row is their own, and
for askers to whom some are. Beside it, a sample is decided row by row by Casbin, as a service would that asked its
policy about each child and remembered nothing.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows
from node.row_filtering import RowFacts, filter_rows
from policies.access_policy import AccessDenied, AccessPolicy
from policies.names import CHILD_RECORD, Action, CareStatus, FieldGroup, Role
from policies.row_filter import RowFilter
from policies.sight import Asker, StandingOf

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AUTHORITY, SCHOOL = "301", 100_001
SAMPLE = 2_000
ROUNDS = 15

Seconds = tuple[float, float]
"""What something took: by the clock, and of the one thread's own time."""

FACTS = RowFacts("home_authority", "host_authority", "school_urn", "child", "care_status")

FIELDS = {
    **{f"identity_{number}": (FieldGroup.IDENTITY, f"word_{number}") for number in range(1, 5)},
    **{f"care_{number}": (FieldGroup.CARE, f"number_{number}") for number in range(1, 5)},
    **{f"education_{number}": (FieldGroup.EDUCATION, f"measure_{number}") for number in range(1, 5)},
    "sdq_score": (FieldGroup.HEALTH, "number_5"),
    "pep_quality": (FieldGroup.PLAN_PEP, "number_6"),
    "target": (FieldGroup.PLAN, "measure_5"),
}
"""Fifteen fields of a made-up record, of every group."""

ASKERS = (
    ("every row is the asker's own", Role.VIRTUAL_SCHOOL_HEAD, None, "0"),
    ("own, hosted and others' rows", Role.VIRTUAL_SCHOOL_HEAD, None, "i % 3"),
    ("one school's rows", Role.DESIGNATED_TEACHER, SCHOOL, "1"),
)
"""Who asks, as what, for which school, and how the home authority of row `i` is drawn: 0 is the asker's own."""


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, type=click.IntRange(1_000))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def policy(rows: int, form: str) -> None:
    """Measure a query over children's rows without the access policy, filtered by it, and decided row by row."""
    print_rows("policy", list(measure_policy(rows)), form)


def measure_policy(rows: int) -> Iterator[Row]:
    """One row for each asker and each kind of query: seconds of each way, the best of several rounds taken in turn.

    The ratio is that of CPU seconds: the engine has one thread, and waits for nothing.
    """
    access = AccessPolicy.load()
    for asked, role, school, home in ASKERS:
        asker = Asker("bench", role, AUTHORITY, school)
        rule = access.row_filter(role, Action.READ, AUTHORITY, school)
        with (
            tempfile.TemporaryDirectory() as directory,
            _open_rows(_make_rows(Path(directory), rows, home)) as connection,
        ):
            row_by_row = _decide_row_by_row(connection, access, asker) / SAMPLE * rows
            for query in ("reading every field", "means by school"):
                (plain, plain_cpu), (filtered, filtered_cpu) = _measure(connection, query, rule)
                yield {
                    "asked": asked,
                    "query": query,
                    "rows": rows,
                    "unfiltered_s": round(plain, 4),
                    "filtered_s": round(filtered, 4),
                    "unfiltered_cpu_s": round(plain_cpu, 4),
                    "filtered_cpu_s": round(filtered_cpu, 4),
                    "ratio": round(filtered_cpu / plain_cpu, 3),
                    "row_by_row_s": round(row_by_row, 1),
                    "row_by_row_sample": SAMPLE,
                }


def _make_rows(directory: Path, rows: int, home: str) -> Path:
    """A file of made-up children, as a snapshot keeps them."""
    import duckdb

    path = directory / "children.parquet"
    fields = [f"'w' || (i * {number}) % 1000 AS word_{number}" for number in range(1, 5)]
    fields += [f"(i * {number}) % 97 AS number_{number}" for number in range(1, 7)]
    fields += [f"((i * {number}) % 1009) / 7 AS measure_{number}" for number in range(1, 6)]
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"""COPY (SELECT md5(i::VARCHAR) AS child, [301, 302, 303][1 + {home}]::VARCHAR AS home_authority,
                    [301, 302][1 + i % 2]::VARCHAR AS host_authority, 100001 + i % 500 AS school_urn,
                    '{CareStatus.LOOKED_AFTER}' AS care_status, {", ".join(fields)}
                FROM range({rows}) AS made(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""  # noqa: S608
        )
    return path


def _open_rows(path: Path) -> "DuckDBPyConnection":
    """An engine over the file, with one thread, as the node's own."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")
    connection.read_parquet(str(path)).create_view("children")
    return connection


def _measure(connection: "DuckDBPyConnection", query: str, rule: RowFilter) -> tuple[Seconds, Seconds]:
    """The least that each way took, without the filter and with it; other work on the machine is in no CPU second."""
    filtered = filter_rows(rule, FACTS, FIELDS)
    plain = ", ".join(f"{expression} AS {name}" for name, (_, expression) in FIELDS.items())
    ways: tuple[tuple[str, dict[str, object]], ...] = (
        (_statement(query, plain, "true"), {}),
        (_statement(query, filtered.columns, filtered.condition), filtered.parameters),
    )
    found: tuple[list[Seconds], list[Seconds]] = ([], [])
    for _ in range(ROUNDS):
        for (statement, parameters), taken in zip(ways, found, strict=True):
            began = time.perf_counter(), time.process_time()
            connection.execute(statement, parameters)
            taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return _least(found[0]), _least(found[1])


def _least(taken: Sequence[Seconds]) -> Seconds:
    return min(seconds for seconds, _ in taken), min(cpu for _, cpu in taken)


def _statement(query: str, columns: str, condition: str) -> str:
    rows = f"SELECT school_urn, {columns} FROM children WHERE {condition}"  # noqa: S608 - all of it is ours
    if query == "reading every field":
        return f"CREATE OR REPLACE TEMP TABLE answer AS {rows}"
    means = ", ".join(f"avg({name})" for name in FIELDS if not name.startswith("identity"))
    return f"CREATE OR REPLACE TEMP TABLE answer AS SELECT school_urn, count(*), {means} FROM ({rows}) GROUP BY 1"  # noqa: S608


def _decide_row_by_row(connection: "DuckDBPyConnection", access: AccessPolicy, asker: Asker) -> float:
    """Seconds that Casbin takes to decide every group of every row of the sample, one request at a time."""
    rows = connection.execute(
        "SELECT child, home_authority, host_authority, school_urn FROM children LIMIT $sample", {"sample": SAMPLE}
    ).fetchall()
    began = time.perf_counter()
    for row in rows:
        for relation in asker.relations_to(StandingOf(*row)):
            for group in CHILD_RECORD:
                with suppress(AccessDenied):
                    access.ask_casbin((asker.role.value, relation.value, Action.READ.value, group.value))
    return time.perf_counter() - began
