"""What additions give at once: nothing but what linear programs would find too."""

from random import Random

import pytest

from disclosure_control.linked.implied import fix_implied
from disclosure_control.suppression.drawn_table import draw_table
from disclosure_control.suppression.measurement import RULE
from disclosure_control.suppression.reader import Contradiction, Reader
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed, view_printed


@pytest.mark.parametrize("seed", range(6))
def test_what_is_fixed_is_the_true_figure_and_the_only_one_there_can_be(seed: int) -> None:
    table, draw = draw_table(48, seed), Random(seed)
    printed: list[Printed] = [
        draw.choice([figure, figure, WITHHELD if figure else figure, UNKNOWN]) for figure in table.figures
    ]
    view = view_printed(table.lattice, RULE, printed)
    low, high = fix_implied(view.lattice, view.low, view.high)
    reader, fixed = Reader(view), [cell for cell in range(48) if low[cell] == high[cell]]
    assert {cell for cell in fixed if view.low[cell] < view.high[cell]}
    assert all(low[cell] == table.figures[cell] for cell in fixed)
    assert all(reader.interval(cell) == (low[cell], low[cell]) for cell in fixed)
    left = [cell for cell in range(48) if cell not in fixed]
    assert (low[left] == view.low[left]).all()
    assert (high[left] == view.high[left]).all()


@pytest.mark.parametrize("place", [0, 7, 47])
def test_figures_that_do_not_add_up_are_contradictory(place: int) -> None:
    table = draw_table(48, 1)
    printed: list[Printed] = list(table.figures)
    printed[place] = table.figures[place] + 1
    view = view_printed(table.lattice, RULE, printed)
    with pytest.raises(Contradiction):
        fix_implied(view.lattice, view.low, view.high)


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
        fix_implied(view.lattice, view.low, view.high)
