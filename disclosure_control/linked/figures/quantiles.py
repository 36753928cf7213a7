"""Quantiles of one quantity, asked one after another: at which share the values leave a bin, and so how many it holds.

Of 100 children the 50th has one placement, the 51st and the 53rd two and the 54th three: three have two. So of two
whose shares lie nearer than the fewest that are shown one is withheld, as in a row (`suppression.cell_rules`), of
whichever question, where some child can be behind both.

And a quantile is a count beside others by the same quantity: of 53 children with one or two placements c have two, and
if the middle one of all 100 has one, they are three at most. So it is read as what it says: how many there are up to
the end of its bin, at least, and of the bin before, at most.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

import numpy as np

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.figures.amounts import Amount, shared_column
from disclosure_control.linked.figures.printed import Figure, are_apart, has_rows_of_children, read_figures
from disclosure_control.linked.figures.worth import Worth, regions_of
from disclosure_control.linked.published import Published
from disclosure_control.suppression.view import Bounds
from query_engine.columns import Column
from query_engine.planning.region import possible_ranges

__all__ = ["Upto", "find_near_quantiles", "read_quantiles", "worth_of"]


def find_near_quantiles(earlier: Sequence[Published], newest: Published) -> frozenset[tuple[int, str]]:
    """The quantiles of the newest table to withhold, by row and label. Raises `RegionTangled` and `TooTangled`."""
    if not any(each.kind == "quantile" for each in newest.plan.outputs):
        return frozenset()
    published = [*earlier, newest]
    numbers = {(at, *place): count for at, each in enumerate(published) for place, count in each.implied.items()}
    return frozenset(
        (figure.place[1], figure.place[2])
        for alike in read_figures(published, numbers, _of_what).values()
        for figure in alike
        if figure.place[0] == len(earlier) and any(_iter_near(figure, alike, published))
    )


def _of_what(counted: Counted, table: Published) -> object:
    output, plan = table.plan.outputs[counted.place], table.plan
    if output.kind != "quantile" or output.measure is None or not has_rows_of_children(plan):
        return None
    return plan.governed.child_key, plan.governed.word(*output.measure.columns)


def _iter_near(figure: Figure, alike: Sequence[Figure], published: Sequence[Published]) -> Iterator[Figure]:
    """Those that were printed before, nearer than as many children as are shown."""
    preset, share = published[-1].preset, _share(figure, published)
    for other in alike:
        children = max(preset.least_alike(figure.children), preset.least_alike(other.children))
        apart = abs(share - _share(other, published)) * children
        is_near = 0 < apart < preset.smallest_count_shown and other.place[0] != figure.place[0]
        if is_near and not are_apart(figure, other):
            yield other


def _share(figure: Figure, published: Sequence[Published]) -> Fraction:
    number, _, label = figure.place
    fraction = next(each.fraction for each in published[number].plan.outputs if each.label == label)
    assert fraction is not None  # of a quantile
    return Fraction(fraction)


@dataclass(frozen=True)
class Upto:
    """How many of the children behind a figure have no more of a column than a code of it: between two numbers."""

    place: Place
    column: Column
    code: int
    between: tuple[int, int]

    @property
    def amount(self) -> Amount:
        """The same as a total of what is 1 for each of those."""
        return Amount((self.column.name, f"up to {self.code}"), 1, None, self.between)


def read_quantiles(published: Sequence[Published], numbers: Mapping[Place, int]) -> list[Upto]:
    """What quantiles say of how many children there are. Raises `RegionTangled` and `TooTangled`."""
    if not any(each.kind == "quantile" for table in published for each in table.plan.outputs):
        return []
    alike = read_figures(published, numbers, _of_what).values()
    return [each for figures in alike for figure in figures for each in _read(figure, published)]


def _read(figure: Figure, published: Sequence[Published]) -> Iterator[Upto]:
    table = published[figure.place[0]]
    plan, label = table.plan, figure.place[2]
    output = next(each for each in plan.outputs if each.label == label)
    assert output.measure is not None  # of a quantile
    (name,) = output.measure.columns
    column = shared_column(plan, name)
    few, many = table.preset.printed_range(figure.children)
    share = _share(figure, published)
    for first, last in output.bins:
        ends = column.code(_value(column, first)), column.code(_value(column, last))
        if ends[0] is not None and ends[1] is not None and first <= figure.printed <= last:
            yield Upto(figure.place, column, ends[1], (ceil(share * few), many))
            yield Upto(figure.place, column, ends[0] - 1, (0, max(ceil(share * many) - 1, 0)))


def _value(column: Column, number: Decimal) -> Decimal | int:
    return number if column.type == "decimal" else int(number)


def worth_of(linked: Linked, said: Sequence[Upto]) -> Worth:
    """Of each cell whether its children have no more than that: of all, of none, or of some."""
    found: dict[tuple[str, ...], tuple[Bounds, Bounds]] = {}
    columns = {each.column.name: each.column for each in said}
    possible = {
        name: [(cell, possible_ranges(rows, column)) for cell, rows in regions_of(linked, name)]
        for name, column in columns.items()
    }
    for each in said:
        if each.amount.columns in found:
            continue
        least, most = np.zeros(len(linked.lattice), np.int64), np.ones(len(linked.lattice), np.int64)
        for cell, ranges in possible[each.column.name]:
            least[cell] = int(all(last <= each.code for _, last in ranges))
            most[cell] = int(any(first <= each.code for first, _ in ranges))
        found[each.amount.columns] = least, most
    return found
