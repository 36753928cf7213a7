"""Entries as people and scripts read them: a table of the main members, or all of them as CSV or JSON."""

import csv
import io
import json
from collections.abc import Iterable

from audit.entry import Entry
from audit.event import MEMBERS, EventInvalid, format_time
from audit.patterns import Finding

_FINDING_COLUMNS = ("pattern", "entry", "at", "actor", "text")
_TABLE_COLUMNS = ("entry", "at", "actor", "acting_for", "action", "outcome", "subject", "reference", "purpose")

DELETED = "(deleted)"
"""What stands for the action of an entry whose body was deleted when its time was over."""

Row = dict[str, object]


class EntryUnreadable(Exception):
    """An entry of the log is not an event."""


def list_entries(entries: Iterable[Entry], style: str) -> str:
    """Write entries out in order, in the style "table", "csv" or "json". Raises EntryUnreadable."""
    rows = [_read_row(entry) for entry in entries]
    match style:
        case "json":
            return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
        case "csv":
            return _to_csv(rows)
        case _:
            return _to_table(rows)


def _read_row(entry: Entry) -> Row:
    if entry.deleted_by is not None:
        gone: Row = {"entry": entry.index, **dict.fromkeys(MEMBERS, "")}
        return {**gone, "action": DELETED, "fields": [], "details": {"deleted_by": entry.deleted_by}}
    try:
        return {"entry": entry.index, **entry.to_event().to_members()}
    except EventInvalid as error:
        raise EntryUnreadable(f"entry {entry.index} is not an event ({error})") from None


def _to_csv(rows: list[Row]) -> str:
    """Write every member; the list of fields and the details are cells of JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("entry", *MEMBERS))
    writer.writerows([_to_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _to_cell(value: object) -> object:
    # Purposes are other people's words: a spreadsheet would run one that begins like a sum.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        return f"'{value}"
    return value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)


def _to_table(rows: list[Row]) -> str:
    lines = [_TABLE_COLUMNS, *(tuple(str(row[column]) for column in _TABLE_COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(_to_line(line, widths) for line in lines)


def _to_line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n"


def list_findings(findings: Iterable[Finding], style: str) -> str:
    """Write what patterns found, in the style "table" or "json"."""
    rows: list[Row] = [
        {
            "pattern": each.pattern,
            "entry": each.index,
            "at": format_time(each.at),
            "actor": each.actor,
            "text": each.text,
        }
        for each in findings
    ]
    if style == "json":
        return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    lines = [_FINDING_COLUMNS, *(tuple(str(value) for value in row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(_to_line(line, widths) for line in lines)
