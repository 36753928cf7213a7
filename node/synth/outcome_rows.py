"""What the SSDA903 return says of outcomes: health and wellbeing, adoption, earlier permanence, leaving care."""

from collections.abc import Iterator
from random import Random

from node.synth.calibration import draw, happens
from node.synth.care_rows import Row
from node.synth.children import Child
from node.synth.collection_year import CollectionYear, age_on, return_date, return_year_start
from node.synth.leavers import Leaver
from node.synth.legal import placement_order_day
from node.synth.people import ADOPTED
from node.synth.placement_kinds import FOR_ADOPTION

_ADOPTERS = (("2", "MF", "L11"), ("2", "MF", "L3"), ("2", "FF", "L12"), ("2", "MM", "L12"), ("1", "F1", "L0"))
_NOT_IN_TOUCH = "0"


def health_rows(chance: Random, child: Child, year: CollectionYear, sdq_returned: float) -> Iterator[Row]:
    """Table OC2: only of children in care for the whole year; `sdq_returned` is the authority's share of scores.

    A score, or why there is none, is asked of everyone who was 4 to 16 on a day of the year, or turned 17 on one.
    """
    born, period = child.care.person.born, child.care.period
    if period.end is not None or period.start > year.start or period.short_breaks:
        return
    age = age_on(born, year.end)
    asked_sdq = age >= 4 and age_on(born, year.start - 1) < 17
    scored = asked_sdq and chance.random() < sdq_returned
    misuse = happens(chance, "health.substance_misuse") and age >= 10
    received = misuse and chance.random() < 0.5
    yield [
        child.child_id,
        return_date(born),
        str(child.sdq) if scored else "",
        draw(chance, "sdq_reason") if asked_sdq and not scored else "",
        _flag(happens(chance, "health.convicted")) if age >= 10 else "",
        _flag(happens(chance, "health.development_check")) if age < 5 else "",
        _flag(happens(chance, "health.immunised")),
        _flag(happens(chance, "health.dentist")),
        _flag(happens(chance, "health.assessment")),
        _flag(misuse),
        _flag(received) if misuse else "",
        _flag(chance.random() < 0.7) if misuse and not received else "",
    ]


def adoption_rows(chance: Random, child: Child) -> Iterator[tuple[str, Row]]:
    """The decision to place a child for adoption, in the return year of the order; of adopted children the adopters."""
    care = child.care
    ordered = placement_order_day(care.legal)
    if ordered is None:
        return
    born = return_date(care.person.born)
    earliest = max(care.period.start, return_year_start(ordered))
    decided = return_date(max(earliest, ordered - chance.randrange(14, 60)))
    yield "placed_for_adoption", [child.child_id, born, decided, "", ""]
    if care.period.reason in ADOPTED:
        adopters = next(spell for spell in care.spells if spell.kind in FOR_ADOPTION)
        matched = return_date(adopters.start - chance.randrange(1, 10))
        fostered = _flag(adopters.same_carer)
        yield "ad1", [child.child_id, born, decided, matched, fostered, *chance.choice(_ADOPTERS)]


def permanence_rows(chance: Random, child: Child, home: str, year: CollectionYear) -> Iterator[Row]:
    """What permanence a child who came into care in the year had left; asked once, when care starts."""
    born, period = child.care.person.born, child.care.period
    if period.start < year.start:
        return
    before = (period.start - born) // 2
    kind = draw(chance, "previous_permanence") if before > 365 else "Z1"
    arranged = ("", "") if kind == "Z1" else (home, return_date(period.start - chance.randrange(90, before)))
    yield [child.child_id, return_date(born), kind, *arranged]


def leaver_rows(leaver: Leaver, year: CollectionYear) -> Iterator[tuple[str, Row]]:
    """A care leaver: a header and a row of OC3, with zeros for what is unknown of those not in touch."""
    born = return_date(leaver.born)
    sex = year.sexes[0 if leaver.male else 1]
    yield "header", [leaver.child_id, sex, born, leaver.ethnicity, leaver.upn, "", ""]
    activity, home = leaver.activity or _NOT_IN_TOUCH, leaver.accommodation or _NOT_IN_TOUCH
    yield "oc3", [leaver.child_id, born, leaver.in_touch, activity, home]


def _flag(yes: bool) -> str:
    return "1" if yes else "0"
