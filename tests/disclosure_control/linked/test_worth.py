"""Counts by a quantity, beside sums of it: no withheld count follows, by whoever solves for all numbers of children."""

import os
from collections.abc import Sequence
from itertools import product
from random import Random

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from disclosure_control.linked import companions
from disclosure_control.linked.children.counted import stands_alone
from disclosure_control.linked.figures import worth
from disclosure_control.linked.figures.worth import NOTHING_WORTH
from disclosure_control.linked.figures.worth_programs import End, Sums, find_short
from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.view import Bounds as Counts
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.known_children import Child, answer, tabulate

C = Symbol.CONFIDENTIAL
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F')"
AGES = (14, 15, 16, 17)
SORTS: list[Child] = [{"sex": sex, "age": age} for sex, age in product("MF", AGES)]
TEENS = f"{CHILDREN} AND age IN (14, 15, 16, 17)"
BY_AGE, SUM = f"SELECT age, COUNT(*) AS n {TEENS} GROUP BY ROLLUP (age)", f"SELECT SUM(age) AS s {TEENS}"


@pytest.mark.parametrize(
    ("figures", "alone"),
    [
        ("COUNT(age), AVG(age)", True),
        ("COUNT(*), AVG(age) FILTER (WHERE sex = 'F')", True),
        ("COUNT(*) FILTER (WHERE age = 15), AVG(placements)", True),
        ("COUNT(*) FILTER (WHERE age = 15), AVG(age)", False),
        ("AVG(CASE WHEN age = 15 THEN 1 ELSE 0 END), AVG(age)", False),
        ("COUNT(*), COUNT(age)", False),
        ("COUNT(*) FILTER (WHERE key_stage = 'key_stage_4'), AVG(placements)", True),
        ("COUNT(*) FILTER (WHERE key_stage = 'key_stage_4'), AVG(year_group)", False),
    ],
)
def test_a_table_stands_alone_unless_it_counts_by_what_it_adds_up(figures: str, alone: bool) -> None:
    """To count who has a value is not to count by it; else more would be withheld for nothing."""
    named = ", ".join(f"{each} AS f{number}" for number, each in enumerate(figures.split(", ")))
    assert stands_alone(derive_plan(f"SELECT {named} {CHILDREN}", Path.PER_AUTHORITY)) is alone


def printed(asked: Sequence[str], children: Sequence[Child], preset: str) -> list[list[object]]:
    plans = [derive_plan(each, Path.PER_AUTHORITY) for each in asked]
    return [[row[-1] for row in table.rows] for table in answer(plans, children, load_preset(preset))]


def aged(*numbers: int) -> list[Child]:
    return [{"sex": "F", "age": age} for age, number in zip(AGES, numbers, strict=True) for _ in range(number)]


def test_a_sum_of_ages_is_withheld_that_says_how_many_are_of_either() -> None:
    """15 are fifteen or sixteen, and have 237 years: three are fifteen."""
    children = aged(40, 3, 12, 50)
    assert printed([BY_AGE, SUM], children, "dfe_cla") == [[40, C, C, 50, 105], [C]]


def test_counts_by_age_are_withheld_beside_the_sum_that_says_it() -> None:
    total, by_age = printed([SUM, BY_AGE], aged(40, 3, 12, 50), "dfe_cla")
    assert total == [1647]
    assert by_age[1:3] == [C, C]
    assert by_age.count(C) > 2


def test_an_average_that_leaves_all_large_enough_is_shown() -> None:
    """Between 15.5 and 16.5 years are those of any number of fifteen."""
    by_age, average = printed([BY_AGE, SUM.replace("SUM", "AVG")], aged(40, 3, 12, 50), "dfe_cla")
    assert by_age == [40, C, C, 50, 105]
    assert average == [16]


def test_what_a_question_cuts_by_it_is_seen_in_one_row() -> None:
    """23 are sixteen or seventeen and have 388 years: three are sixteen. How many there are is sum by average."""
    asked = f"COUNT(*) FILTER (WHERE age = 15) AS f, AVG(age) AS a, SUM(age) AS s {CHILDREN} AND age BETWEEN 15 AND 17"
    (table,) = answer([derive_plan(f"SELECT {asked}", Path.PER_AUTHORITY)], aged(0, 40, 3, 20), load_preset("dfe_cla"))
    assert set(table.rows[0]) == {C}


