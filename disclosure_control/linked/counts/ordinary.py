"""Groups in which it is ordinary that there is nobody: who lacks a value of what is averaged, and rows beyond one each.

Within one row of a table these are told from others in the same way (`suppression.cell_rules`). Elsewhere, where counts
are printed with a condition and without it, nobody between the two is a finding like any other.
"""

from collections.abc import Collection, Sequence

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.children.overlaps import is_within
from query_engine.planning.region import Region, columns_of, unite

__all__ = ["find_ordinary"]


def find_ordinary(counts: Collection[Counted], keys: Sequence[object]) -> frozenset[int]:
    """The numbers of such cells among those of these keys (see `Linked`). Raises `RegionTangled`."""
    regions, found = _list_lacking(counts), set[int]()
    for cell, key in enumerate(keys):
        match key:
            case ("more", _, _):
                found.add(cell)
            case ((_, _, region), frozenset()) if any(is_within(region, each) for each in regions):
                found.add(cell)
            case frozenset() if key <= found:
                found.add(cell)
            case _:
                pass
    return frozenset(found)


def _list_lacking(counts: Collection[Counted]) -> list[Region]:
    """Who lacks a value, by columns of which no question says anything besides.

    That a quantity is multiplied by one says nothing besides: of whom it is known is told by the others.
    """
    lacked = [(each, _lacked(each)) for each in counts if not each.multiplied]
    named = frozenset[str]().union(*(columns_of(each.inside) - columns for each, columns in lacked))
    named = named.union(*(grouping.columns for each in counts for _, grouping in each.free))
    return list(dict.fromkeys(each.lacking for each, columns in lacked if columns and not columns & named))


def _lacked(counted: Counted) -> frozenset[str]:
    """The columns that say who lacks a value, and nothing of the children who are asked about."""
    return columns_of(counted.lacking) - columns_of(unite(counted.inside, counted.lacking))
