"""Smallest numbers of figures, and dominance, by difference: what a figure of all less that of others tells."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from random import Random

import numpy as np
import pytest

from disclosure_control.linked.figures.changes import draw_changes, find_unchanged
from disclosure_control.linked.published import Published
from disclosure_control.linked.telling import find_telling
from disclosure_control.presets.preset import LEVELS, Level
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Entry
from disclosure_control.suppression.lattice import Lattice, Relation
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan

C = Symbol.CONFIDENTIAL
CHILDREN = (
    "FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') AND age IN (14, 15, 16) AND placements >= 0"
)
MEAN = "AVG(placements) AS f"


def publish(asked: str, children: int, figure: Entry = Decimal("2.1"), preset: str = "dfe_cin") -> Published:
    """A table of one figure, with the children behind it."""
    plan = derive_plan(f"SELECT {asked}", Path.PER_AUTHORITY)
    return Published(asked, plan, load_preset(preset), ((figure,),), implied={(0, "f"): children})


def is_withheld(earlier: Sequence[Published], newest: Published) -> bool:
    return find_telling(earlier, newest) == {(0, "f")}


LEFT = [
    # the preset, what is asked, how many are fifteen or sixteen of forty, and whether that is withheld beside all
    ("dfe_cin", MEAN, 32, True),  # 8 are shown, and an average asks for 10
    ("dfe_cin", MEAN, 30, False),
    ("dfe_cin", MEAN, 40, False),  # nobody is left
    ("dfe_cla", MEAN, 32, False),  # an average asks for 6
    ("dfe_cin", "SUM(placements) AS f", 32, True),
    ("dfe_cin", "STDDEV(placements) AS f", 32, True),
    ("dfe_cla", "STDDEV(placements) AS f", 32, False),
    ("dfe_cla", "CORR(placements, suspension_days) AS f", 29, True),  # 11, and it asks for 12
    ("dfe_cla", "CORR(placements, suspension_days) AS f", 28, False),
    ("dfe_cla", "REGR_SLOPE(placements, suspension_days) AS f", 32, True),
    ("dfe_cla", "COVAR_SAMP(placements, suspension_days) AS f", 32, True),
    ("dfe_cin", "MEDIAN(placements) AS f", 32, False),  # does not add up
    ("ukllc", MEAN, 30, False),
    ("ofqual", MEAN, 30, True),  # 6 to 14, as they are rounded
    ("ofqual", MEAN, 25, False),
]


@pytest.mark.parametrize(("preset", "asked", "older", "withheld"), LEFT)
def test_a_figure_of_all_less_that_of_others_is_held_to_its_own_smallest_number(
    preset: str, asked: str, older: int, withheld: bool
) -> None:
    everybody = publish(f"{asked} {CHILDREN}", 40, preset=preset)
    others = publish(f"{asked} {CHILDREN} AND age <> 14", older, preset=preset)
    assert is_withheld([everybody], others) == withheld
    assert is_withheld([others], everybody) == withheld


@pytest.mark.parametrize(
    "other",
    [
        f"AVG(suspension_days) AS f {CHILDREN} AND age <> 14",
        f"{MEAN} {CHILDREN} AND age <> 14".replace("202425", "202324"),
        f"{MEAN} FROM child_year WHERE academic_year = 202425 AND age IN (15, 16, 17) AND placements >= 0",
        f"SUM(placements * uasc) AS f {CHILDREN} AND age <> 14",
    ],
)
def test_figures_of_other_things_or_other_children_are_left_alone(other: str) -> None:
    assert not is_withheld([publish(f"{MEAN} {CHILDREN}", 40)], publish(other, 32))


def test_an_average_and_a_total_say_the_same() -> None:
    others = publish(f"SUM(placements) AS f {CHILDREN} AND age <> 14", 32, 60)
    assert is_withheld([publish(f"{MEAN} {CHILDREN}", 40)], others)


def test_squares_are_squares_whether_by_a_spread_or_a_line() -> None:
    line = publish(f"REGR_SXX(suspension_days, placements) AS f {CHILDREN} AND suspension_days >= 0", 40)
    spread = f"VAR_POP(placements) AS f {CHILDREN} AND suspension_days >= 0"
    assert is_withheld([line], publish(f"{spread} AND age <> 14", 32))


def test_a_withheld_average_of_a_number_that_is_shown_does_not_follow_from_a_total() -> None:
    """Eight girls are counted, and their average is withheld: that of all children gives it, beside that of boys."""
    sql = f"SELECT sex, COUNT(*) AS n, {MEAN} {CHILDREN} GROUP BY sex"
    plan = derive_plan(sql, Path.PER_AUTHORITY)
    known: dict[object, tuple[int, Entry]] = {"M": (32, Decimal("2.1")), "F": (8, C)}
    rows = tuple((sex, *known[sex]) for (sex,) in plan.iter_cells())
    implied = {(place, "f"): known[sex][0] for place, (sex, *_) in enumerate(rows)}
    by_sex = Published("by sex", plan, load_preset("dfe_cin"), rows, implied=implied)
    assert is_withheld([by_sex], publish(f"{MEAN} {CHILDREN}", 40))
    assert find_telling([publish(f"{MEAN} {CHILDREN}", 40)], by_sex) == {(0 if rows[0][0] == "M" else 1, "f")}


PARTS = [publish(f"{MEAN} {CHILDREN} AND age = {age}", 16) for age in (15, 16)]
DECOYS = [publish(f"COUNT(*) AS f {CHILDREN} AND {each}", 20, 20) for each in ("uasc", "sex = 'F'")]


@pytest.mark.parametrize("decoys", [DECOYS, []])
def test_those_left_of_several_parts_are_one_group_however_others_cut_them(decoys: Sequence[Published]) -> None:
    everybody = publish(f"{MEAN} {CHILDREN}", 40)
    assert is_withheld([*decoys, *PARTS], everybody)
    assert is_withheld([*decoys, everybody, PARTS[0]], PARTS[1])
    assert not is_withheld([*decoys, PARTS[0]], PARTS[1])


def test_groups_that_overlap_tell_of_those_in_both() -> None:
    """Of 30 who are fourteen or fifteen, 30 who are fifteen or sixteen, and 52 who are any of these, 8 are fifteen."""
    overlapping = [publish(f"{MEAN} {CHILDREN} AND age IN {ages}", 30) for ages in ("(14, 15)", "(15, 16)")]
    assert is_withheld(overlapping, publish(f"{MEAN} {CHILDREN}", 52))
    assert not is_withheld(overlapping, publish(f"{MEAN} {CHILDREN}", 48))


def test_what_was_told_before_is_past_help_and_keeps_nothing_else_back() -> None:
    before = [publish(f"{MEAN} {CHILDREN}", 40), publish(f"{MEAN} {CHILDREN} AND age <> 14", 32)]
    assert not is_withheld(before, publish(f"AVG(suspension_days) AS f {CHILDREN}", 40))
    assert not is_withheld(before, publish(f"{MEAN} {CHILDREN} AND age = 16", 16))


def test_conditions_of_one_row_are_held_to_it_too() -> None:
    """All stand beside those with a condition, and eight are without it."""
    sql = f"SELECT {MEAN}, AVG(placements) FILTER (WHERE uasc) AS g {CHILDREN}"
    plan, row = derive_plan(sql, Path.PER_AUTHORITY), (Decimal("2.1"), Decimal("2.1"))
    tables = [
        Published("R", plan, load_preset("dfe_cin"), (row,), implied={(0, "f"): 40, (0, "g"): of_them})
        for of_them in (32, 30)
    ]
    assert [find_telling([], each) for each in tables] == [{(0, "f"), (0, "g")}, set()]


def as_read(asked: str, children: int, figure: str) -> Published:
    """A table of a number and a figure, of which a reader knows no more than is printed."""
    plan = derive_plan(f"SELECT COUNT(*) AS n, {asked}", Path.PER_AUTHORITY)
    return Published(asked, plan, load_preset("dfe_cin"), ((children, Decimal(figure)),))


def test_a_reader_subtracts_where_the_number_stands_beside_the_figure_or_elsewhere() -> None:
    """So does a hub of totals, which keeps nothing but what it released."""
    others = publish(f"{MEAN} {CHILDREN} AND age <> 14", 32)
    assert is_withheld([as_read(f"{MEAN} {CHILDREN}", 40, "2.1")], others)
    alone = replace(publish(f"{MEAN} {CHILDREN}", 0), implied={})
    assert not is_withheld([alone], others)
    assert is_withheld([alone, publish(f"COUNT(*) AS f {CHILDREN}", 40, 40)], others)


DOMINATED = [
    # the averages of a hundred children and of sixty of them, who have 250 placements between them; nobody has over 99
    ("2.5", "2.1", True),  # The other forty have about 124: one of them could have nearly all.
    ("5.0", "2.1", False),
]


@pytest.mark.parametrize(("all_have", "older_have", "withheld"), DOMINATED)
def test_a_total_that_few_could_dominate_does_not_follow_from_others(
    all_have: str, older_have: str, withheld: bool
) -> None:
    everybody = publish(f"{MEAN} {CHILDREN}", 100, Decimal(all_have), "acro")
    others = publish(f"{MEAN} {CHILDREN} AND age <> 14", 60, Decimal(older_have), "acro")
    assert is_withheld([everybody], others) == withheld
    without = [replace(each, preset=load_preset("ons_10_5")) for each in (everybody, others)]
    assert not is_withheld(without[:1], without[1])


# --- By whoever adds and subtracts in all ways -----------------------------------------------------------------------


def draw_lattice(draw: Random) -> Lattice:
    """Cells, and totals of some of those before them."""
    cells = draw.randint(4, 12)
    relations = [
        Relation(total, tuple(sorted(draw.sample(range(total), draw.randint(1, min(4, total))))))
        for total in range(2, cells)
        for _ in range(draw.randint(0, 2))
    ]
    nothing = frozenset[tuple[str, str]]()
    levels: tuple[Level, ...] = (LEVELS[0],) * cells
    return Lattice((nothing,) * cells, tuple(relations), (), (1,) * cells, levels, (nothing,) * cells, cells)


@pytest.mark.parametrize("seed", range(60))
def test_what_follows_is_what_makes_no_further_dimension(seed: int) -> None:
    """A figure follows where it is a sum of what is printed and of what is nothing: the rank is the same with it."""
    draw = Random(seed)
    lattice = draw_lattice(draw)
    printed = draw.sample(range(len(lattice)), draw.randint(0, 4))
    given = [np.eye(len(lattice))[cell] for cell in printed]
    for each in lattice.relations:
        row = np.zeros(len(lattice))
        row[each.total], row[list(each.parts)] = 1, -1
        given.append(row)
    rank = np.linalg.matrix_rank(given) if given else 0
    expected = [np.linalg.matrix_rank([*given, np.eye(len(lattice))[cell]]) == rank for cell in range(len(lattice))]
    assert find_unchanged(draw_changes(lattice, printed)).tolist() == expected


SEXES, AGES = ("M", "F"), (14, 15, 16)
ATOMS = tuple((sex, age) for sex in SEXES for age in AGES)
AGED = ((14, 15, 16), (14, 15), (15, 16), (14, 16), (15,))
ASKED = tuple((sexes, ages) for sexes in (SEXES, ("M",), ("F",)) for ages in AGED)

Group = tuple[tuple[str, int], ...]
"""Of which sexes and ages children are."""


def draw_tables(draw: Random) -> tuple[dict[tuple[str, int], int], list[tuple[Published, Group]]]:
    """How many children there are of each sex and age, and averages of groups that are enough for one."""
    children, found = {atom: draw.choice((0, 6, 7, 8, 9, 12, 20)) for atom in ATOMS}, []
    for sexes, ages in draw.sample(ASKED, 6):
        group = tuple((sex, age) for sex, age in ATOMS if sex in sexes and age in ages)
        number = sum(children[atom] for atom in group)
        named = ", ".join(f"'{sex}'" for sex in sexes), ", ".join(map(str, ages))
        where = "WHERE academic_year = 202425 AND placements >= 0 AND sex IN ({}) AND age IN ({})".format(*named)
        if number >= 10:
            found.append((publish(f"{MEAN} FROM child_year {where}", number), group))
    return children, found


def find_few(children: Mapping[tuple[str, int], int], printed: Sequence[Group]) -> list[Group]:
    """Every group whose average follows by any sums and differences, and who are six to nine."""
    every = (group for size in range(1, len(ATOMS)) for group in combinations(ATOMS, size))
    few = (group for group in every if 6 <= sum(children[atom] for atom in group) < 10)
    return [group for group in few if _rank([*printed, group]) == _rank(printed)]


def _rank(groups: Sequence[Group]) -> int:
    return int(np.linalg.matrix_rank([[atom in group for atom in ATOMS] for group in groups])) if groups else 0


def count_few(seed: int) -> bool:
    """Whether averages tell one another of too few; none does of those that are shown one after the other."""
    children, tables = draw_tables(Random(seed))
    shown = list[tuple[Published, Group]]()
    for table, group in tables:
        if not find_telling([each for each, _ in shown], table):
            shown.append((table, group))
    assert find_few(children, [group for _, group in shown]) == []
    return bool(find_few(children, [group for _, group in tables]))


def test_no_average_of_too_few_follows_from_averages_of_children_who_are_known() -> None:
    assert sum(map(count_few, range(6))) > 1


@pytest.mark.deep
def test_nor_from_many_draws() -> None:
    assert sum(map(count_few, range(6, 200))) > 60
