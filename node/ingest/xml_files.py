"""Tables out of XML: an SSDA903 return, a children in need census or a Common Transfer File, one child at a time.

Elements and text are all that is read of XML. A document type, and with it every entity, ends the reading; so do
elements nested deeper, or a child larger, than any real file has. Each table is written out as CSV with the columns
of `formats.toml`, and is from there on read like the CSV of the same return.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO
from xml.parsers import expat

from node.ingest.formats import load_formats
from node.ingest.sources import Source
from node.ingest.survey import LONGEST_RECORD

_CHUNK = 1 << 18
_HEAD = 1 << 16
_MOST_PENDING = 4 * _CHUNK
_MOST_DEPTH = 16
_MOST_ELEMENTS = 50_000
"""Elements of one child or pupil. A child looked after for life has some thousands."""

_RENAMES: Mapping[str, str] = {"CHILDID": "CHILD", "PL": "PLACE", "ResultQualifier": "ResultType"}
_RECORDS: Mapping[str, str] = {
    "EPISODE": "Episodes",
    "AREVIEW": "Reviews",
    "AMISSING": "Missing",
    "PERMANENCE": "PrevPerm",
    "OC2": "OC2",
    "AD_PLACED": "PlacedAdoption",
    "SWEPISODE": "SWEpisodes",
}
"""The elements of a return that are one record each, filled in or not. Others are told by their fields."""

_CENSUS = "Message"
_TIMES_OF_NEED: Mapping[str, tuple[str, str, str]] = {
    "CINdetails": ("referral", "CINreferralDate", "CINclosureDate"),
    "CINPlanDates": ("child_in_need_plan", "CINPlanStartDate", "CINPlanEndDate"),
    "ChildProtectionPlans": ("child_protection_plan", "CPPstartDate", "CPPendDate"),
}
"""The elements of a children in need census that are a time of need each: its kind, and where it begins and ends.

What is in a referral ends with it, whether or not that is said."""

_TRUE = ("1", "true", "yes", "y")
_MARKS = (b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class XmlRefused(Exception):
    """An XML file cannot be read. `rule` says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass(slots=True)
class Element:
    """An element with others inside it: its fields are those that hold text alone, its parts the rest."""

    name: str
    fields: dict[str, str] = field(default_factory=dict)
    parts: list["Element"] = field(default_factory=list)

    def records(self) -> Iterator["Element"]:
        """This element and all below it that are records or have fields."""
        if self.fields or self.name in _RECORDS:
            yield self
        for part in self.parts:
            yield from part.records()


Row = tuple[str | None, Mapping[str, str] | None]
"""The table of a row and its values. A table without values is in the file, and may be without rows."""


