"""An exported log is the same log, and whatever is changed in the file is found at its entry."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit.entry import hash_entry
from audit.event import AuditEvent
from audit.export import write_export
from audit.log import LogError, LogUnreadable
from audit.verifier import LogBroken, LogSummary, verify_export, verify_log

if TYPE_CHECKING:
    from tests.audit.conftest import Party

MakeEvent = Callable[..., AuditEvent]
Lines = list[bytes]


def export(party: Party) -> Path:
    path = party.directory / "audit.log"
    with path.open("wb") as file:
        write_export(party.connection, file)
    return path


def verify_lines(party: Party, lines: Lines) -> LogSummary:
    path = party.directory / "changed.log"
    path.write_bytes(b"".join(lines))
    return verify_export(path, party.signer.name, party.signer.public_key)


def test_an_export_is_the_same_log(filled: Party) -> None:
    path = export(filled)
    assert verify_export(path, filled.signer.name, filled.signer.public_key) == verify_log(
        filled.connection, filled.signer.name, filled.signer.public_key
    )


def test_an_export_reads_as_its_format_says(party: Party, make_event: MakeEvent) -> None:
    """A header, then entries and checkpoints in order, as JSON lines; enough to recompute the log with other tools."""
    party.record(make_event())
    file = io.BytesIO()
    assert write_export(party.connection, file) == 1
    header, empty, entry, checkpoint = map(json.loads, file.getvalue().splitlines())
    assert header == {"circe-audit-log": 1, "origin": party.signer.name, "entries": 1}
    assert (empty["size"], checkpoint["size"]) == (0, 1)
    assert checkpoint["note"] == party.log.latest_checkpoint(party.connection)
    assert json.loads(entry["body"])["action"] == "lookup.asked"
    leaf_hash = hash_entry(base64.b64decode(entry["salt"]), entry["body"].encode())
    assert base64.b64decode(entry["hashes"]) == leaf_hash


# Line 0 is the header and line 1 the checkpoint of the empty log; then entries 0 to 5 stand on the even lines up to 12,
# each with its checkpoint after it, then entries 6 to 9 on the lines 14 to 17 with one checkpoint.


def without(lines: Lines, *places: int) -> Lines:
    return [line for place, line in enumerate(lines) if place not in places]


def replacing(lines: Lines, place: int, old: bytes, new: bytes) -> Lines:
    assert lines[place].count(old) == 1
    return [*lines[:place], lines[place].replace(old, new), *lines[place + 1 :]]


def inserting(lines: Lines, place: int, line: bytes) -> Lines:
    return [*lines[:place], line, *lines[place:]]


def swapping(lines: Lines, one: int, other: int) -> Lines:
    places = list(range(len(lines)))
    places[one], places[other] = other, one
    return [lines[place] for place in places]


# What is done to the lines, and the entry at which it must be found.
LINE_EDITS: dict[str, tuple[Callable[[Lines], Lines], int]] = {
    "an entry deleted": (lambda lines: without(lines, 10), 4),
    "an entry and its checkpoint deleted": (lambda lines: without(lines, 10, 11), 4),
    "two entries swapped": (lambda lines: swapping(lines, 14, 15), 6),
    "an entry doubled": (lambda lines: inserting(lines, 4, lines[4]), 2),
    "a checkpoint doubled": (lambda lines: inserting(lines, 5, lines[5]), 2),
    "two checkpoints swapped": (lambda lines: swapping(lines, 1, 3), 0),
    "a checkpoint after an entry that it does not cover": (lambda lines: swapping(lines, 5, 6), 1),
    "the last checkpoint cut off": (lambda lines: lines[:18], 6),
    "cut off at a checkpoint": (lambda lines: lines[:12], 5),
    "cut off after the header": (lambda lines: lines[:1], 0),
    "cut off within a line": (lambda lines: [*lines[:-1], lines[-1][:-20]], 10),
    "a line that is no record": (lambda lines: inserting(lines, 4, b"{}\n"), 1),
    "a line that is no text": (lambda lines: inserting(lines, 4, b"\xff\n"), 1),
    "a line too deep to read": (lambda lines: inserting(lines, 4, b"[" * 100_000 + b"\n"), 1),
    "a line that never ends": (lambda lines: inserting(lines, 4, b"9" * 1_000_000 + b"\n"), 1),
    "a record with a space": (lambda lines: replacing(lines, 4, b'"entry":1,', b'"entry": 1,'), 1),
    "a record with half a surrogate": (lambda lines: replacing(lines, 4, b"vsh@", b"\\ud800"), 1),
    "base64 with stray bits": (lambda lines: replacing(lines, 4, b'==","hashes"', b'x=","hashes"'), 1),
    "a number that is a truth value": (lambda lines: replacing(lines, 1, b":0,", b":false,"), 0),
    "a header in other words": (lambda lines: replacing(lines, 0, b'log":1,', b'log":1.0,'), 0),
    "a header that is no JSON": (lambda lines: replacing(lines, 0, b":10}", b":10"), 0),
    "a header of another origin": (lambda lines: replacing(lines, 0, b"301", b"302"), 0),
    "a header with another count": (lambda lines: replacing(lines, 0, b":10}", b":11}"), 10),
}


@pytest.mark.parametrize(("edit", "entry"), LINE_EDITS.values(), ids=LINE_EDITS.keys())
def test_every_edit_of_an_export_is_found_at_its_entry(
    filled: Party, edit: Callable[[list[bytes]], list[bytes]], entry: int
) -> None:
    lines = export(filled).read_bytes().splitlines(keepends=True)
    assert verify_lines(filled, lines).entries == 10
    with pytest.raises(LogBroken) as broken:
        verify_lines(filled, edit(lines))
    assert broken.value.entry == entry


def test_a_flipped_byte_anywhere_in_an_export_is_found(filled: Party) -> None:
    lines = export(filled).read_bytes().splitlines(keepends=True)
    data = b"".join(lines)
    for place in range(len(b'{"circe-audit-log":'), len(data), 13):
        with pytest.raises(LogBroken):
            verify_lines(filled, [data[:place], bytes([data[place] ^ 1]), data[place + 1 :]])


def test_a_file_that_is_no_export_is_not_called_broken(filled: Party) -> None:
    for lines in ([], [b"a letter to the editor\n"], [b"\x00" * 100]):
        with pytest.raises(LogUnreadable):
            verify_lines(filled, lines)
    with pytest.raises(LogUnreadable):
        verify_export(filled.directory / "nothing.log", filled.signer.name, filled.signer.public_key)


def test_what_is_not_text_is_not_exported(filled: Party) -> None:
    filled.connection.execute("UPDATE audit_entries SET body = x'ff' WHERE idx = 3")
    with pytest.raises(LogError, match="verify the log"):
        write_export(filled.connection, io.BytesIO())
