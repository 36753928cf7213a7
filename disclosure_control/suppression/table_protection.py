"""From the true figures of a table, or of several that share cells, to what is printed of each.

A cell is withheld for its own sake, for the sake of others (see `pattern`, and `optimum` for small tables), or because
somebody who knows part of the table would learn another part (see `insiders`). The result is printed only when witness
tables show of every withheld cell that nothing is told of it: they are found from what is printed alone.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disclosure_control.suppression.contributors import told_to_contributors
from disclosure_control.suppression.insiders import find_insiders, find_onlookers, told_to
from disclosure_control.suppression.lattice import Lattice, TableUnusable
from disclosure_control.suppression.only_small import find_only_small
from disclosure_control.suppression.optimum import Optimum
from disclosure_control.suppression.parts import Part, Parts
from disclosure_control.suppression.pattern import CannotProtect, Pattern, Ties, needs_of, public_costs
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.reader import Contradiction, Reader, view_read
from disclosure_control.suppression.rules import CountRule, MagnitudeRule, Rule, TableRule
from disclosure_control.suppression.view import WITHHELD, Printed, View, view_printed
from disclosure_control.suppression.witnesses import Witnesses, find_witnesses

__all__ = ["ProtectedCells", "choose_pattern", "protect_cells"]

MOST_EXACTLY = 400
"""Cells of a table of which the cheapest pattern is found."""

MOST_WATCHED = 100
"""The same where authorities and lone children look on, each of whom is looked at."""

MOST_NEARLY = 6_000
"""Cells of a table of which one is found that is nearly as cheap."""

MOST_ROUNDED = 1_000
"""The same where figures are rounded: everything can move a little, and cutting planes take longer."""

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
    rule: TableRule,
    primaries: Collection[int],
    ties: Ties,
    *,
    insiders: bool = True,
    lone: Collection[int] | None = None,
    needs: Mapping[int, int] | None = None,
    read_rule: Callable[[Sequence[Printed]], TableRule] | None = None,
    progress: Progress = say_nothing,
) -> ProtectedCells:
    """What is printed of the cells with a row, whose true figures these are.

    `lone` are cells in which somebody is alone, of counts those that are 1. `needs` says of primaries that have to be
    able to rise by more than the rule has it by how much. `read_rule` gives the rule as a reader has it of what is
    printed, where that is not the same: never a stricter one. Raises `TableUnusable` where the figures do not add up,
    and `CannotProtect`.
    """
    every = _complete(lattice, figures)
    wanted = {**needs_of(rule, every, primaries), **(needs or {})}
    if lone is None:
        lone = [cell for cell in range(lattice.shown) if abs(every[cell]) == 1]
    view = _view(lattice, rule, every, primaries)
    pattern = choose_pattern(view, every, wanted, ties, lone=lone if insiders else None, progress=progress)
    for _ in range(MOST_REPAIRS):
        printed = _print(lattice, rule, every, pattern.withheld)
        read = view_read(lattice, read_rule(printed) if read_rule else rule, printed)
        witnesses = find_witnesses(read, progress=progress)
        if told := witnesses.told():
            _withhold_around(pattern, told)
        elif told := sorted(find_only_small(read, witnesses)):
            _withhold_beside(pattern, told)
        elif told := _told_to_contributors(read) if insiders else []:
            _withhold_around(pattern, told)
        else:
            return ProtectedCells(printed, len(primaries), witnesses)
    told_of = lattice.describe(told[0])
    raise CannotProtect(f"no proof was found that nothing is told of {told_of}: put small categories together")


def choose_pattern(
    view: View,
    figures: Sequence[int],
    needs: Mapping[int, int],
    ties: Ties,
    *,
    lone: Collection[int] | None,
    progress: Progress = say_nothing,
) -> Pattern:
    """What is withheld besides what a view has withheld, for cells to be able to rise by what they need.

    In a small table it is what is cheapest. In a larger one totals are looked at first, then each part by itself: what
    is withheld of the totals can change with the parts, and what is shown of them is held still. What the cells of its
    own part cannot make up for is raised in the whole table in the end. Authorities, and whoever is alone in a `lone`
    cell, look on where such cells are given. Raises `CannotProtect`.
    """
    pattern = Pattern(view, figures, public_costs(view.lattice, ties), progress)
    lattice = view.lattice
    parts = Parts(lattice)
    whole = np.arange(len(lattice))
    groups = [whole] if len(lattice) <= MOST_EXACTLY else parts.by_tree()
    inside = {int(cell) for cells in groups for cell in cells}
    if totals := {cell: need for cell, need in needs.items() if cell not in inside}:
        pattern.protect(totals)
        _protect_from_insiders(pattern, parts.take(whole), totals, lone)
    left = list[tuple[Part, dict[int, int]]]()
    for number, cells in enumerate(groups):
        progress(f"choosing what to withhold: {number} of {len(groups)} parts of the table")
        within = {int(cell): needs[cell] for cell in cells if cell in needs}
        if within:
            above = np.flatnonzero(parts.above(cells) & pattern.limits.can_change)
            part = parts.take(np.union1d(cells, above))
            if not _choose_within(pattern, part, within, lone=lone):
                left.append((part, within))
    pattern.protect({cell: need for _, within in left for cell, need in within.items()})
    for part, within in left:
        _protect_from_insiders(pattern, part, within, lone)
    return pattern


def _choose_within(pattern: Pattern, part: Part, needs: Mapping[int, int], *, lone: Collection[int] | None) -> bool:
    """Withhold what is cheapest or nearly so of a part; false where it is too large or its own cells are not enough."""
    limits, best = pattern.limits.within(part), None
    if len(part.cells) <= (MOST_ROUNDED if limits.are_rounded else MOST_NEARLY):
        numbers = part.numbers
        wanted = {numbers[cell]: need for cell, need in needs.items()}
        figures = [pattern.figures[cell] for cell in part.cells]
        alone = None if lone is None else [numbers[cell] for cell in lone if cell in numbers]
        onlookers = [] if alone is None else find_onlookers(pattern.view.within(part, figures), alone)
        search = Optimum(part.lattice, limits, wanted, pattern.costs[part.cells], onlookers, pattern.progress)
        most = MOST_WATCHED if onlookers else MOST_EXACTLY
        best = search.exactly() if len(pattern.view.lattice) <= most else search.nearly()
    for cell in best or ():
        pattern.withhold(int(part.cells[cell]))
    return best is not None


def _protect_from_insiders(
    pattern: Pattern, part: Part, needs: Mapping[int, int], lone: Collection[int] | None
) -> None:
    """Withhold what it takes besides where an authority or a lone child would find out about these cells of a part."""
    if lone is None:
        return
    rule, numbers = pattern.view.rule, part.numbers
    figures = [pattern.figures[cell] for cell in part.cells]
    wanted = {numbers[cell]: pattern.figures[cell] + need for cell, need in needs.items()}
    groups = find_insiders(part.lattice, [numbers[cell] for cell in lone if cell in numbers])
    for number, group in enumerate(groups):
        pattern.progress(f"looking at what readers who know a part are told: {number} of {len(groups)} groups of them")
        view = _view(pattern.view.lattice, rule, pattern.figures, pattern.withheld).within(part, figures)
        for insider, told in told_to(group, view, figures, wanted):
            known = [int(part.cells[cell]) for cell in insider.cells]
            pattern.protect({int(cell): needs[int(cell)] for cell in part.cells[told]}, known)


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


def _told_to_contributors(view: View) -> list[int]:
    """The withheld counts that somebody who is counted elsewhere knows to be small; rounding hides one child more."""
    rule = view.rule
    if not isinstance(rule, CountRule) or rule.signed or rule.bases.nation > 1:
        return []
    return sorted(told_to_contributors(view, dict.fromkeys(view.withheld, rule.least)))


def _withhold_around(pattern: Pattern, told: Collection[int]) -> None:
    """Withhold the cheapest cell of each relation that a told cell is in."""
    wanted = set(told)
    for relation in pattern.view.lattice.relations:
        cells = (relation.total, *relation.parts)
        if not wanted.isdisjoint(cells):
            _withhold_cheapest(pattern, cells)


def _withhold_beside(pattern: Pattern, told: Collection[int]) -> None:
    """Withhold, for each told cell, the cheapest of all that it adds up with."""
    relations = [(each.total, *each.parts) for each in pattern.view.lattice.relations]
    for cell in told:
        _withhold_cheapest(pattern, {other for cells in relations if cell in cells for other in cells})


def _withhold_cheapest(pattern: Pattern, cells: Collection[int]) -> None:
    shown = [cell for cell in cells if cell not in pattern.withheld and pattern.may_withhold(cell)]
    if shown:
        pattern.withhold(min(shown, key=lambda cell: pattern.costs[cell]))
