"""Unlike figures: what is printed otherwise of a wider group than of a narrower one within it says that they differ.

Rounded counts leave it open whether two conditions are about the same children. An average says that they are not, as
soon as it is another, and so does a total, a spread, a quantile or a line: the same children have the same figure. How
little it moved is no matter. So of two groups by the same rounded number, one of them within the other, whose figures
are unlike, somebody is in the wider alone, and by the counts it is few.

Where counts are exact it tells nothing that they do not. It is looked at where the children behind each figure are
known: by whoever made the tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING

from disclosure_control.linked.counted import counts_of
from disclosure_control.linked.links import MOST_CELLS, Linked, Place, TooTangled
from disclosure_control.linked.overlaps import is_within
from disclosure_control.presets.preset import LEVELS
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Relation
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.planning.reach import dimension_region
from query_engine.planning.region import Region, columns_of, intersect, possible_ranges
from query_engine.planning.relation import Relation as Joined

if TYPE_CHECKING:
    from disclosure_control.linked.companions import Published

__all__ = ["NOTHING_UNLIKE", "Unlike", "part_unlike"]

Unlike = Mapping[int, tuple[Place, Place]]
"""By the cell of those in a wider group alone, the places of the counts of the wider and of the narrower one."""

NOTHING_UNLIKE: Unlike = MappingProxyType({})
"""Where nothing is set against each other."""


@dataclass(frozen=True)
class _Figure:
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


def part_unlike(published: Sequence["Published"], linked: Linked, deadline: Deadline = NEVER) -> tuple[Linked, Unlike]:
    """The links with a cell for what every two such groups differ by, and which cells these are.

    Raises `TooTangled`, `RegionTangled` and `TimeUp`.
    """
    pairs = {
        (linked.places[wide.place], linked.places[narrow.place]): (wide.place, narrow.place)
        for wide, narrow in _find_pairs(published, linked, deadline)
    }
    pairs = {cells: places for cells, places in pairs.items() if cells[0] != cells[1]}
    first = len(linked.lattice)
    if first + len(pairs) > MOST_CELLS:
        raise TooTangled(f"figures that differ make more than {MOST_CELLS:,} cells with all others")
    return _add_cells(linked, list(pairs)), {first + number: places for number, places in enumerate(pairs.values())}


def _find_pairs(
    published: Sequence["Published"], linked: Linked, deadline: Deadline
) -> Iterator[tuple[_Figure, _Figure]]:
    """The figures of which one is of some of the children of the other, and they are printed otherwise."""
    alike: dict[object, list[_Figure]] = {}
    for number, table in enumerate(published):
        for each in _read(number, table):
            if each.place in linked.places:
                alike.setdefault(each.of, []).append(each)
    near = max((_near(each) for each in published), default=0)
    for figures in alike.values():
        for one, other in _list_near(sorted(figures, key=lambda each: each.children), near):
            deadline.seconds_left()
            if one.printed != other.printed and _is_within(one, other):
                yield other, one
            elif one.printed != other.printed and _is_within(other, one):  # Of as many, as they are rounded.
                yield one, other


def _list_near(figures: Sequence[_Figure], near: int) -> Iterator[tuple[_Figure, _Figure]]:
    """Each with those after it that are of not many more children, where they are in that order."""
    for place, one in enumerate(figures):
        for other in figures[place + 1 :]:
            if other.children - one.children > near:
                break
            yield one, other


def _near(table: "Published") -> int:
    """How many more children there can be, as printed, and those in the one group alone be fewer than are shown."""
    return table.preset.smallest_count_shown + table.preset.rounding_base


def _read(number: int, table: "Published") -> Iterator[_Figure]:
    plan, preset = table.plan, table.preset
    if preset.rounding_base == 1 or isinstance(plan.governed, Joined) or plan.governed.rows_per_child_year != 1:
        return
    for counted in counts_of(plan):
        if not counted.implied or counted.of_share:
            continue
        of = (plan.table, _of_what(plan.outputs[counted.place]), preset)
        for place, (cell, row) in enumerate(zip(plan.iter_cells(), table.rows, strict=True)):
            children, printed = table.implied.get((place, counted.label)), row[counted.place]
            if children and isinstance(printed, int | Decimal):
                rows = _rows_of(plan, cell, counted.rows)
                at, roster = (number, place, counted.label), frozenset(table.roster)
                yield _Figure(at, of, rows, _span(rows, plan), roster, children, printed)


def _of_what(output: Output) -> object:
    """What makes the same children have the same figure."""
    return output.kind, output.fraction, tuple((each.columns, each.holds) for each in output.measures)


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


def _is_within(narrow: _Figure, wide: _Figure) -> bool:
    """Whether the one is of some of the other; for nearly all pairs a single column says that it is not."""
    if any(narrow.spans.get(name, -1) & ~span for name, span in wide.spans.items()):
        return False
    return narrow.roster <= wide.roster and is_within(narrow.rows, wide.rows)


def _add_cells(linked: Linked, pairs: Sequence[tuple[int, int]]) -> Linked:
    """The same with a cell for each pair of a wider and a narrower one: what the wider has besides."""
    if not pairs:
        return linked
    lattice, count = linked.lattice, len(pairs)
    numbers = range(len(lattice), len(lattice) + count)
    parts = (
        Relation(wide, tuple(sorted((narrow, number)))) for number, (wide, narrow) in zip(numbers, pairs, strict=True)
    )
    wider = replace(
        lattice,
        keys=(*lattice.keys, *(frozenset({("cell", str(number))}) for number in numbers)),
        relations=(*lattice.relations, *parts),
        breadths=(*lattice.breadths, *(lattice.breadths[narrow] for _, narrow in pairs)),
        levels=(*lattice.levels, *(LEVELS[0],) * count),
        owners=(*lattice.owners, *(frozenset[tuple[str, str]](),) * count),
        shown=lattice.shown + count,
    )
    keys = (*linked.keys, *(("without", wide, narrow) for wide, narrow in pairs))
    return replace(linked, lattice=wider, keys=keys)
