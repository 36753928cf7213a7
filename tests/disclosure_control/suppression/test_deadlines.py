"""Deadlines: an attack is given up when its time is up, between programs or in the middle of one."""

import numpy as np
import pytest

from disclosure_control.suppression.deadline import NEVER, Deadline, TimeUp
from disclosure_control.suppression.drawn_table import draw_table
from disclosure_control.suppression.measurement import RULE, small_cells
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.view import WITHHELD, View, view_printed
from disclosure_control.suppression.witnesses import find_witnesses


@pytest.fixture(scope="module")
def view() -> View:
    table = draw_table(368, 1)
    hidden = set(small_cells(table))
    printed = [WITHHELD if cell in hidden else figure for cell, figure in enumerate(table.figures)]
    return view_printed(table.lattice, RULE, printed)


def test_there_is_time_until_the_deadline_and_none_from_then_on() -> None:
    assert Deadline(lambda: 3.0, 5.0).seconds_left() == 2.0
    assert NEVER.seconds_left() > 10**9
    for now in (5.0, 6.0):
        with pytest.raises(TimeUp):
            Deadline(lambda now=now: now, 5.0).seconds_left()  # type: ignore[misc]


def test_the_solver_itself_stops_at_the_deadline(view: View) -> None:
    """The clock stands still, with less left than any program takes: who stops is the solver."""
    hurried = Reader(view, Deadline(lambda: 0.0, 1e-9))
    with pytest.raises(TimeUp):
        hurried.sink(view.withheld)


def test_what_is_found_in_time_is_what_is_found_without_a_deadline(view: View) -> None:
    in_time, at_leisure = find_witnesses(view, Deadline(lambda: 0.0, 3600.0)), find_witnesses(view)
    assert np.array_equal(in_time.tables, at_leisure.tables)


@pytest.mark.parametrize("readings", [0, 1, 2, 10])
def test_witnesses_are_not_half_found(view: View, readings: int) -> None:
    left = iter([0.0] * readings)
    with pytest.raises(TimeUp):
        find_witnesses(view, Deadline(lambda: next(left, 61.0), 60.0))
