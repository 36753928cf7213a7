"""The pattern: which further cells are withheld, so that none of those withheld for their own sake is told.

A linear program looks for the change of the table that raises a group of cells as far as the rule wants and costs
least; the cells that it has to change are withheld. What one group has had withheld costs the next ones nothing. Then
each group is taken out and put back, now that the others are there, for as long as that saves cells: as routers of
circuit boards do with wires (rip up and reroute).

Costs are public: how many cells a cell adds up over. A secret tells which of equal ones is taken, so that who replays
the algorithm does not find by it for whose sake a cell is withheld; the same secret and plan give the same pattern.
"""

import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from disclosure_control.suppression.lattice import CellKey, Lattice
from disclosure_control.suppression.limits import Limits
from disclosure_control.suppression.programs import NoSolution, Program, Row, Vector
from disclosure_control.suppression.progress import Progress, say_nothing
from disclosure_control.suppression.rules import UNBOUNDED, Rule
from disclosure_control.suppression.view import View

__all__ = ["CannotProtect", "Pattern", "Ties", "public_costs"]

GROUP = 16
"""Cells that are raised together."""

MOST_PASSES = 4
"""How often all groups are taken out and put back."""

STEEPNESS = 0.25
"""The power of its breadth that a cell costs: a total of a hundred cells costs three times as much as one of them."""

SPREAD = 0.05
"""How much more than its price a cell can cost by the secret."""

TRIFLE = 1e-3
"""The cost of changing by one what is withheld already: small changes are liked better than large ones."""

CHANGED = 1e-6
"""A change of a cell that is none."""

LEAST_REACH = 1e5
"""Cells are looked at as if they could change so much at the most, or twice as much as the largest figure is."""


class CannotProtect(Exception):
    """Whatever is withheld, a reader is told too much; the text says what, and shows no figure."""


@dataclass(frozen=True)
class Ties:
    """Decides among what is equal, by a secret and what the plan is."""

    secret: bytes
    plan: bytes

    def number(self, key: CellKey) -> float:
        """A number from 0 to 1 that nobody foresees, for a cell."""
        named = "\x1e".join(f"{column}\x1f{category}" for column, category in sorted(key))
        digest = hmac.digest(self.secret, self.plan + b"\0" + named.encode(), "sha256")
        return int.from_bytes(digest[:6], "big") / 2**48


def public_costs(lattice: Lattice, ties: Ties) -> Vector:
    """What it costs to withhold each cell."""
    drawn = np.array([ties.number(key) for key in lattice.keys])
    return np.asarray(np.array(lattice.breadths, float) ** STEEPNESS * (1 + SPREAD * drawn))


@dataclass
class _Group:
    """Cells that were raised together, by how much, what a reader of another kind knew, and what it changed."""

    needs: Mapping[int, int]
    known: tuple[int, ...]
    changed: Sequence[int] = ()


