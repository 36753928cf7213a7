"""Tables of which all is withheld: read as if each c were somebody, though true zeros are c, and nothing is missed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from disclosure_control.linked import joint_attack
from disclosure_control.linked.counts.view import readings
from disclosure_control.linked.joint_attack import JointAttack, attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.symbols import Symbol
from tests.disclosure_control.drawn_stacks import draw_stack

FEW = (*range(6), 31, 34, 66, 78, 82)
"""Those from 31 on are told more where each c is somebody, or something else."""

SEEDS = [*FEW, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(200) if seed not in FEW)]


def blank_last(seed: int) -> list[Published]:
    """A stack of which nothing of the last table is shown."""
    *others, last = draw_stack(seed)
    return [*others, replace(last, rows=tuple((*row[:-1], Symbol.CONFIDENTIAL) for row in last.rows))]


def attack(stack: Sequence[Published]) -> JointAttack:
    return attack_together(link_published(stack), entries_of(stack), rules_of(stack))


def read_both(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[JointAttack, JointAttack]:
    """What is told where each c of the last table is somebody, if that can be, and where it may be nobody."""
    stack = blank_last(seed)
    first = attack(stack)
    with monkeypatch.context() as patched:
        patched.setattr(joint_attack, "readings", lambda *read: readings(*read)[1:])
        return first, attack(stack)


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_takes_c_for_nobody_or_somebody_finds_no_more(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first, wider = read_both(seed, monkeypatch)
    told = {each.cell for each in first.told}
    assert all(each.cell in told for each in wider.told if each.places)
    groups = [set(each.together) for each in first.told]
    assert all(any(group <= set(each.together) for group in groups) for each in wider.told)


def test_there_is_something_to_find_and_more_where_c_is_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [read_both(seed, monkeypatch) for seed in FEW]
    assert any(wider.told for _, wider in found)
    assert any(len(first.told) > len(wider.told) for first, wider in found)
