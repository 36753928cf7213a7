"""Sums that could be mostly one or two of the others', for an authority that takes its own children's part away."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.preset import Dominance
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from tests.disclosure_control.known_children import tabulate
from tests.disclosure_control.release.test_taking_away import plan_of, release

PLAN = plan_of("SELECT SUM(placements) AS total FROM child_year WHERE academic_year = 202425")
ACRO = load_preset("acro")
C = Symbol.CONFIDENTIAL


def total_of(held: Sequence[Sequence[int]], preset: str = "acro") -> object:
    """What is printed of the placements of all, of which each authority's children have so many each."""
    return release([tabulate(PLAN, [{"placements": each} for each in own]) for own in held], preset)[0][0]


def test_a_sum_is_shown_where_so_many_others_have_something_that_two_cannot_dominate_it() -> None:
    """A child has at most 60 placements. Two of them have 120, which is 90% of 134: so 14 more have to have 1 each."""
    assert ACRO.dominance is not None
    assert ACRO.dominance.least_contributors(60) == 16
    large = [30] * 40
    assert total_of([large, *([[1] * 3] * 5)]) == C  # 6 times 3 less 3 are 15
    assert total_of([large, *([[1] * 3] * 6)]) != C
    assert total_of([large, *([[1] * 3] * 5)], "ons_10_5") != C  # It has no such rule.


def test_who_takes_the_large_part_away_is_told_nothing_of_one_child() -> None:
    """Of 1,269 placements 1,200 are one authority's own; of the 69 others 60 are one child's."""
    assert total_of([[30] * 40, [60], *([[1] * 3] * 3)]) == C


children = st.lists(st.sampled_from([0, 1, 1, 2, 60]), max_size=5)
rules = st.builds(Dominance, st.integers(1, 3), st.integers(50, 95), st.integers(5, 30))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(held=st.lists(children, min_size=6, max_size=30))
def test_the_others_of_no_sum_that_is_shown_are_dominated(held: Sequence[Sequence[int]]) -> None:
    """The rules themselves, asked of the values of all others, hold whichever authority takes its own away."""
    rule = ACRO.dominance
    assert rule is not None
    if total_of(held) == C:
        return
    for number in range(len(held)):
        others = sorted((each for place, own in enumerate(held) if place != number for each in own), reverse=True)
        assert sum(others[: rule.largest]) * 100 <= sum(others) * rule.most_per_cent
        assert sum(others[2:]) * 100 >= rule.rest_per_cent * (others or [0])[0]


@given(rule=rules, most=st.integers(1, 300))
def test_no_fewer_would_keep_the_rules_and_so_many_do(rule: Dominance, most: int) -> None:
    def keeps(count: int) -> bool:
        """Whether the largest have as much as can be, the others 1, and both rules hold."""
        (largest, two) = (rule.largest * most, count - 2)
        rest = count - rule.largest
        return (
            min(rest, two) >= 0
            and largest * 100 <= rule.most_per_cent * (largest + rest)
            and two * 100 >= rule.rest_per_cent * most
        )

    least = rule.least_contributors(most)
    assert keeps(least)
    assert not keeps(least - 1)
