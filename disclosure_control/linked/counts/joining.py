"""Which three columns are looked at together by linear programs, of all that tables count by two at a time.

Each addition by itself says something of whatever is laid out. To ask for all additions at once takes long where much
is laid out beside many tables; so that is asked of the smallest, and of those of which single additions tell too much.
"""

from collections.abc import Iterator

import numpy as np

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules, room_of, strictest
from disclosure_control.suppression.view import Bounds

__all__ = ["join_narrowed"]

FEWEST_ASKED, MOST_ASKED = 50, 2_000
"""Cells by three columns that are always asked about by all additions at once: so many, and as many as come to no more
than that together with all other cells."""


def join_narrowed(linked: Linked, rules: Rules, bounds: tuple[Bounds, Bounds]) -> tuple[Linked, Bounds, Bounds]:
    """The least and the most of each cell as one addition after the other limits them, all that is joined among them.

    With it the links that are asked about further: of what is left out nothing more is told. Raises `Contradiction`.
    """
    low, high = narrow_bounds(linked.lattice, *bounds)
    left_out = frozenset[int]().union(*_list_left_out(linked, rules, low, high))
    if not left_out:
        return linked, low, high
    places = list(left_out)
    low[places] = high[places] = 0
    return linked.leave_out(left_out), low, high


def _list_left_out(linked: Linked, rules: Rules, low: Bounds, high: Bounds) -> Iterator[frozenset[int]]:
    asked, rule = 0, strictest(rules)
    most = max(FEWEST_ASKED, MOST_ASKED - len(low) + len(linked.joined))
    for cells in linked.joint:
        asked += len(cells)
        places = np.fromiter(cells, np.int64)
        is_few = high[places] < (rule.least if rule.shows_zero else room_of(rules))
        if asked > most and not (is_few & (low[places] >= rule.hidden[0])).any():
            yield cells
