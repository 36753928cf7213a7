"""Tables of which all is withheld: read as if each c were somebody, though true zeros are c, and nothing is missed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from disclosure_control.linked import joint_attack
from disclosure_control.linked.counts.view import readings
from disclosure_control.linked.joint_attack import JointAttack, attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.drawn_stacks import draw_stack
from tests.disclosure_control.known_children import Child, answer

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


ASKED = (
    "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F') AND age IN (14, 15, 16) "
    "AND (uasc OR NOT uasc) AND placements >= 0"
)
ONE_AFTER_ANOTHER = (
    f"SELECT sex, age, COUNT(*) AS n {ASKED} GROUP BY sex, age",
    f"SELECT AVG(placements) AS a {ASKED} AND (age IN (14, 15) OR uasc AND age >= 15)",
    f"SELECT sex, age, uasc, SUM(CASE WHEN age >= 15 THEN placements END) AS s {ASKED} GROUP BY ROLLUP(sex, age, uasc)",
    f"SELECT sex, age, uasc, COUNT(*) AS n {ASKED} GROUP BY sex, age, uasc",
)
CHILDREN = (
    *(("M", 15, True, 1, 4), ("M", 15, False, 5, 29), ("M", 16, True, 8, 57), ("M", 16, False, 12, 26)),
    *(("F", 14, True, 8, 34), ("F", 14, False, 12, 45), ("F", 15, True, 12, 59), ("F", 15, False, 5, 7)),
    ("F", 16, False, 12, 66),
)
"""So many of a sex and age, alone in the country or not, with so many placements between them."""


def test_what_only_a_wrong_reading_told_is_told_by_the_table_that_shows_it_wrong() -> None:
    """Of 6 boys of fifteen one came alone. Whoever took each c of a blank table for somebody thought they knew of c and
    c; a table by all three columns, which prints zeros there, shows that they did not, and would tell of both."""
    children: list[Child] = [
        {"sex": sex, "age": age, "uasc": uasc, "placements": total // count + (total % count if each == 0 else 0)}
        for sex, age, uasc, count, total in CHILDREN
        for each in range(count)
    ]
    plans = [derive_plan(sql, Path.PER_AUTHORITY) for sql in ONE_AFTER_ANOTHER]
    first, _, blank, last = answer(plans, children, load_preset("dfe_cla"))
    assert [row[-1] for row in first.rows][1] == 6
    assert {row[-1] for row in blank.rows} == {Symbol.CONFIDENTIAL}
    assert {row[-1] for row in last.rows} == {Symbol.CONFIDENTIAL}
