"""The register of schools (Get information about schools), one file for all of England: what each school is, and where.

What a school is depends on its URN and the seed alone, so that every reader of `describe_school` agrees.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from node.synth.calibration import draw, happens, seeded
from node.synth.collection_year import Day, day
from node.synth.files import published_columns, write_table
from node.synth.names import school_name
from node.synth.postcodes import Place
from node.synth.schools import PHASES, School
from query_engine.geography import load_authorities

ENCODING = "cp1252"
TABLE = "edubasealldata"

_NOT_APPLICABLE = "Not applicable"
_PHASE = {"primary": ("2", "Primary"), "secondary": ("4", "Secondary")}
_AGES = {"primary": ("4", "11"), "secondary": ("11", "18"), "special": ("4", "19"), "alternative": ("5", "16")}
_REGION_CODES = {
    "North East": "A",
    "North West": "B",
    "Yorkshire and The Humber": "D",
    "East Midlands": "E",
    "West Midlands": "F",
    "East of England": "G",
    "London": "H",
    "South East": "J",
    "South West": "K",
}
_TYPES: Mapping[str, tuple[str, str, str]] = {
    "community": ("01", "Community school", "maintained"),
    "aided": ("02", "Voluntary aided school", "maintained"),
    "controlled": ("03", "Voluntary controlled school", "maintained"),
    "foundation": ("05", "Foundation school", "maintained"),
    "sponsored": ("28", "Academy sponsor led", "academy"),
    "converter": ("34", "Academy converter", "academy"),
    "free": ("35", "Free schools", "free"),
    "community_special": ("07", "Community special school", "special"),
    "special_converter": ("44", "Academy special converter", "academy"),
    "special_free": ("36", "Free schools special", "free"),
    "pru": ("14", "Pupil referral unit", "maintained"),
    "alternative_converter": ("42", "Academy alternative provision converter", "academy"),
    "alternative_free": ("38", "Free schools alternative provision", "free"),
}
_GROUPS = {
    "maintained": ("4", "Local authority maintained schools"),
    "special": ("5", "Special schools"),
    "academy": ("10", "Academies"),
    "free": ("11", "Free Schools"),
}


@dataclass(frozen=True, slots=True)
class Description:
    """What the register says of a school beyond its numbers."""

    name: str
    kind: str
    """A key of the establishment types, like `converter`."""
    opened: Day
    postcode: str
    easting: int
    northing: int
    resourced: str
    """Resourced provision, SEN unit, both, or not applicable."""
    faith: bool


def describe_school(school: School, place: Place, seed: int) -> Description:
    """What a school is: the same for every reader with the same seed."""
    chance = seeded(seed, "register", str(school.urn))
    at = chance.randrange(len(place.postcodes))
    kind = draw(chance, f"school_kind.{school.phase}")
    is_new = _TYPES[kind][2] in {"academy", "free"}
    resourced = draw(chance, "resourced_provision") if school.phase in _PHASE else _NOT_APPLICABLE
    return Description(
        school_name(chance, school.phase),
        kind,
        day(chance.randint(*_opened(school.phase, is_new)), 9, 1),
        place.postcodes[at],
        place.eastings[at],
        place.northings[at],
        resourced,
        kind in {"aided", "controlled"} or (is_new and happens(chance, "school_kind.faith_academy")),
    )


def _opened(phase: str, is_new: bool) -> tuple[int, int]:
    """The years in which schools of a kind opened: academies from 2011 on, yet before anyone who is on roll entered."""
    if not is_new:
        return 1952, 1999
    return (2011, 2011) if phase == "special" else (2011, 2015)


def write_register(
    folder: Path, schools: Mapping[str, Mapping[str, Sequence[School]]], places: Mapping[str, Place], seed: int
) -> None:
    """Write `edubasealldata.csv` with every school of every authority, into `folder`, which exists."""
    columns = published_columns("register_columns")[TABLE]
    rows = (
        [values.get(column, "") for column in columns]
        for code, founded in schools.items()
        for values in _authority_rows(founded, places[code], seed)
    )
    write_table(folder / f"{TABLE}.csv", columns, rows, encoding=ENCODING)


def _authority_rows(founded: Mapping[str, Sequence[School]], place: Place, seed: int) -> Iterator[Mapping[str, str]]:
    for phase in PHASES:
        for school in founded[phase]:
            yield _numbers(school) | _kind(school, place, seed)


def _numbers(school: School) -> dict[str, str]:
    authority = load_authorities()[school.authority]
    return {
        "URN": str(school.urn),
        "LA (code)": school.authority,
        "LA (name)": authority.name,
        "EstablishmentNumber": f"{school.estab:04}",
        "EstablishmentStatus (code)": "1",
        "EstablishmentStatus (name)": "Open",
        "GOR (code)": _REGION_CODES[authority.region],
        "GOR (name)": authority.region,
        "DistrictAdministrative (code)": authority.ons_code,
        "DistrictAdministrative (name)": authority.name,
        "StatutoryLowAge": _AGES[school.phase][0],
        "StatutoryHighAge": _AGES[school.phase][1],
        "UKPRN": f"10{school.urn:06}",
    }


def _kind(school: School, place: Place, seed: int) -> dict[str, str]:
    what = describe_school(school, place, seed)
    type_code, type_name, group = _TYPES[what.kind]
    phase = _PHASE.get(school.phase, ("0", _NOT_APPLICABLE))
    pairs = {
        "TypeOfEstablishment": (type_code, type_name),
        "EstablishmentTypeGroup": _GROUPS[group],
        "PhaseOfEducation": phase,
        "Boarders": ("1", "No boarders"),
        "Gender": ("3", "Mixed"),
        "OfficialSixthForm": ("1", "Has a sixth form") if school.phase == "secondary" else ("2", "None"),
        "ReligiousCharacter": ("02", "Church of England") if what.faith else ("00", "Does not apply"),
    }
    named = {f"{name} (code)": code for name, (code, _) in pairs.items()}
    named |= {f"{name} (name)": value for name, (_, value) in pairs.items()}
    pupil_referral = "PRU Does have Provision for SEN" if school.phase == "alternative" else _NOT_APPLICABLE
    return named | {
        "EstablishmentName": what.name,
        "OpenDate": register_date(what.opened),
        "Postcode": what.postcode,
        "Easting": str(what.easting),
        "Northing": str(what.northing),
        "SENPRU (name)": pupil_referral,
        "TypeOfResourcedProvision (name)": what.resourced,
    }


def register_date(then: Day) -> str:
    """A day as the register writes it: 01-09-2015."""
    return date.fromordinal(then).strftime("%d-%m-%Y")


def type_of_education(kind: str) -> str:
    """The type of establishment by name, as Ofsted's files also print it."""
    return _TYPES[kind][1]
