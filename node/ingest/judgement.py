"""Holds every row being read against the rules: what it breaks is noted, and a rejected row goes no further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.ingest.batches import Batch
from node.ingest.rules import Rule, Stage, load_rules, rejecting_rules
from node.ingest.staged import StagedRows, show_period

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge_rows(connection: DuckDBPyConnection, batches: Sequence[Batch], earlier: StagedRows) -> None:
    """Apply the rules stage by stage. What is left of the rows being read is what is loaded.

    Each stage sees only the rows that the stages before it let through, so that the first of two equal keys is
    the first good one, and a child whose Header row is rejected is unknown.
    """
    for stage in ("row", "set"):
        for batch in batches:
            _apply(connection, batch, stage, present=set())
    for period in dict.fromkeys(batch.period for batch in batches):
        present = show_period(connection, period, batches, earlier)
        for batch in batches:
            if batch.period == period:
                _apply(connection, batch, "link", present)


def _apply(connection: DuckDBPyConnection, batch: Batch, stage: Stage, present: set[str]) -> None:
    rules = [
        (rule, where)
        for rule in load_rules().values()
        if rule.stage == stage and (rule.needs is None or rule.needs in present)
        if (where := rule.predicate(batch.table)) is not None
    ]
    if rules and _note(connection, batch, rules):
        _reject(connection, batch)


def _note(connection: DuckDBPyConnection, batch: Batch, rules: Sequence[tuple[Rule, str]]) -> bool:
    """Note every rule that every row of a batch breaks, in one look at the rows. Whether any breaks one."""
    verdicts = ", ".join(f"CASE WHEN {where} THEN '{rule.name}' END" for rule, where in rules)
    broken = f"list_filter([{verdicts}], lambda name: name IS NOT NULL)"
    noted = connection.execute(
        f"INSERT INTO findings FROM (FROM {batch.rows} AS this SELECT file, record, {broken} AS broken) "
        "SELECT file, record, unnest(broken) WHERE len(broken) > 0"
    ).fetchone()
    return noted is not None and noted[0] > 0


def _reject(connection: DuckDBPyConnection, batch: Batch) -> None:
    files = ", ".join(map(str, batch.files))
    connection.execute(
        f"DELETE FROM {batch.table.reading} WHERE (file, record) IN "  # noqa: S608 - every part is written here
        f"(FROM findings SELECT file, record WHERE file IN ({files}) AND list_contains($rejecting, rule))",
        {"rejecting": list(rejecting_rules())},
    )
