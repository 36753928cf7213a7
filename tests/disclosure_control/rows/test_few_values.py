"""Sums, averages and spreads of a quantity that can have few values: none says how many few children have one of them.

Children are known one by one here, and asked about through the whole of a node's protection. A reader tries every
number of children with each value.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.few_values import FewValues
from disclosure_control.rows.protection import protect
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.tables import RawTable
from tests.disclosure_control.known_children import Child, answer

C = Symbol.CONFIDENTIAL
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"
EXACT = ("dfe_cla", "dfe_cin", "ukllc")
EVERY = (*EXACT, "acro", "nhs_hes", "ofqual", "ons_10_5", "opensafely")


def printed(asked: str, children: Sequence[Child], preset: str) -> list[Sequence[object]]:
    (table,) = answer([derive_plan(f"SELECT {asked}", Path.PER_AUTHORITY)], children, load_preset(preset))
    return list(table.rows)


def having(column: str, numbers: Mapping[int, int]) -> list[Child]:
    return [{"sex": "F", column: value} for value, number in numbers.items() for _ in range(number)]


@pytest.mark.parametrize("preset", EVERY)
@pytest.mark.parametrize("figure", ["SUM(age)", "AVG(age)", "STDDEV(age)", "REGR_AVGX(placements, age)"])
@pytest.mark.parametrize("older", [3, 20])
def test_of_two_values_a_figure_is_how_many_have_either(preset: str, figure: str, older: int) -> None:
    """Of 43 children with 648 years three are sixteen; where twenty are, other counts of them could leave three."""
    children = [{**each, "placements": 7} for each in having("age", {15: 40, 16: older})]
    ((figure_printed,),) = printed(f"{figure} AS f {CHILDREN} AND age IN (15, 16)", children, preset)
    assert figure_printed == C


@pytest.mark.parametrize("preset", EVERY)
@pytest.mark.parametrize(("numbers", "withheld"), [({1: 40, 2: 1}, True), ({1: 40, 30: 1, 2: 30}, False)])
def test_few_have_more_than_the_least(preset: str, numbers: Mapping[int, int], *, withheld: bool) -> None:
    """Of 41 children with a placement at least, who have 42, one has two."""
    asked = f"SUM(placements) AS s {CHILDREN} AND placements >= 1"
    ((total,),) = printed(asked, having("placements", numbers), preset)
    assert (total == C) == (withheld or preset == "acro")  # There few could dominate so small a sum, too.


@pytest.mark.parametrize(
    ("product", "numbers", "months", "withheld"),
    [
        ("placements * placements", {1: 40, 2: 1}, 7, True),  # squares that come to 44
        ("placements * placements", {1: 40, 30: 12, 2: 30}, 7, False),
        ("placements * months_in_care", {1: 41}, 9, True),  # 289, and 287 if all had been in care for seven months
        ("placements * months_in_care", {1: 41, 2: 20}, 9, False),
    ],
)
def test_few_have_more_than_the_least_of_a_product(
    product: str, numbers: Mapping[int, int], months: int, *, withheld: bool
) -> None:
    asked = f"SUM({product}) AS s {CHILDREN} AND placements >= 1 AND months_in_care BETWEEN 7 AND 9"
    first, *others = having("placements", numbers)
    children = [{**first, "months_in_care": months}, *({**each, "months_in_care": 7} for each in others)]
    ((total,),) = printed(asked, children, "dfe_cla")
    assert (total == C) == withheld


@pytest.mark.parametrize("preset", EVERY)
@pytest.mark.parametrize(("without", "withheld"), [(2, True), (30, False)])
def test_few_have_less_than_the_most(preset: str, without: int, *, withheld: bool) -> None:
    """Of 42 children with one suspension at most, who have 40, two have none."""
    asked = f"SUM(suspensions) AS s {CHILDREN} AND suspensions <= 1"
    ((total,),) = printed(asked, having("suspensions", {1: 40, 0: without}), preset)
    assert (total == C) == (withheld or preset == "acro")


@pytest.mark.parametrize("preset", EVERY)
@pytest.mark.parametrize(("numbers", "withheld"), [({0: 40, 1: 40, 2: 2}, True), ({0: 40, 1: 40, 2: 20, 5: 9}, False)])
def test_few_are_at_none_of_two_values_next_to_each_other(
    preset: str, numbers: Mapping[int, int], *, withheld: bool
) -> None:
    """Beside the sum a spread gives the sum of squares: here two have two suspensions, and no more."""
    ((spread,),) = printed(f"VAR_POP(suspensions) AS s {CHILDREN}", having("suspensions", numbers), preset)
    assert (spread == C) == (withheld or preset == "acro")


def test_what_a_cell_leaves_is_what_its_category_does() -> None:
    """Of those with six or seven placements the sum says how many have seven; ten to fourteen are many values."""
    children = having("placements", {6: 30, 7: 3, 20: 15, 30: 15, 12: 30})
    asked = f"BIN(placements) AS p, COUNT(*) AS n, SUM(placements) AS s {CHILDREN} GROUP BY p"
    rows = {row[0]: row[1:] for row in printed(asked, children, "dfe_cla")}
    assert rows["6 to 7"] == (33, C)
    assert rows["10 to 14"] == (30, 360)
    assert rows["20 or more"] == (30, 750)


def test_a_condition_that_joins_columns_leaves_a_value_to_some_cells_alone() -> None:
    """All girls are fifteen or sixteen, and boys of any age."""
    children: list[Child] = [{"sex": sex, "age": age} for sex in "MF" for age in [15] * 40 + [16] * 20]
    children += [{"sex": "M", "age": 9}] * 20
    asked = f"sex, SUM(age) AS s {CHILDREN} AND sex IN ('M', 'F') AND (sex = 'M' OR age IN (15, 16)) GROUP BY sex"
    assert printed(asked, children, "dfe_cla") == [("M", 40 * 15 + 20 * 16 + 180), ("F", C)]


@pytest.mark.parametrize("preset", EVERY)
@pytest.mark.parametrize(
    ("figure", "asked", "by"),
    [
        ("SUM(year_group)", "key_stage = 'key_stage_4'", {10: 40, 11: 3}),
        ("SUM(year_group)", "age = 15", {10: 20, 11: 20}),
        ("AVG(age)", "year_group = 10", {14: 40, 15: 3}),
        ("AVG(year_group)", "key_stage IN ('early_years', 'key_stage_1') AND year_group > 0", {1: 40, 2: 3}),
    ],
)
def test_what_a_cell_leaves_the_catalogue_says_too(preset: str, figure: str, asked: str, by: Mapping[int, int]) -> None:
    """Of 43 in key stage 4 with 433 years of school three are in year 11: there are no other year groups in it."""
    column = figure.partition("(")[2].rstrip(")")
    assert printed(f"{figure} AS f {CHILDREN} AND {asked}", having(column, by), preset) == [(C,)]


def test_what_a_category_leaves_the_catalogue_says_too() -> None:
    """Key stage 3 has three years of school, and key stage 4 two."""
    children: list[Child] = [{"key_stage": "key_stage_3", "year_group": year} for year in (7, 8, 9) for _ in range(30)]
    children += [{"key_stage": "key_stage_4", "year_group": year} for year in (10, 11) for _ in range(30)]
    asked = f"key_stage, SUM(year_group) AS s {CHILDREN} GROUP BY key_stage"
    rows = {row[0]: row[1] for row in printed(asked, children, "dfe_cla")}
    assert rows["key_stage_3"] == 30 * (7 + 8 + 9)
    assert rows["key_stage_4"] == C


def test_what_is_0_or_1_by_the_catalogue_is_counted() -> None:
    """Whoever is five is in reception or in year 1."""
    asked = f"SUM(year_group) AS s {CHILDREN} AND age = 5"
    assert printed(asked, having("year_group", {0: 30, 1: 20}), "dfe_cla") == [(20,)]
    assert printed(asked, having("year_group", {0: 30, 1: 3}), "dfe_cla") == [(C,)]


PLANS = "(SELECT child, academic_year, COUNT(*) AS plans FROM pep GROUP BY child, academic_year)"


@pytest.mark.parametrize(("together", "withheld"), [(42, True), (60, False)])
def test_what_is_worked_out_for_each_child_is_the_childs(together: int, *, withheld: bool) -> None:
    """Of 41 children with a plan, who have 42, one has two."""
    asked = f"SELECT SUM(p.plans) AS s FROM child_year AS c JOIN {PLANS} AS p USING (child, academic_year)"
    plan = derive_plan(f"{asked} WHERE academic_year = 202425 AND c.counted_here", Path.PER_AUTHORITY)
    figures = {each.name: [together if each.kind == "sum" else 41] for each in plan.statistics}
    ((total,),) = protect(RawTable(plan, figures), load_preset("dfe_cla")).rows
    assert (total == C) == withheld


# --- By whoever tries every number of children ---------------------------------------------------------------------


def splits(number: int, total: int, values: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """How many children can have each value, where so many have so much."""
    if len(values) == 1:
        if number * values[0] == total:
            yield (number,)
        return
    for own in range(number + 1):
        yield from ((own, *rest) for rest in splits(number - own, total - own * values[0], values[1:]))


def count_told(seed: int, preset: str) -> tuple[int, int]:
    """Of how many values a reader of number and sum knows that somebody has it and too few; and if both are printed."""
    random, rules = Random(seed), load_preset(preset)
    first, kinds = random.choice((0, 1, 14)), random.choice((2, 3, 4))
    column, values = ("age" if first == 14 else "placements"), range(first, first + kinds)
    numbers = {value: random.choice((0, 0, 1, 2, 3, 8, 14)) for value in values}
    asked = f"COUNT(*) AS n, SUM({column}) AS s {CHILDREN} AND {column} IN ({', '.join(map(str, values))})"
    ((number, total),) = printed(asked, having(column, numbers), preset)
    if not isinstance(number, int) or not isinstance(total, int):
        return 0, 0
    possible = list(zip(*splits(number, total, values), strict=True))
    return sum(min(each) > 0 and max(each) < rules.smallest_count_shown for each in possible), 1


@pytest.mark.parametrize("preset", EXACT)
def test_number_and_sum_tell_of_no_few(preset: str) -> None:
    told, shown = map(sum, zip(*(count_told(seed, preset) for seed in range(120)), strict=True))
    assert told == 0
    assert shown > 5


def test_some_would_be_told_if_it_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FewValues, "withheld", lambda *_: frozenset())
    assert sum(count_told(seed, "dfe_cla")[0] for seed in range(40)) > 0
