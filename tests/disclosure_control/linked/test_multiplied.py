"""A quantity times a condition: its sum is that of those who meet it, and so is what is left of it without others.

Children are known one by one here, and asked about through the whole of a node's protection. An attacker adds and
subtracts what is printed in every way there is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from random import Random

import numpy as np
import pytest

from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.known_children import Child, answer

C = Symbol.CONFIDENTIAL
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') AND age IN (14, 15) AND placements >= 0"
OLDER = f"{CHILDREN} AND age <> 14"

PRESETS = ("acro", "dfe_cin", "dfe_cla", "nhs_hes", "ofqual", "ons_10_5", "opensafely", "ukllc")


def children_of(number: int, *, age: int, uasc: bool, excluded: bool = False, placements: int = 30) -> list[Child]:
    more: Child = {"sex": "F", "permanently_excluded": excluded, "placements_since_11": 20}
    return [
        {"age": age, "uasc": uasc, "placements": placements + 5 * uasc + each % 9, **more} for each in range(number)
    ]


def figures(asked: Sequence[str], children: Sequence[Child], preset: str) -> list[object]:
    """What is printed of questions with one figure each, one after the other."""
    plans = [derive_plan(f"SELECT {each}", Path.PER_AUTHORITY) for each in asked]
    return [each.rows[0][-1] for each in answer(plans, children, load_preset(preset))]


TIMES = "SUM(placements * uasc) AS f"
YES = "CASE WHEN uasc THEN 1 ELSE 0 END"
EITHER = [
    # what is asked of all, and what of those who are fifteen: both are of those who are unaccompanied
    (TIMES, TIMES),
    ("AVG(placements * uasc) AS f", "AVG(placements * uasc) AS f"),
    ("AVG(placements) FILTER (WHERE uasc) AS f", TIMES),
    (TIMES, "AVG(placements) FILTER (WHERE uasc) AS f"),
    ("COVAR_SAMP(placements, uasc) AS f", TIMES),
    (f"COVAR_SAMP(placements, {YES}) AS f", "WEIGHTED_AVG(placements, uasc) AS f"),
    (f"REGR_SLOPE(placements, {YES}) AS f", "REGR_SXY(uasc, placements) AS f"),
]


ASKED = [*((name, *EITHER[0]) for name in PRESETS), *(("dfe_cin", *pair) for pair in EITHER[1:])]


@pytest.mark.parametrize(("name", "of_all", "of_older"), ASKED)
@pytest.mark.parametrize("few", [3, 9, 20])
def test_those_who_meet_it_in_one_question_and_not_in_another_are_enough_for_an_average(
    name: str, of_all: str, of_older: str, few: int
) -> None:
    """Few are unaccompanied at fourteen, though many are fourteen."""
    children = [
        *children_of(few, age=14, uasc=True),
        *children_of(40, age=14, uasc=False),
        *children_of(40, age=15, uasc=True),
        *children_of(40, age=15, uasc=False),
    ]
    everybody, older = figures([f"{of_all} {CHILDREN}", f"{of_older} {OLDER}"], children, name)
    assert everybody != C
    assert (older == C) == (few < load_preset(name).minimum_n_mean)


@pytest.mark.parametrize(("few", "withheld"), [(4, True), (11, True), (20, False)])
def test_of_two_conditions_it_is_those_who_meet_both(few: int, *, withheld: bool) -> None:
    """A product of two quantities asks for twelve; each has a condition of its own, and eleven meet both and are 14."""
    asked = "COVAR_SAMP(placements * uasc, placements_since_11 * permanently_excluded) AS f"
    children = [
        *children_of(few, age=14, uasc=True, excluded=True),
        *(each for age in (14, 15) for uasc in (True, False) for each in children_of(40, age=age, uasc=uasc)),
        *children_of(40, age=14, uasc=False, excluded=True),
        *children_of(40, age=15, uasc=True, excluded=True),
        *children_of(40, age=15, uasc=False, excluded=True),
    ]
    everybody, older = figures([f"{asked} {CHILDREN}", f"{asked} {OLDER}"], children, "dfe_cin")
    assert (everybody == C, older == C) == (False, withheld)


@pytest.mark.parametrize(("placements", "withheld"), [(0, True), (15, False)])
def test_a_total_that_few_could_dominate_does_not_follow_from_those_who_meet_a_condition(
    placements: int, *, withheld: bool
) -> None:
    children = [
        *children_of(40, age=15, uasc=True),
        *children_of(40, age=15, uasc=False),
        *children_of(40, age=14, uasc=True, placements=placements - 5),
        *children_of(40, age=14, uasc=False),
    ]
    everybody, older = figures([f"{TIMES} {CHILDREN}", f"{TIMES} {OLDER}"], children, "acro")
    assert (everybody == C, older == C) == (False, withheld)


def test_that_nobody_lacks_a_yes_or_no_is_ordinary() -> None:
    children = [*children_of(40, age=14, uasc=True), *children_of(40, age=14, uasc=False)]
    assert C not in figures([f"SUM(placements) AS f {CHILDREN}", f"{TIMES} {CHILDREN}"], children, "ukllc")


@pytest.mark.parametrize(("few", "withheld"), [(3, True), (9, False)])
def test_how_many_meet_two_conditions_is_as_if_it_were_printed(few: int, *, withheld: bool) -> None:
    """Who has the correlation of the two, and the number of each, has the number of both."""
    asked = "CORR(uasc, permanently_excluded) AS f"
    children = [
        *(each for age in (14, 15) for each in children_of(40, age=age, uasc=True)),
        *(each for age in (14, 15) for each in children_of(40, age=age, uasc=False, excluded=True)),
        *(each for age in (14, 15) for each in children_of(40, age=age, uasc=False)),
        *children_of(20, age=15, uasc=True, excluded=True),
        *children_of(few, age=14, uasc=True, excluded=True),
    ]
    everybody, older = figures([f"{asked} {CHILDREN}", f"{asked} {OLDER}"], children, "dfe_cla")
    assert (everybody == C, older == C) == (False, withheld)


LINES = ["REGR_SLOPE(uasc, permanently_excluded) AS f", "COVAR_POP(uasc, permanently_excluded) AS f"]


@pytest.mark.parametrize("line", [*LINES, "CORR(uasc, permanently_excluded) AS f"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("few", "withheld"), [(1, True), (9, False)])
def test_how_many_meet_either_of_two_conditions_is_as_if_it_were_printed(
    line: str, few: int, *, first: bool, withheld: bool
) -> None:
    """Slope and intercept are shares of those who were excluded, and of those who were not: with how many these are
    they give how many are unaccompanied, of whom all but one are fifteen.
    """
    older = f"COUNT(*) AS f {OLDER} AND uasc AND (permanently_excluded OR NOT permanently_excluded)"
    children = [
        *(each for out in (True, False) for each in children_of(30, age=15, uasc=True, excluded=out)),
        *(each for out in (True, False) for each in children_of(30, age=15, uasc=False, excluded=out)),
        *children_of(few, age=14, uasc=True),
        *children_of(40, age=14, uasc=False),
    ]
    asked = [f"{line} {CHILDREN}", older]
    assert (figures(asked if first else asked[::-1], children, "dfe_cla")[-1] == C) == withheld


# --- By whoever adds and subtracts in all ways -----------------------------------------------------------------------

SORTS = tuple(product((14, 15), (True, False), (True, False)))
"""Of what age children are, whether they are unaccompanied, and whether they were excluded."""

Sort = tuple[int, bool, bool]

KNOWN = "FROM child_year WHERE academic_year = 202425 AND sex = 'F' AND placements >= 0"
"""Of everybody it is known whether they are unaccompanied and were excluded, though no question says so."""

WHERE: dict[str, Callable[[Sort], bool]] = {
    "age IN (14, 15)": lambda _: True,
    "age = 14": lambda sort: sort[0] == 14,
    "age = 15": lambda sort: sort[0] == 15,
    "age IN (14, 15) AND uasc": lambda sort: sort[1],
    "age IN (14, 15) AND NOT permanently_excluded": lambda sort: not sort[2],
    "age IN (14, 15) AND (uasc OR permanently_excluded)": lambda sort: sort[1] or sort[2],
}
MET: dict[str, Callable[[Sort], bool]] = {
    "uasc": lambda sort: sort[1],
    "permanently_excluded": lambda sort: sort[2],
    "CASE WHEN NOT uasc THEN 1 ELSE 0 END": lambda sort: not sort[1],
    "CASE WHEN age = 14 THEN 1 ELSE 0 END": lambda sort: sort[0] == 14,
    "CASE WHEN uasc AND NOT permanently_excluded THEN 1 ELSE 0 END": lambda sort: sort[1] and not sort[2],
}


@dataclass(frozen=True)
class Stack:
    """Questions about averages of children who are known, and the sorts that each tells a sum of."""

    plans: tuple[QueryPlan, ...]
    groups: tuple[frozenset[Sort], ...]
    children: Sequence[Child]
    preset: Preset

    @classmethod
    def draw(cls, seed: int, preset: Preset) -> "Stack":
        draw = Random(seed)
        asked = {cls._draw_question(draw) for _ in range(6)}
        sizes = {sort: draw.choice((0, 2, 7, 8, 9, 14, 25, 40)) for sort in SORTS}
        children = [
            child
            for (age, uasc, excluded), size in sizes.items()
            for child in children_of(size, age=age, uasc=uasc, excluded=excluded)
        ]
        plans, groups = zip(*sorted(asked, key=lambda each: each[0].plan_id), strict=True)
        return cls(plans, groups, children, preset)

    @staticmethod
    def _draw_question(draw: Random) -> tuple[QueryPlan, frozenset[Sort]]:
        where, (condition, meets) = draw.choice(sorted(WHERE)), draw.choice(sorted(MET.items()))
        kept = frozenset(sort for sort in SORTS if WHERE[where](sort))
        meeting = frozenset(sort for sort in kept if meets(sort))
        told = "placements" if condition.startswith("CASE") else f"placements * {condition}"
        if meeting not in (kept, frozenset()):
            asked = {
                "AVG(placements)": kept,
                f"COVAR_SAMP(placements, {condition})": meeting,
                **({} if condition.startswith("CASE") else {f"SUM({told})": meeting, f"AVG({told})": meeting}),
            }
        else:
            asked = {"AVG(placements)": kept, "SUM(placements)": kept}
        figure, group = draw.choice(sorted(asked.items(), key=lambda each: each[0]))
        return derive_plan(f"SELECT {figure} AS f {KNOWN} AND {where}", Path.PER_AUTHORITY), group

    def told(self, *, beside: bool) -> list[frozenset[Sort]]:
        """The groups of too few whose sum follows by any sums and differences of what is printed."""
        published = answer(self.plans, self.children, self.preset, beside=beside)
        printed = [group for group, each in zip(self.groups, published, strict=True) if each.rows[0][-1] != C]
        every = (frozenset(group) for size in range(1, len(SORTS)) for group in combinations(SORTS, size))
        return [group for group in every if self._is_few(group) and _rank([*printed, group]) == _rank(printed)]

    def _is_few(self, group: frozenset[Sort]) -> bool:
        number = sum((each["age"], each["uasc"], each["permanently_excluded"]) in group for each in self.children)
        return 0 < number < self.preset.minimum_n_mean


def _rank(groups: Sequence[frozenset[Sort]]) -> int:
    return int(np.linalg.matrix_rank([[sort in group for sort in SORTS] for group in groups])) if groups else 0


@pytest.mark.parametrize("name", ["dfe_cin", "ofqual", "ukllc"])
def test_no_sum_of_too_few_follows_however_conditions_are_multiplied_in(name: str) -> None:
    stacks = [Stack.draw(seed, load_preset(name)) for seed in range(4)]
    assert [each.told(beside=True) for each in stacks] == [[]] * len(stacks)
    assert any(each.told(beside=False) for each in stacks)


TOLD = [
    # to whoever takes it that of everybody it is known whether they were excluded
    ("dfe_cin", 14),
    ("nhs_hes", 25),
    # by covariances of those who meet a condition, who can be the same by rounded numbers, and are not
    ("nhs_hes", 34),
]


@pytest.mark.parametrize(("name", "seed"), TOLD)
def test_nor_from_draws_that_once_told(name: str, seed: int) -> None:
    assert Stack.draw(seed, load_preset(name)).told(beside=True) == []


@pytest.mark.deep
@pytest.mark.parametrize("name", ["dfe_cin", "dfe_cla", "nhs_hes", "ofqual", "ons_10_5", "ukllc"])
@pytest.mark.parametrize("seed", range(4, 40))
def test_nor_from_many_draws(name: str, seed: int) -> None:
    assert Stack.draw(seed, load_preset(name)).told(beside=True) == []
