"""The others of a total: what is left of each count for an authority that takes its own rows away.

Every authority knows its own rows, and is given the total as everybody is. So a figure of a total is shown only where
enough children are behind it whoever takes their own away, by the numbers that are asked of the figure itself: then no
reasoning from what is printed can end at too few of them. Nobody but an authority has its rows. What is left without
them is bounded from counts of a few children of each authority at most (`capped_counts`), which are opened with the
total and say not whose they are.

Where one operator runs several nodes, it takes away the rows of all of these, and so is reckoned with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from disclosure_control.suppression.cell_rules import Figures, SuppressionRules
from query_engine.planning.capped_counts import MOST_OF_ONE, CappedCount, capped_counts
from query_engine.tables import RawTable

__all__ = ["Capped", "Others", "RulesForOthers", "cap_counts", "reckon_others"]

Capped = Mapping[CappedCount, Sequence[int]]
"""Each capped count cell by cell: of one authority, or added up over all."""


def cap_counts(raw: RawTable) -> Capped:
    """What one authority adds to each capped count of its plan."""
    return {
        each: [each.of(whole, less) for whole, less in zip(*_of(raw, each), strict=True)]
        for each in capped_counts(raw.plan)
    }


@dataclass(frozen=True, repr=False)
class Others:
    """Of each count of a total, cell by cell: how many others there are at least, and how many are one party's at most.

    Of a count of nobody there are no others. Otherwise one is taken to be there, which is too few for anything, where
    no more are sure to be.
    """

    least: Capped
    most_of_one: Capped

    def figures_of(self, place: int) -> Figures:
        """The others of one cell, by the names that `RulesForOthers` asks for."""
        return {_name(each.whole, each.less): column[place] for each, column in self.least.items()}


def reckon_others(raw: RawTable, capped: Capped, together: int) -> Others:
    """The others of a total, whose figures and capped counts were opened. One party has `together` authorities' rows.

    Raises `ValueError` where other counts were capped than the plan's.
    """
    if capped.keys() != set(capped_counts(raw.plan)):
        raise ValueError("the capped counts are not those of the plan")
    taken = together * MOST_OF_ONE
    sizes = {each: [whole - less for whole, less in zip(*_of(raw, each), strict=True)] for each in capped}
    left = {
        each: [max(0, min(few, size) - taken) for few, size in zip(column, sizes[each], strict=True)]
        for each, column in capped.items()
    }
    return Others(
        {each: [max(one, min(size, 1)) for one, size in zip(left[each], sizes[each], strict=True)] for each in capped},
        {each: [size - one for size, one in zip(sizes[each], left[each], strict=True)] for each in capped},
    )


class RulesForOthers(SuppressionRules):
    """The rules of a preset, asked about the others of a cell.

    Sums and differences of three groups and more have no capped count, and are looked at beside others (see
    `linked.between`).
    """

    def left(self, whole: str, part: str, figures: Figures) -> int:
        """How many others of a group are not in another one within it: a capped count of its own."""
        return 0 if whole == part else figures[_name(whole, part)]

    def without_traps(self, hidden: frozenset[str], figures: Figures) -> frozenset[str]:
        """What is hidden, and no more than that."""
        return hidden


def _of(raw: RawTable, each: CappedCount) -> tuple[Sequence[int], Sequence[int]]:
    """The two statistics of a capped count, of which the second may be nobody."""
    return raw.statistic(each.whole), raw.statistic(each.less) if each.less else [0] * raw.plan.cells


def _name(whole: str, less: str) -> str:
    return f"{whole} less {less}" if less else whole
