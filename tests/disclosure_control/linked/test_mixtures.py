"""Averages of all that no mixture of those of some parts comes to, where who is left over lies in several cells."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from random import Random
from typing import cast

import pytest

from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.figures.amounts import find_amounts
from disclosure_control.linked.figures.mixtures import part_mixtures
from disclosure_control.linked.figures.printed import number_children
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.rounding import cut, round_to_base
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan

EVERYBODY = "FROM child_year WHERE academic_year = 202425"
DAYS, TOTAL = "AVG(suspension_days) AS f", "SUM(suspension_days) AS f"


def publish(condition: str, figure: str, children: int, preset: str = "ons_10_5", asked: str = DAYS) -> Published:
    """A table of one figure, with the children behind it as they are rounded."""
    plan = derive_plan(f"SELECT {asked} {EVERYBODY} AND {condition}", Path.PER_AUTHORITY)
    return Published(condition, plan, load_preset(preset), ((Decimal(figure),),), implied={(0, "f"): children})


YOUNGER, OLDER, ALL = "age <= 9", "age BETWEEN 10 AND 12", "age <= 13"
DECOYS = [publish("age >= 13 AND sex = 'M'", "40.0", 20), publish("age >= 11 AND uasc", "40.0", 20)]
"""Those who are 13 are boys and others, and unaccompanied ones among both."""

LEFT = [
    # the average of all, of the younger and of the older ones, who are 30, 10 and 15; and whether it tells of others
    ("39.6", "63.9", "21.1", True),  # 28 or more only as 11 and 17, 12 and 16, or 12 and 17
    ("38.8", "63.9", "21.1", False),
    ("39.4", "63.9", "21.1", False),
    ("64.1", "63.9", "21.1", True),  # beyond both
    ("20.9", "22.0", "21.1", True),
]


@pytest.mark.parametrize("decoys", [DECOYS, []], ids=["cut", "whole"])
@pytest.mark.parametrize(("all_have", "younger", "older", "withheld"), LEFT)
def test_whoever_is_left_over_is_one_group_however_others_cut_them(
    all_have: str, younger: str, older: str, withheld: bool, decoys: Sequence[Published]
) -> None:
    figures = [publish(YOUNGER, younger, 10), publish(OLDER, older, 15), publish(ALL, all_have, 30)]
    for *before, newest in permutations(figures) if decoys else [figures]:
        assert find_companions([*decoys, *before], newest) == (frozenset({0}) if withheld else frozenset())


def test_parts_of_other_questions_keep_nobody_from_looking_at_those_of_two() -> None:
    """Of three origins boys and girls who are not of it, and an average of all beyond those of two parts."""
    averages = {"black": ("39.0", "39.2"), "asian": ("39.6", "39.6"), "mixed": ("39.6", "39.6")}
    parts = [
        publish(f"age = 13 AND ethnicity_major <> '{origin}' AND sex = '{sex}'", average, 15)
        for origin, of_both in averages.items()
        for sex, average in zip("MF", of_both, strict=True)
    ]
    everybody = publish("age = 13 AND sex IN ('M', 'F')", "39.6", 30)
    assert find_companions(parts, everybody) == frozenset({0})
    assert find_companions(parts[2:], everybody) == frozenset()


def lay(tables: Sequence[Published]) -> tuple[Linked, Linked]:
    """The links between tables, and these with cells for whoever an average says is left over."""
    linked, entries = link_published(tables), entries_of(tables)
    numbers = number_children(linked, entries)
    return linked, part_mixtures(tables, linked, entries, rules_of(tables), numbers, find_amounts(tables, numbers))


@pytest.mark.parametrize("preset", ["dfe_cla", "opensafely"])
def test_exact_counts_and_withheld_zeros_need_none_of_it(preset: str) -> None:
    """Exact counts say it themselves; and where zeros are withheld, so is every group that may be too few."""
    linked, wider = lay([publish(YOUNGER, "63.9", 10, preset), publish(ALL, "70.0", 30, preset)])
    assert wider is linked


# --- Against children who are known ----------------------------------------------------------------------------------

Child = tuple[str, int, int]
"""Sex, age, and tenths of school days lost to suspension."""

AGES, LAST = (7, 9, 11, 13), 8
"""What is drawn from, and how many tables come before that of all."""


def draw_table(draw: Random, children: Sequence[Child], kept: list[set[int]]) -> Published:
    """A true average or sum of children whom a condition drawn at random keeps, as it is printed; of all, the last."""
    low, high = sorted((draw.choice(AGES), draw.choice(AGES))) if len(kept) < LAST else (AGES[0], AGES[-1])
    sexes, asked = draw.choice(("M", "F", "MF")) if len(kept) < LAST else "MF", draw.choice((DAYS, DAYS, TOTAL))
    own = {at for at, (sex, age, _) in enumerate(children) if sex in sexes and low <= age <= high}
    kept.append(own)
    condition = f"sex IN {(*sexes, 'U')} AND age BETWEEN {low} AND {high}"
    if len(own) < 10:
        return replace(publish(condition, "0", 0, asked=asked), rows=((Symbol.CONFIDENTIAL,),), implied={})
    rounded, average = round_to_base(len(own), 5), cut(Decimal(sum(children[at][2] for at in own)) / 10 / len(own), 1)
    figure = average if asked == DAYS else round_to_base(average * rounded, 5)
    return publish(condition, str(figure), rounded, asked=asked)


def draw_children(draw: Random) -> list[Child]:
    """Boys and girls, and few of one age who have more than all others."""
    many = [(draw.choice("MF"), draw.choice(AGES[:3]), draw.choice((0, 5, 20))) for _ in range(draw.randint(30, 60))]
    return [*many, *((draw.choice("MF"), AGES[3], draw.choice((50, 300))) for _ in range(draw.randint(0, 4)))]


def test_somebody_is_in_every_group_of_which_it_is_said() -> None:
    found = 0
    for seed in range(8):
        draw, kept = Random(seed), list[set[int]]()
        children = draw_children(draw)
        tables = [draw_table(draw, children, kept) for _ in range(LAST + 1)]
        linked, wider = lay(tables)
        own = {linked.places[number, 0, "f"]: kept[number] for number in range(len(tables))}
        rests = cast("list[tuple[str, int, frozenset[int]]]", wider.keys[len(linked.keys) :])
        assert all(own[whole] - set[int]().union(*(own[each] for each in parts)) for _, whole, parts in rests)
        found += len(rests)
    assert found > 5
