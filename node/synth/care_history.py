"""What a school year may depend on of a child's care: when, where and in what kind of placement they lived.

It is what remains of a child once the return is written: small enough to keep for every child in England.
"""

from dataclasses import dataclass

from node.synth.children import Child
from node.synth.collection_year import DAYS_A_MONTH, CollectionYear, Day
from node.synth.people import DEPARTED


@dataclass(frozen=True, slots=True)
class Carer:
    """An authority that looked after a child, and the identifier it knows the child by."""

    authority: str
    child_id: str
    start: Day
    end: Day | None


@dataclass(frozen=True, slots=True)
class CareHistory:
    """The care of one child, by one authority or by several in turn."""

    carers: tuple[Carer, ...]
    places: tuple[tuple[Day, str, str], ...]
    """The first day, the authority and the PLACE code of every placement, in order."""
    moves: tuple[Day, ...]
    """The days of moves to another carer."""
    sdq: int
    placed: str
    """The postcode of the last placement."""
    departed: Day | None = None
    """The day on which the child died or moved abroad, if care ended so."""

    @property
    def start(self) -> Day:
        """The first day in care."""
        return self.carers[0].start

    @property
    def end(self) -> Day | None:
        """The day care ended, whoever gave it last; None while it lasts."""
        return self.carers[-1].end

    def looked_after_on(self, then: Day) -> bool:
        """Whether the child was in care on a day."""
        return self.start <= then and (self.end is None or then < self.end)

    def all_year(self, year: CollectionYear) -> bool:
        """Whether the child was in care for the twelve months to the 31 March of a year."""
        return self.start <= year.start and (self.end is None or self.end > year.end)

    def in_year(self, year: CollectionYear) -> bool:
        """Whether the child was in care on any day of a return year."""
        return self.start <= year.end and (self.end is None or self.end >= year.start)

    def gone_by(self, then: Day) -> bool:
        """Whether the child had died or moved abroad before a day."""
        return self.departed is not None and self.departed < then

    def authority_on(self, then: Day) -> str:
        """Where the child lived on a day: before care began, in the area of the first authority to give it."""
        return next((code for start, code, _ in reversed(self.places) if start <= then), self.carers[0].authority)

    def kind_on(self, then: Day) -> str:
        """The PLACE code of the placement on a day, the first one's before care began."""
        return next((kind for start, _, kind in reversed(self.places) if start <= then), self.places[0][2])

    def moves_between(self, first: Day, last: Day) -> int:
        """Moves to another carer from one day to another, both counted."""
        return sum(first <= moved <= last for moved in self.moves)

    def months_on(self, then: Day) -> float:
        """Months in care up to a day, or to the end of care if that came first."""
        last = then if self.end is None else min(then, self.end)
        return max(0.0, (last - self.start) / DAYS_A_MONTH)


def remember_care(home: str, child: Child, taken_over: tuple[str, Child] | None) -> CareHistory:
    """The history of a child of `home`, and of the authority that took over their care, if one did."""
    period, spells = child.care.period, child.care.spells
    carers = [Carer(home, child.child_id, period.start, period.end)]
    if taken_over:
        receiver, received = taken_over
        later = received.care.period
        carers.append(Carer(receiver, received.child_id, later.start, later.end))
    last = taken_over[1].care.period if taken_over else period
    departed = last.end if last.reason in DEPARTED else None
    places = tuple((spell.start, spell.authority, spell.kind) for spell in spells)
    moves = tuple(spell.start for spell in spells[1:] if not spell.same_carer)
    return CareHistory(tuple(carers), places, moves, child.sdq, spells[-1].postcode, departed)