@pytest.mark.parametrize("count", ["COUNT(*) FILTER (WHERE {})", "AVG(CASE WHEN {} THEN 1 ELSE 0 END)"])
@pytest.mark.parametrize(("last", "withheld"), [(3, True), (30, False)])
def test_what_a_question_cuts_by_what_says_something_of_it_is_seen_in_one_row(
    count: str, last: int, *, withheld: bool
) -> None:
    """Of 83 children in years 9 to 11 with 793 years of school 43 are in key stage 4: three of these are in year 11."""
    years = [("key_stage_3", 9)] * 40 + [("key_stage_4", 10)] * 40 + [("key_stage_4", 11)] * last
    children: list[Child] = [{"key_stage": stage, "year_group": year, "sex": "F"} for stage, year in years]
    counted = count.format("key_stage = 'key_stage_4'")
    asked = f"SELECT {counted} AS n, SUM(year_group) AS s {CHILDREN} AND year_group IN (9, 10, 11)"
    (table,) = answer([derive_plan(asked, Path.PER_AUTHORITY)], children, load_preset("dfe_cla"))
    assert (set(table.rows[0]) == {C}) == withheld


@pytest.mark.parametrize(("more", "withheld"), [(0, True), (20, False)])
def test_sums_that_leave_few_beyond_nothing_are_not_both_shown(more: int, *, withheld: bool) -> None:
    """All have 91 suspensions, boys 90, and of 41 girls one had the one that is left."""
    of = {"M": [0] * 20 + [3] * 30, "F": [0] * 40 + [1] + [1] * more}
    children: list[Child] = [{"sex": sex, "suspensions": each} for sex, own in of.items() for each in own]
    by_sex, total = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex", f"SELECT SUM(suspensions) AS s {CHILDREN}"
    boys = printed([by_sex, total, f"{total} AND sex = 'M'"], children, "dfe_cla")[-1]
    assert boys == [C if withheld else 90]


@pytest.mark.parametrize("preset", ["dfe_cla", "ukllc"])
@pytest.mark.parametrize("more", [0, 20])
def test_those_of_the_same_values_are_looked_at_together_however_they_are_cut_up(preset: str, more: int) -> None:
    """Of 53 children with 70 moves 30 had one: 20 had two and three none. Of either sex nothing is known of that."""
    of = {"M": [0] + [1] * 25 + [2] * 10, "F": [0] * (2 + more) + [1] * 5 + [2] * 10}
    children: list[Child] = [{"sex": sex, "school_changes": each} for sex, own in of.items() for each in own]
    few = f"{CHILDREN} AND school_changes <= 2"
    boys = f"SELECT COUNT(*) AS n {few} AND sex = 'M'"
    one, total = f"SELECT COUNT(*) AS n {few} AND school_changes = 1", f"SELECT SUM(school_changes) AS s {few}"
    assert printed([one, boys, total], children, preset) == [[30], [36], [70 if more else C]]


@pytest.mark.parametrize("preset", ["dfe_cla", "ukllc"])
def test_what_only_all_additions_at_once_say_is_enough_to_look(preset: str) -> None:
    """Of 157 with 284 moves 90 had one: so 62 had three, and five two. Of either sex that is not known."""
    of = {"M": [1] * 40 + [2] * 2 + [3] * 22, "F": [1] * 50 + [2] * 3 + [3] * 40}
    children: list[Child] = [{"sex": sex, "school_changes": each} for sex, own in of.items() for each in own]
    moved = f"{CHILDREN} AND school_changes BETWEEN 1 AND 3"
    by_sex = f"SELECT sex, COUNT(*) AS n, SUM(school_changes) AS s {moved} GROUP BY sex"
    assert printed([by_sex, f"SELECT COUNT(*) AS n {moved} AND school_changes = 1"], children, preset)[1] == [C]


