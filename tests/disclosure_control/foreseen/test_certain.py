"""What is withheld in any case is said beforehand, and withheld; what is not said is not withheld for that."""

from itertools import product

import pytest

from disclosure_control.foreseen.certain import foresee_certain
from disclosure_control.foreseen.expectation import foresee
from disclosure_control.linked.children.counted import stands_alone
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.few_values import FewValues
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.cell_rules import SuppressionRules
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from federation.question_check import check_question
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.known_children import Child, tabulate

WHERE = "FROM child_year WHERE academic_year = 202425 AND counted_here AND age IS NOT NULL AND sex IN ('M', 'F')"
TWO_AGES = f"SELECT sex, AVG(age) AS a, COUNT(*) AS n {WHERE} AND age IN (15, 16) GROUP BY sex"
IN_BINS = f"SELECT CASE WHEN age < 2 THEN 0 ELSE 1 END AS bin, SUM(age) AS years {WHERE} GROUP BY 1"
SPREAD = f"SELECT sex, STDDEV(age) AS s, AVG(age) AS a {WHERE} AND age IN (14, 15, 16) GROUP BY sex"
APART = f"SELECT sex, QUANTILE_DISC(age, 0.5) AS a, QUANTILE_DISC(age, 0.75) AS b {WHERE} GROUP BY sex"
NEAR = APART.replace("0.75", "0.51")

ASK_COUNTS = "since so few values of age are left there that it would count who has each: ask for counts instead"


def plan_of(sql: str) -> QueryPlan:
    return derive_plan(sql, Path.PER_AUTHORITY)


TANGLED = " OR ".join(
    f"(placements IN ({each}, {each + 3}, {each + 7}) AND social_workers IN ({7 * each % 29}, {(7 * each + 3) % 29})"
    f" AND year_group IN ({each}, {(5 * each + 2) % 13}, {(3 * each + 1) % 13}))"
    for each in range(9)
)
TOO_TANGLED = f"SELECT sex, AVG(age) AS a, COUNT(*) AS n {WHERE} AND ({TANGLED}) GROUP BY sex"
ASK_LESS = "since the conditions are too tangled to tell which values of age are left there: ask with fewer ORs"

ASK_ONE = "since too few of them lie between the two: ask for one alone"

SAID = {
    TWO_AGES: (f"a is withheld in every row, {ASK_COUNTS}",),
    TWO_AGES.replace("(15, 16)", "(14, 15, 16)"): (),
    IN_BINS: (f"years is withheld in 1 of 2 rows, {ASK_COUNTS}",),
    SPREAD: (f"s is withheld in every row, {ASK_COUNTS}",),
    f"SELECT sex, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share {WHERE} GROUP BY sex": (),
    TOO_TANGLED: (f"a is withheld in every row, {ASK_LESS}",),
    APART: (f"a and b are withheld in every row of fewer than 24 children, {ASK_ONE}",),
    NEAR: (f"a and b are withheld in every row of fewer than 600 children, {ASK_ONE}",),
}


@pytest.mark.parametrize("sql", SAID)
def test_it_is_said_of_a_question_alone(sql: str) -> None:
    assert foresee_certain(plan_of(sql), load_preset("dfe_cla")) == SAID[sql]


def test_what_is_too_tangled_to_tell_is_withheld_and_stands_not_alone() -> None:
    plan, preset = plan_of(TOO_TANGLED), load_preset("dfe_cla")
    figures = {each.name: 400 for each in plan.statistics}
    assert {FewValues(plan, preset).withheld(cell, figures) for cell in plan.iter_cells()} == {frozenset({"a"})}
    line = TOO_TANGLED.replace("AVG(age) AS a, COUNT(*) AS n", "CORR(age, attendance_rate) FILTER (WHERE uasc) AS r")
    assert not stands_alone(plan_of(line))


@pytest.mark.parametrize("sql", [TWO_AGES, SPREAD])
def test_what_is_said_is_withheld_however_many_children_there_are(sql: str) -> None:
    """And the other figures beside it are shown, so that the share which is foreseen is a half."""
    plan, preset = plan_of(sql), load_preset("dfe_cla")
    few = [15, 16] if sql is TWO_AGES else [14, 15, 16]
    children: list[Child] = [
        {"sex": sex, "age": age, "uasc": False} for sex, age in product("MF", few) for _ in range(400)
    ]
    for row in protect(tabulate(plan, children), preset).rows:
        assert [entry == Symbol.CONFIDENTIAL for entry in row[1:]] == [True, False]
    found = foresee(plan, preset)
    assert found is not None
    assert found.withheld == pytest.approx(0.5, abs=0.01)


def test_nothing_of_it_is_said_of_a_model() -> None:
    model = derive_plan(f"SELECT FIT_LINEAR(placements, age) {WHERE}", Path.NOISY_SUM)
    assert foresee_certain(model, load_preset("dfe_cla")) == ()


@pytest.mark.parametrize(("sql", "number"), [(APART, 24), (NEAR, 600)])
def test_two_quantiles_are_withheld_of_fewer_children_than_that_and_of_no_more(sql: str, number: int) -> None:
    plan, preset = plan_of(sql), load_preset("dfe_cla")
    rules, (one, other) = SuppressionRules.for_plan(plan, preset), plan.outputs[1:]
    assert [rules.are_too_near(one, other, {one.present: each}) for each in (number - 1, number)] == [True, False]


def test_two_quantiles_are_foreseen_to_go_where_they_are_near() -> None:
    preset = load_preset("dfe_cla")
    shares = [each.withheld for sql in (APART, NEAR) if (each := foresee(plan_of(sql), preset)) is not None]
    assert shares[0] < 0.05
    assert shares[1] > 0.5


def test_a_check_says_it_of_rows_and_of_exact_totals_and_of_none_with_noise() -> None:
    preset = load_preset("ons_10_5")
    noisy, exact, rows = (check_question(TWO_AGES, preset, path) for path in Path)
    assert rows.certain == exact.certain == (f"a is withheld in every row, {ASK_COUNTS}",)
    assert rows.certain[0] in str(rows)
    assert exact.expectation == "rounded figures without noise, of which it is not foreseen how many are withheld"
    assert noisy.certain == ()
    assert noisy.expectation == "nothing withheld, and noise in every figure"
