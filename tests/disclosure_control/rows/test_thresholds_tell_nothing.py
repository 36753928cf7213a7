"""That a figure is withheld since it asks for more children than a count says nothing of how many they are.

A reader of rounded counts could ask for one quantile after another: that of 0.19 asks for 43 children where that of
0.18 asks for 45, so that the first which is withheld would tell 44 from 43, and two conditions that differ by a child
from two that do not.
"""

from collections.abc import Iterable
from fractions import Fraction

import pytest

from disclosure_control.presets.preset import LEVELS, Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Entry
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.cell_rules import SuppressionRules
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.rounding_presets import ROUNDING

C = Symbol.CONFIDENTIAL
FROM = "FROM child_year WHERE academic_year = 202425"
PAIR = "QUANTILE_DISC(placements, 0.5) AS g"
ASKED = [
    "AVG(placements) AS f",
    "STDDEV(placements) AS f",
    "CORR(placements, suspension_days) AS f",
    "SUM(placements * suspension_days) AS f",
    *(f"QUANTILE_DISC(placements, {share}) AS f" for share in ("0.186", "0.18", "0.25", "0.49")),
    *(f"QUANTILE_DISC(placements, {share}) AS f, {PAIR}" for share in ("0.27", "0.3", "0.71")),
]


def plan_of(asked: str) -> QueryPlan:
    return derive_plan(f"SELECT {asked} {FROM}", Path.PER_AUTHORITY)


def withheld(plan: QueryPlan, preset: Preset, children: int) -> frozenset[str]:
    """What is withheld of so many children, none of whom lacks a value or has nothing."""
    figures = {each.name: children for each in plan.statistics}
    return SuppressionRules.for_plan(plan, preset).withheld(figures)


@pytest.mark.parametrize("name", ROUNDING)
@pytest.mark.parametrize("asked", ASKED)
def test_numbers_that_are_printed_alike_have_the_same_withheld(asked: str, name: str) -> None:
    preset, plan, alike = load_preset(name), plan_of(asked), dict[int, set[frozenset[str]]]()
    for children in range(1, 80):
        alike.setdefault(preset.least_alike(children), set()).add(withheld(plan, preset, children))
    assert all(len(each) == 1 for each in alike.values())
    assert len(set().union(*alike.values())) > 1


@pytest.mark.parametrize("name", ROUNDING)
def test_the_least_alike_is_printed_alike(name: str) -> None:
    preset = load_preset(name)
    for level in LEVELS:
        at = preset.at(level)
        for count in range(at.smallest_count_shown, 80):
            low, high = at.printed_range(_printed(count, at))
            assert low <= count <= high
            assert at.least_alike(count) == low


def _printed(count: int, preset: Preset) -> int:
    base = preset.rounding_base
    return int(Fraction(count, base) + Fraction(1, 2)) * base


# --- Averages by another road ----------------------------------------------------------------------------------------


def print_sides(asked: str, meet: int, others: int) -> Entry:
    """A figure of so many children who meet what is multiplied in, and others who do not, under `dfe_cin`."""
    plan = plan_of(asked)
    (output,) = plan.outputs
    inside, outside = output.sides[-1]
    figures = {each.name: meet + others for each in plan.statistics}
    figures |= {each.name: meet for each in plan.statistics if each.kind == "nonzero"}
    figures |= {inside: meet, outside: others}
    (row,) = protect(RawTable(plan, _as_table(figures.items())), load_preset("dfe_cin")).rows
    return row[0]


def _as_table(figures: Iterable[tuple[str, int]]) -> dict[str, tuple[int]]:
    return {name: (figure,) for name, figure in figures}


@pytest.mark.parametrize(("meet", "others", "is_withheld"), [(8, 32, True), (32, 8, True), (12, 28, False)])
def test_a_quantity_times_a_yes_or_no_is_an_average_of_either_side(
    meet: int, others: int, *, is_withheld: bool
) -> None:
    """Eight children are shown and have no average there: nor is it printed as that of all, times who they are."""
    assert (print_sides("SUM(placements * uasc) AS f", meet, others) == C) == is_withheld


def test_so_is_the_line_through_one() -> None:
    plan, preset = plan_of("REGR_INTERCEPT(placements, uasc) AS f"), load_preset("dfe_cin")
    (output,) = plan.outputs
    figures = {each.name: 40 for each in plan.statistics}
    rules = SuppressionRules.for_plan(plan, preset)
    for meet, is_withheld in ((32, True), (28, False)):
        inside, outside = output.sides[-1]
        sides = dict.fromkeys(output.nonzero, meet) | {inside: meet, outside: 40 - meet}
        assert (rules.withheld(figures | sides) == {"f"}) == is_withheld


@pytest.mark.parametrize(("children", "is_withheld"), [(8, True), (11, True), (12, False)])
def test_a_sum_of_products_asks_for_what_a_correlation_does(children: int, *, is_withheld: bool) -> None:
    """Beside sums, squares and the number it is one."""
    parts = "SUM(placements) AS x, SUM(suspension_days) AS y, SUM(placements * placements) AS xx"
    plan = plan_of(f"{parts}, SUM(placements * suspension_days) AS xy")
    table = protect(RawTable(plan, {each.name: (children,) for each in plan.statistics}), load_preset("dfe_cla"))
    assert table.rows[0][:1] + table.rows[0][2:3] == (children, children)
    assert (table.rows[0][3] == C) == is_withheld