def test_a_rounded_sum_is_an_average_of_one_place_times_a_rounded_number() -> None:
    """128 to 132 of 75 children are 1.7 each: so of 18 to 22 who never moved 16 are older, and 6 at most fifteen."""
    of = {15: (1, 12, 30, 15), 16: (20, 15, 12, 30)}
    children: list[Child] = [
        {"sex": "M", "age": age, "school_changes": each}
        for age, own in of.items()
        for each, number in enumerate(own)
        for _ in range(number)
    ]
    moved = f"{CHILDREN} AND age IN (15, 16) AND school_changes <= 3"
    counts = f"SELECT BIN(school_changes) AS b, age, COUNT(*) AS n {moved} GROUP BY CUBE (b, age)"
    asked = [counts, f"SELECT SUM(school_changes) AS s {moved} AND age = 16"]
    cells, total = printed(asked, children, "opensafely")
    assert (cells[0], cells[1:4], total) == (C, [10, 30, 15], [C])


# --- By whoever solves for all numbers of children -----------------------------------------------------------------


def draw(random: Random) -> list[str]:
    by = ("", "age", "sex", "sex, age")
    where = ("", "", " AND sex = 'M'", " AND age >= 15", " AND age <= 16")
    found = []
    for _ in range(4):
        columns, figure = random.choice(by), random.choice(("COUNT(*)", "SUM(age)"))
        if figure == "SUM(age)":
            columns = random.choice(("", "sex"))
        shown, group = (f"{columns}, ", f" GROUP BY ROLLUP ({columns})") if columns else ("", "")
        found.append(f"SELECT {shown}{figure} AS f {TEENS}{random.choice(where)}{group}")
    return list(dict.fromkeys(found))


def count_told(tables: Sequence[Published], least: int) -> int:
    """Of how many withheld counts it follows that they are of somebody and too few."""
    known, withheld = [], []
    for table in tables:
        statistic = table.plan.outputs[-1].statistics[0]
        each_has = np.array([tabulate(table.plan, [sort]).statistic(statistic) for sort in SORTS], float).T
        is_count = table.plan.outputs[-1].kind == "count"
        for row, entries in zip(each_has, table.rows, strict=True):
            if isinstance(entries[-1], int):
                known.append((row, entries[-1], entries[-1]))
            elif is_count and row.any():
                withheld.append(row)
    return sum(_is_told(row, known, least) for row in withheld)


def _is_told(row: np.ndarray, known: Sequence[tuple[np.ndarray, int, int]], least: int) -> bool:
    if not known:
        return False
    rows, low, high = zip(*known, strict=True)
    limits = LinearConstraint(np.array(rows), low, high)
    ends = [
        milp(sign * row, constraints=limits, bounds=Bounds(0, 10_000), integrality=np.ones(len(SORTS)))
        for sign in (1, -1)
    ]
    fewest, most = ends[0].fun, -ends[1].fun
    return bool(fewest > 0.5 and most < least - 0.5)


def attack(seed: int, preset: str) -> int:
    random, rules = Random(seed), load_preset(preset)
    few = rules.smallest_count_shown
    children = [sort for sort in SORTS for _ in range(random.choice((1, 2, 3, few, 2 * few, 40)))]
    plans = [derive_plan(each, Path.PER_AUTHORITY) for each in draw(random)]
    return count_told(answer(plans, children, rules), few)


SEEDS = range(40) if os.environ.get("CIRCE_DEEP") else (*range(8), 32)


@pytest.mark.parametrize("preset", ["dfe_cla", "ukllc"])
def test_no_count_follows_from_sums(preset: str) -> None:
    assert sum(attack(seed, preset) for seed in SEEDS) == 0


def test_some_would_follow_if_it_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companions, "part_worth", lambda linked, *_: (linked, NOTHING_WORTH))
    assert sum(attack(seed, "dfe_cla") for seed in SEEDS) > 0


def test_ends_that_are_short_are_those_that_are_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked at together, and by halves where it takes that."""
    found = list[End]()

    def find(sums: Sums, counts: tuple[Counts, Counts], ends: Sequence[End], deadline: Deadline) -> list[End]:
        short = find_short(sums, counts, ends, deadline)
        assert sorted(short) == sorted(end for end in ends if find_short(sums, counts, [end], deadline))
        found.extend(short)
        return short

    monkeypatch.setattr(worth, "find_short", find)
    for seed in SEEDS:
        attack(seed, "dfe_cla")
    assert found
