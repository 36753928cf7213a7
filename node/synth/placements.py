"""Where a child lived through a period of care: spells in one placement each, and how they follow one another.

Planted: every child has an instability of their own (a gamma), so that a few children move often and most never.
Moves are frequent in the first year of care and rarer before the return year.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from node.synth.calibration import happens, number, poisson
from node.synth.collection_year import DAYS_A_YEAR, CollectionYear, Day, age_on, birthday
from node.synth.geography import Borders
from node.synth.legal import LegalStatuses, placement_order_day
from node.synth.people import ADOPTED, Period, Person
from node.synth.placement_kinds import (
    draw_earlier_kind,
    draw_last_kind,
    draw_provider,
    draw_provider_urn,
    lawful_kind,
)
from node.synth.postcodes import Place

_DAYS_WITH_ADOPTERS = 75  # ten weeks must pass before an adoption order can be made
_MOST_MOVES = 24
_ADOLESCENT = 16
_MADE_LONG_TERM = {"U6": "U4", "U3": "U1"}


@dataclass(frozen=True, slots=True)
class Spell:
    """One placement, from `start` to the next one's start."""

    start: Day
    kind: str
    """The PLACE code."""
    provider: str
    authority: str
    """Where the placement lies."""
    postcode: str
    """Empty for short breaks, which are not located."""
    urn: str
    """The care provider's Ofsted number, never a school's."""
    same_carer: bool = False
    """Whether the carer is that of the spell before, and only the kind of placement changed."""


@dataclass(frozen=True, slots=True)
class Care:
    """A child's period of care: who, when, under which legal statuses, and where."""

    person: Person
    period: Period
    legal: LegalStatuses
    home_postcode: str
    spells: tuple[Spell, ...]

    @property
    def host(self) -> str:
        """The authority of the last placement, where the child goes to school."""
        return self.spells[-1].authority

    def moves_within(self, first: Day, last: Day) -> int:
        """Moves to another carer between two days."""
        return sum(first <= spell.start <= last and not spell.same_carer for spell in self.spells[1:])


@dataclass(frozen=True, slots=True)
class _Housing:
    """What every spell of one child has in common."""

    person: Person
    period: Period
    legal: LegalStatuses
    home: Place
    home_postcode: str
    home_spot: tuple[int, int]
    last: Day


def draw_care(
    chance: Random, person: Person, period: Period, legal: LegalStatuses, year: CollectionYear, borders: Borders
) -> Care:
    """Place a child for a whole period of care; the last spell is where `borders` say, earlier ones mostly home."""
    home = borders.home
    at = chance.randrange(len(home.postcodes))
    spot = home.eastings[at], home.northings[at]
    housing = _Housing(person, period, legal, home, home.postcodes[at], spot, period.last_day(year))
    if period.short_breaks:
        spells = [Spell(period.start, chance.choice(("K2", "U6")), "PR4", home.code, "", "")]
    else:
        spells = _draw_spells(chance, housing, year, borders)
    return Care(person, period, legal, housing.home_postcode, tuple(spells))


def _draw_spells(chance: Random, housing: _Housing, year: CollectionYear, borders: Borders) -> list[Spell]:
    starts = [housing.period.start, *_draw_moves(chance, housing, year)]
    last_place = borders.draw_place(chance)
    adoption = _day_placed_for_adoption(chance, housing)
    kind = draw_last_kind(chance, housing.person, housing.period, housing.last)
    if adoption is not None:
        starts, kind = [start for start in starts if start < adoption] + [adoption], "A6"
    elif kind == "K3":
        starts = _moved_on_at_16(chance, housing, starts)
    spells: list[Spell] = []
    for start in starts[:-1]:
        place = housing.home if happens(chance, "moves.stays_in_home") else borders.draw_place(chance)
        before_adopters = adoption is not None and start == starts[-2]
        earlier_kind = "U6" if before_adopters else draw_earlier_kind(chance, housing.person, start)
        spells.append(_draw_spell(chance, housing, start, earlier_kind, place, spells))
    spells.append(_draw_spell(chance, housing, starts[-1], kind, last_place, spells))
    return _made_long_term(chance, housing, spells) if adoption is None else _with_adopters(chance, spells)


