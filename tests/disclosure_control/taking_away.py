"""An authority as an attacker of a total: it takes its own rows away, and adds and subtracts what is printed.

The tables that it takes to be possible are those that add up, agree with every printed figure, and have no fewer
children in any cell than it has itself. All of it is laid out anew here, by linear programs of SciPy.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linprog

from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import Row
from query_engine.planning.nested_counts import count_name
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.tables import RawTable

NO_LIMIT = 10**6
ALMOST = 1e-6

Told = tuple[int, int, str]
"""Which authority, by its place, is told too much of the others in which row, and of which count."""


def find_told(plan: QueryPlan, preset: Preset, rows: Sequence[Row], tables: Sequence[RawTable]) -> list[Told]:
    """Of which counts of a total some of these authorities know the others to be too few: nobody, where zeros are
    withheld, and otherwise somebody."""
    found = []
    for output in (each for each in plan.outputs if each.kind in ("count", "distinct")):
        for number, table in enumerate(tables):
            own = table.statistic(count_name(output))
            reader = _Reader(plan, preset.at("nation"), rows, output, own)
            found += [(number, place, output.label) for place in range(plan.cells) if reader.is_told(place)]
    return found


class _Reader:
    """One authority and one column of counts."""

    def __init__(
        self, plan: QueryPlan, preset: Preset, rows: Sequence[Row], output: Output, own: Sequence[int]
    ) -> None:
        column = [row[plan.outputs.index(output)] for row in rows]
        said = [
            preset.printed_range(each) if isinstance(each, int) else (int(preset.shows_zero), NO_LIMIT)
            for each in column
        ]
        self._own = own
        self._least = preset.smallest_count_shown
        self._shows_zero = preset.shows_zero
        self._bounds = [(max(low, mine), high) for (low, high), mine in zip(said, own, strict=True)]
        self._added = np.array(list(_relations(plan) if output.kind == "count" else ())).reshape(-1, plan.cells)

    def is_told(self, place: int) -> bool:
        """Whether the others of a cell are known to be too few."""
        if not self._shows_zero and not self._own[place]:
            return False  # To nobody who is not in it a total says more than to an outsider.
        most = -self._solve(place, -1) - self._own[place]
        least = self._solve(place, 1) - self._own[place]
        return most < self._least - ALMOST and (not self._shows_zero or least > 1 - ALMOST)

    def _solve(self, place: int, sign: int) -> float:
        if not len(self._added):
            return float(sign * self._bounds[place][sign < 0])
        costs = np.zeros(len(self._bounds))
        costs[place] = sign
        found = linprog(costs, A_eq=self._added, b_eq=np.zeros(len(self._added)), bounds=self._bounds)
        assert found.success, found.message
        return float(found.fun)


def _relations(plan: QueryPlan) -> Iterator[list[int]]:
    """Each total, as its parts less itself: the first cells are those of all columns."""
    cells = list(plan.iter_cells())
    smallest = plan.cells_of(plan.sets[0])
    for place, total in enumerate(cells[smallest:], start=smallest):
        parts = [
            int(all(mine in (TOTAL, theirs) for mine, theirs in zip(total, each, strict=True)))
            for each in cells[:smallest]
        ]
        yield [*parts, *(-int(number == place) for number in range(smallest, len(cells)))]
