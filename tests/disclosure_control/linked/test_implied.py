"""What additions give at once: nothing but what linear programs would find too."""

from random import Random

import numpy as np
import pytest

from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.suppression.drawn_table import draw_table
from disclosure_control.suppression.measurement import RULE
from disclosure_control.suppression.reader import Contradiction, Reader
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed, View, view_printed


def draw_view(seed: int) -> tuple[View, list[int]]:
    """A table of which some is printed, some withheld and some nobody's, and its true figures."""
    table, draw = draw_table(48, seed), Random(seed)
    printed: list[Printed] = [
        draw.choice([figure, figure, WITHHELD if figure else figure, UNKNOWN]) for figure in table.figures
    ]
    return view_printed(table.lattice, RULE, printed), list(table.figures)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_fixed_is_the_true_figure_and_the_only_one_there_can_be(seed: int) -> None:
    view, figures = draw_view(seed)
    low, high = narrow_bounds(view.lattice, view.low, view.high)
    reader, fixed = Reader(view), [cell for cell in range(48) if low[cell] == high[cell]]
    assert {cell for cell in fixed if view.low[cell] < view.high[cell]}
    assert all(low[cell] == figures[cell] for cell in fixed)
    assert all(reader.interval(cell) == (low[cell], low[cell]) for cell in fixed)


def test_what_is_limited_is_limited_no_further_than_linear_programs_do() -> None:
    limited = 0
    for seed in range(6):
        view, figures = draw_view(seed)
        low, high = narrow_bounds(view.lattice, view.low, view.high)
        assert (low <= figures).all()
        assert (high >= figures).all()
        limited += int(((high < view.high) & (low < high)).sum())
        reader = Reader(view)
        for cell in np.flatnonzero(view.low < view.high):
            least, most = reader.interval(int(cell))
            assert low[cell] <= (least or 0)
            assert high[cell] >= (high[cell] if most is None else most)
    assert limited


@pytest.mark.parametrize("place", [0, 7, 47])
def test_figures_that_do_not_add_up_are_contradictory(place: int) -> None:
    table = draw_table(48, 1)
    printed: list[Printed] = list(table.figures)
    printed[place] = table.figures[place] + 1
    view = view_printed(table.lattice, RULE, printed)
    with pytest.raises(Contradiction):
        narrow_bounds(view.lattice, view.low, view.high)


def test_what_a_cell_cannot_be_is_contradictory() -> None:
    """A withheld count is at least 1, and the rest of the total is none."""
    table = draw_table(48, 1)
    total = table.lattice.relations[0]
    printed: list[Printed] = [UNKNOWN] * 48
    printed[total.total] = 9
    for part in total.parts:
        printed[part] = 0
    printed[total.parts[0]], printed[total.parts[1]] = WITHHELD, 9
    view = view_printed(table.lattice, RULE, printed)
    with pytest.raises(Contradiction):
        narrow_bounds(view.lattice, view.low, view.high)
