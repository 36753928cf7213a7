"""Synthetic Englands to look at, and readers for their files."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from node.synth.england import EnglandSummary, write_england
from tests.made_once import make_once

Row = dict[str, str]

SPREAD = (
    *("202", "301", "316", "330", "341", "352", "371", "383", "391", "801"),
    *("803", "831", "856", "881", "886", "891", "908", "926", "931", "938"),
)
"""Twenty authorities from every region."""


@dataclass(frozen=True)
class England:
    """A written England and its rows, every value still text."""

    summary: EnglandSummary

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self.summary.authorities)

    def rows(self, code: str, table: str) -> list[Row]:
        return read_rows(self.summary.directory / code / "ssda903" / f"{table}.csv")

    def census(self, code: str, term: str, table: str) -> list[Row]:
        return read_rows(self.summary.directory / code / "school-census" / f"{term}_{table}.csv")

    def read(self, code: str, path: str) -> list[Row]:
        """Any table of an authority, by its path within the folder and without the ending."""
        return read_rows(self.summary.directory / code / f"{path}.csv")

    def episodes(self, code: str) -> Mapping[str, list[Row]]:
        """The episodes of each child, in the order of their starts."""
        chains: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows(code, "episodes"):
            chains[row["CHILD"]].append(row)
        return {child: sorted(chain, key=lambda row: read_day(row["DECOM"])) for child, chain in chains.items()}

    def chains(self) -> Iterator[tuple[str, Row, list[Row]]]:
        """Every child with episodes: home authority, header row, episodes."""
        for code in self.codes:
            headers = {row["CHILD"]: row for row in self.rows(code, "header")}
            for child, chain in self.episodes(code).items():
                yield code, headers[child], chain

    def rolls(self) -> Mapping[str, set[str]]:
        """The UPNs on any roll of the year, by authority."""
        return {
            code: {row["upn"] for term in TERMS for row in self.census(code, term, "pupilonroll")}
            for code in self.codes
        }


TERMS = ("2024_autumn", "2025_spring", "2025_summer")


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_day(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").date()


@pytest.fixture(scope="session")
def england(tmp_path_factory: pytest.TempPathFactory) -> England:
    """Twenty authorities at a third of their size: enough children to measure shares."""

    def write(place: Path) -> EnglandSummary:
        return write_england(place, authorities=SPREAD, seed=2025, scale=0.35)

    return England(make_once(tmp_path_factory, "england", write))


@pytest.fixture(scope="session")
def estuary(tmp_path_factory: pytest.TempPathFactory) -> England:
    """The eight neighbours that `--authorities 8` writes, small."""

    def write(place: Path) -> EnglandSummary:
        return write_england(place, authorities=8, seed=7, scale=0.1)

    return England(make_once(tmp_path_factory, "estuary", write))


@pytest.fixture(scope="session")
def measured_england(tmp_path_factory: pytest.TempPathFactory) -> England:
    """Twenty-five authorities of every region, in full, of the last year whose pupils sat Key Stage 2 tests."""
    codes = (*SPREAD, "312", "373", "840", "860", "888")

    def write(place: Path) -> EnglandSummary:
        return write_england(
            place, authorities=codes, seed=5, academic_year=202324, scale=0.75, other_pupils_per_child=1.0, full=True
        )

    return England(make_once(tmp_path_factory, "measured", write))


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> England:
    """Eight neighbours in three years, with every kind of file there is."""

    def write(place: Path) -> EnglandSummary:
        return write_england(
            place, authorities=8, seed=7, academic_year=202526, years=3, scale=0.25, full=True, xml=True
        )

    return England(make_once(tmp_path_factory, "whole", write))
