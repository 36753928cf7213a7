"""Several exact totals of one term: an authority that takes its own rows away is not told of others between them."""

import os
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain, permutations, product
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import linprog

from disclosure_control.linked.between import BetweenTotals
from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.symbols import Symbol
from query_engine.geography import load_authorities
from tests.disclosure_control.known_children import is_in, rows_of, tabulate
from tests.disclosure_control.release.test_taking_away import YEAR, counted, counted_with, plan_of, release

C = Symbol.CONFIDENTIAL
ALMOST = 1e-6
UNLIMITED = 3
"""How SciPy says that nothing limits what is looked for."""

Vector = npt.NDArray[np.float64]

OLDER, OLDEST = f"SELECT COUNT(*) AS n {YEAR} AND age >= 10", f"SELECT COUNT(*) AS n {YEAR} AND age >= 15"
YOUNG = f"SELECT COUNT(*) AS n {YEAR} AND age <= 9"
ALL = f"SELECT COUNT(*) AS n {YEAR}"
OLDEST_BOYS, ONE = f"{OLDEST} AND sex = 'M'", (1, 0, 0, 0, 0, 0)

BESIDE = ["acro", "ons_10_5", "opensafely"]
"""Presets under which two counts leave so few numbers open that an authority may know of the others between them."""

Asked = tuple[str, Sequence[int]]
"""A question of one count, and what each authority has of it."""


def answer(stack: Sequence[Asked], preset: str) -> list[object]:
    """What is printed of one count after another, each beside those before it."""
    return [rows[0][-1] for rows in publish([(sql, [[each] for each in held]) for sql, held in stack], preset)]


def publish(stack: Sequence[tuple[str, Sequence[Sequence[int]]]], preset: str) -> list[Sequence[Row]]:
    """What is printed of one table after another: of each what every authority has in its cells."""
    earlier: list[Published] = []
    for sql, held in stack:
        plan, roster = plan_of(sql), tuple(sorted(load_authorities())[: len(held)])
        rows = release([counted(plan, each) for each in held], preset, Neighbours(tuple(earlier)))
        earlier.append(Published(f"R-{len(earlier)}", plan, load_preset(preset).at("nation"), rows, roster))
    return [each.rows for each in earlier]


NARROW, BETWEEN = (4, 4, 3, 3, 3, 3), (5, 1, 1, 1, 1, 1)
WIDE = [sum(each) for each in zip(NARROW, BETWEEN, strict=True)]


@pytest.mark.parametrize("preset", BESIDE)
@pytest.mark.parametrize("narrow_first", [True, False])
def test_of_two_totals_one_within_the_other_the_second_is_withheld(preset: str, narrow_first: bool) -> None:
    """Of 18 to 22 and 28 to 32 there are 6 to 14 between them: who has 5 of these would know of 1 to 9 others."""
    rules = load_preset(preset).at("nation")
    (least, _), (_, most) = rules.printed_range(30), rules.printed_range(20)
    assert (least - most - BETWEEN[0], rules.printed_range(30)[1] - rules.printed_range(20)[0] - BETWEEN[0]) == (1, 9)
    stack = [(OLDEST, NARROW), (OLDER, WIDE)]
    assert answer(stack if narrow_first else stack[::-1], preset) == ([20, C] if narrow_first else [30, C])


@pytest.mark.parametrize(("preset", "printed"), [("dfe_cla", [20, 30]), ("nhs_hes", [20, 30]), ("ofqual", [20, 30])])
def test_both_are_printed_where_rounding_leaves_too_much_open(preset: str, printed: Sequence[int]) -> None:
    """Between them are 6 to 14, or more, and to know of somebody and too few takes that they are closer."""
    assert answer([(OLDEST, NARROW), (OLDER, WIDE)], preset) == printed


@pytest.mark.parametrize("preset", BESIDE)
def test_both_are_printed_where_they_are_asked_together_and_enough_others_are_between(preset: str) -> None:
    """Then it is counted how many others there are: three of each of six authorities. The wider was printed before."""
    asked = f"SELECT COUNT(*) FILTER (WHERE age >= 10) AS n, COUNT(*) FILTER (WHERE age >= 15) AS oldest {YEAR}"
    plan, before = plan_of(asked), plan_of(OLDER)
    held, roster = [6] * 6, tuple(sorted(load_authorities())[:6])
    earlier = release([counted(before, [each]) for each in held], preset)
    assert earlier == ((35,),)
    beside = Published("R-0", before, load_preset(preset).at("nation"), earlier, roster)
    tables = [counted_with(plan, 12, {"n": 6, "oldest": 3}) for _ in held]
    assert release(tables, preset, Neighbours((beside,))) == ((35, 20),)


