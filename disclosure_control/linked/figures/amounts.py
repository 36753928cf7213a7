"""What sums and averages tell of how many children there are: whoever has something between them is somebody.

Rounded counts leave it open whether two conditions differ by anybody. Amounts can say it: where the children of one
table have forty days between them, and those of another, who are some of them, five, the rest have thirty, so that
somebody is there; and by the counts it is few. Amounts of one column add up over parts that have no child in common as
counts do, none is negative, and no child has more than the catalogue's bound. So they have a system of their own, over
the same cells, and what it gives goes back to the counts: at least so many children as it takes to have so much.

It is looked at in tables with a row for each child, beside whatever others, where the children behind each figure are
known. In what other tables count, each child has what it has in the one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from types import MappingProxyType

import numpy as np

from disclosure_control.linked.counts.cells import Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.figures.averages import Average, find_others
from disclosure_control.linked.figures.printed import adding_counts, has_rows_of_children
from disclosure_control.linked.published import Published
from disclosure_control.rows.rounding import average_places
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import Bounds
from query_engine.columns import Column
from query_engine.planning.plan import Measure, Output, QueryPlan
from query_engine.planning.relation import Relation

__all__ = ["NO_AMOUNTS", "Amount", "average_by_cell", "bound_totals", "columns_behind", "find_amounts"]
__all__ += ["least_children", "shared_column"]


@dataclass(frozen=True)
class Amount:
    """What is printed of the values of some columns over one cell, in units of their last decimal place.

    `columns` come after the name of the table that they are of. It is an average that lies between two ends, or a
    total that does. `most` is the most that one child has. Of a single `column` it has that in the words that all
    tables share.
    """

    columns: tuple[str, ...]
    most: int
    average: tuple[Fraction, Fraction] | None
    total: tuple[int, int] = (0, UNBOUNDED)
    column: Column | None = field(default=None, compare=False)

    def between(self, fewest: int, most: int) -> tuple[int, int]:
        """The least and the greatest total that so many children have between them."""
        if self.average is None:
            return self.total
        low, high = self.average
        return floor(max(low, Fraction(0)) * fewest), min(UNBOUNDED, ceil(high * most))

    def beyond(self, each: int, fewest: int, most: int) -> tuple[int, int]:
        """The least and the greatest that so many children have between them beyond so much for each."""
        if self.average is None:
            low, high = self.total
            under, over = Fraction(low - each * most), Fraction(high - each * fewest)
        else:
            low_each, high_each = (end - each for end in self.average)
            under, over = min(low_each * fewest, low_each * most), max(high_each * fewest, high_each * most)
        return max(floor(under), -UNBOUNDED), min(ceil(over), UNBOUNDED)


NO_AMOUNTS: Mapping[Place, Amount] = MappingProxyType({})
"""What is printed where only counts are looked at."""


def find_amounts(published: Sequence[Published], numbers: Mapping[Place, int]) -> Mapping[Place, Amount]:
    """The sums and averages that are printed, each by the place of the count of the children behind it.

    `numbers` has how many these are.
    """
    own = (each for each in enumerate(published) if has_rows_of_children(each[1].plan))
    return {
        place: amount
        for number, table in own
        if len(table.plan.academic_years) == 1
        for place, amount in _read_table(number, table, numbers)
    } or NO_AMOUNTS


def _read_table(number: int, table: Published, numbers: Mapping[Place, int]) -> Iterator[tuple[Place, Amount]]:
    for counted in adding_counts(table.plan):
        output = table.plan.outputs[counted.place]
        if not columns_behind(output, table.plan):
            continue
        for row, entries in enumerate(table.rows):
            place, figure = (number, row, counted.label), entries[counted.place]
            present = numbers.get((number, row, output.label))
            if numbers.get(place) and present and isinstance(figure, int | Decimal) and not isinstance(figure, bool):
                amount = _read(output, Fraction(figure), present, table)
                # Of all present only those have any who meet a condition that is multiplied in: theirs is the total.
                total = amount.between(*table.preset.printed_range(present))
                yield place, replace(amount, average=None, total=total) if counted.multiplied else amount


def columns_behind(output: Output, plan: QueryPlan) -> tuple[str, ...]:
    """The columns that a figure is an amount of, after their table, where none of it is negative."""
    if output.kind not in ("sum", "mean") or output.indicator or output.measure is None:
        return ()
    columns = [plan.governed.columns[name] for name in output.measure.columns]
    if not columns or any(each.scaled_bounds[0] < 0 for each in columns):
        return ()
    return plan.table, *output.measure.columns


def _read(output: Output, figure: Fraction, children: int, table: Published) -> Amount:
    """A printed figure, read back through its rounding: a sum is the average times the rounded number of children."""
    measure, base, unit = output.measures[0], table.preset.rounding_base, 10**output.scale
    columns, column = columns_behind(output, table.plan), _column_of(measure, table.plan)
    if output.kind == "sum" and base == 1:
        return Amount(columns, measure.bound, None, (int(figure * unit), int(figure * unit)), column)
    step = Fraction(1, 10 ** average_places(measure, table.preset))
    half, low, high = step / 2, figure, figure
    if output.kind == "sum":  # The average itself has no more places than one that is printed.
        least, most = ((figure + end * Fraction(base, 2)) / children / step for end in (-1, 1))
        low, high = ceil(least) * step, floor(most) * step
    return Amount(columns, measure.bound, ((low - half) * unit, (high + half) * unit), column=column)


def _column_of(measure: Measure, plan: QueryPlan) -> Column | None:
    """The column of a measure in the words that all tables share; None where it is a product."""
    if len(measure.columns) != 1 or isinstance(plan.governed, Relation):
        return None
    return shared_column(plan, *measure.columns)


def shared_column(plan: QueryPlan, name: str) -> Column:
    """A column in the words that all tables share."""
    return replace(plan.governed.columns[name], name=plan.governed.word(name))


def least_children(lattice: Lattice, amounts: Mapping[int, Sequence[Amount]], counts: tuple[Bounds, Bounds]) -> Bounds:
    """How many children there are in each cell at least, by what they have between them: `amounts` are by the cell.

    Raises `Contradiction` where amounts do not add up.
    """
    least, narrow = counts[0], narrow_bounds(lattice, *counts)
    for columns in dict.fromkeys(each.columns for of_cell in amounts.values() for each in of_cell):
        own = _of_columns(amounts, columns)
        low, _ = bound_totals(lattice, own, narrow)
        most = max(each.most for found in own.values() for each in found)
        least = np.maximum(least, -(-low // most))
        for cell, others in find_others(lattice, average_by_cell(own), most, narrow):
            least[cell] = max(least[cell], others)
    return least


def _of_columns(amounts: Mapping[int, Sequence[Amount]], columns: Sequence[str]) -> Mapping[int, Sequence[Amount]]:
    return {cell: [each for each in found if each.columns == columns] for cell, found in amounts.items()}


def bound_totals(
    lattice: Lattice, amounts: Mapping[int, Sequence[Amount]], counts: tuple[Bounds, Bounds]
) -> tuple[Bounds, Bounds]:
    """The least and the most that the children of each cell have between them of one quantity.

    Raises `Contradiction` where amounts do not add up.
    """
    return narrow_bounds(lattice, *_bounds(len(lattice), amounts, counts))


def average_by_cell(amounts: Mapping[int, Sequence[Amount]]) -> dict[int, Average]:
    """Between what each cell's average is, by all that is printed of it."""
    printed = {cell: [each.average for each in found if each.average is not None] for cell, found in amounts.items()}
    return {
        cell: (max(Fraction(0), *(low for low, _ in found)), min(high for _, high in found))
        for cell, found in printed.items()
        if found
    }


def _bounds(
    cells: int, amounts: Mapping[int, Sequence[Amount]], counts: tuple[Bounds, Bounds]
) -> tuple[Bounds, Bounds]:
    """What the children of each cell can have between them, by what is printed of it alone."""
    low, high = np.zeros(cells, np.int64), np.full(cells, UNBOUNDED, np.int64)
    for cell, found in amounts.items():
        for each in found:
            least, most = each.between(int(counts[0][cell]), int(counts[1][cell]))
            low[cell], high[cell] = max(low[cell], least), min(high[cell], most)
    return low, high
