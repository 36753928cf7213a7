"""Of which place figures are: the nation, a region, or an authority; and what a report of each sets beside it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from federation.state import StateError
from query_engine.geography import REGIONS, load_authorities

__all__ = ["LEVELS", "NATION", "Level", "Place", "find_place", "list_places", "places_beside"]

Level = Literal["nation", "region", "authority", "school"]

LEVELS: tuple[Level, ...] = ("authority", "region", "nation")
"""The levels of what is released. A school is one at its authority's own pages alone."""


@dataclass(frozen=True)
class Place:
    """A place by its level and its code: an authority's three figures, a region's name, nothing for England.

    Of a school it is the unique reference number, beside which a name may be known; of all schools of somebody who
    works for several, their number.
    """

    level: Level
    code: str = ""
    school_name: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The place as a heading has it."""
        match self.level:
            case "nation":
                return "England"
            case "region":
                return self.code
            case "authority":
                return load_authorities()[self.code].name
            case "school":
                if not self.is_one_school:
                    return f"Your {self.code} schools together"
                return self.school_name or f"School {self.code}"

    @property
    def is_one_school(self) -> bool:
        """Whether it is one school, by its number of six digits, and not several together."""
        return self.level == "school" and len(self.code) == 6

    @property
    def address(self) -> str:
        """The place in a word, as in an address: `authority:301`, `region:London`, `nation`."""
        return f"{self.level}:{self.code}" if self.code else self.level

    @property
    def region(self) -> str:
        """The region that it is in or is; empty for England and for a school."""
        match self.level:
            case "authority":
                return load_authorities()[self.code].region
            case "region":
                return self.code
            case _:
                return ""


NATION = Place("nation")


def find_place(level: str, code: str) -> Place:
    """Return a place by what an address says of it. Raises `StateError`."""
    if level == "nation":
        return NATION
    if level == "region" and code in REGIONS:
        return Place("region", code)
    if level == "authority" and code in load_authorities():
        return Place("authority", code)
    raise StateError("give a level (authority, region or nation) and its place: a code of three figures, or a region")


def list_places(level: Level) -> tuple[Place, ...]:
    """Every place of a level: authorities by their codes, regions in their printed order."""
    match level:
        case "nation":
            return (NATION,)
        case "region":
            return tuple(Place("region", name) for name in REGIONS)
        case "authority":
            return tuple(Place("authority", code) for code in load_authorities())
        case "school":
            return ()


def places_beside(place: Place) -> Iterator[Place]:
    """The place itself, then what it is set against: never another authority."""
    yield place
    if place.level == "authority":
        yield Place("region", place.region)
    if place.level != "nation":
        yield NATION
