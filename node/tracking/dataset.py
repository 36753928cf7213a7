"""The dataset of plans, the same everywhere (recommendation 11 of the policy paper): a sheet for each kind of fact.

Every sheet has the child's pupil number and the authority's own number, then the fields of the kind as
`docs/tracking-data.md` has them. What is exported can be imported as it is. Lines are read one by one, and each that is
wrong is told with its place and what would be right; nothing is told of what it holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from node.tracking.facts import Fact, FactInvalid
from node.tracking.kinds import KINDS, Kind, kind_of, read_fact, write_fact
from node.tracking.known import KnownChild
from node.tracking.values import DAY

IDENTIFIERS = ("upn", "la_child_id")
SHEETS: Mapping[str, Kind] = {name: kind for name, kind in KINDS.items() if name != "step"}
"""The sheets of the dataset. A conversation with a school is an authority's own, and no part of a plan."""

MOST_ROWS = 20_000
_EPOCH = date(1899, 12, 30)
"""The day from which spreadsheet programs count."""


@dataclass(frozen=True)
class LineFault:
    """What is wrong with one line: its file, its number (the header is 1), the column, and what would be right."""

    sheet: str
    line: int
    column: str
    text: str

    def sentence(self) -> str:
        """The fault in a line."""
        where = f"{self.sheet}, line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{where}: {self.text}"


@dataclass(frozen=True, repr=False)
class ReadLine:
    """One line that was read: its place, the child it is of, and the fact that it tells."""

    sheet: str
    line: int
    child: KnownChild
    fact: Fact


def header_of(kind: Kind) -> tuple[str, ...]:
    """The columns of a sheet."""
    return (*IDENTIFIERS, *(field.name for field in kind.fields))


def write_sheets(facts: Iterable[tuple[KnownChild, Fact]]) -> dict[str, list[tuple[str, ...]]]:
    """Every sheet with its header and a line for each fact; sheets without a line are written too."""
    sheets = {name: [header_of(kind)] for name, kind in SHEETS.items()}
    for child, fact in facts:
        kind, written = kind_of(fact), write_fact(fact)
        if kind.name in sheets:
            line = (child.upn or "", child.number or "", *(written.get(field.name, "") for field in kind.fields))
            sheets[kind.name].append(line)
    return sheets


def read_sheet(
    title: str, rows: Sequence[Sequence[str]], children: Sequence[KnownChild]
) -> Iterator[ReadLine | LineFault]:
    """Read a sheet line by line: facts, and faults. Its header tells which kind it is of."""
    header = [cell.strip() for cell in rows[0]] if rows else []
    kind = _recognise(header)
    if kind is None:
        known = ", ".join(SHEETS)
        yield LineFault(title, 1, "", f"the header is that of no sheet; the sheets are {known} (docs/tracking-data.md)")
        return
    if len(rows) > MOST_ROWS:
        yield LineFault(title, len(rows), "", f"at most {MOST_ROWS} lines are read at once: split the sheet")
        return
    found = _index(children)
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            texts = dict(zip(header, (*row, *[""] * len(header)), strict=False))
            yield from _read_line(title, number, kind, texts, found)


def _recognise(header: Sequence[str]) -> Kind | None:
    """The kind whose sheet has this header: all its columns that cannot be empty, an identifier, and nothing else."""
    named = set(header)
    if not named & set(IDENTIFIERS) or len(named) != len(header):
        return None
    fitting = (
        kind
        for kind in SHEETS.values()
        if {field.name for field in kind.fields if field.required} <= named <= set(header_of(kind))
    )
    return max(fitting, key=lambda kind: len(kind.fields), default=None)


def _index(children: Sequence[KnownChild]) -> Mapping[tuple[str, str], KnownChild]:
    by_upn = {("upn", child.upn): child for child in children if child.upn}
    return {**by_upn, **{("la_child_id", child.number): child for child in children if child.number}}


def _read_line(
    title: str, number: int, kind: Kind, texts: Mapping[str, str], found: Mapping[tuple[str, str], KnownChild]
) -> Iterator[ReadLine | LineFault]:
    given = [(name, texts[name].strip()) for name in IDENTIFIERS if texts.get(name, "").strip()]
    meant = {child.token: child for key in given if (child := found.get(key))}
    if not given:
        yield LineFault(title, number, IDENTIFIERS[0], "give the pupil number or the authority's own number")
    elif len(meant) != 1 or any(key not in found for key in given):
        yield LineFault(title, number, given[0][0], "this is no one child in care whose record you may read")
    elif kind.group not in (child := next(iter(meant.values()))).writable:
        yield LineFault(title, number, "", "your role may not change this of the child")
    else:
        try:
            yield ReadLine(title, number, child, read_fact(kind, _with_days(kind, texts)))
        except FactInvalid as invalid:
            yield from (LineFault(title, number, column, text) for column, text in invalid.errors.items())


def _with_days(kind: Kind, texts: Mapping[str, str]) -> dict[str, str]:
    """The same texts, with days that a spreadsheet program keeps as numbers written as days."""
    days = {field.name for field in kind.fields if field.reading is DAY}
    return {name: _as_day(text.strip()) if name in days else text for name, text in texts.items()}


def _as_day(text: str) -> str:
    is_counted = len(text) == 5 and text.isascii() and text.isdecimal()
    return str(_EPOCH + timedelta(days=int(text))) if is_counted else text
