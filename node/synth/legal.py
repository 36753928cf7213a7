"""The legal statuses of a period of care, in order.

Three ways through: accommodated by agreement to the end (section 20, V2); to court, where an interim order (C1)
becomes a full care order (C2) or, for the youngest, a placement order (E1); or a series of short breaks (V4). A
placement order is only drawn for children who are adopted or still in care, as others could not leave with it.
"""

from random import Random

from node.synth.calibration import draw, entry, happens
from node.synth.collection_year import CollectionYear, Day
from node.synth.people import ADOPTED, Period, Person, age_at_start

LegalStatuses = tuple[tuple[Day, str], ...]
"""The day each legal status (LS) began, in order; the first on the first day in care."""

_EMERGENCY_DAYS = {"L1": (1, 3), "L2": (3, 8)}  # police protection ends in 72 hours, an emergency order in 8 days


def draw_legal(chance: Random, person: Person, period: Period, year: CollectionYear) -> LegalStatuses:
    """The legal statuses of a period of care, each a day or more before the period's last day."""
    if period.short_breaks:
        return ((period.start, "V4"),)
    if period.reason not in ADOPTED and (person.uasc or _is_voluntary(chance, person, period)):
        return ((period.start, "V2"),)
    last = period.last_day(year)
    return tuple((began, code) for began, code in _draw_court(chance, person, period, last) if began < last)


def status_on(legal: LegalStatuses, then: Day) -> str:
    """The legal status in force on a day in care."""
    return next((code for began, code in reversed(legal) if began <= then), legal[0][1])


def placement_order_day(legal: LegalStatuses) -> Day | None:
    """The day a placement order was made, if one was."""
    return next((began for began, code in legal if code == "E1"), None)


def _is_voluntary(chance: Random, person: Person, period: Period) -> bool:
    age = age_at_start(person, period)
    band = "under_10" if age < 10 else "10_to_15" if age < 16 else "16_and_over"
    return happens(chance, f"legal.voluntary_{band}")


def _draw_court(chance: Random, person: Person, period: Period, last: Day) -> list[tuple[Day, str]]:
    first, interim = draw(chance, "legal.first"), period.start
    legal = [(period.start, first)]
    if first != "C1":
        interim += chance.randint(*_EMERGENCY_DAYS.get(first, entry("legal.first_days")))
        legal.append((interim, "C1"))
    proceedings = chance.randint(*entry("legal.proceedings_days"))
    if period.reason in ADOPTED:
        half_way = (period.start + last) // 2
        return [*((began, code) for began, code in legal if began < half_way), (half_way, "E1")]
    may_be_adopted = period.end is None and age_at_start(person, period) < 5
    to_adoption = may_be_adopted and happens(chance, "legal.placement_order_under_5")
    legal.append((interim + proceedings, "E1" if to_adoption else "C2"))
    return legal
