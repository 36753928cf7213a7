"""The figures that there are, and the queries behind them: `figures.toml`, a closed list of measures of reports."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from federation.reports.measures import (
    CHILDREN,
    RESULT,
    Factor,
    Measure,
    find_named,
    load_measures,
    write_question,
)

__all__ = ["CHILDREN", "RESULT", "Breakdown", "Declared", "Measure", "load_declared", "write_sql"]

_FILE = Path(__file__).with_name("figures.toml")


Breakdown = Factor
"""A factor by which a figure may be split."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says: of which population, which measures and which breakdowns."""

    population: str
    measures: tuple[str, ...]
    breakdowns: tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """Everything that can be asked for."""

    population: str
    measure: tuple[Measure, ...]
    breakdown: tuple[Breakdown, ...]

    def find_measure(self, name: str) -> Measure:
        """Return a measure by its name. Raises `StateError`."""
        return find_named(self.measure, name, "figure")

    def find_breakdown(self, name: str) -> Breakdown | None:
        """Return a breakdown by its name, or None for no name. Raises `StateError`."""
        return find_named(self.breakdown, name, "breakdown") if name else None


@cache
def load_declared() -> Declared:
    """Return the figures, in the order of the file."""
    file = msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), _File)
    measures = tuple(map(load_measures().find_measure, file.measures))
    return Declared(file.population, measures, load_measures().find_factors(file.breakdowns))


def write_sql(measure: Measure, by: Breakdown | None, year: int, *, by_region: bool = False) -> str:
    """Return the query of a figure of one academic year, with every total; of each region of home if that is asked.

    The same query, by a sum over authorities, gives the nation's figure.
    """
    return write_question(measure, [by] if by else [], year, by_region=by_region)
