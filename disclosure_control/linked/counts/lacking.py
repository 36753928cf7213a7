"""Whoever lacks a value of what questions ask by: mostly nobody, as readers take it.

Of all who are fifteen, those who were excluded and those who were not, nobody is left but children of whom it is not
known. So questions that would be apart by them are not, to a reader who takes it that there are none.
"""

from collections.abc import Sequence
from dataclasses import replace

from disclosure_control.linked.children.overlaps import overlap
from disclosure_control.linked.children.populations import populations_of
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.reader import ALMOST, Reader
from disclosure_control.suppression.view import View
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, columns_of, present_in

__all__ = ["find_lacking", "view_without", "with_parts"]


def find_lacking(plans: Sequence[QueryPlan], linked: Linked) -> tuple[int, ...]:
    """The cells of children who lack a value of a column that a question asks by. Raises `RegionTangled`."""
    columns = {
        name: column
        for plan in plans
        for population in populations_of(plan, split=True)
        for name, column in population.columns.items()
        if column.nullable
    }
    known: dict[object, bool] = {}

    def lacks(key: object, region: Region) -> bool:
        if key not in known:
            named = (columns[name] for name in columns_of(region) if name in columns)
            known[key] = any(not overlap(region, present_in(column)) for column in named)
        return known[key]

    return tuple(
        cell
        for cell, part, named in linked.iter_parts()
        if lacks(part, part[2]) or any(lacks(at, linked.classes[at[0]].parts[at[1]]) for at in named)
    )


def view_without(view: View, cells: Sequence[int], deadline: Deadline = NEVER) -> View | None:
    """The view of whoever takes it that there is nobody in as many of these cells as can be empty at once.

    None where that says nothing. Raises `Contradiction` and `TimeUp`.
    """
    open_cells = [cell for cell in cells if view.low[cell] == 0 < view.high[cell]]
    if not open_cells:
        return None
    table = Reader(view, deadline).sink(open_cells)
    high = view.high.copy()
    high[[cell for cell in open_cells if table[cell] < ALMOST]] = 0
    low, high = narrow_bounds(view.lattice, view.low, high)
    return replace(view, low=low, high=high)


def with_parts(lattice: Lattice, cells: Sequence[int]) -> frozenset[int]:
    """These cells, what they are made of, and what is made of them alone."""
    found, before = set(cells), -1
    while len(found) > before:
        before = len(found)
        for each in lattice.relations:
            if each.total in found:
                found.update(each.parts)
            elif found.issuperset(each.parts):
                found.add(each.total)
    return frozenset(found)
