"""From the true figures of a table, or of several that share cells, to what is printed of each.

A cell is withheld for its own sake, for the sake of others (see `pattern`, and `optimum` for small tables), or because
somebody who knows part of the table would learn another part (see `insiders`). The result is printed only when witness
tables show of every withheld cell that nothing is told of it: they are found from what is printed alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from disclosure_control.suppression.insiders import find_insiders, told_to
from disclosure_control.suppression.lattice import Lattice, TableUnusable
from disclosure_control.suppression.optimum import Optimum
from disclosure_control.suppression.pattern import CannotProtect, Pattern, Ties, needs_of, public_costs
from disclosure_control.suppression.reader import Contradiction, Reader
from disclosure_control.suppression.rules import MagnitudeRule, Rule
from disclosure_control.suppression.view import WITHHELD, Printed, View, view_printed
from disclosure_control.suppression.witnesses import Witnesses, find_witnesses

__all__ = ["ProtectedCells", "protect_cells"]

MOST_EXACTLY = 400
"""Cells of a table of which the cheapest pattern is found."""

MOST_NEARLY = 6_000
"""Cells of a table of which one is found that is nearly as cheap."""

MOST_REPAIRS = 20
"""How often more is withheld because witnesses are wanting, before the table is given up."""


@dataclass(frozen=True)
class ProtectedCells:
    """What is printed of each cell with a row, how many were withheld for their own sake, and the witnesses."""

    printed: tuple[Printed, ...]
    primaries: int
    witnesses: Witnesses

    @property
    def withheld(self) -> int:
        """How many cells are withheld."""
        return len(self.witnesses.view.withheld)


def protect_cells(
    lattice: Lattice,
    figures: Sequence[int],
    rule: Rule,
    primaries: Collection[int],
    ties: Ties,
    *,
    insiders: bool = True,
    needs: Mapping[int, int] | None = None,
) -> ProtectedCells:
    """What is printed of the cells with a row, whose true figures these are.

    `needs` says of primaries that have to be able to rise by more than the rule has it by how much. Raises
    `TableUnusable` where the figures do not add up, and `CannotProtect`.
    """
    every = _complete(lattice, figures)
    view = _view(lattice, rule, every, primaries)
    pattern = Pattern(view, every, public_costs(lattice, ties))
    _choose(pattern, {**needs_of(rule, every, primaries), **(needs or {})})
    if insiders:
        _protect_from_insiders(pattern, primaries)
    for _ in range(MOST_REPAIRS):
        view = _view(lattice, rule, every, pattern.withheld)
        witnesses = find_witnesses(view)
        told = witnesses.told()
        if not told:
            return ProtectedCells(_print(lattice, rule, every, pattern.withheld), len(primaries), witnesses)
        _withhold_around(pattern, told)
    raise CannotProtect(f"no table of whole numbers shows that nothing is told of {lattice.describe(told[0])}")


def _choose(pattern: Pattern, needs: Mapping[int, int]) -> None:
    """Withhold what is cheapest in a small table, nearly so in one that is not large, and what is quick otherwise.

    Where many cells are rounded everything can move a little, and cutting planes take too long.
    """
    cells = len(pattern.view.lattice)
    rounded = int((pattern.limits.shown[0] < pattern.limits.shown[1]).sum())
    best = None
    if cells <= MOST_NEARLY and rounded <= MOST_EXACTLY:
        search = Optimum(pattern.view.lattice, pattern.limits, needs, pattern.costs)
        best = search.exactly() if cells <= MOST_EXACTLY else search.nearly()
    if best is None:
        pattern.protect(needs)
    for cell in best or ():
        pattern.withhold(cell)


def _complete(lattice: Lattice, figures: Sequence[int]) -> list[int]:
    """The figures of all cells; of those that are only published added up, some that agree with it."""
    if lattice.is_determined:
        return lattice.complete(figures)
    exact = MagnitudeRule(1, signed=min(figures) < 0)
    try:
        found = Reader(view_printed(lattice, exact, figures)).whole({})
    except Contradiction:
        raise TableUnusable("the parts do not add up to the totals") from None
    return [round(each) for each in found]


def _print(lattice: Lattice, rule: Rule, figures: Sequence[int], withheld: Collection[int]) -> tuple[Printed, ...]:
    return tuple(
        WITHHELD if cell in withheld else rule.printed(figures[cell], lattice.levels[cell])
        for cell in range(lattice.shown)
    )


def _view(lattice: Lattice, rule: Rule, figures: Sequence[int], withheld: Collection[int]) -> View:
    return view_printed(lattice, rule, _print(lattice, rule, figures, withheld))


def _protect_from_insiders(pattern: Pattern, primaries: Collection[int]) -> None:
    """Withhold more where an authority, or a child that is alone in a cell, would find out about somebody else."""
    lattice, figures, rule = pattern.view.lattice, pattern.figures, pattern.view.rule
    for group in find_insiders(lattice, figures):
        view = _view(lattice, rule, figures, pattern.withheld)
        for insider, told in told_to(group, view, figures, primaries):
            pattern.protect(needs_of(rule, figures, told), insider.cells)


def _withhold_around(pattern: Pattern, told: Collection[int]) -> None:
    """Withhold the cheapest cell of each relation that a told cell is in."""
    wanted = set(told)
    for relation in pattern.view.lattice.relations:
        cells = (relation.total, *relation.parts)
        if wanted.isdisjoint(cells):
            continue
        shown = [cell for cell in cells if cell not in pattern.withheld and pattern.may_withhold(cell)]
        if shown:
            pattern.withhold(min(shown, key=lambda cell: pattern.costs[cell]))
