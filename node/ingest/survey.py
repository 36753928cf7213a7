"""A first look at a file: how many records it holds, counted without parsing, and whether it is regular text.

The count is made apart from the reader that loads the rows, so that the two can be compared. It is an exact count
of line ends outside quotes (RFC 4180), whatever the file's content.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST_RECORD = 65_536
"""Characters in the longest record that is read. No real row of these tables comes near it."""

CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_CONTROL_BYTES = bytes(range(9)) + b"\x0b\x0c" + bytes(range(14, 32)) + b"\x7f"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, header apart.

    `rows` counts the records after the header and `lines` the lines. A `regular` file has balanced quotes, no line
    end inside them and no control characters; no other is given to the fast reader, and that only as UTF-8. Fields
    are parted by `delimiter`, a comma or a tab. `fault` names the rule that the whole file breaks before its header
    can be looked up.
    """

    header: tuple[str, ...] = ()
    rows: int = 0
    lines: int = 0
    regular: bool = False
    is_utf8: bool = False
    delimiter: str = ","
    fault: str | None = None


def survey_file(path: Path) -> Survey:
    """Look through a file once. A file that cannot be opened or is empty gives a survey with that fault."""
    try:
        with path.open("rb") as stream:
            head = stream.read(LONGEST_RECORD)
            stream.seek(0)
            return _survey(head, stream) if head.strip() else Survey(fault="empty_file")
    except OSError:
        return Survey(fault="unreadable_file")


def decode_line(line: bytes) -> str:
    """The text of a line in UTF-8 or, where it is not that, in Windows-1252. Never fails."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _survey(head: bytes, stream: BinaryIO) -> Survey:
    header, delimiter, is_text = _read_header(head)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    lines = records = quotes = 0
    regular, last = is_text, b""
    for chunk in _chunks(stream):
        regular = regular and _is_regular(chunk)
        is_utf8 = is_utf8 and _is_utf8(chunk, decoder)
        ends, found = chunk.count(b"\n"), chunk.count(b'"')
        lines += ends
        records += _line_ends_outside_quotes(chunk, inside=quotes % 2) if found or quotes % 2 else ends
        quotes += found
        last = chunk[-1:]
    unended = last != b"\n"
    return Survey(
        header=header,
        rows=records + unended - 1,
        lines=lines + unended - 1,
        regular=regular and quotes % 2 == 0 and records == lines,
        is_utf8=is_utf8,
        delimiter=delimiter,
        fault=None if is_text else "binary_file",
    )


def _read_header(head: bytes) -> tuple[tuple[str, ...], str, bool]:
    """The column names in the first line, what parts them, and whether that line is text."""
    line = decode_line(re.split(rb"[\r\n]", head.removeprefix(codecs.BOM_UTF8), maxsplit=1)[0])
    if CONTROL_CHARACTERS.search(line):
        return (), ",", False
    delimiter = "\t" if line.count("\t") > line.count(",") else ","
    try:
        names = next(csv.reader([line], strict=True, delimiter=delimiter), [])
    except csv.Error:
        names = []
    return tuple(name.strip() for name in names), delimiter, True


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file in pieces that never part a carriage return from its line feed."""
    while chunk := stream.read(_CHUNK):
        yield chunk + stream.read(1) if chunk.endswith(b"\r") else chunk


def _is_regular(chunk: bytes) -> bool:
    plain = len(chunk.translate(None, _CONTROL_BYTES)) == len(chunk)
    return plain and (b"\r" not in chunk or chunk.count(b"\r") == chunk.count(b"\r\n"))


def _is_utf8(chunk: bytes, decoder: codecs.IncrementalDecoder) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def rewrite_as_utf8(path: Path, target: Path) -> None:
    """Copy a file in UTF-8, each line of it decoded by itself."""
    with path.open("rb") as stream, target.open("wb") as copy:
        for line in stream:
            copy.write(line if line.isascii() else decode_line(line).encode("utf-8"))


def _line_ends_outside_quotes(chunk: bytes, inside: int) -> int:
    """A doubled quote inside a quoted field closes and reopens it, so counting quotes by twos is exact."""
    return sum(piece.count(b"\n") for piece in chunk.split(b'"')[inside::2])
