"""Who the children are and when they were in care: person and period of care, for each way into a return.

Three kinds of child fill a year's return: those looked after on its last day, those whose care ended in the year,
and a few in series of short breaks. Care leavers are in leavers.py.
"""

from dataclasses import dataclass
from random import Random

from node.synth.calibration import draw, happens, number, truncated_exponential
from node.synth.collection_year import DAYS_A_MONTH, DAYS_A_YEAR, CollectionYear, Day, age_on, birthday

AGED_OUT = frozenset({"E17", "E5", "E6", "E7"})
ADOPTED = frozenset({"E11", "E12"})
GUARDIANSHIP = frozenset({"E45", "E46", "E47", "E48"})
KIN_GUARDIANSHIP = frozenset({"E45", "E47"})
DEPARTED = frozenset({"E2", "E16"})  # died, moved abroad
TAKEN_OVER = "E3"

_AGE_BANDS = {
    "under_1": (0.04, 1),
    "1_to_4": (1, 5),
    "5_to_9": (5, 10),
    "10_to_15": (10, 16),
    "16_and_over": (16, 18),
    "14_and_15": (14, 16),
}
_OLDER = {"10_to_15": 1.3, "16_and_over": 1.1}
"""More of a band are near its upper end: in 2024/25 twice as many finished Key Stage 4 as Key Stage 2."""

_YOUNGEST_ARRIVAL = 13  # years of age: the unaccompanied are older children
_LEAST_DAYS = 7
_LEAST_DAYS_TO_ADOPTION = 420  # proceedings, a placement order, and ten weeks in the new home


@dataclass(frozen=True, slots=True)
class Person:
    """What a child is born with, and why they are in care. `uasc` is unaccompanied asylum-seeking child."""

    male: bool
    born: Day
    ethnicity: str
    need: str
    uasc: bool


@dataclass(frozen=True, slots=True)
class Period:
    """A period of care: `end` is None while it lasts, and then `reason` (REC) is empty."""

    start: Day
    end: Day | None = None
    reason: str = ""
    short_breaks: bool = False

    def last_day(self, year: CollectionYear) -> Day:
        """The last day the return can speak of."""
        return year.end if self.end is None else self.end


def draw_looked_after(chance: Random, year: CollectionYear) -> tuple[Person, Period]:
    """A child looked after on the last day of the return year."""
    uasc = happens(chance, "uasc.at_31_march")
    band = draw(chance, "age.uasc" if uasc else "age")
    youngest, oldest = _AGE_BANDS[band]
    older = chance.random() ** (1 / _OLDER.get(band, 1.0))
    born = year.end - int(DAYS_A_YEAR * (youngest + (oldest - youngest) * older))
    person = _draw_person(chance, born, uasc)
    mean = number("time_in_care.uasc" if uasc else f"time_in_care.{band}")
    return person, Period(_start(chance, person, year.end, mean))


def draw_short_breaks(chance: Random, year: CollectionYear) -> tuple[Person, Period]:
    """A disabled child in a series of short breaks; statistics leave them out."""
    born = year.end - int(DAYS_A_YEAR * chance.uniform(5, 16))
    person = Person(happens(chance, "sex.male"), born, draw(chance, "ethnicity"), "N2", False)
    return person, Period(year.start + chance.randrange(300), short_breaks=True)


def draw_ceased(chance: Random, year: CollectionYear) -> tuple[Person, Period]:
    """A child whose period of care ended in the return year."""
    reason = draw(chance, "ceased_reason")
    end = year.start + chance.randrange(year.end - year.start)
    uasc = (reason in AGED_OUT and happens(chance, "uasc.aged_out")) or (
        reason == TAKEN_OVER and happens(chance, "uasc.taken_over")
    )
    born = _birth_of_ceased(chance, reason, uasc, end)
    if reason in AGED_OUT:
        end = min(year.end, max(year.start, birthday(born, 18)))
    person = _draw_person(chance, born, uasc)
    least = _LEAST_DAYS_TO_ADOPTION if reason in ADOPTED else _LEAST_DAYS
    mean = number("time_in_care.uasc_ceased") if uasc else _mean_months(reason)
    return person, Period(_start(chance, person, end, mean, least), end, reason)


def _birth_of_ceased(chance: Random, reason: str, uasc: bool, end: Day) -> Day:
    if reason in AGED_OUT:
        return birthday(end, -18)
    if uasc or reason in {"E9", "E16"}:
        youngest, oldest = 15.0, 17.9
    elif reason in ADOPTED:
        youngest, oldest = 1.3, 5.0
    elif reason in GUARDIANSHIP:
        youngest, oldest = 0.6, 12.0
    elif happens(chance, "time_in_care.ceased_as_baby"):
        youngest, oldest = 0.05, 1.0
    else:
        youngest, oldest = 0.3, 17.5
    return end - int(DAYS_A_YEAR * chance.uniform(youngest, oldest))


def _mean_months(reason: str) -> float:
    if reason in AGED_OUT:
        return number("months_before_ceasing.aged_out")
    if reason in ADOPTED:
        return number("months_before_ceasing.adopted")
    return number("months_before_ceasing.guardian" if reason in GUARDIANSHIP else "months_before_ceasing.other")


def _draw_person(chance: Random, born: Day, uasc: bool) -> Person:
    if uasc:
        male = happens(chance, "uasc.male")
        return Person(male, born, draw(chance, "ethnicity.uasc"), "N8", True)
    return Person(happens(chance, "sex.male"), born, draw(chance, "ethnicity"), draw(chance, "need"), False)


def _start(chance: Random, person: Person, end: Day, mean_months: float, least: int = _LEAST_DAYS) -> Day:
    """The first day in care: never before birth, and for the unaccompanied never before they could arrive."""
    earliest = person.born + (int(_YOUNGEST_ARRIVAL * DAYS_A_YEAR) if person.uasc else 0)
    days = truncated_exponential(chance, mean_months * DAYS_A_MONTH, end - earliest)
    return end - max(least, int(days))


def age_at_start(person: Person, period: Period) -> int:
    """Completed years of age when the period of care began."""
    return max(0, age_on(person.born, period.start))
