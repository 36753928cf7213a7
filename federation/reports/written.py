"""A report as it was written: words and tables of words, the same for the page, the PDF and whoever reads it aloud."""

from collections.abc import Iterator
from dataclasses import dataclass

from federation.number_columns import find_number_places
from federation.reports.figures import Figures, Told
from federation.reports.like_for_like import Expected
from federation.reports.places import Place

__all__ = ["Funnel", "FunnelPoint", "WrittenReport", "WrittenSection", "WrittenTable", "name_year"]


@dataclass(frozen=True)
class WrittenTable:
    """A table: what it is called, the headings of its columns, and rows whose first entry heads them."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns are of figures, which are set to the right so that they can be compared; never the first."""
        return find_number_places(self.columns, self.rows)


@dataclass(frozen=True)
class FunnelPoint:
    """One authority in a funnel: its name for the one that the report is of, how many children, and the share."""

    name: str
    children: int
    share: float


@dataclass(frozen=True)
class Funnel:
    """A funnel around a target: who is in it, in the order of the codes."""

    title: str
    target: float
    points: tuple[FunnelPoint, ...]


@dataclass(frozen=True)
class WrittenSection:
    """A heading, what to mind, its tables, and what it has no figure of, each with the reason.

    `unasked` is the measure of which there is no model, or no case mix, to set it against.
    """

    title: str
    words: tuple[str, ...]
    tables: tuple[WrittenTable, ...]
    missing: tuple[str, ...]
    funnel: Funnel | None = None
    compared: tuple[Expected, ...] = ()
    sources: tuple[str, ...] = ()
    unasked: str = ""
    told: tuple[Told, ...] = ()


@dataclass(frozen=True)
class WrittenReport:
    """A whole report. `figures` are those that it was written from, `sources` the releases that they are of."""

    name: str
    title: str
    place: Place
    year: int
    audience: str
    about: str
    sections: tuple[WrittenSection, ...]
    figures: tuple[Figures, ...]
    reading: tuple[str, ...]

    @property
    def heading(self) -> str:
        """The title with the place and the year."""
        return f"{self.title}: {self.place.name}, {self.year_name}"

    @property
    def year_name(self) -> str:
        """The academic year as people write it."""
        return name_year(self.year)

    @property
    def file_name(self) -> str:
        """What a file of it is called, before what it ends in."""
        where = self.place.code.lower().replace(" ", "-") or "england"
        return f"{self.name}-{where}-{self.year}"

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the figures come from, each once, in the order of the report."""
        of_models = [source for section in self.sections for source in section.sources]
        return tuple(dict.fromkeys([*(each.source for each in self.figures if each.source), *of_models]))

    @property
    def told(self) -> tuple[Told, ...]:
        """What was told as it was released, in the order of the report."""
        return tuple(each for section in self.sections for each in section.told)

    @property
    def compared(self) -> tuple[Expected, ...]:
        """What was set against what a model expects, in the order of the report."""
        return tuple(each for section in self.sections for each in section.compared)

    def list_missing(self) -> Iterator[Figures]:
        """Yield what has not been released."""
        yield from (each for each in self.figures if each.why_not)


def name_year(year: int) -> str:
    """Return an academic year as people write it."""
    return f"{year // 100}/{year % 100:02}"
