"""Figures that are no counts, as they are printed: of which children each is, and how many these are.

Averages, totals, spreads and lines say something of the children behind them, and two of them together something of
those who are in one and not in the other. How many are behind each is known to whoever made the table, and to every
reader where the number stands beside it, or in another release.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from disclosure_control.linked.children.counted import Counted, counts_of
from disclosure_control.linked.children.overlaps import is_within, overlap
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.published import Published
from disclosure_control.suppression.lattice import Relation
from disclosure_control.suppression.rules import Interval
from disclosure_control.suppression.view import Printed
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, columns_of, intersect, possible_ranges
from query_engine.planning.relation import Relation as Joined

__all__ = [
    "Figure",
    "Rest",
    "add_rests",
    "adding_counts",
    "are_apart",
    "has_rows_of_children",
    "lies_within",
    "number_children",
]
__all__ += ["read_figures"]

Rest = tuple[int, tuple[int, ...]]
"""What is left of a cell without some others that are parts of it."""


@dataclass(frozen=True)
class Figure:
    """A figure that is printed: where, of what, of which children, how many they are as printed, and what it is.

    `spans` are the codes that these have in each column which tells them from others, as the bits of a number.
    """

    place: Place
    of: object
    rows: Region
    spans: Mapping[str, int]
    roster: frozenset[str]
    children: int
    printed: int | Decimal


def has_rows_of_children(plan: QueryPlan) -> bool:
    """Whether a question is of a table with a row for each child."""
    return not isinstance(plan.governed, Joined) and plan.governed.rows_per_child_year == 1


def number_children(linked: Linked, entries: Mapping[Place, Printed | Interval]) -> Mapping[Place, int]:
    """How many children are behind each figure, as printed: by whoever made it, or wherever they are counted."""
    counts = {place: entry for place, entry in entries.items() if isinstance(entry, int) and place in linked.places}
    counted = {linked.places[place]: entry for place, entry in counts.items()}
    elsewhere = ((place, counted.get(cell)) for place, cell in linked.places.items() if place in entries)
    return {place: number for place, number in elsewhere if number is not None} | counts


def adding_counts(plan: QueryPlan) -> Sequence[Counted]:
    """The counts of the children over whom figures add up: where there are conditions among what is, of who meets them.

    Raises `RegionTangled` and `TooTangled`.
    """
    behind = [each for each in counts_of(plan) if each.implied and not each.of_share]
    parted = {each.place for each in behind if each.multiplied}
    return [each for each in behind if each.multiplied or each.place not in parted]


def read_figures(
    published: Sequence[Published],
    numbers: Mapping[Place, int],
    what: Callable[[Counted, Published], object],
) -> Mapping[object, Sequence[Figure]]:
    """The figures of which it is known of how many children they are, by what they are of, where that is not None."""
    alike: dict[object, list[Figure]] = {}
    for number, table in enumerate(published):
        for each in _read(number, table, numbers, what) if has_rows_of_children(table.plan) else ():
            alike.setdefault(each.of, []).append(each)
    return alike


def _read(
    number: int,
    table: Published,
    numbers: Mapping[Place, int],
    what: Callable[[Counted, Published], object],
) -> Iterator[Figure]:
    plan = table.plan
    for counted in counts_of(plan):
        if not counted.implied or counted.of_share or (of := what(counted, table)) is None:
            continue
        for place, (cell, row) in enumerate(zip(plan.iter_cells(), table.rows, strict=True)):
            at, printed = (number, place, counted.label), row[counted.place]
            if numbers.get(at) and isinstance(printed, int | Decimal):
                rows = _rows_of(plan, cell, counted.rows)
                yield Figure(at, of, rows, _span(rows, plan), frozenset(table.roster), numbers[at], printed)


def _rows_of(plan: QueryPlan, cell: Sequence[object], rows: Region) -> Region:
    named = zip(plan.dimensions, cell, strict=True)
    regions = (dimension_region(each, category, plan.governed) for each, category in named if category != TOTAL)  # type: ignore[arg-type]
    return reduce(intersect, regions, rows)


def _span(rows: Region, plan: QueryPlan) -> Mapping[str, int]:
    found = dict[str, int]()
    for column in (plan.governed.columns[name] for name in columns_of(rows)):
        codes = sum((1 << last + 1) - (1 << first) for first, last in possible_ranges(rows, column))
        if codes != (1 << column.codes) - 1:
            found[column.name] = codes
    return found


def lies_within(narrow: Figure, wide: Figure) -> bool:
    """Whether the one is of some of the other; for nearly all pairs a single column says that it is not."""
    if any(narrow.spans.get(name, -1) & ~span for name, span in wide.spans.items()):
        return False
    return narrow.roster <= wide.roster and is_within(narrow.rows, wide.rows)


def are_apart(one: Figure, other: Figure) -> bool:
    """Whether nobody is behind both."""
    if any(not one.spans.get(name, -1) & span for name, span in other.spans.items()):
        return True
    return one.roster.isdisjoint(other.roster) or not overlap(one.rows, other.rows)


def add_rests(linked: Linked, rests: Sequence[Rest]) -> Linked:
    """The same with a cell for what is left of each cell without its parts. Raises `TooTangled`."""
    if not rests:
        return linked
    numbered = enumerate(rests, start=len(linked.lattice))
    parts = [Relation(wide, tuple(sorted((*narrow, number)))) for number, (wide, narrow) in numbered]
    breadths = [min(linked.lattice.breadths[each] for each in narrow) for _, narrow in rests]
    differing = [("beyond", wide, frozenset(narrow)) for wide, narrow in rests]
    return linked.widen("figures that differ", differing, parts, breadths)
