"""Linear programs: rows that bind nothing are left out, and costs that change by parts are those that were set."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import highspy
import numpy as np
import pytest

from disclosure_control.suppression import programs
from disclosure_control.suppression.programs import INFINITE, Program, Row, Rows


def drawn_rows(draw: Random, columns: int) -> list[Row]:
    """Rows that ask for something of a few columns each, some of which anything satisfies."""
    found: list[Row] = []
    for _ in range(12):
        places = draw.sample(range(columns), 3)
        factors = [float(draw.choice((-1, 1, 2))) for _ in places]
        found.append((places, factors, float(draw.choice((-2, 0, 1))), draw.choice((INFINITE, 3.0))))
    return found


def test_without_what_does_not_bind_the_least_cost_is_the_same() -> None:
    draw, shorter = Random(1), 0
    for _ in range(20):
        rows = Rows.of(drawn_rows(draw, 8))
        lower = np.array([draw.choice((0.0, 1.0)) for _ in range(8)])
        upper = np.maximum(lower, [draw.choice((0.0, 1.0)) for _ in range(8)])
        kept = rows.binding(lower, upper)
        whole = [np.array(each) for each in np.ndindex(*(2,) * 8)]
        within = [each for each in whole if (each >= lower).all() and (each <= upper).all()]
        assert [satisfies(kept, each) for each in within] == [satisfies(rows, each) for each in within]
        shorter += len(kept.sizes) < len(rows.sizes)
    assert shorter > 10


def satisfies(rows: Rows, values: np.ndarray) -> bool:
    row = np.repeat(np.arange(len(rows.sizes)), rows.sizes)
    sums = np.bincount(row, rows.factors * values[rows.columns], len(rows.sizes))
    return bool(((sums >= rows.low) & (sums <= rows.high)).all())


def test_costs_that_change_by_parts_are_those_that_were_set() -> None:
    program = Program(np.zeros(3), np.ones(3), [([0, 1, 2], [1.0, 1.0, 1.0], 1.0, 1.0)])
    for price, cheapest in enumerate((0, 2, 2, 1, 0), start=1):
        costs = np.full(3, 9.0)
        costs[cheapest] = price  # Dearer each time: what was cheap before would be taken if it had stayed so.
        program.set_costs(costs)
        assert program.minimise()[cheapest] == 1
        costs[cheapest] = 9.0  # A program keeps costs of its own.


def test_the_solver_greets_nobody_though_several_threads_begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is elsewhere while it does, and is back afterwards."""
    make = highspy.Highs

    def make_slowly() -> Any:
        time.sleep(0.05)
        return make()  # type: ignore[no-untyped-call]

    programs._greet.cache_clear()
    monkeypatch.setattr(highspy, "Highs", make_slowly)
    before = os.fstat(1)
    with ThreadPoolExecutor(4) as side_by_side:
        begun = [side_by_side.submit(Program, np.zeros(1), np.ones(1), ()) for _ in range(4)]
    assert [each.result().columns for each in begun] == [1] * 4
    assert (os.fstat(1).st_dev, os.fstat(1).st_ino) == (before.st_dev, before.st_ino)
