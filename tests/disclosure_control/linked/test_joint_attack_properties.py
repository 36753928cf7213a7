"""The joint attack finds what a naive attacker does, however it comes to it: on small stacks of tables, at random."""

from collections.abc import Mapping
from typing import Any

import pytest

from disclosure_control.linked import companions, joint_attack
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts import groups
from disclosure_control.linked.counts.rules import rule_for
from disclosure_control.linked.counts.seen import Seen
from disclosure_control.linked.counts.unions import find_unions
from disclosure_control.linked.joint_attack import Baseline, JointAttack, attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.view import View
from tests.disclosure_control.drawn_stacks import LARGEST_GROUP, PRESET, NaiveAttacker, draw_stack

FEW, MANY = (*range(10), 26), (*range(10, 26), *range(27, 60))
SEEDS = [*FEW, *(pytest.param(seed, marks=pytest.mark.deep) for seed in MANY)]


def attack(stack: list[Published], **beside: Any) -> JointAttack:
    return attack_together(link_published(stack), entries_of(stack), rules_of(stack), **beside)


def intervals(found: JointAttack) -> Mapping[int, tuple[int | None, int | None]]:
    return {each.cell: (each.known.low, each.known.high) for each in found.told}


@pytest.mark.parametrize("seed", SEEDS)
def test_it_finds_what_a_naive_attacker_finds(seed: int) -> None:
    """Cell by cell, and group by group, those in several parts too that have no other in them."""
    stack = draw_stack(seed)
    naive, found = NaiveAttacker.of(stack, rule_for(PRESET, stack[-1].plan)), intervals(attack(stack))
    assert naive.told <= found.keys()
    assert all(found[cell] == naive.interval([cell]) for cell in naive.told)
    several = found.keys() - naive.told
    assert several <= set(naive.hidden)
    groups = [group for group in naive.groups() if not any(other < group for other in naive.groups())]
    together = {frozenset(each.together) for each in attack(stack).told if len(each.together) > 1}
    assert bool(several) == any(groups)
    assert together >= set(map(frozenset, groups))
    assert all(len(each) > LARGEST_GROUP or each in groups for each in together)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_finds_every_part_that_is_small_where_zeros_are_withheld(seed: int) -> None:
    """Nobody among them; and of what a naive attacker finds in several parts together, each part."""
    stack = draw_stack(seed, load_preset("ukllc"))
    naive, found = NaiveAttacker.of(stack, rule_for(stack[-1].preset, stack[-1].plan)), intervals(attack(stack))
    assert found == {cell: naive.interval([cell]) for cell in naive.told}
    assert not list(naive.groups())


def test_groups_that_are_nobody_in_a_table_that_was_seen_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is the same as when they are."""
    looked = list[View]()

    def look(view: View, *rest: Any) -> list[list[Known]]:
        looked.append(view)
        return find_unions(view, *rest)

    monkeypatch.setattr(groups, "find_unions", look)
    found = [intervals(attack(draw_stack(seed))) for seed in FEW]
    seldom = len(looked)
    monkeypatch.setattr(Seen, "empties", lambda *_: False)
    assert [intervals(attack(draw_stack(seed))) for seed in FEW] == found
    assert 0 < seldom < len(looked) - seldom


def test_no_more_groups_are_listed_than_are_asked_for() -> None:
    stack = draw_stack(10)
    assert [attack(stack, most_groups=most).groups for most in range(4)] == [0, 1, 2, 2]


def test_the_stacks_that_are_drawn_are_of_every_kind() -> None:
    """Some tell nothing, some a count and some a group that nobody asked for."""
    stacks = [draw_stack(seed) for seed in FEW]
    found = [attack(stack) for stack in stacks]
    assert any(each.is_safe and each.withheld for each in found)
    assert any(told.places for each in found for told in each.told)
    assert any(not told.places for each in found for told in each.told)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_attack_after_another_finds_what_it_would_by_itself(seed: int) -> None:
    """What was seen with the newest table is used for the others, and what is told is the same."""
    stack = draw_stack(seed)
    linked, entries, rules = link_published(stack), entries_of(stack), rules_of(stack)
    less = {place: entry for place, entry in entries.items() if place[0] < len(stack) - 1}
    found, alone = attack_together(linked, entries, rules), attack_together(linked, less, rules)
    after = attack_together(linked, less, rules, after=found)
    assert {each.cell for each in after.told if each.places} == {each.cell for each in alone.told if each.places}
    told = Baseline(linked, less, rules).fresh(found)
    assert {each.cell for each in told} == {each.cell for each in found.beyond(alone)}


@pytest.mark.parametrize("seed", SEEDS)
def test_companions_are_those_that_attacks_from_the_beginning_choose(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    *earlier, newest = draw_stack(seed)
    found = find_companions(earlier, newest)

    def attack_anew(*arguments: Any, after: object = None, only: object = None, **beside: Any) -> JointAttack:
        return attack_together(*arguments, **beside)

    for module in (companions, joint_attack):
        monkeypatch.setattr(module, "attack_together", attack_anew)
    assert find_companions(earlier, newest) == found


@pytest.mark.parametrize("seed", [10, 41])
def test_every_group_is_looked_for_where_those_listed_were_all_told_before(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few are listed, even none: what is withheld is the same."""
    *earlier, newest = draw_stack(seed)
    found = find_companions(earlier, newest)
    assert found
    monkeypatch.setattr(companions, "FEW_GROUPS", 0)
    assert find_companions(earlier, newest) == found
