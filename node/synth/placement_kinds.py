"""The kinds of placement a child of some age may be in, and who provides each."""

from random import Random

from node.synth.calibration import draw
from node.synth.collection_year import FIRST_OTHER_KINDS, FIRST_SUPPORTED, CollectionYear, Day, age_on
from node.synth.legal import LegalStatuses, status_on
from node.synth.people import AGED_OUT, GUARDIANSHIP, KIN_GUARDIANSHIP, Period, Person
from node.synth.postcodes import Place

KIN = frozenset({"U1", "U2", "U3"})
FOSTER = KIN | {"U4", "U5", "U6"}
HOMES = frozenset({"K1", "K2"})
FOR_ADOPTION = frozenset({"A5", "A6"})

_LEAST_AGE = {"K3": 16, "P3": 14, "R5": 10, "S1": 4}
_NO_OFSTED_NUMBER = frozenset({"P1", "P3", "R1", "R2", "R5", "Z1"})
_SUPPORTED = frozenset({"K3", "P3"})
_OWN_SERVICE, _OTHER_SERVICES, _HOMES = (1, 2), (10, 60), (60, 100)  # serials of provider numbers in an area


def draw_last_kind(chance: Random, person: Person, period: Period, last: Day) -> str:
    """The kind of placement (PLACE) a child is in at the end, from age on the last day and how care ended."""
    if period.reason in KIN_GUARDIANSHIP:
        return "U3"
    if period.reason in GUARDIANSHIP:
        return "U6"
    if period.reason == "E17":
        return chance.choice(("U4", "U6"))
    if period.reason in AGED_OUT:
        return chance.choice(("K3", "K3", "K2"))
    if person.uasc:
        return draw(chance, "placement.uasc")
    return draw(chance, f"placement.{_age_band(person, last)}")


def draw_earlier_kind(chance: Random, person: Person, start: Day) -> str:
    """The kind of a placement that was moved on from, by age when it began."""
    return draw(chance, f"placement.{_age_band(person, start)}")


def lawful_kind(person: Person, legal: LegalStatuses, start: Day, kind: str) -> str:
    """`kind`, or foster care where the child is too young for it or the law does not allow it.

    A child may be placed with their own parents only under an order, never under section 20.
    """
    too_young = age_on(person.born, start) < _LEAST_AGE.get(kind, 0)
    return "U6" if too_young or (kind == "P1" and status_on(legal, start) == "V2") else kind


def kind_in(year: CollectionYear, start: Day, kind: str) -> str:
    """The PLACE code that the return of a year has for a kind of placement begun on a day.

    What tells Z11 to Z14 apart is not known here: each of them is as likely, and stays with the placement.
    """
    if kind == "K3" and year.academic_year < FIRST_SUPPORTED:
        return "H5"
    if kind == "Z1" and year.academic_year >= FIRST_OTHER_KINDS:
        return f"Z1{1 + start % 4}"
    return kind


def draw_provider(chance: Random, kind: str, *, at_home: bool) -> str:
    """Who provides a placement (PLACE_PROVIDER), empty for Z1; an authority's own homes lie in its own area."""
    fixed = {"P1": "PR0", "R2": "PR3", "R5": "PR3", "A6": "PR1", "Z1": ""}
    if kind in fixed:
        return fixed[kind]
    if kind in KIN:
        return "PR1"
    if kind in FOSTER:
        return draw(chance, "provider.foster")
    sort = "home" if kind in HOMES else "supported" if kind in _SUPPORTED else "residential"
    provider = draw(chance, f"provider.{sort}")
    return provider if at_home or provider != "PR1" else "PR4"


def draw_provider_urn(chance: Random, kind: str, provider: str, place: Place) -> str:
    """An Ofsted number of a care provider, SC9 with the authority and a serial; empty where none is recorded."""
    if kind in _NO_OFSTED_NUMBER:
        return ""
    serials = _HOMES if kind not in FOSTER | FOR_ADOPTION else _OWN_SERVICE if provider == "PR1" else _OTHER_SERVICES
    return f"SC9{place.code}{chance.randrange(*serials):02}"


def _age_band(person: Person, then: Day) -> str:
    age = age_on(person.born, then)
    if age < 1:
        return "under_1"
    if age < 5:
        return "1_to_4"
    if age < 10:
        return "5_to_9"
    return "10_to_15" if age < 16 else "16_and_over"
