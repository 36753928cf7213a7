"""Where a row that the node keeps stood in the file it came from, as a spreadsheet shows it: the header is row 1.

The node keeps accepted rows in the order of their files, and the load report of the snapshot that first kept them says
which files those were and which rows were turned away. Where the report lists only the first of many rejected rows, or
later loads have added to the rows, the row's number is not known, and is left out rather than guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from node.ingest.formats import load_formats
from node.ingest.rules import rejecting_rules
from node.snapshots import REPORT, STAGED, Snapshot, SnapshotStore

Entry = Mapping[str, Any]
"""What a load report says of one file."""

_ADDING = frozenset(table.relation for table in load_formats().values() if table.accumulates)


@dataclass(frozen=True, slots=True)
class Place:
    """A file and a row of it; no row where it is not known."""

    file: str
    row: int | None


@dataclass(frozen=True)
class Places:
    """Finds where the rows of a snapshot came from."""

    store: SnapshotStore
    snapshot: Snapshot

    def find(self, held: str, kept_row: int) -> Place:
        """Where a row, counted from 0, of a file that the node keeps came from."""
        if held.endswith(".parquet"):
            return Place(held, kept_row + 1)  # What a host told came in no other file.
        if held.partition("-")[0] in _ADDING:
            return Place(", ".join(map(name_file, self.files.get(held, ()))) or held, None)
        for entry in self.files.get(held, ()):
            if kept_row < entry["rows_loaded"]:
                return Place(name_file(entry), _find_row(entry, kept_row))
            kept_row -= entry["rows_loaded"]
        return Place(held, None)

    @cached_property
    def files(self) -> Mapping[str, Sequence[Entry]]:
        """What the load report said of the files that each kept file was last written from."""
        return {
            held: [entry for entry in read_files(origin) if _is_held(entry, held)] for held, origin in self._origins()
        }

    def all_files(self) -> list[Entry]:
        """What was said of every file: those of this snapshot's own load, and those of earlier ones that it keeps."""
        own = read_files(self.snapshot)
        return own + [entry for entries in self.files.values() for entry in entries if entry not in own]

    def _origins(self) -> Iterator[tuple[str, Snapshot]]:
        """Each kept file of the snapshot with the first snapshot that has it, and so whose load made it."""
        earlier = [(each, each.hashes) for each in self.store.all() if each.created <= self.snapshot.created]
        for name, digest in self.snapshot.hashes.items():
            if Path(name).parent == Path(STAGED):
                yield Path(name).stem, next(each for each, hashes in earlier if hashes.get(name) == digest)


def read_files(snapshot: Snapshot) -> list[Entry]:
    """What the load report of a snapshot says of each file that was loaded for it."""
    found: list[Entry] = json.loads((snapshot.path / REPORT).read_bytes())["files"]
    return found


def name_file(entry: Entry) -> str:
    """The file's own name, and its name in an archive, without the directories of whoever loaded it."""
    name = Path(entry["path"]).name
    return f"{name}/{entry['member']}" if entry["member"] else name


def _is_held(entry: Entry, held: str) -> bool:
    relation, _, period = held.partition("-")
    return (entry["table"] or "").lower() == relation and period in (entry["period"] or "").split(", ")


def _find_row(entry: Entry, kept_row: int) -> int | None:
    rejected: set[int] = set()
    for rule in rejecting_rules():
        listed = entry["locators"].get(rule, ())
        if len(listed) < entry["rules"].get(rule, 0):
            return None
        rejected.update(listed)
    row = kept_row + 2
    for other in sorted(rejected):
        row += other <= row
    return row
