"""Counts that are known by what their symbol stands for: where one alone can be small, that one is.

A count is withheld for others' sake only where one that it adds up with is under the rule. So of withheld counts that
add up with each other one is; and where but one number is left for that, it is known. Of 12, 9 and 12 children, printed
as 10, c and 10 beside a total of 35, c is 9 at the least, and 9 is the most that it stands for. Adding and subtracting
alone leaves 9 to 17.
"""

from collections.abc import Collection, Iterator

import numpy as np

from disclosure_control.suppression.deadline import NEVER, Deadline
from disclosure_control.suppression.parts import Mask, Parts
from disclosure_control.suppression.reader import ALMOST, Reader
from disclosure_control.suppression.rules import UNBOUNDED, CountRule
from disclosure_control.suppression.view import Bounds, View
from disclosure_control.suppression.witnesses import Witnesses

__all__ = ["find_known", "find_only_small"]

ENOUGH = 2
"""In so many ways at least has somebody to be under the rule, for nobody to know which it is."""


def find_only_small(view: View, found: Witnesses) -> dict[int, int]:
    """The withheld counts of a table that are known so, each with what it is; `found` are witnesses of the view.

    Raises `Contradiction`.
    """
    rule = view.rule
    if not isinstance(rule, CountRule) or not found.tables:
        return {}
    return find_known(view, rule, found.low, Parts(view.lattice).related() & (view.high >= UNBOUNDED))


def find_known(
    view: View, rule: CountRule, seen: Bounds, unprinted: Mask, deadline: Deadline = NEVER
) -> dict[int, int]:
    """The same of any view, in which some cells are printed nowhere; each was `seen` to be so small at least.

    What is known by the rule alone, whatever is published, is none of them. Raises `Contradiction` and `TimeUp`.
    """
    if len(_under(rule, rule.hidden[0])) < ENOUGH:
        return {}
    doubtful = [cells for cells in _groups(view, unprinted) if len(list(_ways(rule, cells, seen))) < ENOUGH]
    if not doubtful:
        return {}
    reader = Reader(view, deadline)
    together = reader.sink([cell for cells in doubtful for cell in cells if view.low[cell] < view.high[cell]])
    low = np.minimum(seen, np.ceil(together - ALMOST).astype(np.int64))
    known: dict[int, int] = {}
    for cells in doubtful:
        for cell in cells if len(list(_ways(rule, cells, low))) < ENOUGH else ():
            least, _ = reader.interval(cell)
            low[cell] = -UNBOUNDED if least is None else least
        if len(ways := list(_ways(rule, cells, low))) == 1:
            known |= ways
    return known


def _groups(view: View, unprinted: Mask) -> Iterator[list[int]]:
    """The withheld cells, with those that they add up with, also by what is printed nowhere."""
    withheld = set(view.withheld)
    for cells in Parts(view.lattice).connected(unprinted):
        if inside := sorted(withheld.intersection(map(int, cells))):
            yield inside


def _ways(rule: CountRule, cells: Collection[int], low: Bounds) -> Iterator[tuple[int, int]]:
    """Which of these cells can be under the rule, and as what number."""
    return ((cell, number) for cell in cells for number in _under(rule, int(low[cell])))


def _under(rule: CountRule, low: int) -> list[int]:
    """The numbers from this one on that are withheld for their own sake."""
    return [number for number in range(max(low, 1 - rule.least), rule.least) if rule.withholds(number)]
