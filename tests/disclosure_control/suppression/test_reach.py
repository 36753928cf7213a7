"""Reach: every small cell of a table that is protected can be as large as one that is shown, to whoever reads it."""

from functools import cache

import pytest

from disclosure_control.suppression.drawn_table import draw_table
from disclosure_control.suppression.measurement import Row, measure_ours

LONGEST_SECONDS = 60
"""Of CPU, many times what it takes."""


@cache
def measure(cells: int, seed: int) -> Row:
    return measure_ours(draw_table(cells, seed), insiders=False)


@pytest.mark.parametrize(("cells", "seed"), [(368, 1), (368, 3), (3_888, 1)])
def test_every_small_cell_can_be_as_large_as_what_is_shown(cells: int, seed: int) -> None:
    """Were one not, whoever reads the table would see for whose sake it is withheld."""
    assert measure(cells, seed)["reach_failures"] == 0
    assert int(measure(cells, seed)["secondaries"]) > 0


def test_a_table_of_3888_cells_takes_seconds() -> None:
    """Pattern and certificate together."""
    assert float(measure(3_888, 1)["seconds"]) < LONGEST_SECONDS


def test_no_table_of_ten_is_left_unprotected() -> None:
    assert [measure(48, seed)["reach_failures"] for seed in range(1, 11)] == [0] * 10
