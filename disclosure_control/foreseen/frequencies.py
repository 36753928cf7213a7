"""Public margins: how often each category of each column occurs, by which the children of a cell are foreseen.

The shares are those of the synthetic England, in `query_engine/domains/frequencies.csv` (written by
`python -m node.synth.frequencies`), so foreseeing a table touches no data. Within a key stage every column is taken to
go its own way: the one assumption, and a rough one where two columns say nearly the same.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import query_engine
from query_engine.catalogue import Column, GovernedTable
from query_engine.planning.reach import own_geography
from query_engine.planning.region import Region, Split

__all__ = ["Frequencies", "Stage", "load_frequencies", "read_frequencies"]

STAGE, YEAR = "key_stage", "academic_year"
ZERO = "zero"

Shares = Mapping[str, Mapping[str, float]]
"""Column by column the share of each category, as the file spells it; missing is empty."""

_FILE = Path(query_engine.__file__).with_name("domains") / "frequencies.csv"


@dataclass(frozen=True)
class Stage:
    """The children of one key stage (`""` where it is missing), and their share of all."""

    name: str
    weight: float
    shares: Shares


@dataclass(frozen=True)
class Frequencies:
    """The shares of one table."""

    table: GovernedTable
    stages: tuple[Stage, ...]

    def chances(self, region: Region) -> tuple[float, ...]:
        """Of each key stage, the expected rows in a region for each child of it in a year.

        A region of three years has three times the rows of one; a region that no year is named in is taken for one.
        """
        return tuple(self._chance(region, stage, {}) for stage in self.stages)

    def share(self, region: Region) -> float:
        """The expected rows in a region for each child of the table in a year."""
        return sum(stage.weight * chance for stage, chance in zip(self.stages, self.chances(region), strict=True))

    def _chance(self, region: Region, stage: Stage, done: dict[Split, float]) -> float:
        if isinstance(region, bool):
            return float(region)
        if region not in done:
            column = self.table.columns[region.column]
            done[region] = sum(
                self._mass(column, stage, first, last) * self._chance(part, stage, done)
                for first, last, part in region.spans()
                if part is not False
            )
        return done[region]

    def _mass(self, column: Column, stage: Stage, first: int, last: int) -> float:
        """The share of a run of codes; for years, their number."""
        if column.name == YEAR:
            return last - first + 1
        if column.name in own_geography(self.table):
            return 1.0  # every row of the authority that answers is there, or none
        if column.name == STAGE:
            code = column.present_codes if not stage.name else column.code(stage.name)
            return float(code is not None and first <= code <= last)
        if column.name not in stage.shares:
            return (last - first + 1) / column.codes
        return sum(
            share * max(0, min(last, end) - max(first, start) + 1) / (end - start + 1)
            for start, end, share in _segments(column, stage.shares[column.name])
        )


def _segments(column: Column, shares: Mapping[str, float]) -> Iterable[tuple[int, int, float]]:
    """The runs of codes that categories stand for, each with its share, which is spread evenly over the run."""
    if column.role != "measure":
        by_name = {_spell(column.value(code)): code for code in range(column.codes)}
        yield from ((by_name[each], by_name[each], share) for each, share in shares.items() if each in by_name)
        return
    starts = [code for code in map(column.code, column.bins) if code is not None]
    ends = [*(start - 1 for start in starts[1:]), column.present_codes - 1]
    zero = column.code(0)
    for edge, start, end in zip(column.bins, starts, ends, strict=True):
        first = start + 1 if start == zero and end > start else start
        yield first, end, shares.get(str(edge), 0.0)
    if zero is not None:
        yield zero, zero, shares.get(ZERO, 0.0)
    if column.nullable:
        yield column.present_codes, column.present_codes, shares.get("", 0.0)


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


@cache
def load_frequencies(path: Path = _FILE) -> Mapping[str, Mapping[str, Shares]]:
    """The file: table by table and stage by stage."""
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            stage = found.setdefault(row["table"], {}).setdefault(row["key_stage"], {})
            stage.setdefault(row["column"], {})[row["category"]] = float(row["share"])
    return MappingProxyType(found)


def read_frequencies(table: GovernedTable) -> Frequencies:
    """The shares of a table; without any, one stage in which every column is spread evenly."""
    stages = load_frequencies().get(table.name, {})
    found = tuple(Stage(name, shares.get(STAGE, {}).get(name, 0.0), shares) for name, shares in stages.items())
    return Frequencies(table, found or (Stage("", 1.0, {}),))
