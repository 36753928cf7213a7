"""What sums and averages of several tables tell of how many children there are, though counts are rounded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts.cells import Place
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.figures.amounts import Amount, find_amounts, least_children
from disclosure_control.linked.figures.printed import number_children
from disclosure_control.linked.published import Published, entries_of, link_published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.rounding import average_places, cut, round_to_base
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan

Child = tuple[str, int, int]
"""Sex, age, and tenths of school days lost to suspension."""

EVERYBODY = "FROM child_year WHERE academic_year = 202425"
OLDER = f"{EVERYBODY} AND age <> 3"
DAYS, TOTAL = "AVG(suspension_days) AS f", "SUM(suspension_days) AS f"


def publish(name: str, sql: str, figure: str, children: int, preset: str = "ons_10_5") -> Published:
    """A table of one figure, with the children behind it as they are rounded."""
    plan = derive_plan(sql, Path.PER_AUTHORITY)
    return Published(name, plan, load_preset(preset), ((Decimal(figure),),), implied={(0, "f"): children})


def read_amounts(tables: Sequence[Published]) -> Mapping[Place, Amount]:
    """What is printed of quantities, where it is known of how many children."""
    return find_amounts(tables, number_children(link_published(tables), entries_of(tables)))


WITHHELD = [
    # all of us and those who are not 3, by the same rounded number: what each have, and whether the second is withheld
    # 46 days, give or take 6, of 18 to 22 children, and 2 of as many: somebody of 3 has 37 or more, and is one of four.
    (DAYS, "2.3", "0.1", True),
    (DAYS, "2.3", "2.3", False),
    (TOTAL, "45", "0", True),
    (TOTAL, "45", "45", False),
]


@pytest.mark.parametrize(("asked", "all_have", "older_have", "withheld"), WITHHELD)
def test_an_amount_that_is_left_over_is_somebodys(asked: str, all_have: str, older_have: str, withheld: bool) -> None:
    earlier = publish("one", f"SELECT {asked} {EVERYBODY}", all_have, 20)
    newest = publish("other", f"SELECT {asked} {OLDER}", older_have, 20)
    assert find_companions([earlier], newest) == (frozenset({0}) if withheld else frozenset())


@pytest.mark.parametrize(("older_have", "withheld"), [("0.1", True), ("2.3", False)])
def test_an_amount_is_left_over_wherever_the_number_of_children_stands(older_have: str, withheld: bool) -> None:
    """A hub of totals knows of those before no more than is printed: their average, and the number in another table."""
    whose = f"{EVERYBODY} AND suspension_days >= 0"
    average = replace(publish("one", f"SELECT {DAYS} {whose}", "2.3", 20), implied={})
    count = publish("number", f"SELECT COUNT(*) AS f {whose}", "0", 20)
    newest = publish("other", f"SELECT {DAYS} {whose} AND age <> 3", older_have, 20)
    assert find_companions([average, replace(count, rows=((20,),))], newest) == (frozenset({0} if withheld else ()))


@pytest.mark.parametrize(("asked", "all_have", "older_have", "_"), WITHHELD)
def test_where_zeros_are_withheld_so_are_two_that_may_differ_by_nobody(
    asked: str, all_have: str, older_have: str, _: bool
) -> None:
    """Of 18 to 22 children and as many, four at most are left over, whatever they have."""
    earlier = publish("one", f"SELECT {asked} {EVERYBODY}", all_have, 20, "opensafely")
    newest = publish("other", f"SELECT {asked} {OLDER}", older_have, 20, "opensafely")
    assert find_companions([earlier], newest) == frozenset({0})


def test_an_amount_that_many_may_have_is_nobodys_secret() -> None:
    """Where those left over may be as many as are ever shown, nothing is withheld for what they have."""
    earlier = publish("one", f"SELECT {DAYS} {EVERYBODY}", "2.3", 60)
    newest = publish("other", f"SELECT {DAYS} {OLDER}", "0.1", 40)
    assert find_companions([earlier], newest) == frozenset()


@pytest.mark.parametrize(
    "asked",
    [
        "AVG(sdq_score) AS f",  # of another column
        "AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS f",  # a share: its counts are looked at themselves
        "SUM(suspension_days * uasc) AS f",  # of some of the children behind it alone
    ],
)
def test_amounts_of_other_things_are_not_set_against_each_other(asked: str) -> None:
    earlier = publish("one", f"SELECT {DAYS} {EVERYBODY}", "2.3", 20)
    newest = publish("other", f"SELECT {asked} {OLDER}", "0.1", 20)
    assert {place[0] for place in read_amounts([earlier, newest])} <= {0, 1}
    linked, amounts = link_published([earlier, newest]), read_amounts([earlier, newest])
    cells = {linked.places[place]: [amount] for place, amount in amounts.items()}
    low = least_children(linked.lattice, cells, _open(len(linked.lattice)))
    assert not low[[cell for cell in range(len(low)) if cell not in cells]].any()


def _open(cells: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(cells, np.int64), np.full(cells, UNBOUNDED, np.int64)


def test_a_question_about_another_table_takes_nothing_from_it() -> None:
    """What children have is set against each other beside whatever else was asked, and only of tables of children."""
    pep = derive_plan("SELECT COUNT(DISTINCT child) AS n FROM pep WHERE academic_year = 202425", Path.PER_AUTHORITY)
    support = Published("s", pep, load_preset("opensafely"), ((20,),))
    one, other = (publish("one", f"SELECT {DAYS} {each}", "2.3", 20) for each in (EVERYBODY, OLDER))
    assert {place[0] for place in read_amounts([support, one, other])} == {1, 2}
    assert not read_amounts([support])


PARTS = [
    # those to 9, those of 10 to 12, all of them and those of 13; and whether the last is withheld
    ("2.0", "2.0", "2.1", True),
    ("2.0", "2.2", "2.1", False),
    ("2.0", "2.0", "1.9", True),
    ("2.0", "2.0", "2.0", False),
]


@pytest.mark.parametrize(("younger", "older", "all_have", "withheld"), PARTS)
def test_an_average_beyond_those_of_all_parts_is_of_somebody_else(
    younger: str, older: str, all_have: str, withheld: bool
) -> None:
    earlier = [
        publish("younger", f"SELECT {DAYS} {EVERYBODY} AND age <= 9", younger, 20),
        publish("older", f"SELECT {DAYS} {EVERYBODY} AND age BETWEEN 10 AND 12", older, 20),
    ]
    newest = publish("all", f"SELECT {DAYS} {EVERYBODY} AND age <= 13", all_have, 40)
    assert find_companions(earlier, newest) == (frozenset({0}) if withheld else frozenset())


@pytest.mark.parametrize(("all_have", "withheld"), [("39.6", True), ("38.8", False), ("39.4", False), ("51.0", True)])
def test_an_average_that_no_numbers_of_children_give_is_of_somebody_else(all_have: str, withheld: bool) -> None:
    """10 to 12 with 63.9 and 13 to 17 with 21.1 are 28 or more only as 11 and 17, 12 and 16, or 12 and 17."""
    earlier = [
        publish("younger", f"SELECT {DAYS} {EVERYBODY} AND age <= 9", "63.9", 10, "ons_10_5"),
        publish("older", f"SELECT {DAYS} {EVERYBODY} AND age BETWEEN 10 AND 12", "21.1", 15, "ons_10_5"),
    ]
    newest = publish("all", f"SELECT {DAYS} {EVERYBODY} AND age <= 13", all_have, 30, "ons_10_5")
    assert find_companions(earlier, newest) == (frozenset({0}) if withheld else frozenset())


# --- Against children who are known ----------------------------------------------------------------------------------

CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "": ("M", "F"),
    " AND sex = 'M'": ("M",),
    " AND sex = 'F'": ("F",),
}
Asked = tuple[tuple[str, ...], tuple[int, ...]]
"""Of which sexes and ages a figure is."""

AGES = ((1, 2, 3), (2, 3), (1, 3), (1,), (3,))


def draw_children(draw: Random) -> list[Child]:
    """Some tens of children, few of whom have anything, and some of these much."""
    return [
        (draw.choice("MF"), draw.choice((1, 2, 3)), draw.choice((0, 0, 0, 5, 20, 300, 1000)))
        for _ in range(draw.randint(20, 60))
    ]


def draw_table(
    draw: Random, children: Sequence[Child], name: str, preset_name: str, asked_of: dict[str, Asked]
) -> Published:
    """A true figure of those children whom a condition drawn at random keeps, printed as the preset prints it."""
    preset, asked = load_preset(preset_name), draw.choice((DAYS, TOTAL))
    words, sexes = draw.choice(list(CONDITIONS.items()))
    ages = draw.choice(AGES)
    asked_of[name] = (sexes, ages)
    sql = f"SELECT {asked} {EVERYBODY}{words} AND age IN ({', '.join(map(str, ages))})"
    plan = derive_plan(sql, Path.PER_AUTHORITY)
    kept = [days for sex, age, days in children if sex in sexes and age in ages]
    if not kept:
        return Published(name, plan, preset, ((Symbol.CONFIDENTIAL,),), implied={(0, "f"): 0})
    base, measure = preset.rounding_base, plan.outputs[0].measures[0]
    average = cut(Decimal(sum(kept)) / 10 / len(kept), average_places(measure, preset))
    rounded = round_to_base(len(kept), base)
    exact = Decimal(sum(kept)) / 10
    printed = average if asked == DAYS else exact if base == 1 else round_to_base(average * rounded, base)
    return Published(name, plan, preset, ((Decimal(printed),),), implied={(0, "f"): rounded})


def true_count(table: Published, children: Sequence[Child], asked: Mapping[str, Asked]) -> int:
    sexes, ages = asked[table.name]
    return sum(sex in sexes and age in ages for sex, age, _ in children)


@pytest.mark.parametrize("preset", ["opensafely", "dfe_cla"])
@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(each, marks=pytest.mark.deep) for each in range(20, 500))])
def test_nobody_is_said_to_be_there_who_is_not(seed: int, preset: str) -> None:
    """Of any children, what printed amounts tell is true: in no cell are there fewer than is said."""
    draw = Random(seed)
    children, asked = draw_children(draw), dict[str, Asked]()
    tables = [draw_table(draw, children, f"T-{number}", preset, asked) for number in range(draw.randint(2, 4))]
    linked, amounts = link_published(tables), read_amounts(tables)
    cells: dict[int, list[Amount]] = {}
    (low, high), (fewest, most) = _open(len(linked.lattice)), _open(len(linked.lattice))
    for (number, *_), cell in linked.places.items():
        count, half = tables[number].implied[0, "f"], tables[number].preset.rounding_base // 2
        low[cell], high[cell] = max(low[cell], count - half), min(high[cell], count + half)
        fewest[cell] = most[cell] = true_count(tables[number], children, asked)
    for place, amount in amounts.items():
        cells.setdefault(linked.places[place], []).append(amount)
    least, (_, truth) = least_children(linked.lattice, cells, (low, high)), narrow_bounds(linked.lattice, fewest, most)
    assert (least <= truth).all()
