"""Sums that could be mostly one or two children's, under a preset that has a rule for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.preset import Dominance
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from tests.disclosure_control.conftest import MakePlan, MakeRaw

ReleaseSpec = Callable[[str, str, str, str], None]

ONE_YEAR = (
    "SELECT sex, SUM(placements) AS total, AVG(placements) AS mean FROM child_year WHERE academic_year = 202425"
    " GROUP BY sex"
)


def test_a_sum_is_shown_where_two_children_cannot_dominate_it(release_spec: ReleaseSpec) -> None:
    """A child has at most 60 placements. Two of them are 120, which is 90% of 134; all but two are 6 of 126."""
    release_spec(
        "acro",
        ONE_YEAR,
        """
        sex | children | mean.sum
        M   | 40       | 134
        F   | 40       | 133
        """,
        """
        sex | total | mean
        M   | 135   | 3.4
        F   | c     | c
        """,
    )


def test_a_preset_without_the_rule_shows_both(release_spec: ReleaseSpec) -> None:
    release_spec("ons_10_5", ONE_YEAR, "sex | children | mean.sum\nF | 40 | 133", "sex | total | mean\nF | 130 | 3.3")


def test_several_years_of_a_child_count_together(release_spec: ReleaseSpec) -> None:
    """Of three years, 134 placements could be two children's after all."""
    sql = ONE_YEAR.replace("academic_year = 202425", "academic_year BETWEEN 202223 AND 202425")
    release_spec("acro", sql, "sex | children | mean.sum\nM | 40 | 134", "sex | total | mean\nM | c | c")
    release_spec("acro", sql, "sex | children | mean.sum\nM | 40 | 400", "sex | total | mean\nM | 400 | 10.0")


def test_counts_and_shares_are_not_held_to_it(release_spec: ReleaseSpec) -> None:
    """Each child is worth one: the threshold is the rule for them."""
    release_spec(
        "acro",
        "SELECT COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year",
        "children | share.yes\n40 | 15",
        "n | share\n40 | 0.375",
    )


@pytest.mark.parametrize("figure", ["VAR_POP(progress_from_ks2)", "AVG(progress_from_ks2)"])
def test_a_quantity_that_can_be_negative_is_withheld(figure: str, make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """Values of both signs cancel, so that a sum says nothing of the greatest part."""
    plan = make_plan(f"SELECT {figure} AS figure FROM child_year WHERE academic_year = 202425")
    raw = make_raw(plan, "children | figure.sum | figure.squares\n400 | 4000 | 400000")
    assert protect(raw, load_preset("acro")).rows == (("c",),)
    assert protect(raw, load_preset("ons_10_5")).rows != (("c",),)


values = st.lists(st.integers(0, 60), min_size=10, max_size=40).filter(lambda each: sum(map(bool, each)) >= 10)
rules = st.builds(Dominance, st.integers(1, 3), st.integers(50, 95), st.integers(5, 30))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(values=values, rule=rules)
def test_no_sum_that_is_shown_is_dominated(
    make_plan: MakePlan, make_raw: MakeRaw, values: list[int], rule: Dominance
) -> None:
    """The rules themselves, asked of the children's own values, hold for every sum that the public bound lets pass."""
    plan = make_plan("SELECT SUM(placements) AS total FROM child_year WHERE academic_year = 202425")
    cells = f"children | total.sum | total.nonzero\n{len(values)} | {sum(values)} | {sum(map(bool, values))}"
    preset = replace(load_preset("acro"), dominance=rule)
    if protect(make_raw(plan, cells), preset).rows == (("c",),):
        return
    largest = sorted(values, reverse=True)
    assert sum(largest[: rule.largest]) * 100 <= sum(values) * rule.most_per_cent
    assert sum(largest[2:]) * 100 >= rule.rest_per_cent * largest[0]
