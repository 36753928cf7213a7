"""A document has exactly one byte string, and whatever else comes in is a `WireError` that repeats none of it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.wire import (
    AcademicYear,
    Code,
    Digest,
    Document,
    Instant,
    Line,
    Name,
    SqlText,
    WireError,
    decode_document,
    encode_document,
    whole_seconds,
)

FEW = settings(max_examples=50, derandomize=True, deadline=None)
SECRET = "A123456789012"
DEEP = 100_000


class Letter(Document, frozen=True):
    """A document with a field of every sort."""

    sender: Name = "ana@ucl"
    at: Instant = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    pages: int = 3
    pinned: bool = False
    note: str | None = None
    lines: tuple[Line, ...] = ()
    table: Mapping[str, Any] = {}


class Words(Document, frozen=True):
    """A document with a field of every sort of text."""

    name: Name = "ana@ucl"
    digest: Digest = "0" * 64
    code: Code = ""
    year: AcademicYear = "202425"
    line: Line = "One line."
    sql: SqlText = "SELECT 1"


class Counts(Document, frozen=True):
    """A document whose keys are content."""

    counts: dict[str, int]


def spell(**fields: object) -> bytes:
    """A letter as JSON, with some fields put in as they are, whatever they hold."""
    letter = json.loads(encode_document(Letter()))
    return json.dumps({**letter, **fields}, separators=(",", ":"), ensure_ascii=False).encode()


def refuse(data: bytes, kind: type[Document] = Letter) -> str:
    """The words in which some bytes are refused; they are one short line that repeats no content."""
    with pytest.raises(WireError) as refused:
        decode_document(data, kind)
    text = str(refused.value)
    assert SECRET not in text
    assert "\n" not in text
    assert len(text) < 200
    assert refused.value.__cause__ is None
    return text


# --- One document, one byte string -----------------------------------------------------------------------------------

names = st.from_regex(r"[a-z0-9][a-z0-9._@-]{0,63}", fullmatch=True)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40)
instants = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
tables = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | lines,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(lines, inner, max_size=4),
    max_leaves=12,
)
letters = st.builds(
    Letter,
    sender=names,
    at=instants,
    pages=st.integers(-(2**63), 2**64 - 1),
    pinned=st.booleans(),
    note=st.none() | lines,
    lines=st.lists(lines, max_size=3).map(tuple),
    table=st.dictionaries(lines, tables, max_size=4),
)


@FEW
@given(letters)
def test_every_document_comes_back_as_it_was(letter: Letter) -> None:
    """Whatever a table holds, floats and the order of names included, is read as it was written, to the byte."""
    data = encode_document(letter)
    again = decode_document(data, Letter)
    assert again == letter
    assert encode_document(again) == data


@FEW
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_give_a_document_or_our_own_error(data: bytes) -> None:
    with suppress(WireError):
        assert encode_document(decode_document(data, Letter)) == data


@FEW
@given(letters, st.data())
def test_an_altered_document_is_another_document_or_none(letter: Letter, data: st.DataObject) -> None:
    """No change of one byte leaves the meaning as it was: so a signature over the bytes is one over the meaning."""
    written = bytearray(encode_document(letter))
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = decode_document(bytes(written), Letter)
    except WireError:
        return
    assert (again == letter) == (bytes(written) == encode_document(letter))


# --- Other spellings of the same document ----------------------------------------------------------------------------

WRITTEN = encode_document(Letter())

OTHER_SPELLINGS = {
    "a duplicate key": b'{"sender":"ana@ucl",' + WRITTEN[1:],
    "a duplicate key in a table": WRITTEN.replace(b'"table":{}', b'"table":{"a":1,"a":1}'),
    "a space": WRITTEN.replace(b",", b", ", 1),
    "a line break at the end": WRITTEN + b"\n",
    "a byte order mark": b"\xef\xbb\xbf" + WRITTEN,
    "two documents": WRITTEN * 2,
    "another order": b"{" + b",".join(reversed(WRITTEN[1:-1].split(b","))) + b"}",
    "an escape": WRITTEN.replace(b"ana", rb"\u0061na"),
    "an escape in a table": WRITTEN.replace(b'"table":{}', rb'"table":{"\u00e9":1}'),
    "a default left out": WRITTEN.replace(b',"note":null', b""),
    "a whole number as a decimal": WRITTEN.replace(b'"pages":3', b'"pages":3.0'),
    "a number with a plus": WRITTEN.replace(b'"pages":3', b'"pages":+3'),
    "a number with a leading zero": WRITTEN.replace(b'"pages":3', b'"pages":03'),
    "minus zero": WRITTEN.replace(b'"pages":3', b'"pages":-0'),
    "a float with an exponent": WRITTEN.replace(b'"table":{}', b'"table":{"a":1e2}'),
    "a float with a zero more": WRITTEN.replace(b'"table":{}', b'"table":{"a":1.50}'),
    "a float with too many digits": WRITTEN.replace(b'"table":{}', b'"table":{"a":0.1000000000000000055511}'),
    "a moment with its offset": WRITTEN.replace(b"09:00:00Z", b"09:00:00+00:00"),
    "a moment in small letters": WRITTEN.replace(b"T09:00:00Z", b"t09:00:00z"),
    "a moment with a fraction": WRITTEN.replace(b"09:00:00Z", b"09:00:00.0Z"),
}


@pytest.mark.parametrize("data", OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS)
def test_another_spelling_of_a_document_is_refused(data: bytes) -> None:
    assert decode_document(WRITTEN, Letter) == Letter()
    refuse(data)


# --- What is no document at all --------------------------------------------------------------------------------------

MALFORMED = {
    "nothing": b"",
    "no JSON": b"pupil " + SECRET.encode(),
    "no UTF-8": b"\xff\xfe" + SECRET.encode(),
    "a lone surrogate": spell(note="x").replace(b'"x"', rb'"\ud800"'),
    "no object": b"[]",
    "null": b"null",
    "cut off": WRITTEN[:-1],
    "an unknown field": spell(upn=SECRET),
    "an unknown field that looks like a place": spell(**{f"x - at `{SECRET}": 1}),
    "a name of the wrong form": spell(sender=SECRET),
    "a number for a name": spell(sender=1),
    "text for a number": spell(pages=SECRET),
    "a yes for a number": spell(pages=True),
    "a number for a yes": spell(pinned=1),
    "a fraction for a whole number": spell(pages=3.5),
    "null for a number": spell(pages=None),
    "an object for a list": spell(lines={SECRET: 1}),
    "a list for an object": spell(table=[SECRET]),
    "not a number": WRITTEN.replace(b'"pages":3', b'"pages":NaN'),
    "infinity in a table": WRITTEN.replace(b'"table":{}', b'"table":{"a":1e999}'),
    "a number of 5,000 digits": WRITTEN.replace(b'"pages":3', b'"pages":' + b"9" * 5000),
    "a number of 5,000 digits in a table": WRITTEN.replace(b'"table":{}', b'"table":{"a":' + b"9" * 5000 + b"}"),
    "lists 100,000 deep": WRITTEN.replace(b'"table":{}', b'"table":{"a":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    "objects 100,000 deep": b'{"table":' * DEEP + b"}" * DEEP,
    "a moment without a zone": spell(at="2026-03-02T09:00:00"),
    "a moment in another zone": spell(at="2026-03-02T09:00:00+01:00"),
    "a moment with a fraction": spell(at="2026-03-02T09:00:00.500000Z"),
    "a moment out of reach of UTC": spell(at="9999-12-31T23:59:59-23:59"),
    "a moment that never was": spell(at="2026-02-30T09:00:00Z"),
    "a moment as a number": spell(at=1_770_000_000),
    "a moment in words": spell(at=SECRET),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_document_is_refused_in_words_that_repeat_nothing(data: bytes) -> None:
    assert refuse(data).startswith("Letter: ")


@pytest.mark.parametrize("depth", range(900, 1010, 3))
def test_nesting_at_the_edge_of_what_can_be_read_is_read_or_refused(depth: int) -> None:
    """Reading writes again too, and neither may run out of depth in a way of its own."""
    data = WRITTEN.replace(b'"table":{}', b'"table":{"a":' + b"[" * depth + b"]" * depth + b"}")
    with suppress(WireError):
        assert decode_document(data, Letter).table.keys() == {"a"}


def test_a_refusal_says_where() -> None:
    assert refuse(spell(lines=["fine", "two\nlines"])) == "Letter: wrong value at $.lines[1]"
    assert refuse(b'{"counts":{"%b":"x"}}' % SECRET.encode(), Counts) == "Counts: wrong value at $.counts[...]"


def test_too_large_a_document_is_refused_unread() -> None:
    text = "x" * 100
    assert decode_document(spell(note=text), Letter, limit=len(spell(note=text))).note == text
    with pytest.raises(WireError, match="at most 100 are read"):
        decode_document(b"\xff" * 101, Letter, limit=100)


class Visit(Document, frozen=True):
    """A document with a moment in every place that has one by itself."""

    note: str = ""
    begins: Instant = datetime(2026, 3, 2, tzinfo=UTC)
    ends: Instant | None = None
    bare: datetime | None = None
    alias: int | Instant = 0


@pytest.mark.parametrize("name", ["begins", "ends", "bare", "alias"])
def test_a_moment_is_held_to_its_form_wherever_it_may_stand(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not a moment in UTC"):
        Visit(**{name: datetime(2026, 3, 2)})  # type: ignore[arg-type]
    assert Visit(note="2026-03-02").ends is None


def test_a_document_with_a_moment_that_cannot_be_sent_cannot_be_made() -> None:
    """The sender hears of it, not the receiver."""
    for moment in (datetime(2026, 3, 2), datetime(2026, 3, 2, microsecond=1, tzinfo=UTC)):
        with pytest.raises(ValueError, match="at is not a moment in UTC"):
            Letter(at=moment)
    with pytest.raises(ValueError, match="in UTC"):
        Letter(at=datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=1))))
    assert Letter(at=whole_seconds(datetime(2026, 3, 2, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1))))).at.hour == 0


def test_a_documents_repr_shows_no_content() -> None:
    assert repr(Letter(note=SECRET)) == str(Letter(note=SECRET)) == "Letter(…)"


# --- Texts -----------------------------------------------------------------------------------------------------------

BAD_TEXTS = {
    "name": ["", "Ana", "-ana", "ana ucl", "ana\n", "ana/..", "é", "a" * 65, "ana\x00"],
    "digest": ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n"],
    "code": ["Wrong", "two words", "a-b", "a" * 65, "late\n"],
    "year": ["", "2025", "199900", "2024/25", "202425\n", "２０２４２５"],  # noqa: RUF001
    "line": ["", "two\nlines", "back\rover", "\x1b[2Jgone", "\u202etxt", "\u2028", "tab\t", "end\n", "x" * 1001],
    "sql": ["", "SELECT 1\rSELECT 2", "SELECT\x1b[2J", "\u202e", "\x00", "x" * 10_001],
}


@pytest.mark.parametrize(
    ("field", "text"), [(field, text) for field, texts in BAD_TEXTS.items() for text in texts], ids=ascii
)
def test_a_text_that_could_show_as_something_else_is_refused(field: str, text: str) -> None:
    """An approver signs what they read: no control, line or direction mark can hide or move a part of it."""
    data = json.dumps({**json.loads(encode_document(Words())), field: text}, ensure_ascii=False).encode()
    assert refuse(data, Words) == f"Words: wrong value at $.{field}"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "0"),
        ("name", "node-301"),
        ("code", ""),
        ("code", "not_in_roster"),
        ("line", "Wie häufig? «Très» 日本 🙂"),
        ("sql", "SELECT 1\n\tFROM child_year\r\n-- ä"),
    ],
)
def test_an_ordinary_text_is_read(field: str, text: str) -> None:
    words = msgspec.structs.replace(Words(), **{field: text})
    assert decode_document(encode_document(words), Words) == words


def test_every_sort_of_text_is_tried() -> None:
    assert set(BAD_TEXTS) == set(Words.__struct_fields__)
