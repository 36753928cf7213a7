"""What is settled before the first child is drawn: years, sizes, borders, schools and who issues pupil numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from node.synth.calibration import number
from node.synth.collection_year import CollectionYear, collection_years
from node.synth.geography import Borders, authority_sizes, choose_authorities, draw_borders
from node.synth.postcodes import Place, load_places
from node.synth.schools import School, UpnIssuer, found_schools

MANIFEST = "england.json"
REGISTER = "register"

_MOST_SCALE = 20.0
_SHARE_ON_ROLL = 0.9  # children on roll in the year for each child looked after at its end
_SAMPLE = 0.05  # the share of pupils that schools.py sizes schools for


class SynthRefused(ValueError):
    """England cannot be written as asked; the text says why and what to do."""


@dataclass(frozen=True)
class Asked:
    """What `write_england` was asked for; see there."""

    authorities: int | Sequence[str]
    seed: int
    academic_year: int
    years: int
    scale: float
    other_pupils_per_child: float
    other_pupils_share: float | None
    full_roll: str | None
    dirty: bool
    full: bool
    xml: bool
    returns_errors: bool


@dataclass(frozen=True)
class Plan:
    """An England about to be written."""

    directory: Path
    asked: Asked
    years: tuple[CollectionYear, ...]
    """In order; the last is the academic year asked for."""
    places: Mapping[str, Place]
    sizes: Mapping[str, int]
    borders: Mapping[str, Borders]
    schools: Mapping[str, Mapping[str, Sequence[School]]]
    upns: UpnIssuer
    earlier_upns: UpnIssuer = field(repr=False)

    @property
    def seed(self) -> int:
        """Where all randomness starts."""
        return self.asked.seed

    @property
    def last(self) -> CollectionYear:
        """The academic year asked for."""
        return self.years[-1]

    @property
    def earlier(self) -> tuple[CollectionYear, ...]:
        """The years before it, the latest first."""
        return self.years[-2::-1]

    def issuer(self, year: CollectionYear) -> UpnIssuer:
        """Who numbers the pupils first drawn in a year: earlier years must not change what the last one is given."""
        return self.upns if year == self.last else self.earlier_upns

    def folder(self, code: str, year: CollectionYear) -> Path:
        """Where an authority's files of a year are: the last year's at the top, the others' in one folder each."""
        top = self.directory / code
        return top if year == self.last else top / str(year.academic_year)

    def other_pupils(self, code: str, in_care: int) -> int | None:
        """How many pupils who are not in care an authority's schools have; None for so many to each child in care."""
        if code == self.asked.full_roll:
            return max(0, self._all_pupils(code) - in_care)
        if self.asked.other_pupils_share is None:
            return None
        return round(self.asked.other_pupils_share * self._all_pupils(code))

    def _all_pupils(self, code: str) -> int:
        return all_pupils(code, self.places, self.asked.scale)


def all_pupils(code: str, places: Mapping[str, Place], scale: float) -> int:
    """Pupils on roll in an authority, times `scale`: its share of England's addresses, as it has of the children."""
    addresses = sum(len(place.postcodes) for place in places.values())
    return round(scale * number("all_pupils.england") * len(places[code].postcodes) / addresses)


def make_plan(directory: Path, asked: Asked) -> Plan:
    """Settle what can be settled; raises SynthRefused when what is asked makes no England."""
    _check(asked)
    places = load_places()
    try:
        years = collection_years(asked.academic_year, asked.years)
        codes = choose_authorities(asked.authorities, places)
    except ValueError as refused:
        raise SynthRefused(str(refused)) from refused
    if asked.full_roll is not None and asked.full_roll not in codes:
        raise SynthRefused(f"the full roll of {asked.full_roll} is asked for, but that authority is not written")
    if any((directory / name).exists() for name in (MANIFEST, REGISTER, *codes)):
        raise SynthRefused("the directory already holds a synthetic England; name an empty one or remove it")
    sizes = authority_sizes(places, asked.scale)
    schools = {code: found_schools(code, _pupils_for(code, asked, sizes, places)) for code in codes}
    upns = UpnIssuer(schools)
    borders = draw_borders(codes, places, asked.seed)
    return Plan(directory, asked, years, places, sizes, borders, schools, upns, upns.from_the_top())


def _check(asked: Asked) -> None:
    share = asked.other_pupils_share
    if not 0 < asked.scale <= _MOST_SCALE or asked.other_pupils_per_child < 0:
        raise SynthRefused(f"scale is above 0 and at most {_MOST_SCALE}; other pupils are not below 0")
    if share is not None and not 0 <= share <= 1:
        raise SynthRefused("the share of other pupils is from 0 to 1")


def _pupils_for(code: str, asked: Asked, sizes: Mapping[str, int], places: Mapping[str, Place]) -> float:
    """How many pupils an authority's schools are founded for, out of the sample that is usually written."""
    in_care = sizes[code] * _SHARE_ON_ROLL
    if code == asked.full_roll:
        return max(in_care, all_pupils(code, places, asked.scale) * _SAMPLE)
    if asked.other_pupils_share is None:
        return in_care * (1 + asked.other_pupils_per_child)
    return in_care + asked.other_pupils_share * all_pupils(code, places, asked.scale)
