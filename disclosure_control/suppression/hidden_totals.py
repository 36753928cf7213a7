"""Totals that a table has and does not say: "All" or an empty category where `Total` is understood.

Taken for one more category such a row is printed, and by it whatever is withheld of those that it adds up.
"""

from collections.abc import Collection, Sequence

from disclosure_control.suppression.hierarchy import TOTAL
from disclosure_control.suppression.lattice import Layout, TableUnusable

__all__ = ["check_no_hidden_total"]

FEWEST = 3
"""Of two categories with equal figures neither tells anything of the other."""


def check_no_hidden_total(layout: Layout, counts: Sequence[int], trees: Collection[str]) -> None:
    """Check that no category is, everywhere, what all others of its column come to; columns with `trees` say how
    theirs add up. Raises `TableUnusable`.
    """
    for place, (column, hierarchy) in enumerate(zip(layout.columns, layout.hierarchies, strict=True)):
        if column in trees or hierarchy.children or len(hierarchy.parents) < FEWEST:
            continue
        for code in hierarchy.parents:
            if _is_sum_of_others(layout, counts, place, code):
                named = code or "the empty category"
                raise TableUnusable(
                    f"column {column}: {named} is what all others come to, in every row; write {TOTAL} for a total, "
                    "or say by a tree that it is none"
                )


def _is_sum_of_others(layout: Layout, counts: Sequence[int], place: int, code: str) -> bool:
    left: dict[tuple[str, ...], int] = {}
    for row, count in zip(layout.rows, counts, strict=True):
        rest = (*row[:place], *row[place + 1 :])
        left[rest] = left.get(rest, 0) + (-count if row[place] == code else count)
    return any(counts) and not any(left.values())
