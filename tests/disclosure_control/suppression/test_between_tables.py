"""What lies between two tables: held to a thousand tables between any two, one by one."""

import numpy as np
import pytest

from disclosure_control.suppression.mixtures import Mixtures

CELLS, OTHERS, ALMOST, STEPS = [4, 0, 2], [1, 3], 1e-9, np.linspace(0, 1, 1001)


def reached(tables: np.ndarray, cell: int, enough: float) -> list[bool]:
    """Which of the cells are 1 where the other is enough, in a table between any and the one with the most of it."""
    found = []
    for each in CELLS:
        largest = tables[tables[:, each].argmax()]
        between = (table + step * (largest - table) for table in tables for step in STEPS)
        found.append(any(one[each] > 1 - 1e-6 and one[cell] > enough - 1e-6 for one in between))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_all_between_two_tables_is_looked_at(seed: int) -> None:
    draw = np.random.default_rng(seed)
    tables = draw.choice([0, 0, 0, 0.5, 1, 2, 4, 10], (5, 5)).astype(float)
    mixtures = Mixtures(CELLS, ALMOST)
    mixtures.take(tables[:2])
    mixtures.take(tables[2:])
    assert mixtures.largest.tolist() == tables[:, CELLS].max(axis=0).tolist()
    for cell in OTHERS:
        for enough in (1, 3, 4.5, 11):
            assert mixtures.reached(cell, enough).tolist() == reached(tables, cell, enough)
            some = np.arange(len(CELLS)) % 2 == 0
            assert mixtures.reached(cell, enough, some).tolist() == (some & reached(tables, cell, enough)).tolist()
        empty = tables[tables[:, cell] == 0]
        assert mixtures.reached_without(cell).tolist() == (empty[:, CELLS] >= 1).any(axis=0).tolist()


def test_of_more_than_enough_half_is_left() -> None:
    """Of a table with ten and one with two, each by itself, what lies half way has five and one."""
    mixtures = Mixtures([0], ALMOST)
    mixtures.take(np.array([[2.0, 0.0], [0.0, 10.0]]))
    assert [bool(mixtures.reached(1, enough)[0]) for enough in (5, 5.1)] == [True, False]
