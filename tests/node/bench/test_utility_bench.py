"""`circe bench utility` on a few real snapshots: one row for a question, with every way that is open to it."""

from typing import Any

import pytest

from node.bench.utility import _measure_question
from query_engine.questions import load_questions
from tests.small_federation import SmallFederation

LENGTH_OF_CARE, MOVES = 0, 6
"""A count, which can go by every path; and moves, of which a child has any number, so that no noise hides them."""


@pytest.fixture(scope="module")
def measured(pristine_london: SmallFederation) -> dict[int, dict[str, Any]]:
    """Two questions over twelve authorities, of which each of six stands for two."""
    roots = [pristine_london.directory / name / "snapshots" for name in pristine_london.roster]
    questions = load_questions()
    return {each: dict(_measure_question(each + 1, questions[each], roots, 12)) for each in (LENGTH_OF_CARE, MOVES)}


def test_ways_stand_side_by_side(measured: dict[int, dict[str, Any]]) -> None:
    row = measured[LENGTH_OF_CARE]
    ways = [name.removesuffix("_lost") for name in row if name.endswith("_lost")]
    assert ways == ["suppressed_first", "noised_first", "noisy_sum", "exact_sum"]
    assert row["question"] == 1
    assert row["rows_withheld"] > 0
    assert row["suppressed_first_error"] > row["exact_sum_error"] >= 0
    # Of twelve nodes two may be missing and one tell: nine shares are as much as one node makes by itself.
    assert row["noised_first_deviation"] == pytest.approx(3 * row["noisy_sum_deviation"], rel=1e-3)


def test_a_way_that_is_not_open_is_left_out(measured: dict[int, dict[str, Any]]) -> None:
    assert not [name for name in measured[MOVES] if name.startswith("nois")]
    assert measured[MOVES]["exact_sum_lost"] == 0
