"""Taking the dataset of plans in: what some files would change, and then the change itself.

Every line is read first, and where one is wrong nothing is changed. What an import would do can be seen before it is
done; where a record has moved on since, nothing is done. All changes and their entries in the log are one transaction.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.tracking.changing import ReasonMissing, change_event
from node.tracking.dataset import SHEETS, LineFault, ReadLine, read_sheet
from node.tracking.facts import Fact
from node.tracking.kinds import key_of, kind_of, write_fact
from node.tracking.known import KnownChild
from node.tracking.record import TrackingRecord
from node.tracking.spreadsheet import SpreadsheetUnreadable, read_spreadsheet
from node.tracking.store import add_entries, read_record
from node.tracking.visit import Visit

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


@dataclass(frozen=True, repr=False)
class Change:
    """What an import would do to one child's record: the version that it was worked out upon, and the facts."""

    child: KnownChild
    version: int
    facts: tuple[Fact, ...]
    replaced: int


@dataclass(frozen=True, repr=False)
class Proposal:
    """Everything that an import would do, and a digest by which it is known again."""

    lines: int
    changes: tuple[Change, ...]

    @property
    def facts(self) -> int:
        """How many facts are new, or told otherwise than they stand."""
        return sum(len(change.facts) for change in self.changes)

    @property
    def digest(self) -> str:
        """The same for what would be done to the same records as they stand now, and for nothing else."""
        told = [
            (each.child.token, each.version, [(kind_of(fact).name, write_fact(fact)) for fact in each.facts])
            for each in self.changes
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def propose_import(visit: Visit, files: Iterable[tuple[str, bytes]]) -> Proposal:
    """Work out what the lines of some files, each with its name, would change.

    Raises `ImportRefused` with every line that is wrong.
    """
    read = list(_read_files(visit, files))
    faults = [each for each in read if isinstance(each, LineFault)]
    if faults:
        raise ImportRefused(faults)
    lines = [each for each in read if isinstance(each, ReadLine)]
    by_child: dict[str, list[ReadLine]] = {}
    for line in lines:
        by_child.setdefault(line.child.token, []).append(line)
    changes = (_propose(visit, each) for each in by_child.values())
    return Proposal(len(lines), tuple(change for change in changes if change.facts))


def _propose(visit: Visit, lines: Sequence[ReadLine]) -> Change:
    child = lines[0].child
    record = read_record(visit.node.database.connection, child.token)
    facts = tuple(_news(record, lines))
    return Change(child, record.version, facts, sum(key_of(fact) in record.standing for fact in facts))


def take_import(visit: Visit, proposal: Proposal, reason: str) -> Imported:
    """Set down what an import would, all of it or nothing.

    Raises `ReasonMissing`, and `RecordMoved` where a record is not as it was when the import was worked out.
    """
    node, reason = visit.node, reason.strip()
    events = [change_event(visit, each.child, each.facts, reason) for each in proposal.changes]
    told = {"by": visit.person.id, "role": str(visit.person.role), "reason": reason}
    with node.database.transaction() as connection:
        for each in proposal.changes:
            add_entries(connection, each.child.token, each.version, each.facts, at=node.clock(), **told)
        node.database.log.append(connection, *events)
    return Imported(proposal.lines, proposal.facts, len(proposal.changes))


def import_dataset(visit: Visit, paths: Sequence[Path], reason: str) -> Imported:
    """Set down what the lines of some files tell, all of it or nothing.

    A fact that holds already as it is told changes nothing. Raises `ImportRefused` with every line that is wrong,
    `ReasonMissing`, and `RecordMoved` where somebody changed a record meanwhile.
    """
    if not reason.strip():
        raise ReasonMissing("say why the records are changed: it is kept and logged")
    return take_import(visit, propose_import(visit, map(_read_path, paths)), reason)


def _read_path(path: Path) -> tuple[str, bytes]:
    # One byte more than is read tells that there is more.
    with path.open("rb") as file:
        return path.name, file.read(MOST_BYTES + 1)


def _read_files(visit: Visit, files: Iterable[tuple[str, bytes]]) -> Iterator[ReadLine | LineFault]:
    for name, data in files:
        try:
            sheets = _read_file(name, data)
        except (SpreadsheetUnreadable, UnicodeDecodeError, csv.Error) as error:
            told = str(error) if isinstance(error, SpreadsheetUnreadable) else "this is no CSV file in UTF-8"
            yield LineFault(name, 1, "", told)
            continue
        for title, rows in sheets:
            yield from read_sheet(title, rows, visit.children)


def _read_file(name: str, data: bytes) -> list[tuple[str, Sequence[Sequence[str]]]]:
    if len(data) > MOST_BYTES:
        raise SpreadsheetUnreadable(f"the file is larger than {MOST_BYTES >> 20} MiB: split it")
    if name.endswith(".xlsx"):
        filled = {title: rows for title, rows in read_spreadsheet(data).items() if rows and title in SHEETS}
        return [(f"{name}, sheet {title}", rows) for title, rows in filled.items()]
    return [(name, list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)))]


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