@dataclass
class Pattern:
    """The cells withheld so far, and the program that finds which ones to withhold besides.

    `figures` are the true ones of all cells, and `view` is what a reader would have if only the cells that are withheld
    for their own sake were. Columns are rises, falls, and what a rounded figure can be off without anybody's notice.
    """

    view: View
    figures: Sequence[int]
    costs: Vector
    progress: Progress = say_nothing
    _groups: list[_Group] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Say how far each cell can go."""
        self._count = len(self.figures)
        true = np.array(self.figures, float)
        self._open = np.zeros(self._count, bool)
        self._open[list(self.view.withheld)] = True
        self._open[self.view.lattice.shown :] = True
        self._uses = np.zeros(self._count, int)
        low, high = hidden_bounds(self.view.rule, self.figures, self.view)
        reach = max(LEAST_REACH, 2 * float(np.abs(true).max(initial=0)))
        self._rise, self._fall = np.minimum(high - true, reach), np.minimum(true - low, reach)
        slack = (self.view.low - true, self.view.high - true)
        self._slack = tuple(np.where(self._open, 0, each) for each in slack)
        self._price = np.where(self._open, TRIFLE, self.costs)

    @cached_property
    def _program(self) -> Program:
        """The program over all cells, laid out when it is first asked: where parts are small it never is."""
        lower = np.concatenate([np.zeros(2 * self._count), self._slack[0]])
        upper = np.concatenate([self._rise, self._fall, self._slack[1]])
        return Program(lower, upper, _rows(self.view.lattice))

    @property
    def withheld(self) -> frozenset[int]:
        """All cells that are withheld."""
        besides = np.flatnonzero((self._uses > 0) & ~self._open)
        return frozenset(self.view.withheld) | frozenset(int(cell) for cell in besides)

    @property
    def limits(self) -> Limits:
        """How far each cell can fall and rise, shown and withheld."""
        shown = (np.where(self._open, -self._fall, self._slack[0]), np.where(self._open, self._rise, self._slack[1]))
        withheld = (np.minimum(shown[0], -self._fall), np.maximum(shown[1], self._rise))
        shown = (np.where(self._open, 0, shown[0]), np.where(self._open, 0, shown[1]))
        return Limits(shown, withheld, self._open)

    def may_withhold(self, cell: int) -> bool:
        """Whether a cell that has a row would hide something if it were withheld."""
        return cell < self.view.lattice.shown and bool(self._rise[cell] + self._fall[cell] > 0)

    def withhold(self, cell: int) -> None:
        """Withhold one cell."""
        self._uses[cell] += 1
        self._price[cell] = TRIFLE

    def protect(self, needs: Mapping[int, int], known: Collection[int] = ()) -> None:
        """Withhold what it takes for each of these cells to rise by what it needs, for a reader who knows some cells.

        Raises `CannotProtect`.
        """
        left = {cell: needs[cell] for cell in sorted(needs, key=lambda cell: (needs[cell], self.costs[cell]))}
        begun = len(self._groups)
        while left:
            self.progress(f"choosing what to withhold: {len(left)} cells to go")
            group = _Group({cell: left[cell] for cell in list(left)[:GROUP]}, tuple(known))
            change = self._route(group)
            risen = {cell: need for cell, need in left.items() if change[cell] >= need - CHANGED}
            group.needs = risen
            self._groups.append(group)
            left = {cell: need for cell, need in left.items() if cell not in risen}
        self._improve(self._groups[begun:])

    def _improve(self, groups: Sequence[_Group]) -> None:
        """Take each group out and put it back, while that saves cells."""
        for _ in range(MOST_PASSES):
            before = len(self.withheld)
            for number, group in enumerate(reversed(groups)):
                self.progress(f"looking for what need not be withheld: {number} of {len(groups)} groups of cells")
                self._uses[list(group.changed)] -= 1
                if not (alone := [cell for cell in group.changed if not self._uses[cell]]):
                    self._uses[list(group.changed)] += 1
                    continue
                self._price[alone] = self.costs[alone]
                self._route(group)
            if len(self.withheld) == before:
                return

    def _route(self, group: _Group) -> Vector:
        """The change that raises a group at least cost, of which the cells are withheld from here on."""
        needy, known = list(group.needs), list(group.known)
        self._bound(known, 0, 0)
        self._bound(needy, [group.needs[cell] for cell in needy], 1)
        try:
            change = self._change(self._price)
            fresh = (np.abs(change) > CHANGED) & (self._uses == 0) & ~self._open
            if fresh.any():
                change = self._change(np.where(fresh, self.costs / (np.abs(change) + 0.3), self._price))
        except NoSolution:
            told = self.view.lattice.describe(needy[0])
            raise CannotProtect(
                f"a reader is told too much about {told}, whatever else is withheld: put small categories together"
            ) from None
        finally:
            self._bound([*needy, *known], 0, 1)
        moved = (np.abs(change) > CHANGED) & ~self._open
        group.changed = [int(cell) for cell in np.flatnonzero(moved)]
        self._uses[group.changed] += 1
        self._price[group.changed] = TRIFLE
        return change

    def _change(self, price: Vector) -> Vector:
        """By how much each cell changes at these prices, beyond what its rounding hides."""
        self._program.set_costs(np.concatenate([price, price, np.zeros(self._count)]))
        found = self._program.minimise()
        return found[: self._count] - found[self._count : 2 * self._count]

    def _bound(self, cells: Sequence[int], least: int | Sequence[int], share: int) -> None:
        """Have cells rise by so much at least, and by a share (all or nothing) of what they could at most."""
        places = np.asarray(cells, int)
        falling = np.zeros(len(places)) if np.any(least) else share * self._fall[places]
        self._program.set_bounds(cells, np.broadcast_to(least, len(places)), share * self._rise[places])
        self._program.set_bounds(self._count + places, np.zeros(len(places)), falling)
        slack = [share * each[places] for each in self._slack]
        self._program.set_bounds(2 * self._count + places, slack[0], slack[1])


def hidden_bounds(rule: Rule, figures: Sequence[int], view: View) -> tuple[Vector, Vector]:
    """What each cell could be were it withheld; one that is printed as nothing is never withheld."""
    low, high = (np.full(len(figures), float(end)) for end in rule.hidden)
    low[view.lattice.shown :] = min(rule.hidden[0], 0)
    withheld = set(view.withheld)
    fixed = [cell for cell in range(view.lattice.shown) if figures[cell] == 0 and cell not in withheld]
    low[fixed] = high[fixed] = 0
    return np.maximum(low, -UNBOUNDED), high


def _rows(lattice: Lattice) -> Iterator[Row]:
    """A change keeps every relation: rises less falls, and what rounding hides, add up as the figures do."""
    count = len(lattice)
    for relation in lattice.relations:
        cells = (relation.total, *relation.parts)
        signs = (1.0, *(-1.0 for _ in relation.parts))
        columns = [each + start for start in (0, count, 2 * count) for each in cells]
        yield columns, [*signs, *(-sign for sign in signs), *signs], 0.0, 0.0


def needs_of(rule: Rule, figures: Sequence[int], cells: Iterable[int]) -> dict[int, int]:
    """How much each of these cells has to be able to rise for nothing to be told."""
    return {cell: rule.enough(figures[cell]) - figures[cell] for cell in cells}


__all__ += ["hidden_bounds", "needs_of"]
