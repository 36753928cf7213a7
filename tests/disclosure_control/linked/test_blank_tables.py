"""Tables of which all is withheld: read as if each c were somebody, though true zeros are c, and nothing is missed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from disclosure_control.linked import joint_attack
from disclosure_control.linked.counts.view import find_doubtful, readings
from disclosure_control.linked.findings import list_findings
from disclosure_control.linked.joint_attack import JointAttack, attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.drawn_stacks import draw_stack
from tests.disclosure_control.known_children import Child, answer
from tests.disclosure_control.linked.test_linked import C, table
from tests.disclosure_control.told_words import tell_hits

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


BY_SEX = f"SELECT sex, COUNT(*) AS n {ASKED} GROUP BY sex"
BY_AGE = f"SELECT age, COUNT(*) AS n {ASKED} GROUP BY age"
BY_BOTH = f"SELECT sex, age, COUNT(*) AS n {ASKED} GROUP BY sex, age"


@pytest.mark.parametrize("is_first", [True, False])
def test_that_nobody_is_in_a_blank_table_where_nobody_was_printed_is_not_told(is_first: bool) -> None:
    """Of 6 boys and no girl each girl of an age is 0; c says so of a table of which all is withheld."""
    printed, blank = table(BY_SEX, 6, 0, name="R-1"), table(BY_BOTH, *[C] * 6, name="R-2")
    stack = [blank, printed] if is_first else [printed, blank]
    found = attack(stack)
    assert found.reading == {stack.index(blank)}
    assert [found.view.high[cell] for place, cell in link_published(stack).places.items() if place[1] > 2] == [0, 0, 0]
    assert tell_hits("301", stack) == []


def test_a_checker_reads_what_takes_it_that_c_is_somebody_and_reads_it_last() -> None:
    """Of 6 girls of three ages four at most are of one, if each c is of somebody. That few of the 5 who are sixteen
    are boys, or girls, is so in any case, and told as closely as whoever takes nothing for granted knows it."""
    stack = [table(BY_SEX, 25, 6, name="R-0"), table(BY_AGE, 6, 20, C, name="R-1"), table(BY_BOTH, *[C] * 6)]
    found = list_findings("301", stack)
    words = tell_hits("301", stack)
    assert words[:2] == [
        "301: n of sex M, age 16 can be bounded to 0-5 (1-4 if no c stands for 0) from this release and R-0, R-1.",
        "301: n of sex F, age 16 can be bounded to 0-5 (1-4 if no c stands for 0) from this release and R-0, R-1.",
    ]
    assert [each.takes_for_granted for each in found] == [False, False, True, True, True]
    assert all(each.endswith(", taking it that no c stands for 0 in this release.") for each in words[2:])


def test_of_a_row_that_is_withheld_for_one_of_its_counts_the_others_may_be_nobody() -> None:
    plan = f"SELECT sex, COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS u {ASKED} GROUP BY sex"
    several = Published("", derive_plan(plan, Path.PER_AUTHORITY), load_preset("dfe_cla"), (("M", 9, 9), ("F", C, C)))
    stack = [table(BY_SEX, 25, C), several]
    assert find_doubtful(entries_of(stack), rules_of(stack)) == {1}
    closed = [replace(each, preset=load_preset("ukllc")) for each in stack]
    assert not find_doubtful(entries_of(closed), rules_of(closed))
