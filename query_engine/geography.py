"""The authorities of England: today's 153, those they came from, and the nine regions, as the catalogue names them.

Two files say it all. `domains/authorities.csv` has every authority with the days from and to which its code and area
held, both included; an empty day is open. `domains/successions.csv` says which authority took over from which. A
succession without a successor is announced, but its codes are not published yet: when they are, the successors become
rows of both files, and the predecessor gets its last day. Which map is today's is thus said by the files and never by
a clock, so that all members of a federation draw the same one.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
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
"""The nine regions, in the order the Office for National Statistics prints them: Inner and Outer London are one."""

_DOMAINS = Path(__file__).parent / "domains"


@dataclass(frozen=True, slots=True)
class Authority:
    """A local authority: its three-figure DfE code, nine-character ONS code, name and region.

    `valid_from` and `valid_to` are the first and last day of that code with that area; None is open.
    """

    code: str
    ons_code: str
    name: str
    region: str
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether the authority was there on a day."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class Succession:
    """The day on which a successor took over the area of a predecessor, or a part of it.

    `successor` is None where the code of the authority to come is not published.
    """

    predecessor: str
    successor: str | None
    day: date


@cache
def load_authorities() -> Mapping[str, Authority]:
    """Every authority of today's map by its DfE code, in the order of the codes."""
    return MappingProxyType({each.code: each for each in load_every_authority() if each.valid_to is None})


def name_authority(code: str) -> str:
    """An authority as people know it: nobody has 153 codes in mind. A code of none is shown as it is."""
    known = load_authorities().get(code)
    return f"{known.name} ({code})" if known else code


@cache
def load_every_authority() -> tuple[Authority, ...]:
    """Every authority of today and of the past, in the order of the codes, then of time."""
    with (_DOMAINS / "authorities.csv").open(encoding="utf-8", newline="") as lines:
        found = [_authority(row) for row in csv.DictReader(lines)]
    return tuple(sorted(found, key=lambda each: (each.code, each.valid_to or date.max)))


@cache
def load_successions() -> tuple[Succession, ...]:
    """Every succession, in the order of the file."""
    with (_DOMAINS / "successions.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            Succession(row["predecessor"], row["successor"] or None, date.fromisoformat(row["date"]))
            for row in csv.DictReader(lines)
        )


def former_authorities() -> tuple[str, ...]:
    """The codes that no authority of today has, in order."""
    return tuple(dict.fromkeys(each.code for each in load_every_authority() if each.code not in load_authorities()))


@cache
def authorities_of(year: int) -> Mapping[str, Authority]:
    """The authorities of an academic year, such as 202425, by code: those of the 31 March in it."""
    day = census_day(year)
    return MappingProxyType({each.code: each for each in load_every_authority() if each.is_valid_on(day)})


def today_of(authority: str, year: int) -> str | None:
    """The authority of today's map that has the whole area of an authority of an academic year.

    None where it was split among several: which of them a child belongs to is not known from the code. Raises
    `KeyError` where there was no such authority in that year.
    """
    code = authorities_of(year)[authority].code
    while code not in load_authorities():
        heirs = {each.successor for each in load_successions() if each.predecessor == code}
        heir = heirs.pop() if len(heirs) == 1 else None
        if heir is None:
            return None
        code = heir
    return code


def authority_then(today: str, year: int) -> str | None:
    """The authority of an academic year that had the whole area of an authority of today's map.

    None where the area was put together from parts of several. Raises `KeyError` for a code that is not of today.
    """
    code, then = load_authorities()[today].code, authorities_of(year)
    while code not in then:
        origins = {each.predecessor for each in load_successions() if each.successor == code}
        if len(origins) != 1:
            return None
        code = origins.pop()
    return code


def census_day(year: int) -> date:
    """The 31 March in an academic year, on which a return ends and by which the map of the year goes."""
    return date(year // 100 + 1, 3, 31)


def _authority(row: Mapping[str, str]) -> Authority:
    first, last = (date.fromisoformat(row[name]) if row[name] else None for name in ("valid_from", "valid_to"))
    return Authority(row["code"], row["ons_code"], row["name"], row["region"], first, last)
