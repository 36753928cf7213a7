"""Data quality per file and rule: what the load found, for an officer to send on. It shows where, and no value."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from federation.state import StateError
from node.ingest.rules import load_rules
from node.quality.places import Places, name_file
from node.service import Node

HEADINGS = ("file", "table", "period", "rule", "severity", "rows", "of", "first_rows", "text")


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule that rows of a file break: how many, of how many, and the first of them as a spreadsheet numbers rows."""

    file: str
    table: str | None
    period: str | None
    rule: str
    severity: str
    rows: int
    of: int
    first_rows: tuple[int, ...]
    text: str


def list_file_rules(node: Node) -> list[FileRule]:
    """Every rule that rows of the files in use break, the files of the latest load first. Raises `StateError`."""
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError(f"{node.party.member_id} has loaded no data yet: run circe node load")
    rules = load_rules()
    return [
        FileRule(
            name_file(entry),
            entry["table"],
            entry["period"],
            name,
            rules[name].severity,
            rows,
            entry["rows_in"],
            tuple(entry["locators"][name]),
            rules[name].text,
        )
        for entry in Places(node.store, snapshot).all_files()
        for name, rows in entry["rules"].items()
        if name in rules
    ]


def to_json(found: Sequence[FileRule]) -> str:
    """The list as JSON text."""
    return json.dumps([asdict(each) for each in found])


def to_rows(found: Sequence[FileRule]) -> list[tuple[object, ...]]:
    """The list as rows under `HEADINGS`, with the row numbers in one cell."""
    return [
        tuple(" ".join(map(str, each.first_rows)) if name == "first_rows" else getattr(each, name) for name in HEADINGS)
        for each in found
    ]


def to_text(found: Sequence[FileRule]) -> str:
    """The list for reading, file by file."""
    if not found:
        return "No row of the files in use breaks a rule of the load.\n"
    lines: list[str] = []
    for heading, rules in groupby(found, key=_heading):
        lines += [heading, *map(_line, rules)]
    return "\n".join(lines) + "\n"


def _heading(each: FileRule) -> str:
    return f"{each.file} ({each.table or 'not recognised'}, {each.period or 'no period'}; {each.of:,} rows)"


def _line(each: FileRule) -> str:
    rows = ", ".join(map(str, each.first_rows)) + (", ..." if each.rows > len(each.first_rows) else "")
    return f"  {each.rows:,} {each.severity}: {each.rule}. {each.text} Rows {rows}"
