"""Conditions that cross the columns of other tables: by OR, NOT, CASE and FILTER, beside tables by one column each.

Children are known one by one, and asked about through the whole of a node's protection. An attacker who knows nothing
of how counts are linked solves for all children that there could be: of what sex, age and origin, and how many of each.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from random import Random

import pytest

from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts import crossing, grids
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import intersect
from query_engine.refusal import QueryRefused
from tests.disclosure_control.known_children import Child, answer, is_in, rows_of
from tests.disclosure_control.known_sorts import UNBOUNDED, Group, Printed, gather, solve
from tests.disclosure_control.linked.test_linked import table, told
from tests.disclosure_control.told_words import tell_hits

CHILDREN = (
    "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F') AND age IN (14, 15, 16) "
    "AND (uasc OR NOT uasc)"
)
BY_SEX = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"
BY_AGE = "SELECT age, COUNT(*) AS n {} AND ({}) GROUP BY age"

EITHER = [
    "sex = 'M' OR age = 15",
    "NOT (sex = 'F' AND age <> 15)",
    "age NOT IN (14, 16) OR sex IN ('M')",
]


@pytest.mark.parametrize("either", EITHER)
def test_whom_a_condition_with_or_counts_by_one_column_is_set_against_counts_by_the_other(either: str) -> None:
    """Of 34 boys, all of the 20 who are fourteen and the 12 who are sixteen: two are fifteen."""
    by_age = table(BY_AGE.format(CHILDREN, either), 20, 20, 12)
    assert told("dfe_cla", table(BY_SEX, 34, 40), by_age) == told("dfe_cla", by_age, table(BY_SEX, 34, 40)) == [(2, 2)]
    assert told("dfe_cla", table(BY_SEX, 40, 40), by_age) == []
    assert find_companions([table(BY_SEX, 34, 40)], by_age)
    assert tell_hits("301", [table(BY_SEX, 34, 40), by_age]) == [
        "301: a group for whom nobody asked, who tell counts apart (children where academic_year is 202425 and sex is "
        "M and age is 15 and counted_here is yes and uasc is present), is known to be 2 from this release and R-1."
    ]


@pytest.mark.parametrize("girls", [17, 20])
def test_who_is_in_neither_of_two_categories_is_known_by_a_count_of_those_in_both(girls: int) -> None:
    """Of 74 children 48 are girls and 40 are fourteen. That 17 are both leaves three who are neither."""
    by_sex, by_age = BY_SEX.replace("GROUP", "AND age <> 16 GROUP"), BY_AGE.format(CHILDREN, "age <> 16")
    both = table(f"SELECT COUNT(*) AS n {CHILDREN} AND sex = 'F' AND age = 14", girls)
    found = told("dfe_cla", table(by_sex, 26, 48), table(by_age, 40, 34), both)
    assert found == ([(3, 3)] if girls == 17 else [])


@pytest.mark.parametrize("alone", [22, 30])
def test_counts_by_three_columns_that_one_condition_joins_are_set_against_each_other(alone: int) -> None:
    """Of 60 children 20 are boys, 20 are fifteen and 22 came alone, each at least one of it: one or two are more. If 30
    came alone, five to ten are."""
    where = "AND (sex = 'M' OR age = 15 OR uasc)"
    by_sex, by_age, by_origin = (
        f"SELECT {by}, COUNT(*) AS n {CHILDREN} {where} GROUP BY {by}" for by in ("sex", "age", "uasc")
    )
    shown = table(by_sex, 20, 40), table(by_age, 20, 20, 20), table(by_origin, 60 - alone, alone)
    assert [tuple(cell) for cell in shown[2].plan.iter_cells()] == [(False,), (True,)]
    assert bool(told("dfe_cla", *shown)) == (alone == 22)


def test_what_crosses_in_too_many_ways_is_too_much_to_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so withheld by a node, and refused by the hub when it is drafted."""
    plans = [derive_plan(each, Path.PER_AUTHORITY) for each in (BY_SEX, BY_AGE.format(CHILDREN, EITHER[0]))]
    assert len(link_plans(plans).lattice) == 10
    monkeypatch.setattr(crossing, "MOST_BOXES", 1)
    with pytest.raises(TooTangled, match="crosses columns in more than 1 ways"):
        link_plans(plans)


