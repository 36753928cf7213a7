"""Questions drawn at random about the same children in three tables, protected one beside the other as a node does; and
an attacker who knows nothing of how they are linked: only what a child can be, and that each printed figure is true.

Unknown to them is how many children there are of each sort, and how many other pupils. For every count that is
withheld, and for whoever is in one count and not in another that has them all, they ask for the least and the most that
there can be.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import pytest
from scipy.optimize import linprog

from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.tables import RawTable

PRESET = load_preset("dfe_cla")
LEAST = PRESET.smallest_count_shown

CARE = "population = 'looked_after' AND counted_here AND at_31_march AND in_care_12_months"


@dataclass(frozen=True)
class Sort:
    """A sort of child: those of one sort are alike to every question. `place` says where they are in school."""

    sex: str
    meals: str
    place: str
    plans: str


CHILDREN = [
    Sort(*each)
    for each in product("MF", ("eligible", "not_eligible"), ("roll", "area", "away"), ("", "u", "a", "s", "as"))
]
OTHERS = [Sort(*each) for each in product("MF", ("eligible", "not_eligible"), ("other",), ("",))]
SORTS = [*CHILDREN, *OTHERS]

Is = Callable[[Sort], bool]

TABLES: dict[str, tuple[str, str, Is]] = {
    "child_year": ("COUNT(*)", CARE, lambda each: each.place != "other"),
    "pupil_year": ("COUNT(*)", "social_care_group <> 'plaa_sgo'", lambda each: each.place in ("roll", "other")),
    "pep": ("COUNT(DISTINCT child)", "counted_here AND in_care_12_months", lambda each: each.plans != ""),
}
"""How children are counted in each table, what is asked of them all, and who is in it."""

CONDITIONS: dict[str, list[tuple[str, Is]]] = {
    "child_year": [
        ("school_in_area", lambda each: each.place != "away"),
        ("school_in_area AND fsm_status = 'eligible'", lambda each: each.place != "away" and each.meals == "eligible"),
        ("sex = 'M'", lambda each: each.sex == "M"),
        ("school_in_area AND sex = 'M'", lambda each: each.place != "away" and each.sex == "M"),
    ],
    "pupil_year": [
        ("social_care_group = 'cla_12_months_at_31_march'", lambda each: each.place == "roll"),
        ("social_care_group <> 'cla_12_months_at_31_march'", lambda each: each.place == "other"),
        ("fsm_status = 'eligible'", lambda each: each.meals == "eligible"),
        ("sex = 'M'", lambda each: each.sex == "M"),
    ],
    "pep": [
        ("term IN ('autumn', 'spring')", lambda each: each.plans in ("a", "s", "as")),
        ("term = 'spring'", lambda each: "s" in each.plans),
        ("term = 'autumn'", lambda each: "a" in each.plans),
        ("sex = 'M'", lambda each: each.sex == "M"),
    ],
}
GROUPS: dict[str, list[str]] = {
    "child_year": ["sex", "fsm_status"],
    "pupil_year": ["sex", "fsm_status"],
    "pep": ["sex"],
}


@dataclass(frozen=True)
class Asked:
    """A question, and of each of its rows which sorts are counted."""

    sql: str
    rows: tuple[frozenset[int], ...]


def draw_question(draw: Random) -> Asked:
    """A count with a condition or none, by one column or none."""
    table = draw.choice(sorted(TABLES))
    count, everybody, is_in = TABLES[table]
    where, meets = draw.choice([("", None), *CONDITIONS[table], *CONDITIONS[table]])
    by = draw.choice([None, *GROUPS[table]])
    kept = [place for place, each in enumerate(SORTS) if is_in(each) and (meets is None or meets(each))]
    conditions = " AND ".join(filter(None, ("academic_year = 202425", everybody, where)))
    sql = (
        f"SELECT {f'{by}, ' if by else ''}{count} AS n FROM {table} WHERE {conditions}{f' GROUP BY {by}' if by else ''}"
    )
    cells = derive_plan(sql, Path.PER_AUTHORITY).iter_cells()
    attribute = {"sex": "sex", "fsm_status": "meals"}
    rows = [
        frozenset(place for place in kept if not cell or getattr(SORTS[place], attribute[by or ""]) == cell[0])
        for cell in cells
    ]
    return Asked(sql, tuple(rows))


Printed = list[tuple[frozenset[int], int | None]]
"""Sorts that are counted together, with the count; None where it is withheld."""


def publish(asked: Sequence[Asked], truth: Sequence[int], *, beside: bool) -> Printed:
    """What is printed of the questions, each protected beside those before it or by itself alone."""
    earlier: list[Published] = []
    found: Printed = []
    for question in asked:
        plan = derive_plan(question.sql, Path.PER_AUTHORITY)
        if any(each.plan.plan_id == plan.plan_id for each in earlier):
            continue  # Who asks again is told nothing else.
        figures = [sum(truth[place] for place in row) for row in question.rows]
        raw = RawTable(plan, {each.name: figures for each in plan.statistics})
        rows: Sequence[Row] = protect(raw, PRESET, Neighbours(tuple(earlier) if beside else ())).rows
        earlier.append(Published(f"R-{len(earlier)}", plan, PRESET, rows))
        counts = zip(question.rows, (row[-1] for row in rows), strict=True)
        found += [(row, None if entry == Symbol.CONFIDENTIAL else int(entry)) for row, entry in counts]  # type: ignore[arg-type]
    return found


def find_told(printed: Printed) -> list[tuple[int, int]]:
    """What the attacker is sure of: the least and the most of each count or difference that is few."""
    rows = [[float(place in row) for place in range(len(SORTS))] for row, _ in printed]
    known = [(row, count) for row, (_, count) in zip(rows, printed, strict=True) if count is not None]
    hidden = [row for row, (_, count) in zip(rows, printed, strict=True) if count is None]

    def ends(group: frozenset[int]) -> tuple[float, float] | None:
        found = []
        for sign in (1, -1):
            solved = linprog(
                [sign * float(place in group) for place in range(len(SORTS))],
                A_eq=[row for row, _ in known] or None,
                b_eq=[count for _, count in known] or None,
                A_ub=[[-each for each in row] for row in hidden] or None,
                b_ub=[-1.0] * len(hidden) or None,
            )
            found.append(float("inf") if solved.status == 3 else sign * solved.fun)
        return found[0], found[1]

    counts = [row for row, count in printed if count is None]
    differences = [one - other for (one, _), (other, _) in product(printed, printed) if one > other]
    told = []
    for group in dict.fromkeys([*counts, *differences]):
        low, high = ends(group) or (0.0, 0.0)
        if low > 1e-6 and high < LEAST - 1e-6:
            told.append((round(low), round(high)))
    return told


def draw_truth(draw: Random) -> list[int]:
    """Many on the roll who have plans, and few of every other sort."""
    few, many = (0, 0, 0, 0, 0, 1), (0, 4, 9, 15)
    return [draw.choice(many if each.place == "roll" and each.plans else few) for each in CHILDREN] + [
        draw.choice((0, 3, 20)) for _ in OTHERS
    ]


def draw_tables(seed: int) -> Iterator[tuple[list[Asked], list[int]]]:
    """Some questions about some children, several times."""
    draw = Random(seed)
    for _ in range(6):
        truth = draw_truth(draw)
        yield [draw_question(draw) for _ in range(4)], truth


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(3, 40))])
def test_an_attacker_who_pools_several_tables_finds_nobody(seed: int) -> None:
    for asked, truth in draw_tables(seed):
        assert find_told(publish(asked, truth, beside=True)) == [], asked


@pytest.mark.parametrize("seed", [1, 2])
def test_they_find_somebody_where_each_table_was_protected_by_itself_alone(seed: int) -> None:
    assert any(find_told(publish(asked, truth, beside=False)) for asked, truth in draw_tables(seed))
