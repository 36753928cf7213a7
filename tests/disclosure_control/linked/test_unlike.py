"""What figures of two groups tell that are printed otherwise: that the groups are not the same, though counts are."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest

from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.figures.printed import number_children
from disclosure_control.linked.figures.unlike import part_unlike
from disclosure_control.linked.published import Published, entries_of, link_published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.rounding import cut, round_to_base
from federation.manifest import Path
from federation.plans import derive_plan

EVERYBODY = "FROM child_year WHERE academic_year = 202425"
UNDER_13, UNDER_14 = f"{EVERYBODY} AND age <= 12", f"{EVERYBODY} AND age <= 13"


def publish(asked: str, figure: str, children: int, preset: str = "ons_10_5") -> Published:
    """A table of one figure, with the children behind it as they are rounded."""
    plan = derive_plan(f"SELECT {asked}", Path.PER_AUTHORITY)
    return Published(asked, plan, load_preset(preset), ((Decimal(figure),),), implied={(0, "f"): children})


def count(condition: str, children: int) -> Published:
    plan = derive_plan(f"SELECT COUNT(*) AS n {EVERYBODY} AND {condition}", Path.PER_AUTHORITY)
    return Published(condition, plan, load_preset("ons_10_5"), ((children,),))


FIGURES = [
    # figure, as it is of those under 13 and under 14, who are 40 either time; and whether the second is withheld
    ("AVG(suspension_days) AS f", "2.0", "2.1", True),
    ("AVG(suspension_days) AS f", "2.0", "2.0", False),
    ("SUM(suspension_days) AS f", "80", "85", True),
    ("STDDEV_POP(suspension_days) AS f", "0.0", "0.6", True),
    ("MEDIAN(sdq_score) AS f", "10.5", "11.5", True),
    ("REGR_SLOPE(sdq_score, age) AS f", "0.10", "0.12", True),
    ("SUM(suspension_days * uasc) AS f", "20", "25", True),
]


@pytest.mark.parametrize(("figure", "under_13", "under_14", "withheld"), FIGURES)
def test_a_figure_that_is_another_is_of_others(figure: str, under_13: str, under_14: str, withheld: bool) -> None:
    earlier = publish(f"{figure} {UNDER_13}", under_13, 40)
    newest = publish(f"{figure} {UNDER_14}", under_14, 40)
    assert find_companions([earlier], newest) == (frozenset({0}) if withheld else frozenset())


def test_one_child_is_not_found_by_counts_that_leave_room_for_one_and_an_average_that_moves() -> None:
    """18 and 23 children at the least, 42 at the most: 41 or 42 of either age, and by the averages one of 13."""
    average = "AVG(suspension_days) AS f"
    earlier = [count("age <= 9", 20), count("age BETWEEN 10 AND 12", 25), publish(f"{average} {UNDER_13}", "2.0", 40)]
    assert find_companions(earlier, publish(f"{average} {UNDER_14}", "2.1", 40)) == frozenset({0})


APART = [
    ("AVG(suspension_days) AS f", UNDER_13, 40, f"{EVERYBODY} AND age >= 12", 40),  # neither is within the other
    ("AVG(suspension_days) AS f", UNDER_13, 40, UNDER_14, 60),  # many more in any case
    ("AVG(sdq_score) AS f", UNDER_13, 40, UNDER_14, 40),  # of something else
]


@pytest.mark.parametrize(("figure", "one", "children", "other", "others"), APART)
def test_figures_that_have_nothing_to_do_with_each_other_are_left_alone(
    figure: str, one: str, children: int, other: str, others: int
) -> None:
    earlier = publish(f"AVG(suspension_days) AS f {one}", "2.0", children)
    assert find_companions([earlier], publish(f"{figure} {other}", "2.1", others)) == frozenset()


def test_exact_counts_need_none_of_it() -> None:
    tables = [publish(f"AVG(suspension_days) AS f {each}", "2", 40, "dfe_cla") for each in (UNDER_13, UNDER_14)]
    linked = link_published(tables)
    assert part_unlike(tables, linked, number_children(linked, entries_of(tables))) == (linked, {})


Child = tuple[int, int]
"""Age, and tenths of school days lost to suspension."""


def draw_table(draw: Random, children: Sequence[Child], asked: dict[int, int]) -> Published:
    """The true average of the children up to an age drawn at random, as it is printed."""
    age = draw.randint(8, 16)
    days = [days for own, days in children if own <= age]
    asked[len(asked)] = len(days)
    average = cut(Decimal(sum(days)) / 10 / len(days), 1)
    figure = f"AVG(suspension_days) AS f {EVERYBODY} AND age <= {age}"
    return publish(figure, str(average), round_to_base(len(days), 5))


def test_somebody_is_in_every_group_of_which_it_is_said() -> None:
    found = 0
    for seed in range(20):
        draw, asked = Random(seed), dict[int, int]()
        children = [(8, 0)] * 12 + [(draw.randint(8, 16), draw.choice((0, 5, 300))) for _ in range(draw.randint(5, 30))]
        tables = [draw_table(draw, children, asked) for _ in range(4)]
        linked = link_published(tables)
        _, unlike = part_unlike(tables, linked, number_children(linked, entries_of(tables)))
        assert all(asked[wide[0]] > asked[narrow[0]] for wide, narrow in unlike.values())
        found += len(unlike)
    assert found > 20