def test_an_average_of_one_column_is_set_against_one_by_another_of_whom_a_condition_joins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 34 who are fifteen, and of the 29 girls among whoever is a boy or fifteen: five boys of fifteen are left."""
    sorts = (("M", 14, 12), ("M", 15, 5), ("M", 16, 20), ("F", 14, 20), ("F", 15, 29))
    children: list[Child] = [
        {"sex": sex, "age": age, "uasc": False, "placements": age - place % 5}
        for sex, age, number in sorts
        for place in range(number)
    ]
    asked = f"AVG(placements) AS f {CHILDREN} AND placements >= 0"
    either = f"SELECT sex, {asked} AND (sex = 'M' OR age = 15) GROUP BY sex"
    plans = [
        derive_plan(each, Path.PER_AUTHORITY) for each in (f"SELECT age, {asked} AND age <> 14 GROUP BY age", either)
    ]

    def of_girls() -> object:
        (girls,) = (row for row in answer(plans, children, load_preset("ukllc"))[-1].rows if row[0] == "F")
        return girls[-1]

    assert of_girls() == Symbol.CONFIDENTIAL
    monkeypatch.setattr(grids, "divide_crossing", lambda rows, *_: [rows])
    assert of_girls() != Symbol.CONFIDENTIAL


# --- Drawn at random -------------------------------------------------------------------------------------------------

SORTS: list[Child] = [
    {"sex": sex, "age": age, "uasc": uasc} for sex, age, uasc in product("MF", (14, 15, 16), (True, False))
]
ATOMS = ("sex = 'M'", "sex = 'F'", "age = 14", "age = 15", "age IN (14, 15)", "uasc", "NOT uasc")
BY = ("", "sex", "age", "uasc", "CASE WHEN {} THEN 'so' ELSE 'not so' END")


def draw_condition(draw: Random) -> str:
    """One thing, or two or three."""
    first, second, third = draw.sample(ATOMS, 3)
    joined = ("{0}", "{0} OR {1}", "{0} AND {1}", "NOT ({0} AND {1})", "{0} OR {1} OR {2}", "{0} OR {1} AND {2}")
    return draw.choice(joined).format(first, second, third)


def draw_question(draw: Random) -> QueryPlan:
    """A count by one column or none, with a condition or with one beside it; drawn anew where it says nothing."""
    while True:
        by = draw.choice(BY).format(draw_condition(draw))
        where = draw.choice(("", f" AND ({draw_condition(draw)})"))
        beside = draw.choice(("", "", f", COUNT(*) FILTER (WHERE {draw_condition(draw)}) AS k"))
        column, group = (f"{by} AS g, ", f" GROUP BY {by}") if by else ("", "")
        with suppress(QueryRefused):
            return derive_plan(f"SELECT {column}COUNT(*) AS n{beside} {CHILDREN}{where}{group}", Path.PER_AUTHORITY)


@dataclass(frozen=True)
class Stack:
    """Questions about some children, one after the other."""

    plans: Sequence[QueryPlan]
    children: Sequence[Child]
    preset: Preset

    @classmethod
    def draw(cls, seed: int, preset: Preset) -> "Stack":
        draw = Random(seed)
        plans = {each.plan_id: each for each in (draw_question(draw) for _ in range(4))}
        sizes = [draw.choice((0, 0, 1, 3, 6, 10, 20)) for _ in SORTS]
        return cls(list(plans.values()), gather(SORTS, sizes), preset)

    def told(self, *, beside: bool) -> list[tuple[Group, int, int]]:
        """The groups of which the attacker is sure that there are some, and too few."""
        printed = list(_read(answer(self.plans, self.children, self.preset, beside=beside)))
        rows = [group for group, _, _ in printed]
        pairs = [found for one, other in product(rows, rows) for found in (one & other, one - other)]
        ends = ((group, *_ends(group, printed)) for group in dict.fromkeys([*rows, *pairs]) if group)
        return [
            (group, round(low), round(high))
            for group, low, high in ends
            if low > 1e-6 and high < self.preset.smallest_count_shown - 1e-6
        ]


def _read(published: Sequence[Published]) -> Iterator[Printed]:
    """What is printed; c says that there is somebody, unless all of its table is withheld."""
    for each in published:
        figures = [place for place, output in enumerate(each.plan.outputs) if output.dimension is None]
        is_blank = all(row[place] == Symbol.CONFIDENTIAL for row in each.rows for place in figures)
        for (row, region), place in product(zip(each.rows, rows_of(each.plan), strict=True), figures):
            measure, entry = each.plan.outputs[place].measure, row[place]
            counted = region if measure is None else intersect(region, measure.where)
            group = frozenset(number for number, sort in enumerate(SORTS) if is_in(sort, counted, each.plan))
            yield (group, entry, entry) if isinstance(entry, int) else (group, int(not is_blank), float("inf"))


def _ends(group: Group, printed: Sequence[Printed]) -> tuple[float, float]:
    """The least and the most that there can be of a group; 0 and 0 where nothing agrees with what is printed."""
    found = solve(group, printed, len(SORTS), whole=False)
    ends = [float("inf") if each.status == UNBOUNDED else abs(each.fun or 0.0) for each in found]
    return ends[0], ends[1]


SEEDS = [*range(12), *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(12, 300))]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_attacker_who_solves_for_all_children_finds_nobody(seed: int) -> None:
    assert Stack.draw(seed, load_preset("dfe_cla")).told(beside=True) == []


def test_they_find_somebody_where_conditions_are_not_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where each table was protected by itself alone."""
    stack = Stack.draw(106, load_preset("dfe_cla"))
    assert stack.told(beside=True) == []
    assert stack.told(beside=False)
    monkeypatch.setattr(grids, "divide_crossing", lambda rows, *_: [rows])
    assert stack.told(beside=True)
