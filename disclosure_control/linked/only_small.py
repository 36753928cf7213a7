"""Counts of several releases that are known by what their symbol stands for (see `suppression.only_small`).

Of 33 children, printed as 35, 12 are boys and 12 of unknown sex, both printed as 10: c girls are 9 at the least, and at
the most. Where counts are exact, nothing is known so that does not follow by adding and subtracting alone.
"""

from dataclasses import dataclass, replace

import numpy as np

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.rules import Rules, strictest
from disclosure_control.linked.counts.said import Entries, Said, printed_cells
from disclosure_control.linked.counts.view import SOMEBODY, Reading, view_counts
from disclosure_control.linked.joint_attack import JointAttack
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.only_small import find_known
from disclosure_control.suppression.view import Bounds, View

__all__ = ["OnlySmall"]


@dataclass(frozen=True)
class OnlySmall:
    """Whoever knows that somebody is small, as a reader of `less` than is printed, and of all, by one `reading`."""

    linked: Linked
    less: Entries
    rules: Rules
    deadline: Deadline
    reading: Reading = SOMEBODY

    def fresh(self, entries: Entries, found: JointAttack) -> frozenset[int]:
        """The cells that are one number so by more alone. Raises `Contradiction` and `TimeUp`."""
        if all(each.bases.nation == 1 for each in self.rules):
            return frozenset()
        now = self._find(entries, found.view, found.seen.low)
        if not now:
            return frozenset()
        view = view_counts(self.linked, self.less, self.rules, self.reading)
        before = self._find(self.less, view, np.full(len(view.low), np.iinfo(np.int64).max))
        return frozenset(now.keys() - before.keys())

    def _find(self, entries: Entries, view: View, seen: Bounds) -> dict[int, int]:
        unprinted = np.ones(len(view.low), bool)
        unprinted[list(printed_cells(self.linked, entries))] = False
        withheld = tuple(Said.of(self.linked, entries, self.rules).withheld_cells())
        rule = strictest(self.rules)
        return find_known(replace(view, withheld=withheld, rule=rule), rule, seen, unprinted, self.deadline)
