"""Holds every row being read against the rules: what it breaks is noted, and a rejected row goes no further.

The rules that look at one row by itself are asked while it is read, when what the file says is at hand; a row carries
the answer as bits, one for each rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from node.ingest.batches import Batch
from node.ingest.formats import InputTable
from node.ingest.rules import Rule, Stage, load_rules, rejecting_rules
from node.ingest.staged import StagedRows, show_period

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Asked = Sequence[tuple[Rule, str]]
"""Rules with the SQL that is true of a row that breaks them."""


@cache
def _row_rules(table: InputTable) -> _Asked:
    return [
        (rule, where)
        for rule in load_rules().values()
        if rule.stage == "row" and (where := rule.predicate(table)) is not None
    ]


def verdicts(table: InputTable) -> str:
    """SQL of the rules that a row of a table breaks by itself, as bits; asked of what the file says and its values."""
    bits = (f"CASE WHEN {where} THEN {1 << place} ELSE 0 END" for place, (_, where) in enumerate(_row_rules(table)))
    return f"({' + '.join(bits) or '0'})::UBIGINT"


def judge_rows(connection: DuckDBPyConnection, batches: Sequence[Batch], earlier: StagedRows) -> None:
    """Apply the rules stage by stage. What is left of the rows being read is what is loaded.

    Each stage sees only the rows that the stages before it let through, so that the first of two equal keys is
    the first good one, and a child whose Header row is rejected is unknown.
    """
    for batch in batches:
        _apply(connection, batch, _broken_rules(connection, batch), where="broken <> 0")
    stages: tuple[Stage, ...] = ("year", "set")
    for stage in stages:
        for batch in batches:
            _apply(connection, batch, _rules_of(batch, stage, set()))
    for period in dict.fromkeys(batch.period for batch in batches):
        present = show_period(connection, period, batches, earlier)
        for batch in batches:
            if batch.period == period:
                _apply(connection, batch, _rules_of(batch, "link", present))


def _broken_rules(connection: DuckDBPyConnection, batch: Batch) -> _Asked:
    """The rules that some row of a batch breaks by itself. Most files have none, and their rows need no second look."""
    (bits,) = connection.execute(f"FROM {batch.rows} SELECT coalesce(bit_or(broken), 0)").fetchall()[0]
    return [
        (rule, f"broken & {1 << place} <> 0")
        for place, (rule, _) in enumerate(_row_rules(batch.table))
        if bits & 1 << place
    ]


def _rules_of(batch: Batch, stage: Stage, present: set[str]) -> _Asked:
    return [
        (rule, where)
        for rule in load_rules().values()
        if rule.stage == stage and (rule.needs is None or rule.needs in present)
        if (where := rule.predicate(batch.table, batch.period.academic_year)) is not None
    ]


def _apply(connection: DuckDBPyConnection, batch: Batch, rules: _Asked, where: str = "true") -> None:
    """Note the rows of a batch that break rules, every rule on the same rows, and then reject those that are to be."""
    looks: dict[str, list[tuple[Rule, str]]] = {}
    for rule, broken in rules:
        looks.setdefault(rule.suspects(batch.table, batch.rows), []).append((rule, broken))
    noted = [_note(connection, batch, asked, f"{where} AND {among}") for among, asked in looks.items()]
    if any(noted):
        _reject(connection, batch)


def _note(connection: DuckDBPyConnection, batch: Batch, rules: _Asked, among: str) -> bool:
    """Note every rule that the rows among a batch's break, in one look at them. Whether any breaks one."""
    asked = ", ".join(f"({where}) AS broken_{place}" for place, (_, where) in enumerate(rules))
    any_broken = " OR ".join(f"broken_{place}" for place in range(len(rules)))
    names = ", ".join(f"CASE WHEN broken_{place} THEN '{rule.name}' END" for place, (rule, _) in enumerate(rules))
    noted = connection.execute(
        f"INSERT INTO findings FROM (FROM {batch.rows} AS this SELECT file, record, {asked} WHERE {among}) "
        f"SELECT file, record, unnest(list_filter([{names}], lambda name: name IS NOT NULL)) WHERE {any_broken}"
    ).fetchone()
    return noted is not None and noted[0] > 0


def _reject(connection: DuckDBPyConnection, batch: Batch) -> None:
    files = ", ".join(map(str, batch.files))
    connection.execute(
        f"DELETE FROM {batch.table.reading} WHERE (file, record) IN "  # noqa: S608 - every part is written here
        f"(FROM findings SELECT file, record WHERE file IN ({files}) AND list_contains($rejecting, rule))",
        {"rejecting": list(rejecting_rules())},
    )
