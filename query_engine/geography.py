"""The 153 authorities of England and their nine regions, as the catalogue's public domains name them."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

REGIONS: tuple[str, ...] = (
    "North East",
    "North West",
    "Yorkshire and The Humber",
    "East Midlands",
    "West Midlands",
    "East of England",
    "London",
    "South East",
    "South West",
)
"""The nine regions, in the order the Office for National Statistics prints them."""

_FILE = Path(__file__).parent / "domains" / "authorities.csv"


@dataclass(frozen=True, slots=True)
class Authority:
    """A local authority: its three-figure DfE code, nine-character ONS code, name and region."""

    code: str
    ons_code: str
    name: str
    region: str


@cache
def load_authorities() -> Mapping[str, Authority]:
    """Every authority by its DfE code, in the order of the codes."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        found = [Authority(**row) for row in csv.DictReader(lines)]
    return MappingProxyType({each.code: each for each in sorted(found, key=lambda each: each.code)})