def _draw_moves(chance: Random, housing: _Housing, year: CollectionYear) -> list[Day]:
    """The days of moves to another carer, none on the first or the last day in care."""
    start, last = housing.period.start, housing.last
    shape = number("moves.shape")
    a_year = chance.gammavariate(shape, number("moves.mean_a_year") / shape)
    settled = min(last, start + 365)
    before = max(settled, min(last, year.start))
    usual = number("moves.settled_factor" if _is_settled(housing) else "moves.unsettled_factor")
    stretches = (
        (start + 1, settled, number("moves.first_year_factor")),
        (settled, before, usual * number("moves.later_factor")),
        (before, last, usual),
    )
    days: set[Day] = set()
    for first, end, factor in stretches:
        if first < end:
            mean = min(_MOST_MOVES, a_year * factor * (end - first) / DAYS_A_YEAR)
            days.update(chance.randrange(first, end) for _ in range(poisson(chance, mean)))
    return sorted(days)[-_MOST_MOVES:]


def _is_settled(housing: _Housing) -> bool:
    """Whether this is a child under 16 who has been in care for long: they move least."""
    long_ago = housing.last - int(number("moves.settled_years") * DAYS_A_YEAR)
    return housing.period.start <= long_ago and age_on(housing.person.born, housing.last) < _ADOLESCENT


def _day_placed_for_adoption(chance: Random, housing: _Housing) -> Day | None:
    ordered = placement_order_day(housing.legal)
    if ordered is None:
        return None
    adopted = housing.period.reason in ADOPTED
    latest = housing.last - (_DAYS_WITH_ADOPTERS if adopted else 1)
    if ordered + 10 >= latest or not (adopted or happens(chance, "placed_for_adoption.share_of_placement_orders")):
        return None
    return chance.randrange(ordered + 10, latest)


def _moved_on_at_16(chance: Random, housing: _Housing, starts: list[Day]) -> list[Day]:
    """Supported accommodation begins at 16: a child placed earlier moves there afterwards."""
    sixteen = birthday(housing.person.born, 16)
    if starts[-1] >= sixteen or sixteen >= housing.last:
        return starts
    return [*starts, chance.randrange(sixteen, housing.last)]


def _draw_spell(
    chance: Random, housing: _Housing, start: Day, kind: str, place: Place, earlier: Sequence[Spell]
) -> Spell:
    """A placement, at another address than the one before unless it is a child's own home."""
    kind = lawful_kind(housing.person, housing.legal, start, kind)
    provider = draw_provider(chance, kind, at_home=place.code == housing.home.code)
    postcode = _draw_postcode(chance, housing, kind, place)
    while earlier and postcode == earlier[-1].postcode != housing.home_postcode:
        postcode = _draw_postcode(chance, housing, kind, place)
    return Spell(start, kind, provider, place.code, postcode, draw_provider_urn(chance, kind, provider, place))


def _draw_postcode(chance: Random, housing: _Housing, kind: str, place: Place) -> str:
    """Home for a child placed with parents there; never home otherwise: the nearest of a few addresses."""
    if kind == "P1" and place.code == housing.home.code:
        return housing.home_postcode
    tries = int(number("distance.inside" if place.code == housing.home.code else "distance.outside"))
    drawn = place.draw_near(chance, housing.home_spot, tries)
    while drawn == housing.home_postcode:
        drawn = place.draw_near(chance, housing.home_spot, tries)
    return drawn


def _with_adopters(chance: Random, spells: list[Spell]) -> list[Spell]:
    """The last spell is with the adopters; at times they are the foster carers the child was with already."""
    if not happens(chance, "placed_for_adoption.with_current_carer"):
        return spells
    *earlier, before, adopters = spells
    fostered = replace(before, kind="U5")
    return [*earlier, fostered, replace(fostered, start=adopters.start, kind="A5", same_carer=True)]


def _made_long_term(chance: Random, housing: _Housing, spells: list[Spell]) -> list[Spell]:
    """At times the last foster placement becomes a long-term one with the same carer."""
    settled = spells[-1]
    days = housing.last - settled.start
    long_term = _MADE_LONG_TERM.get(settled.kind)
    if long_term is None or days < 60 or chance.random() > number("moves.status_only_a_year") * days / DAYS_A_YEAR:
        return spells
    start = chance.randrange(settled.start + 30, housing.last)
    return [*spells, replace(settled, start=start, kind=long_term, same_carer=True)]
