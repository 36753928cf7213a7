"""Whoever takes it that nobody lacks a value, where that can be: what counts tell them, and what they do not."""

import pytest

from disclosure_control.linked import joint_attack
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.joint_attack import attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from tests.disclosure_control.linked.test_linked import C, table, told
from tests.disclosure_control.told_words import tell_hits

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"
ALL = f"SELECT COUNT(*) AS n {CHILDREN}"


def three_counts(preset: str, others: int) -> tuple[Published, Published, Published]:
    """Of 90 who are fifteen 65 were excluded; so many who are fourteen or fifteen were not."""
    return (
        table(f"{ALL} AND age = 15", 90, preset=preset),
        table(f"{ALL} AND age = 15 AND permanently_excluded", 65, preset=preset),
        table(f"{ALL} AND age IN (14, 15) AND NOT permanently_excluded", others, preset=preset, name="R-3"),
    )


@pytest.mark.parametrize("preset", ["dfe_cla", "ukllc"])
def test_two_counts_leave_those_of_whom_it_is_known(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """25 who are fifteen were not excluded, if it is known of all: so three of 28 are fourteen."""
    *before, last = three_counts(preset, 28)
    assert told(preset, *before, last) == [(3, 3)]
    assert find_companions(before, last) == {0}
    assert tell_hits("301", [*before, last])
    assert told(preset, *three_counts(preset, 40)) == []
    monkeypatch.setattr(joint_attack, "view_without", lambda *_: None)
    assert told(preset, *before, last) == []


@pytest.mark.parametrize(("preset", "of_nobody"), [("dfe_cla", []), ("ukllc", [(0, 0)]), ("acro", [(0, 6)])])
def test_that_nobody_is_left_is_told_where_zeros_are_withheld(preset: str, of_nobody: list[tuple[int, int]]) -> None:
    """25 who are fifteen were not excluded, if it is known of all; and so nobody of 25 is fourteen."""
    *before, last = three_counts(preset, 25)
    assert told(preset, *before, last)[: len(of_nobody)] == of_nobody
    assert bool(told(preset, *before, last)) == bool(of_nobody)
    assert find_companions(before, last) == ({0} if of_nobody else frozenset())


def test_nothing_is_taken_for_granted_that_cannot_be() -> None:
    """Ten of fifteen who were not excluded leave fifteen of whom it is not known, and then others may be so, too."""
    *before, last = three_counts("dfe_cla", 28)
    of_fewer = table(f"{ALL} AND age = 15 AND NOT permanently_excluded", 10)
    assert told("dfe_cla", *before, of_fewer) == []
    assert told("dfe_cla", *before, of_fewer, last) == []
    linked = link_plans([each.plan for each in (*before, last, of_fewer)])
    assert linked.lacking


def test_those_who_lack_a_value_are_told_of_by_what_is_printed_and_no_more() -> None:
    """Where c says nobody or few, that somebody takes them to be nobody is no finding; that they are three is."""
    by_excluded = f"SELECT permanently_excluded, COUNT(*) AS n {CHILDREN} GROUP BY permanently_excluded"
    shown = table(by_excluded, 60, 30, C)
    assert [next(iter(cell)) for cell in shown.plan.iter_cells()] == [False, True, None]
    assert told("ukllc", shown) == []
    assert told("ukllc", shown, table(ALL, 93)) == [(3, 3)]


def test_what_is_seen_by_whoever_takes_more_for_granted_is_not_looked_for_again() -> None:
    """An attack after another finds the same as one by itself, whichever cells are looked at."""
    stack = [*three_counts("ukllc", 28)]
    linked, entries, rules = link_published(stack), entries_of(stack), rules_of(stack)
    found = attack_together(linked, entries, rules)
    less = {place: entry for place, entry in entries.items() if place[0] < 2}
    after, alone = attack_together(linked, less, rules, after=found), attack_together(linked, less, rules)
    assert {each.cell for each in after.told} == {each.cell for each in alone.told}
    assert found.told


def test_that_a_withheld_count_would_be_large_says_that_somebody_lacks_a_value_after_all() -> None:
    """Of 60 with a score c have an attendance, too: were it known of all, 60 would have been printed."""
    score, both = (f"{ALL} AND sdq_score >= 0{more}" for more in ("", " AND attendance_rate >= 0"))
    assert told("dfe_cla", table(score, 60), table(both, C)) == []
