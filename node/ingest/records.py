"""The careful reader: one record at a time out of text that the fast reader would not vouch for.

A record is a line, or several where a quoted field runs over line ends. What cannot be a record of the table is
given back as a fault with its number, never skipped: every line after the header is accounted for.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node.ingest.survey import CONTROL_CHARACTERS, LONGEST_RECORD, decode_line

_MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `number` is as a spreadsheet shows it: the header is 1. `fault` names the rule it breaks."""

    number: int
    fields: tuple[str, ...]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    """What a record must be: how many fields it has, and what parts them."""

    width: int
    delimiter: str


def read_records(path: Path, width: int, delimiter: str = ",") -> Iterator[Record]:
    """Every record after the header of a file whose header has `width` columns."""
    form = _Form(width, delimiter)
    with path.open(encoding="latin-1", newline=None) as stream:
        lines = _Lines(stream)
        _parse(lines, form)
        number = 1
        while lines:
            number += 1
            fields, fault = _parse(lines, form)
            yield Record(number, fields, fault)


class _Lines:
    """The lines of a file, any line end, of which some may be looked at before they are taken.

    The file is opened as Latin-1, which keeps every byte, so that each line can be decoded by itself: exports
    patched together from two systems carry two encodings.
    """

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self._ahead: deque[str] = deque()

    def __bool__(self) -> bool:
        return self.look(0) is not None

    def take(self) -> str:
        line = self.look(0)
        self._ahead.popleft()
        return line or ""

    def look(self, distance: int) -> str | None:
        while len(self._ahead) <= distance:
            line = self._stream.readline(LONGEST_RECORD + 1)
            if not line:
                return None
            while len(line) > LONGEST_RECORD and not line.endswith("\n"):
                more = self._stream.readline(LONGEST_RECORD)
                line = line[: LONGEST_RECORD + 1] + more[-1:]
                if not more:
                    break
            self._ahead.append(decode_line(line.removesuffix("\n").encode("latin-1")))
        return self._ahead[distance]


def _parse(lines: _Lines, form: _Form) -> tuple[tuple[str, ...], str | None]:
    """Take one record off the lines: its fields, or the rule it breaks."""
    line = lines.take()
    if fault := _fault_of_line(line):
        return (), fault
    fields = _split(line, form)
    if fields is None and line.count('"') % 2:
        fields = _take_continuation(line, lines, form)
    if fields is None:
        return (), "bad_quoting"
    return (fields, None) if len(fields) == form.width else ((), "ragged_row")


def _fault_of_line(line: str) -> str | None:
    if not line.strip():
        return "blank_row"
    if len(line) > LONGEST_RECORD:
        return "oversized_row"
    return "bad_characters" if CONTROL_CHARACTERS.search(line) else None


def _split(text: str, form: _Form) -> tuple[str, ...] | None:
    """The fields of a record; None where its quotes do not add up. Blank fields past the last column are dropped."""
    try:
        rows = list(
            csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True, skipinitialspace=True)
        )
    except csv.Error:
        return None
    if len(rows) != 1:
        return None
    fields = rows[0]
    return tuple(fields if any(fields[form.width :]) else fields[: form.width])


def _take_continuation(line: str, lines: _Lines, form: _Form) -> tuple[str, ...] | None:
    """Join the lines up to the one that closes the open quote, and take them only if a whole record comes of it.

    A quote that is never closed then spoils its own line alone, not the rest of the file; and two stray quotes do
    not swallow the rows between them, because a line that is a record by itself is never joined to another.
    """
    text = line
    for distance in range(_MOST_LINES):
        following = lines.look(distance)
        if following is None or len(text) > LONGEST_RECORD or CONTROL_CHARACTERS.search(following):
            return None
        if following.count('"') % 2 == 0 and len(_split(following, form) or ()) == form.width:
            return None
        text += "\n" + following
        if text.count('"') % 2 == 0:
            fields = _split(text, form)
            return _take(lines, distance + 1, fields) if fields is not None and len(fields) == form.width else None
    return None


def _take(lines: _Lines, count: int, fields: tuple[str, ...]) -> tuple[str, ...]:
    for _ in range(count):
        lines.take()
    return fields
