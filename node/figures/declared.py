"""The figures that there are, and the queries behind them: `figures.toml`, a closed list."""

import tomllib
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from federation.state import StateError

_FILE = Path(__file__).with_name("figures.toml")

RESULT, CHILDREN = "result", "children"
"""The columns of every figure's table: the band, and how many children are in it."""


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure of England that the Department for Education has published, in percent."""

    percent: float
    year: int
    source: str
    as_: str = msgspec.field(default="", name="as")


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told apart of every child, and which part of it the share is of."""

    name: str
    topic: str
    title: str
    bands: tuple[tuple[str, str, str], ...]
    counted: frozenset[str]
    missing: str
    published: Published | None = None

    def name_band(self, band: object) -> str:
        """Return what a category of the table is called."""
        titles = {name: title for name, title, _ in self.bands}
        return self.missing if band is None else titles.get(str(band), str(band))


class Breakdown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column by which a figure may be split."""

    name: str
    title: str


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be asked for."""

    population: str
    measure: tuple[Measure, ...]
    breakdown: tuple[Breakdown, ...]

    def find_measure(self, name: str) -> Measure:
        """Return a measure by its name. Raises `StateError`."""
        return _find(self.measure, name, "figure")

    def find_breakdown(self, name: str) -> Breakdown | None:
        """Return a breakdown by its name, or None for no name. Raises `StateError`."""
        return _find(self.breakdown, name, "breakdown") if name else None


Named = TypeVar("Named", Measure, Breakdown)


def _find(known: tuple[Named, ...], name: str, what: str) -> Named:
    for each in known:
        if each.name == name:
            return each
    raise StateError(f"there is no {what} of that name: choose one of {', '.join(each.name for each in known)}")


@cache
def load_declared() -> Declared:
    """Return the figures, in the order of the file."""
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), Declared)


def write_sql(measure: Measure, by: Breakdown | None, year: int, *, by_region: bool = False) -> str:
    """Return the query of a figure of one academic year, with every total; of each region of home if that is asked.

    The same query, by a sum over authorities, gives the nation's figure.
    """
    bands = " ".join(f"WHEN {rows} THEN '{name}'" for name, _, rows in measure.bands)
    groups = ["home_region"] * by_region + ([by.name] if by else [])
    where = load_declared().population.strip().format(year=year)
    columns = ", ".join([*groups, f"CASE {bands} END AS {RESULT}", f"COUNT(*) AS {CHILDREN}"])
    split = ", ".join([*groups[by_region:], RESULT])
    grouping = f"{'home_region, ' * by_region}{'CUBE' if by else 'ROLLUP'}({split})"
    return f"SELECT {columns} FROM child_year WHERE {where} GROUP BY {grouping}"  # noqa: S608 - a year and our own words
