"""A measure's figures of one place, read from a released table; or the words of why there are none.

Nothing here sees a row of data: what comes in has been released, or is protected as what is released.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.symbols import Symbol
from federation.reports.measures import CHILDREN, REGION, RESULT, Factor, Measure, Question
from federation.reports.places import Place
from federation.reports.shares import Count, Share, make_share
from query_engine.planning.plan import TOTAL
from query_engine.wording.spelling import spell

__all__ = ["Figures", "Line", "Printed", "Told", "find_line", "name_category", "read_figures"]

Printed = Callable[[int, int], Count]
"""What is known of a count: given the number of its row and the count as it is printed."""

LEADING = frozenset({RESULT, CHILDREN, REGION})

NAMES = {
    "sen_support": "SEN support",
    "ehc_plan": "EHC plan",
    "post_16": "Post-16",
    "children_home": "Children's home",
    "foster_relative_or_friend": "Foster care by a relative or friend",
    "foster_other": "Other foster care",
    "M": "Male",
    "F": "Female",
    "U": "Sex not known",
    "SPLD": "Specific learning difficulty",
    "MLD": "Moderate learning difficulty",
    "SLD": "Severe learning difficulty",
    "PMLD": "Profound and multiple learning difficulty",
    "SEMH": "Social, emotional and mental health",
    "SLCN": "Speech, language and communication",
    "HI": "Hearing impairment",
    "VI": "Vision impairment",
    "MSI": "Multi-sensory impairment",
    "PD": "Physical disability",
    "ASD": "Autism",
    "OTH": "Other difficulty or disability",
    "DS": "Down syndrome",
    "NSA": "No assessment of type",
}
"""Categories that are not written as they are read: codes of the returns in the words of the catalogue."""


@dataclass(frozen=True)
class Line:
    """One line: the category of each factor, `Total` where it adds up over one, and what is shown of each band."""

    categories: tuple[Entry, ...]
    counts: Mapping[Entry, Entry]
    share: Share | None

    @property
    def is_total(self) -> bool:
        """Whether it is of everybody."""
        return all(each == TOTAL for each in self.categories)

    @property
    def symbol(self) -> Symbol:
        """What stands in the place of a share that is not there: withheld, of nobody, or lost in the noise."""
        bands = [each for band, each in self.counts.items() if band not in (None, TOTAL)]
        if not all(isinstance(each, int) for each in bands):
            return Symbol.CONFIDENTIAL
        return Symbol.UNRELIABLE if any(bands) else Symbol.NOT_APPLICABLE


@dataclass(frozen=True)
class Figures:
    """A measure of a place: its lines where there are any, where they come from, and otherwise why there are none."""

    place: Place
    measure: Measure
    factors: tuple[Factor, ...]
    lines: tuple[Line, ...] = ()
    source: str = ""
    release_id: str = ""
    why_not: str = ""

    @property
    def whole(self) -> Line | None:
        """The line of everybody."""
        return next((line for line in self.lines if line.is_total), None)

    @property
    def share(self) -> Share | None:
        """The share of everybody, where it is shown."""
        return self.whole.share if self.whole is not None else None


@dataclass(frozen=True)
class Told:
    """The answer to a question as it was released of a place: its columns and rows, or why there is none."""

    place: Place
    question: Question
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    source: str = ""
    release_id: str = ""
    why_not: str = ""


def read_figures(
    measure: Measure, columns: Sequence[str], rows: Iterable[tuple[int, Row]], printed: Printed
) -> tuple[Line, ...]:
    """Return the lines of some rows of a table, each with its number, in the order in which the table has them."""
    places = {label: number for number, label in enumerate(columns)}
    splits = [number for label, number in places.items() if label not in LEADING]
    found: dict[tuple[Entry, ...], dict[Entry, tuple[int, Entry]]] = {}
    for number, row in rows:
        key = tuple(row[place] for place in splits)
        found.setdefault(key, {})[row[places[RESULT]]] = (number, row[places[CHILDREN]])
    return tuple(_read_line(measure, key, counts, printed) for key, counts in found.items())


def _read_line(
    measure: Measure, key: tuple[Entry, ...], counts: Mapping[Entry, tuple[int, Entry]], printed: Printed
) -> Line:
    known = {band: _count(number, count, printed) for band, (number, count) in counts.items()}
    return Line(key, {band: count for band, (_, count) in counts.items()}, make_share(measure, known))


def _count(number: int, count: Entry, printed: Printed) -> Count | None:
    if isinstance(count, Decimal | int) and not isinstance(count, bool):
        return printed(number, int(count))
    return None


def find_line(figures: Figures, categories: tuple[Entry, ...]) -> Line | None:
    """Return the line of these categories, where the figures have it."""
    return next((line for line in figures.lines if line.categories == categories), None)


def name_category(category: Entry) -> str:
    """Return a category in words."""
    if category == TOTAL:
        return "All"
    if category is None:
        return "Not known"
    if isinstance(category, bool):
        return "Yes" if category else "No"
    text = NAMES.get(str(category)) or spell(str(category))
    return text[:1].upper() + text[1:]