@pytest.mark.parametrize("preset", BESIDE)
def test_both_are_printed_where_nobody_can_have_so_many(preset: str) -> None:
    """Of 60 authorities none has more than three of the wider count, and there are 158 at least between the two."""
    oldest = [1] * 20 + [0] * 40
    assert answer([(OLDEST, oldest), (OLDER, [3] * 60)], preset) == [20, 180]


def test_a_group_between_figures_of_one_row_is_bounded_by_what_is_capped_there() -> None:
    """Of 200 who are not absent each of ten authorities has 20: none has so many that few others are left."""
    asked = (
        "COUNT(*) AS n, AVG(severe_absentee) AS absent, AVG(CASE WHEN suspensions > 0 THEN 1 ELSE 0 END) AS suspended"
    )
    plan = plan_of(f"SELECT sex, {asked} {YEAR} GROUP BY ROLLUP (sex)")
    kinds = [(1, 0)] * 2 + [(1, 1)] + [(0, 0)] * 14 + [(0, 1)] * 6 + [(None, 0)] * 3 + [(None, 1)]
    own = [{"severe_absentee": absent, "suspensions": often, "sex": sex} for absent, often in kinds for sex in "FM"]
    one_sex, both = (270, Decimal("0.130"), Decimal("0.296")), (540, Decimal("0.130"), Decimal("0.296"))
    assert release([tabulate(plan, own)] * 10, "ons_10_5") == (("M", *one_sex), ("F", *one_sex), ("Total", *both))


def test_a_region_is_printed_beside_england() -> None:
    """Of the other five of ten authorities nothing is said, be the rest as many as it may."""
    assert answer([(ALL, [30] * 10), (ALL, [30] * 5)], "ons_10_5") == [300, 150]
    assert answer([(ALL, [30] * 5), (ALL, [30] * 10)], "ons_10_5") == [150, 300]


def test_three_totals_leave_less() -> None:
    """Of 160 less 60 and 60 there are 34 to 46: who has 39 of the 40 would know of 7 others at most."""
    rest = (39, 1, 0, 0, 0, 0)
    stack = [(YOUNG, [10] * 6), (OLDEST, [10] * 6), (ALL, [20 + each for each in rest])]
    assert answer(stack, "opensafely") == [60, 60, C]
    assert answer(stack, "ons_10_5") == [60, 60, 160]  # Who has 33 of 34 to 46 knows of 1 to 13 others.


