"""Loading files into a node, with the load in its log, and describing what it serves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from audit.event import Action
from federation.state import StateError
from node.coverage import survey_snapshot
from node.ingest.load import load_files
from node.ingest.report import LoadReport
from node.service import open_node


def load_into(directory: Path, paths: Sequence[Path], year: int | None, progress: Callable[[str], None]) -> LoadReport:
    """Load return files into a new snapshot of the node in `directory`, and log that it was done.

    Raises `NothingUsable`, with its report, when no row could be loaded; the node then serves what it served before.
    """
    node = open_node(directory)
    report = load_files(
        paths,
        store=node.store,
        authority=node.authority,
        token_key=node.party.keys.row_secret,
        year=year,
        progress=progress,
    )
    rows = sum(file.rows_loaded for file in report.files)
    node.record(
        node.event(
            Action.NODE_LOADED,
            node.party.member_id,
            report.snapshot or "",
            files=len(report.files),
            rows_loaded=rows,
            rows_reported=sum(file.rows_reported for file in report.files),
        )
    )
    return report


def describe_snapshot(directory: Path, form: str) -> str:
    """Return what the node serves: snapshot, years, rows and the columns that have no source, as text or JSON."""
    node = open_node(directory)
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError(f"{node.party.member_id} has loaded no data yet: run circe node load")
    tables = survey_snapshot(snapshot)
    if form == "json":
        years = list(snapshot.academic_years)
        covered = {name: asdict(table) for name, table in tables.items()}
        return json.dumps({"snapshot": snapshot.id, "academic_years": years, "tables": covered})
    lines = [f"{node.party.member_id} serves snapshot {snapshot.id}"]
    for name, table in tables.items():
        lines.append(f"  {name}: {table.rows} rows")
        lines.append(f"    NULL in every row, for lack of a source: {', '.join(table.empty_columns) or 'no column'}")
    return "\n".join(lines)
