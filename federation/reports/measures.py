"""What reports tell of children, and the questions behind it: `measures.toml`, a closed list.

A question is put together from our own words and an academic year; nothing that anybody types is in it.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from federation.state import StateError

__all__ = [
    "CHILDREN",
    "REGION",
    "RESULT",
    "Factor",
    "LikeForLike",
    "Measure",
    "Measures",
    "Population",
    "Published",
    "Question",
    "find_named",
    "load_measures",
    "write_question",
]

_FILE = Path(__file__).with_name("measures.toml")

RESULT, CHILDREN = "result", "children"
"""The columns of every measure's table: the band, and how many children are in it."""

REGION = "home_region"

CHILD_YEAR = "child_year"
"""The table that measures are of, with one row for each child and year."""


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure of England that the Department for Education has published, in percent."""

    percent: float
    year: int
    source: str
    as_: str = msgspec.field(default="", name="as")


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a measure counts, in words and as a condition with the places `{year}` and `{of}`, for the table."""

    name: str
    title: str
    rows: str


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told apart of every child of a population, and which part of it the share is of."""

    name: str
    topic: str
    population: str
    title: str
    bands: tuple[tuple[str, str, str], ...]
    counted: frozenset[str]
    missing: str
    published: Published | None = None

    def name_band(self, band: object) -> str:
        """Return what a category of the table is called."""
        titles = {name: title for name, title, _ in self.bands}
        return self.missing if band is None else titles.get(str(band), str(band))

    @property
    def cases(self) -> str:
        """The bands as an expression of SQL."""
        bands = " ".join(f"WHEN {rows} THEN '{name}'" for name, _, rows in self.bands)
        return f"CASE {bands} END"


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What measures can be split by: a column, or bands of one; of a further table where `table` names it."""

    name: str
    title: str
    bands: str = ""
    table: str = CHILD_YEAR


class LikeForLike(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A result of which there is a model: its yes/no column, and the columns that the model takes into account."""

    measure: str
    outcome: str
    terms: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its measure's name."""
        return self.measure


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told as it was released: columns of figures of a table's rows, by one of its columns."""

    name: str
    topic: str
    title: str
    table: str
    columns: str
    rows: str
    by: str

    def write_sql(self, year: int) -> str:
        """Return the question about one academic year, with its total."""
        rows = self.rows.format(year=year)
        return f"SELECT {self.by}, {self.columns} FROM {self.table} WHERE {rows} GROUP BY ROLLUP({self.by})"  # noqa: S608 - our words


class Measures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that reports are made of."""

    population: tuple[Population, ...]
    measure: tuple[Measure, ...]
    factor: tuple[Factor, ...]
    like_for_like: tuple[LikeForLike, ...]
    question: tuple[Question, ...]

    def find_measure(self, name: str) -> Measure:
        """Return a measure by its name. Raises `StateError`."""
        return find_named(self.measure, name, "figure")

    def find_factors(self, names: Iterable[str]) -> tuple[Factor, ...]:
        """Return factors by their names. Raises `StateError`."""
        return tuple(find_named(self.factor, name, "factor") for name in names)

    def find_like_for_like(self, name: str) -> LikeForLike:
        """Return by what a measure is made alike. Raises `StateError` where there is no model of it."""
        return find_named(self.like_for_like, name, "result with a model")

    def find_question(self, name: str) -> Question:
        """Return a question by its name. Raises `StateError`."""
        return find_named(self.question, name, "question")

    def find_population(self, measure: Measure) -> Population:
        """Return whom a measure counts."""
        return find_named(self.population, measure.population, "population")


Named = TypeVar("Named", bound=msgspec.Struct)


def find_named(known: Sequence[Named], name: str, what: str) -> Named:
    """Return what has that name. Raises `StateError` that lists the names there are."""
    names = [str(getattr(each, "name")) for each in known]  # noqa: B009 - every struct here has a name
    if name not in names:
        raise StateError(f"there is no {what} of that name: choose one of {', '.join(names)}")
    return known[names.index(name)]


@cache
def load_measures() -> Measures:
    """Return the measures, in the order of the file."""
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), Measures)


def write_question(measure: Measure, factors: Sequence[Factor], year: int, *, by_region: bool = False) -> str:
    """Return the question of a measure about one academic year, with every total; of each region if that is asked.

    By rows of authorities it gives each authority's figures, by a sum over all of them the nation's or the regions'.
    """
    table = next((each.table for each in factors if each.table != CHILD_YEAR), "")
    of = f"{CHILD_YEAR}." if table else ""
    splits = [*map(_split(of), factors), (measure.cases, RESULT)]
    region = [f"{of}{REGION}"] * by_region
    counted = "COUNT(DISTINCT child)" if table else "COUNT(*)"
    columns = ", ".join([*region, *(_name(*each) for each in splits), f"{counted} AS {CHILDREN}"])
    names = ", ".join(name for _, name in splits)
    grouping = ", ".join([*region, f"{'CUBE' if factors else 'ROLLUP'}({names})"])
    rows = load_measures().find_population(measure).rows.format(year=year, of=of)
    source = f"{table} JOIN {CHILD_YEAR} USING (child, academic_year)" if table else CHILD_YEAR
    return f"SELECT {columns} FROM {source} WHERE {rows} GROUP BY {grouping}"  # noqa: S608 - a year and our own words


def _split(of: str) -> Callable[[Factor], tuple[str, str]]:
    """How a factor is written: an expression and its name, which is no column's unless it is that column.

    Where tables are joined, a column that both have must say which is meant.
    """

    def write(factor: Factor) -> tuple[str, str]:
        expression = factor.bands or (f"{of}{factor.name}" if factor.table == CHILD_YEAR else factor.name)
        return expression, factor.name if expression == factor.name else f"by_{factor.name}"

    return write


def _name(expression: str, name: str) -> str:
    return expression if expression == name else f"{expression} AS {name}"
