"""Loading files into a node, with the load in its log, and describing what it serves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from audit.event import Action
from federation.state import StateError
from node.contact import find_contact_fault
from node.coverage import survey_snapshot
from node.host_facts import find_facts
from node.ingest.load import load_files, rebuild_tables
from node.ingest.report import LoadReport
from node.quality.comparison import compare_snapshots
from node.quality.readiness import assess_readiness
from node.service import Node, open_node
from node.snapshots import Snapshot
from node.tracking.feed import tell_tracked
from node.tracking.newcomers import match_newcomers


def load_into(
    directory: Path,
    paths: Sequence[Path],
    year: int | None,
    progress: Callable[[str], None],
    mappings: Sequence[Path] = (),
) -> LoadReport:
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
        mappings=mappings,
        host_facts=find_facts(directory),
        tracked=tell_tracked(node),
        progress=progress,
    )
    rows = sum(file.rows_loaded for file in report.files)
    _match(node, progress)
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


def rebuild_snapshot(directory: Path, progress: Callable[[str], None] = lambda _: None) -> LoadReport:
    """Build a new snapshot of the rows loaded before, what hosts have told since and the tracking records; log it.

    The report is of no file. Raises `LoadRefused` where nothing was loaded before.
    """
    node = open_node(directory)
    facts = find_facts(directory)
    report = rebuild_tables(
        store=node.store,
        authority=node.authority,
        token_key=node.party.keys.row_secret,
        host_facts=facts,
        tracked=tell_tracked(node),
        progress=progress,
    )
    _match(node, progress)
    node.record(
        node.event(Action.NODE_LOADED, node.party.member_id, report.snapshot or "", files=0, host_answers=len(facts))
    )
    return report


def _match(node: Node, progress: Callable[[str], None]) -> None:
    """Find the children who were entered by hand in what was loaded."""
    snapshot = node.store.current()
    matched = match_newcomers(node, snapshot) if snapshot is not None else 0
    if matched:
        progress(f"{matched} children who had been entered by hand are in the returns now")


def describe_snapshot(directory: Path, form: str) -> str:
    """Return what the node serves, as text or JSON.

    That is: snapshot, years and rows, the columns that have no source, how ready it is for the factors, and what
    its rules lack.
    """
    node, snapshot = _open_current(directory)
    fault = find_contact_fault(node.rules().lookups.contact)
    findings = [fault] if fault else []
    tables, readiness = survey_snapshot(snapshot), assess_readiness(snapshot)
    if form == "json":
        years = list(snapshot.academic_years)
        covered = {name: asdict(table) for name, table in tables.items()}
        described = {"snapshot": snapshot.id, "academic_years": years, "tables": covered}
        return json.dumps({**described, "readiness": readiness.to_dict(), "findings": findings})
    lines = [f"{node.party.member_id} serves snapshot {snapshot.id}"]
    for name, table in tables.items():
        lines.append(f"  {name}: {table.rows} rows")
        if table.empty_columns:
            lines.append(f"    NULL in every row, for lack of a source: {', '.join(table.empty_columns)}")
    return "\n".join([*lines, *readiness.to_lines(), *(f"To be mended: {each}" for each in findings)])


def compare_with(directory: Path, earlier: str, form: str) -> str:
    """Return what changed from an earlier snapshot to the one in use, and which files caused it, as text or JSON.

    Raises `SnapshotMissing`.
    """
    node, snapshot = _open_current(directory)
    comparison = compare_snapshots(node.store, node.store.get(earlier), snapshot)
    return comparison.to_json() if form == "json" else comparison.to_text().rstrip()


def _open_current(directory: Path) -> tuple[Node, Snapshot]:
    """The node and the snapshot it serves. Raises `StateError` where there is none yet."""
    node = open_node(directory)
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError(f"{node.party.member_id} has loaded no data yet: run circe node load")
    return node, snapshot
