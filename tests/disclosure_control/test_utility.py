"""What is left of national figures: small authorities lose theirs by protecting first, and a sum loses little."""

from collections.abc import Sequence
from math import sqrt

import pytest

from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.utility import Left, add_up, measure_noised, measure_protected, measure_suppressed
from query_engine.planning.paths import plan_for_path
from query_engine.tables import RawTable
from tests.disclosure_control.conftest import MakePlan, MakeRaw

ROWS, TOTAL = load_preset("opensafely"), load_preset("ons_10_5")
SHARES = (
    "SELECT sex, {}AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year WHERE academic_year = 202425 "
    "GROUP BY sex"
)
COUNTS = "SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 GROUP BY sex"

Tables = tuple[list[RawTable], RawTable]


def drawn(make_plan: MakePlan, make_raw: MakeRaw, girls: Sequence[int], sql: str = COUNTS) -> Tables:
    """Authorities with so many girls each, and ten times as many boys."""
    plan = make_plan(sql)
    tables = [make_raw(plan, f"sex | children\nF | {each}\nM | {10 * each}") for each in girls]
    return tables, add_up(tables)


def test_what_every_authority_withholds_is_missing_from_the_sum(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """Of 30 girls 10 are shown, and all boys, as 90 + 60 + 50 + 40 + 60; once added up, nothing is withheld."""
    tables, whole = drawn(make_plan, make_raw, [9, 6, 5, 4, 6])
    left, held = measure_suppressed(tables, whole, ROWS)
    assert left.lost == 0
    assert left.error == pytest.approx((2 / 3 + 0) / 2)
    assert held == pytest.approx(4 / 10)
    assert measure_protected(tables, TOTAL) == Left(0, 0)


def test_what_nobody_shows_is_lost(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    tables, whole = drawn(make_plan, make_raw, [3, 4, 5, 2, 6])
    left, held = measure_suppressed(tables, whole, ROWS)
    assert (left.lost, held) == (0.5, 0.5)
    assert measure_protected(tables, TOTAL).lost == 0


def test_what_is_lost_for_want_of_children_is_told_from_what_protection_costs(
    make_plan: MakePlan, make_raw: MakeRaw
) -> None:
    """Five girls are too few in the nation too, 3 + 4 + 5 are not: nobody may have the first, whoever protects."""
    tables, whole = drawn(make_plan, make_raw, [1] * 5)
    left, _ = measure_suppressed(tables, whole, ROWS)
    total = measure_protected(tables, TOTAL)
    assert (left.lost, left.too_few, left.for_protection) == (0.5, 0.5, 0)
    assert (total.lost, total.too_few, total.for_protection) == (0.5, 0.5, 0)
    tables, whole = drawn(make_plan, make_raw, [3, 4, 5])
    left, _ = measure_suppressed(tables, whole, ROWS)
    assert (left.lost, left.too_few, left.for_protection) == (0.5, 0, 0.5)


def test_what_an_authority_could_take_its_own_from_is_lost_to_an_exact_sum(
    make_plan: MakePlan, make_raw: MakeRaw
) -> None:
    """Of 25 girls 21 are one authority's, which would know of four others; they are not too few, but for it."""
    tables, _ = drawn(make_plan, make_raw, [21, 1, 1, 1, 1])
    total = measure_protected(tables, TOTAL)
    assert (total.lost, total.too_few, total.for_protection) == (0.5, 0, 0.5)


def test_what_is_withheld_beside_others_is_not_too_few(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """Of 5 girls, 40 boys and 45 children the girls alone are too few; one more figure goes, so that they stay so."""
    plan = make_plan("SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 GROUP BY ROLLUP (sex)")
    tables = [make_raw(plan, "sex | children\nF | 1\nM | 8\nTotal | 9")] * 5
    left = measure_protected(tables, load_preset("ukllc"))
    assert (left.lost, left.too_few) == (2 / 3, 1 / 3)


def test_a_share_without_a_count_beside_it_cannot_be_added_up(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """Whoever reads the rows knows of no authority how many children its share is of; with the count, they do."""
    cells = "sex | children | share.yes\nF | 100 | 50\nM | 300 | 30"
    for counted, lost in (("", 1), ("COUNT(*) AS n, ", 0)):
        plan = make_plan(SHARES.format(counted))
        tables = [make_raw(plan, cells), make_raw(plan, cells)]
        left, _ = measure_suppressed(tables, add_up(tables), ROWS)
        assert (left.lost, left.error) == (lost, None if lost else 0)


def test_noise_of_one_release_is_a_twelfth_of_that_of_every_node(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """153 nodes at epsilon 1, of which 20 may be missing and 7 collude: a deviation under 1.5, and 16.8 apart."""
    _, whole = drawn(make_plan, make_raw, [50] * 3)
    plan = plan_for_path(make_plan(COUNTS), "noisy_sum")
    together = measure_noised(whole, plan, NoiseTerms("1", 153, 20, 7), 153, TOTAL, 1)
    alone = measure_noised(whole, plan, NoiseTerms("1", 1, 0, 0), 153, TOTAL, 1)
    assert together.deviation is not None
    assert alone.deviation is not None
    assert together.deviation < 1.5
    assert alone.deviation == pytest.approx(16.8, abs=0.05)
    assert alone.deviation / together.deviation == pytest.approx(sqrt(126), rel=1e-9)
    assert together.error is not None
    assert alone.error is not None
    assert together.error < alone.error / 4
