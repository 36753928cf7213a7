"""Noised counts made consistent: they add up, none is below 0, and they are nearest to what was released."""

import random

import pytest

from disclosure_control.noise.consistent import MOST_PARTS, make_consistent
from disclosure_control.noise.shares import MODULUS
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import LABEL, show_table
from disclosure_control.release.totals import release_noisy_total
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.drawn_releases import make_plan

TERMS = NoiseTerms("1", 5, 2, 1)
ANSWERED, ABSENT = ("202", "203", "301"), {"302": "late", "303": "late"}


def release(sql: str, figures: list[int]) -> tuple[ReleasedTable, QueryPlan]:
    """The release of a question with one statistic, whose noised figures are these."""
    plan = plan_for_path(make_plan(sql), "noisy_sum")
    assert plan.cells * len(plan.statistics) == len(figures), plan.cells
    values = [each % MODULUS for each in figures]
    return release_noisy_total(plan, values, TERMS, ANSWERED, ABSENT, load_preset("ukllc")), plan


ROLLED = "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex)"


@pytest.mark.parametrize(
    ("released", "consistent"),
    [
        # four parts, then the total: the difference of 5 is shared between the five figures
        ([10, 20, 30, 40, 105], [11, 21, 31, 41, 104]),
        ([10, 20, 30, 40, 100], [10, 20, 30, 40, 100]),
        # a part below 0 is 0, and what that adds is taken from the others
        ([-8, 20, 30, 40, 90], [0, 20, 30, 40, 90]),
        ([-3, -2, -1, -9, 4], [0, 0, 1, 0, 1]),
        ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
    ],
)
def test_the_nearest_table_that_adds_up(released: list[int], consistent: list[int]) -> None:
    found = make_consistent(*release(ROLLED, released))["n"]
    assert sum(found[:4]) == found[4]
    assert min(found) >= 0
    assert sum(abs(one - other) for one, other in zip(found, consistent, strict=True)) <= 2


def test_without_a_total_negative_counts_alone_are_moved() -> None:
    table, plan = release("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex", [5, -2, 7, 0])
    assert make_consistent(table, plan) == {"n": (5, 0, 7, 0)}


def test_totals_of_several_sizes_all_add_up() -> None:
    """CUBE over two dimensions: every row is the sum of the parts that it is about."""
    chance, sql = random.Random(3), "SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc)"
    plan = plan_for_path(make_plan(sql), "noisy_sum")
    table, plan = release(sql, [chance.randint(-4, 30) for _ in range(plan.cells)])
    found = dict(zip([row[:2] for row in table.rows], make_consistent(table, plan)["n"], strict=True))
    assert min(found.values()) >= 0
    sexes, answers = ({key[place] for key in found} - {"Total"} for place in (0, 1))
    for sex in sexes:
        assert found[sex, "Total"] == sum(found[sex, answer] for answer in answers)
    assert found["Total", "Total"] == sum(found[sex, "Total"] for sex in sexes)


def test_what_does_not_add_up_is_left_alone() -> None:
    """An average; children of a table with several rows for each, who can be in two parts; a table without noise."""
    plan = plan_for_path(make_plan("SELECT sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY sex"), "noisy_sum")
    table, plan = release("SELECT sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY sex", [5] * plan.cells)
    assert make_consistent(table, plan) == {}


def test_it_stands_beside_the_released_figures_and_is_labelled() -> None:
    table, _ = release(ROLLED, [-8, 20, 30, 40, 90])
    shown = show_table(table, "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex)", consistent=True)
    head, first, *_ = shown.to_csv().splitlines()
    assert head == "sex,n,n_consistent"
    assert first.split(",")[1:] == ["-8", "0"]
    assert LABEL in " ".join(shown.to_text().split())
    assert show_table(table, ROLLED).to_csv().splitlines()[0] == "sex,n"


def test_a_table_with_too_many_parts_is_not_made_consistent() -> None:
    sql = (
        "SELECT sex, age, ethnicity_major, need, COUNT(*) AS n FROM child_year GROUP BY sex, age, ethnicity_major, need"
    )
    plan = plan_for_path(make_plan(sql), "noisy_sum")
    assert plan.cells > MOST_PARTS
    assert make_consistent(*release(sql, [1] * plan.cells)) == {}