def find_root(path: Path) -> str | None:
    """The root element of an XML file, or the one its document type names; None if the file is no XML.

    Every census that is sent to the department is a `Message`: only that about children is known by its root.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return None
    if not head.lstrip().startswith(_MARKS):
        return None
    found: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: found.append(_local(name))
    parser.StartDoctypeDeclHandler = lambda name, *_: found.append(_local(name))
    try:
        parser.Parse(head, False)
    except (expat.ExpatError, LookupError, ValueError):
        found += [root for root in KNOWN_ROOTS if f"<{root}".encode() in head]  # The reading will say what is wrong.
    if found[:1] == [_CENSUS] and "Children" not in found:
        return None
    return found[0] if found else None


def split_xml(source: Source, root: str, scratch: Path) -> Iterator[Source]:
    """The tables of an XML file of that root, each written to a CSV file in `scratch`; or its fault.

    Where the file breaks off, nothing of it is read, since what is missing cannot be known.
    """
    unit, rows_of = KNOWN_ROOTS[root]
    with ExitStack() as stack:
        tables = _Tables(scratch, stack)
        try:
            for element in _read_units(source.file, unit):
                for table, values in rows_of(element):
                    tables.write(table, values)
        except XmlRefused as refused:
            yield replace(source, content=None, is_xml=True, fault=refused.rule, rows=tables.rows)
            return
    if tables.strays:
        yield replace(source, content=None, is_xml=True, fault="unknown_element", rows=tables.strays)
    for path in tables.paths:
        yield replace(source, content=path, is_xml=True)
    if not tables.paths and not tables.strays:
        yield replace(source, content=None, is_xml=True, fault="empty_file")


class _Tables:
    """The CSV files being written, one for each table."""

    def __init__(self, scratch: Path, stack: ExitStack) -> None:
        self._scratch, self._stack = scratch, stack
        self._writers: dict[str, csv.DictWriter[str]] = {}
        self.paths: list[Path] = []
        self.rows = self.strays = 0

    def write(self, table: str | None, values: Mapping[str, str] | None) -> None:
        self.rows += values is not None
        if table is None:
            self.strays += 1
            return
        writer = self._writers.get(table) or self._open(table)
        if values is not None:
            writer.writerow(values)

    def _open(self, table: str) -> "csv.DictWriter[str]":
        path = self._scratch / f"{table}.csv"
        self.paths.append(path)
        stream = self._stack.enter_context(path.open("x", encoding="utf-8", newline=""))
        names = [column.name for column in load_formats()[table].columns]
        writer = csv.DictWriter(stream, names, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        return self._writers.setdefault(table, writer)


def _read_units(path: Path, unit: str) -> Iterator[Element]:
    """Every element of one name, complete, as the file is read. Raises `XmlRefused`."""
    reading = _Reading(unit)
    parser = reading.parser
    try:
        with path.open("rb") as stream:
            for fed in _feed(parser, stream):
                if fed - parser.CurrentByteIndex > _MOST_PENDING:
                    raise XmlRefused("unsafe_xml")
                yield from reading.units
                reading.units.clear()
    except (expat.ExpatError, LookupError, ValueError):
        raise XmlRefused("broken_xml") from None
    except OSError:
        raise XmlRefused("unreadable_file") from None


def _feed(parser: expat.XMLParserType, stream: BinaryIO) -> Iterator[int]:
    fed = 0
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk, False)
        fed += len(chunk)
        yield fed
    parser.Parse(b"", True)
    yield fed


class _Reading:
    """The handlers of one parser: they keep the elements inside a unit, and let go of everything else."""

    def __init__(self, unit: str) -> None:
        self.units: list[Element] = []
        self._unit, self._depth, self._count = unit, 0, 0
        self._open: list[Element] = []
        self._text: list[str] = []
        self._length = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.EntityDeclHandler = _refuse
        self.parser.ExternalEntityRefHandler = _refuse

    def _start(self, name: str, _: object) -> None:
        self._depth += 1
        self._text.clear()
        self._length = 0
        if self._open or _local(name) == self._unit:
            self._count = self._count + 1 if self._open else 0
            self._open.append(Element(_local(name)))
        if self._depth > _MOST_DEPTH or self._count > _MOST_ELEMENTS:
            raise XmlRefused("unsafe_xml")

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        if not self._open:
            self.units.append(element)
        elif element.fields or element.parts or element.name in _RECORDS:
            self._open[-1].parts.append(element)
        else:
            self._open[-1].fields.setdefault(_RENAMES.get(element.name, element.name), " ".join(self._words()))
        self._text.clear()

    def _words(self) -> list[str]:
        return "".join(self._text).split()

    def _characters(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_RECORD:
            raise XmlRefused("unsafe_xml")
        if self._open:
            self._text.append(text)


def _refuse(*_: object) -> int:
    raise XmlRefused("unsafe_xml")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _rows_of_child(child: Element) -> Iterator[Row]:
    """The rows of one CHILD of a return. What identifies the child stands in its HEADER alone."""
    header = next((part for part in child.parts if part.name == "HEADER"), Element("HEADER"))
    shared = {name: header.fields[name] for name in ("CHILD", "SEX", "DOB") if name in header.fields}
    for element in child.records():
        told = _tables_told(element.fields)
        if element is not header:
            likeliest = max(told, key=lambda table: told[table][0], default=None)
            yield _RECORDS.get(element.name, likeliest), shared | element.fields
            continue
        for table, (_, filled) in ({"Header": (0, True)} | told).items():
            yield table, (element.fields if filled or table == "Header" else None)


def _tables_told(fields: Mapping[str, str]) -> dict[str, tuple[int, bool]]:
    """The tables that these fields belong to: of each, how many there are, and whether any is filled in."""
    told: dict[str, tuple[int, bool]] = {}
    for name, text in fields.items():
        if table := _owners().get(name):
            count, filled = told.get(table, (0, False))
            told[table] = count + 1, filled or (text.lower() in _TRUE if name == "UASC" else bool(text))
    return told


@cache
def _owners() -> Mapping[str, str]:
    """The table of every field that is in one table of the return alone. UASC, yes or no, is in none."""
    tables: dict[str, set[str]] = {"UASC": {"UASC"}}
    for table in load_formats().values():
        if table.family == "ssda903":
            for column in table.columns:
                tables.setdefault(column.name, set()).add(table.name)
    return MappingProxyType({name: owners.pop() for name, owners in tables.items() if len(owners) == 1})


def _rows_of_pupil(pupil: Element) -> Iterator[Row]:
    """The results of one Pupil of a transfer file."""
    yield "ctf_results", None
    for stage in (each for part in pupil.parts for each in part.parts):
        for assessment in stage.parts:
            if assessment.name == "StageAssessment":
                yield "ctf_results", pupil.fields | stage.fields | assessment.fields


def _rows_of_child_in_need(child: Element) -> Iterator[Row]:
    """The times of need of one Child of the census. What identifies the child stands in its ChildIdentifiers alone."""
    yield "children_in_need", None
    known = next((part.fields for part in child.parts if part.name == "ChildIdentifiers"), {})
    shared = {
        "upn": known.get("UPN") or known.get("UPNunknown", ""),
        "la_child_id": known.get("LAchildID", ""),
        "date_of_birth": known.get("PersonBirthDate", ""),
    }
    for details in (part for part in child.parts if part.name == "CINdetails"):
        closed = details.fields.get("CINclosureDate", "")
        for element in details.records():
            if element.name in _TIMES_OF_NEED:
                kind, start, end = _TIMES_OF_NEED[element.name]
                if element.fields.get("ReferralNFA", "").lower() in _TRUE:
                    kind = "no_further_action"
                when = {
                    "need_start_date": element.fields.get(start, ""),
                    "need_end_date": element.fields.get(end) or closed,
                }
                yield "children_in_need", {**shared, "kind": kind, **when}


KNOWN_ROOTS: Mapping[str, tuple[str, Callable[[Element], Iterator[Row]]]] = MappingProxyType(
    {
        "EXPSSDA903": ("CHILD", _rows_of_child),
        _CENSUS: ("Child", _rows_of_child_in_need),
        "CTfile": ("Pupil", _rows_of_pupil),
    }
)
"""The root elements that are known: the element of one child or pupil, and the rows that it holds."""
