"""Taking the dataset of plans out of a node, and in: files at one end, the records at the other.

An export is a copy: it takes the right to export, group by group. An import changes many records at once: every line is
read first, and where one is wrong nothing is changed; all changes and their entries in the log are one transaction.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation.spreadsheet import write_spreadsheet
from federation.state import write_file
from node.tracking.changing import ReasonMissing, change_event
from node.tracking.children import find_granted
from node.tracking.dataset import SHEETS, LineFault, ReadLine, read_sheet, write_sheets
from node.tracking.facts import Fact
from node.tracking.kinds import key_of, kind_of
from node.tracking.record import TrackingRecord
from node.tracking.spreadsheet import SpreadsheetUnreadable, read_spreadsheet
from node.tracking.store import add_entries, read_record
from node.tracking.visit import Visit
from policies.access_policy import AccessDenied, DenialCode
from policies.names import Action, FieldGroup

MOST_BYTES = 32 * 1024 * 1024


class ImportRefused(Exception):
    """Nothing was imported; `faults` has a line for each line that is wrong."""

    def __init__(self, faults: Sequence[LineFault]) -> None:
        super().__init__(f"{len(faults)} lines are wrong, so nothing was changed")
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Imported:
    """What an import came to: lines read, facts that were new or changed, and children whose record changed."""

    lines: int
    facts: int
    children: int


def export_dataset(visit: Visit, target: Path) -> int:
    """Write the dataset to a file (.xlsx) or a directory of CSV files, and return how many facts are in it.

    Raises `AccessDenied` where the visitor may export nobody's record. What they may not export is left out.
    """
    granted = find_granted(visit.node, visit.snapshot, visit.person, Action.EXPORT)
    children = [child for child in visit.children if FieldGroup.IDENTITY in granted.get(child.token, frozenset())]
    if not children:
        raise AccessDenied(DenialCode.NOT_PERMITTED, f"the role {visit.person.role} may not export tracking records")
    records = visit.records()
    facts = [
        (child, entry.fact)
        for child in children
        for entry in records[child.token].standing.values()
        if kind_of(entry.fact).group in granted[child.token]
    ]
    sheets = write_sheets(facts)
    visit.sign_for([child for child in children if records[child.token].standing], page="export", copied=True)
    if target.suffix == ".xlsx":
        write_file(target, write_spreadsheet(sheets))
    else:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, rows in sheets.items():
            write_file(target / f"{name}.csv", _as_csv(rows))
    return sum(len(rows) - 1 for rows in sheets.values())


def _as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def import_dataset(visit: Visit, paths: Sequence[Path], reason: str) -> Imported:
    """Set down what the lines of some files tell, all of it or nothing.

    A fact that holds already as it is told changes nothing. Raises `ImportRefused` with every line that is wrong, and
    `ReasonMissing`.
    """
    if not reason.strip():
        raise ReasonMissing("say why the records are changed: it is kept and logged")
    read = list(_read_files(visit, paths))
    faults = [each for each in read if isinstance(each, LineFault)]
    if faults:
        raise ImportRefused(faults)
    lines = [each for each in read if isinstance(each, ReadLine)]
    return _set_down(visit, lines, reason.strip())


def _read_files(visit: Visit, paths: Sequence[Path]) -> Iterator[ReadLine | LineFault]:
    for path in paths:
        try:
            sheets = _read_file(path)
        except (SpreadsheetUnreadable, UnicodeDecodeError, csv.Error) as error:
            told = str(error) if isinstance(error, SpreadsheetUnreadable) else "this is no CSV file in UTF-8"
            yield LineFault(path.name, 1, "", told)
            continue
        for title, rows in sheets:
            yield from read_sheet(title, rows, visit.children)


def _read_file(path: Path) -> list[tuple[str, Sequence[Sequence[str]]]]:
    if path.stat().st_size > MOST_BYTES:
        raise SpreadsheetUnreadable(f"the file is larger than {MOST_BYTES >> 20} MiB: split it")
    data = path.read_bytes()
    if path.suffix == ".xlsx":
        filled = {name: rows for name, rows in read_spreadsheet(data).items() if rows and name in SHEETS}
        return [(f"{path.name}, sheet {name}", rows) for name, rows in filled.items()]
    return [(path.name, list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)))]


def _set_down(visit: Visit, lines: Sequence[ReadLine], reason: str) -> Imported:
    node, by_child = visit.node, {line.child.token: line.child for line in lines}
    count = changed = 0
    with node.database.transaction() as connection:
        for token, child in by_child.items():
            record = read_record(connection, token)
            facts = list(_news(record, [line for line in lines if line.child.token == token]))
            if facts:
                event = change_event(visit, child, facts, reason)
                told = {"by": visit.person.id, "role": str(visit.person.role), "reason": reason}
                add_entries(connection, token, record.version, facts, at=node.clock(), **told)
                node.database.log.append(connection, event)
                count, changed = count + len(facts), changed + 1
    return Imported(len(lines), count, changed)


def _news(record: TrackingRecord, lines: Sequence[ReadLine]) -> Iterator[Fact]:
    """The facts that are not in the record as they are told. Of two lines about the same, the file is wrong."""
    told: dict[tuple[str, str], ReadLine] = {}
    for line in lines:
        earlier = told.setdefault(key_of(line.fact), line)
        if earlier is not line:
            fault = LineFault(line.sheet, line.line, "", f"this tells of the same as line {earlier.line}: keep one")
            raise ImportRefused([fault])
        standing = record.standing.get(key_of(line.fact))
        if standing is None or standing.fact != line.fact:
            yield line.fact
