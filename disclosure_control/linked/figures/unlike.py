"""Unlike figures: what is printed otherwise of a wider group than of a narrower one within it says that they differ.

Rounded counts leave it open whether two conditions are about the same children. An average says that they are not, as
soon as it is another, and so does a total, a spread, a quantile or a line: the same children have the same figure. How
little it moved is no matter. So of two groups by the same rounded number, one of them within the other, whose figures
are unlike, somebody is in the wider alone, and by the counts it is few.

Where counts are exact it tells nothing that they do not. It is looked at where the children behind each figure are
known.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.figures.printed import Figure, add_rests, lies_within, read_figures
from disclosure_control.linked.published import Published
from disclosure_control.suppression.deadline import NEVER, Deadline

__all__ = ["NOTHING_UNLIKE", "Unlike", "part_unlike"]

Unlike = Mapping[int, tuple[Place, Place]]
"""By the cell of those in a wider group alone, the places of the counts of the wider and of the narrower one."""

NOTHING_UNLIKE: Unlike = MappingProxyType({})
"""Where nothing is set against each other."""


def part_unlike(
    published: Sequence[Published], linked: Linked, numbers: Mapping[Place, int], deadline: Deadline = NEVER
) -> tuple[Linked, Unlike]:
    """The links with a cell for what every two such groups differ by, and which cells these are.

    `numbers` are of the children behind each figure.
    Raises `TooTangled`, `RegionTangled` and `TimeUp`.
    """
    pairs = {
        (linked.places[wide.place], linked.places[narrow.place]): (wide.place, narrow.place)
        for wide, narrow in _find_pairs(published, numbers, deadline)
    }
    pairs = {cells: places for cells, places in pairs.items() if cells[0] != cells[1]}
    first = len(linked.lattice)
    wider = add_rests(linked, [(wide, (narrow,)) for wide, narrow in pairs])
    return wider, {first + number: places for number, places in enumerate(pairs.values())}


def _find_pairs(
    published: Sequence[Published], numbers: Mapping[Place, int], deadline: Deadline
) -> Iterator[tuple[Figure, Figure]]:
    """The figures of which one is of some of the children of the other, and they are printed otherwise."""
    near = max((_near(each) for each in published), default=0)
    for figures in read_figures(published, numbers, _of_what).values():
        for one, other in _list_near(sorted(figures, key=lambda each: each.children), near):
            deadline.seconds_left()
            if one.printed != other.printed and lies_within(one, other):
                yield other, one
            elif one.printed != other.printed and lies_within(other, one):  # Of as many, as they are rounded.
                yield one, other


def _list_near(figures: Sequence[Figure], near: int) -> Iterator[tuple[Figure, Figure]]:
    """Each with those after it that are of not many more children, where they are in that order."""
    for place, one in enumerate(figures):
        for other in figures[place + 1 :]:
            if other.children - one.children > near:
                break
            yield one, other


def _near(table: Published) -> int:
    """How many more children there can be, as printed, and those in the one group alone be fewer than are shown."""
    return table.preset.smallest_count_shown + table.preset.rounding_base


def _of_what(counted: Counted, table: Published) -> object:
    """What makes the same children have the same figure; None where counts are exact."""
    if table.preset.rounding_base == 1 or counted.multiplied:
        return None
    output = table.plan.outputs[counted.place]
    measures = tuple((each.columns, each.holds) for each in output.measures)
    kind = output.label if output.kind == "model" else output.kind
    return table.plan.table, kind, output.fraction, measures, table.preset
