"""Ofsted's latest inspection of every school, as its monthly management information prints it.

Three regimes stand side by side, and no grade of one means a grade of another: one overall grade (1 to 4) until August
2024; four key judgements without an overall grade from September 2024; the report card from 10 November 2025.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random

from node.synth.calibration import draw, happens, number, seeded
from node.synth.collection_year import Day, day
from node.synth.files import published_columns, write_table
from node.synth.postcodes import Place
from node.synth.school_register import ENCODING, Description, describe_school, type_of_education
from node.synth.schools import PHASES, School

TABLE = "ofsted_latest_inspections"
NULL = "NULL"

OVERALL = (day(2015, 9, 7), day(2024, 8, 31))
JUDGEMENTS = (day(2024, 9, 2), day(2025, 11, 9))
REPORT_CARD = (day(2025, 11, 10), day(2026, 4, 24))

_PUBLISHED_AFTER = (25, 70)  # days
_JUDGEMENTS = (
    *("quality of education", "behaviour and attitudes", "personal development"),
    "effectiveness of leadership and management",
)
_AREAS = (
    *("Inclusion", "Curriculum and teaching", "Achievement", "Attendance and behaviour"),
    *("Personal development and wellbeing", "Leadership and governance"),
)
_PHASE = {"primary": "Primary", "secondary": "Secondary", "special": "Special", "alternative": "PRU"}
_CONCERN = {"4": "Special measures", "Urgent improvement": "Special measures"}


def write_inspections(
    folder: Path, schools: Mapping[str, Mapping[str, Sequence[School]]], places: Mapping[str, Place], seed: int
) -> None:
    """Write `ofsted_latest_inspections.csv` with every school, into `folder`, which exists."""
    columns = published_columns("register_columns")[TABLE]
    rows = (
        [values.get(column, NULL) for column in columns]
        for code, founded in schools.items()
        for phase in PHASES
        for school in founded[phase]
        for values in [_school_values(school, places[code], seed)]
    )
    write_table(folder / f"{TABLE}.csv", columns, rows, encoding=ENCODING)


def _school_values(school: School, place: Place, seed: int) -> dict[str, str]:
    what = describe_school(school, place, seed)
    chance = seeded(seed, "inspections", str(school.urn))
    values = {
        "Web Link (opens in new window)": f"https://reports.example/provider/{school.urn}",
        "URN": str(school.urn),
        "LAESTAB": f"{school.authority}{school.estab:04}",
        "School name": what.name,
        "Ofsted phase": _PHASE[school.phase],
        "Type of education": type_of_education(what.kind),
        "Postcode": what.postcode,
    }
    for inspection in _draw_inspections(chance, school, what):
        values |= inspection
    return values


def _draw_inspections(chance: Random, school: School, what: Description) -> Iterator[dict[str, str]]:
    """The inspections a school has had, in order: what a later one does not say is left from the earlier."""
    regime = draw(chance, "inspection_regime")
    if regime == "never":
        return
    graded_by_judgement = regime == "judgements" or (regime == "report_card" and chance.random() < 0.25)
    yield _graded(chance, school, what, judgements=graded_by_judgement)
    if regime == "overall" and happens(chance, "inspection_regime.ungraded_since"):
        yield _ungraded(chance)
    if regime == "report_card":
        yield _report_card(chance, school)


def _graded(chance: Random, school: School, what: Description, *, judgements: bool) -> dict[str, str]:
    first, last = JUDGEMENTS if judgements else OVERALL
    opened_since = max(first, what.opened + 700)
    start = chance.randint(min(opened_since, last - 1), last)
    overall = draw(chance, "inspection_grade")
    grades = [str(min(4, max(1, int(overall) + chance.choice((-1, 0, 0, 0, 0, 1))))) for _ in _JUDGEMENTS]
    begun = ofsted_date(start)
    values = {f"Latest OEIF {name}": grade for name, grade in zip(_JUDGEMENTS, grades, strict=True)}
    return (
        values
        | _inspection(chance, "Graded inspection", start)
        | {
            "Latest OEIF overall effectiveness": "Not judged" if judgements else overall,
            "Inspection start date of latest OEIF graded inspection": begun,
            "URN at time of latest OEIF graded inspection": str(school.urn),
            "Most recent category of concern": _CONCERN.get(max(grades) if judgements else overall, NULL),
        }
    )


def _ungraded(chance: Random) -> dict[str, str]:
    start = chance.randint(JUDGEMENTS[0], JUDGEMENTS[1])
    return _inspection(chance, "Ungraded inspection", start) | {
        "Ungraded inspection overall outcome": "School remains at the same standard",
        "Date of latest ungraded inspection": ofsted_date(start),
    }


def _report_card(chance: Random, school: School) -> dict[str, str]:
    start = chance.randint(*REPORT_CARD)
    values = {area: draw(chance, "report_card") for area in _AREAS}
    if school.phase == "primary":
        values["Early years (where applicable)"] = draw(chance, "report_card")
    if school.phase == "secondary":
        values["Post-16 provision (where applicable)"] = draw(chance, "report_card")
    unsafe = chance.random() < number("report_card.safeguarding_not_met")
    concern = next((_CONCERN[grade] for grade in values.values() if grade in _CONCERN), NULL)
    return (
        values
        | _inspection(chance, "Full inspection", start)
        | {
            "Safeguarding standards": "Not met" if unsafe else "Met",
            "Category of concern": concern,
            "Most recent category of concern": concern,
        }
    )


def _inspection(chance: Random, kind: str, start: Day) -> dict[str, str]:
    published = ofsted_date(start + chance.randint(*_PUBLISHED_AFTER))
    return {"Inspection type": kind, "Inspection start date": ofsted_date(start), "Publication date": published}


def ofsted_date(then: Day) -> str:
    """A day as Ofsted writes it: 10/11/2025."""
    return date.fromordinal(then).strftime("%d/%m/%Y")