def test_a_group_is_found_though_questions_cut_it_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boys and girls under fifteen, 25 each: of neither who is 10 to 14 may be few; of both together they may.

    One boy of fifteen and more, asked for before, cuts the narrower count as well.
    """
    girls, boys = (f"SELECT COUNT(*) AS n {YEAR} AND age < 15 AND sex = '{sex}'" for sex in "FM")
    stack = [(girls, [4, 4, 4, 4, 4, 5]), (boys, [4, 4, 4, 4, 4, 5]), (OLDEST, [5] * 6), (OLDER, [10] * 6)]
    for before in ([], [(OLDEST_BOYS, ONE)]):
        asked, withheld = [*before, *stack], [C] * len(before)
        assert answer(asked, "acro") == [*withheld, 25, 25, 30, C]
        with monkeypatch.context() as patched:
            patched.setattr(BetweenTotals, "find_rests", lambda *_: frozenset())
            assert answer(asked, "acro") == [*withheld, 25, 25, 30, 60]


@pytest.mark.parametrize("preset", BESIDE)
def test_a_group_is_found_though_a_question_cuts_what_is_taken_from_it(preset: str) -> None:
    assert answer([(OLDEST_BOYS, ONE), (OLDEST, NARROW), (OLDER, WIDE)], preset) == [C, 20, C]


def test_what_was_withheld_before_is_protected_from_what_is_printed_later() -> None:
    """Of 65 children all but 15 are in two ages that are withheld: who has 45 of these would know of 1 to 9 others."""
    ages = f"SELECT age, COUNT(*) AS n {YEAR} AND age IN (14, 15, 16) GROUP BY age"
    own, others = [25, 3, 20], [[0, 3, 1], [0, 3, 0], [1, 3, 0], [0, 3, 0], [1, 3, 0]]
    all_of_them = f"SELECT COUNT(*) AS n {YEAR} AND age IN (14, 15, 16)"
    held = [own, *others]
    rows = publish([(ages, held), (all_of_them, [[sum(each)] for each in held])], "ons_10_5")
    assert [row[-1] for row in rows[0]] == [C, 20, C]
    assert rows[1] == ((C,),)


KEYS = [{"sex": sex, "age": age, "uasc": uasc} for sex in "MF" for age in (14, 15, 16) for uasc in (True, False)]
CONDITIONS = ["", "AND sex = 'M'", "AND age >= 15", "AND age = 16", "AND uasc", "AND NOT uasc", "AND age = 14"]


def draw_question(random: Random) -> str:
    by, condition = random.choice(["", "sex", "age"]), random.choice(CONDITIONS)
    columns, grouped = (f"{by}, ", f" GROUP BY {by}") if by else ("", "")
    return f"SELECT {columns}COUNT(*) AS n {YEAR} AND age IN (14, 15, 16) {condition}{grouped}"


def draw_children(random: Random) -> list[Vector]:
    """Of each sort of child what each of six authorities has: mostly one of them has nearly all."""
    held = [[random.randint(1, 6) for _ in KEYS] for _ in range(6)]
    for sort in range(len(KEYS)):
        if random.random() < 0.6:
            for each in held:
                each[sort] = int(random.random() < 0.2)
            held[0 if random.random() < 0.7 else random.randrange(6)][sort] = random.randint(5, 40)
    return list(map(np.array, held))


Said = list[tuple[Vector, object]]
"""Each count that is printed or withheld: which sorts of child are in it, and what stands there."""


def count_told(preset: str, said: Said, held: Sequence[Vector]) -> int:
    """How often an authority that has most of a count, or of what one has beyond another, is told of few others."""
    rules, told = load_preset(preset).at("nation"), 0
    known = [(row, rules.printed_range(entry)) for row, entry in said if isinstance(entry, int)]
    rests = [one - other for (one, _), (other, _) in permutations(known, 2) if (one >= other).all()]
    for group, own in product([*rests, *(row for row, _ in said)], held):
        if group @ own > 0.5 * sum(group @ each for each in held):
            others = [(row, float(low - row @ own), float(high - row @ own)) for row, (low, high) in known]
            low, high = find_ends(group, others)
            told += bool(high < rules.smallest_count_shown - ALMOST and (low > ALMOST or not rules.shows_zero))
    return told


def find_ends(group: Vector, known: Sequence[tuple[Vector, float, float]]) -> tuple[float, float]:
    """The fewest and the most others in a group, by what is known of others."""
    if not known:
        return 0, np.inf
    rows = [each for row, _, _ in known for each in (row, -row)]
    ends = [each for _, low, high in known for each in (high, -low)]
    least, most = (linprog(sign * group, A_ub=rows, b_ub=ends) for sign in (1, -1))
    return least.fun, np.inf if most.status == UNLIMITED else -most.fun


def attack(preset: str, seed: int) -> int:
    """How often somebody is told by some totals drawn at random, each of which is protected beside those before."""
    random = Random(seed)
    held, questions = draw_children(random), list(dict.fromkeys(draw_question(random) for _ in range(4)))
    regions = [
        [np.array([float(is_in(key, each, plan)) for key in KEYS]) for each in rows_of(plan)]
        for plan in map(plan_of, questions)
    ]
    stack = [
        (sql, [[int(row @ own) for row in rows] for own in held]) for sql, rows in zip(questions, regions, strict=True)
    ]
    printed = (row[-1] for rows in publish(stack, preset) for row in rows)
    return count_told(preset, list(zip(chain(*regions), printed, strict=True)), held)


SEEDS = range(400) if os.environ.get("CIRCE_DEEP") else (22, 27, 35, 36, 1, 2)


@pytest.mark.parametrize("preset", BESIDE)
def test_no_authority_is_told_of_few_others_between_totals_drawn_at_random(preset: str) -> None:
    assert sum(attack(preset, seed) for seed in SEEDS) == 0


def test_some_would_be_told_if_it_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("find_cells", "find_rests"):
        monkeypatch.setattr(BetweenTotals, name, lambda *_: frozenset())
    assert sum(attack("acro", seed) for seed in SEEDS) > 0
