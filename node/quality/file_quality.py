"""Data quality per file and rule: what the load found, for an officer to send on. It shows where, and no value."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from federation.state import StateError
from node.ingest.rules import load_rules
from node.quality.advice import load_advice
from node.quality.places import Entry, Places, name_file
from node.service import Node

HEADINGS = ("file", "table", "period", "rule", "severity", "rows", "of", "first_rows", "text", "action", "affects")


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule that rows of a file break: how many, of how many, and the first of them as a spreadsheet numbers rows.

    `text` says what is wrong, `action` what to do about it, and `affects` which return the file goes into.
    """

    file: str
    table: str | None
    period: str | None
    rule: str
    severity: str
    rows: int
    of: int
    first_rows: tuple[int, ...]
    text: str
    action: str
    affects: str


@dataclass(frozen=True, slots=True)
class FileQuality:
    """What became of the rows of one file, and the rules that some of them break."""

    name: str
    table: str | None
    period: str | None
    affects: str
    rows_in: int
    rows_loaded: int
    rows_reported: int
    rules: tuple[FileRule, ...]


def list_files(node: Node) -> list[FileQuality]:
    """Every file in use, those of the latest load first. Raises `StateError`."""
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError(f"{node.party.member_id} has loaded no data yet: run circe node load")
    return [_describe(entry) for entry in Places(node.store, snapshot).all_files()]


def list_file_rules(node: Node) -> list[FileRule]:
    """Every rule that rows of the files in use break, the files of the latest load first. Raises `StateError`."""
    return [rule for file in list_files(node) for rule in file.rules]


def _describe(entry: Entry) -> FileQuality:
    return FileQuality(
        name=name_file(entry),
        table=entry["table"],
        period=entry["period"],
        affects=load_advice().find_return(entry["table"]),
        rows_in=entry["rows_in"],
        rows_loaded=entry["rows_loaded"],
        rows_reported=entry["rows_reported"],
        rules=tuple(_describe_rule(entry, name, rows) for name, rows in entry["rules"].items() if name in load_rules()),
    )


def _describe_rule(entry: Entry, name: str, rows: int) -> FileRule:
    rule, advice = load_rules()[name], load_advice()
    return FileRule(
        file=name_file(entry),
        table=entry["table"],
        period=entry["period"],
        rule=name,
        severity=rule.severity,
        rows=rows,
        of=entry["rows_in"],
        first_rows=tuple(entry["locators"][name]),
        text=rule.text,
        action=advice.actions[name],
        affects=advice.find_return(entry["table"]),
    )


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
