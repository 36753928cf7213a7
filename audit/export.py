"""A log as a text file that can be checked far from the database it came from.

The file is JSON, one value to a line, in UTF-8; binary members are base64:

    {"circe-audit-log":1,"origin":"circe.example/node/301","entries":1742}
    {"size":0,"note":"circe.example/node/301\\n0\\n..."}
    {"entry":0,"salt":"...","hashes":"...","body":"{\\"acting_for\\":..."}
    {"size":1,"note":"circe.example/node/301\\n1\\n..."}

Each checkpoint follows the last entry that it covers, so that one pass checks all. The file holds every event in full:
it is for those who may read the log itself.
"""

import base64
import json
from collections.abc import Iterator
from typing import BinaryIO

from audit.checkpoint import MAX_NOTE
from audit.connection import Connection
from audit.entry import Entry, SignedCheckpoint
from audit.log import LogError, LogUnreadable, one_view, read_head, read_history

VERSION = 1
_MARK = b'{"circe-audit-log":'
_MAX_LINE = 2 * MAX_NOTE


class ExportInvalid(Exception):
    """A line of the file is not what an export has there."""


def write_export(connection: Connection, file: BinaryIO) -> int:
    """Write the whole log, as it is at this moment, to a binary file; return the number of entries.

    Raises LogUnreadable if there is no log, LogError at an entry or checkpoint that is not UTF-8.
    """
    with one_view(connection):
        origin, size = read_head(connection)
        file.write(_dump_line({"circe-audit-log": VERSION, "origin": origin, "entries": size}))
        for record in read_history(connection):
            try:
                file.write(_dump_record(record))
            except UnicodeDecodeError:
                raise LogError(f"what the log holds at size {record.size} is damaged: verify the log") from None
    return size


def read_header(file: BinaryIO) -> tuple[str, int]:
    """Read the first line: the origin, and the number of entries that follow.

    Raises LogUnreadable if the file is no export at all, ExportInvalid if its first line is damaged.
    """
    line = file.readline(_MAX_LINE)
    if not line.startswith(_MARK):
        raise LogUnreadable("the file is not an exported audit log")
    match _load_line(line, 1):
        case {"circe-audit-log": 1, "origin": str(origin), "entries": int(size)}:
            if _dump_line({"circe-audit-log": VERSION, "origin": origin, "entries": int(size)}) == line:
                return origin, size
    raise ExportInvalid("line 1 is not the header of an export")


def read_records(file: BinaryIO) -> Iterator[Entry | SignedCheckpoint]:
    """Read the lines after the first. Raises ExportInvalid at the first that is not the one encoding of a record."""
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), start=2):
        record = _parse_record(_load_line(line, number), number)
        if _dump_record(record) != line:
            raise ExportInvalid(f"line {number} is not in its one accepted encoding")
        yield record


def _parse_record(members: object, number: int) -> Entry | SignedCheckpoint:
    try:
        match members:
            case {"entry": int(index), "salt": str(salt), "hashes": str(hashes), "body": str(body)}:
                return Entry(int(index), base64.b64decode(salt), body.encode(), base64.b64decode(hashes))
            case {"size": int(size), "note": str(note)}:
                return SignedCheckpoint(int(size), note.encode())
    except ValueError:
        pass
    raise ExportInvalid(f"line {number} is neither an entry nor a checkpoint")


def _dump_record(record: Entry | SignedCheckpoint) -> bytes:
    if isinstance(record, SignedCheckpoint):
        return _dump_line({"size": record.size, "note": record.note.decode()})
    salt, hashes = base64.b64encode(record.salt), base64.b64encode(record.hashes)
    return _dump_line(
        {"entry": record.index, "salt": salt.decode(), "hashes": hashes.decode(), "body": record.body.decode()}
    )


def _dump_line(members: dict[str, object]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _load_line(line: bytes, number: int) -> object:
    try:
        return json.loads(line.decode())
    except (ValueError, RecursionError):
        raise ExportInvalid(f"line {number} is not JSON") from None
