"""The returns check on files written here: every kind of mistake that was planted is found, and nothing besides.

An authority's files are written with and without mistakes, loaded as a node loads them, and checked.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.loading import load_into
from node.quality.returns import ReturnsReport, check_returns
from node.quality.rules import load_areas, load_returns_rules
from node.service import open_node
from node.setting_up import create_node
from node.synth.england import write_england
from node.synth.plan import REGISTER
from node.synth.returns_errors import EACH, KINDS

CODE = "881"

BREAKS: Mapping[str, tuple[str, ...]] = {
    "attendance_impossible": ("missed_more_than_possible", "attendance_differs_from_daily_record"),
    "provision_differs": ("sen_differs_from_giap",),
    "previously_looked_after_in_care": ("previously_looked_after_while_in_care",),
    "missing_from_roll": ("child_on_no_roll",),
    "wrong_upn": ("check_letter_in_census",),
    "on_two_rolls": ("on_two_main_rolls", "school_differs_from_giap"),
    "wrong_year_group": ("year_group_far_from_age",),
    "meals_period_reversed": ("meal_period_reversed",),
    "wrong_birth_date": ("date_of_birth_differs",),
    "recorded_twice": ("same_pupil_twice",),
    "exclusion_outside_term": ("exclusion_outside_term",),
    "entry_after_census": ("entry_after_census",),
    "entry_before_school_opened": ("entry_before_school_opened",),
    "leaver_still_on_roll": ("leaver_still_on_roll", "on_two_main_rolls", "school_differs_from_giap"),
}
"""The rules that each kind of mistake breaks: a leaver's old school is a second one."""

MAY_BREAK = {"attendance_differs_from_daily_record", "no_sessions_all_term"}
"""A leaver's old school returns no absence, which is wrong of those who missed much; and whoever is said to have come
in another century has no sessions of a term in which they were elsewhere."""

OF_NO_KNOWN_CHILD = {"check_letter_in_census", "meal_period_reversed"}
"""Findings that name no child of the authority: the number is wrong, or the load turned the row away."""

NO_MISTAKE = {"slow_admission"}
"""What the check finds in files without a mistake: schools that were really found late."""


@dataclass(frozen=True)
class Checked:
    """The children that the files have wrong by kind, and what the check says of the files."""

    planted: Mapping[str, int]
    report: ReturnsReport

    def children(self, rule: str) -> int:
        """The children of the authority that a rule finds."""
        found = {finding.la_child_id for finding in self.report.findings[rule]}
        return len(found - {None})


def check_england(directory: Path, *, returns_errors: bool) -> Checked:
    """Write two authorities, load one of them into a node of its own, and check its returns."""
    england = write_england(
        directory / "england",
        authorities=[CODE, "301"],
        seed=7,
        scale=0.4,
        other_pupils_per_child=0.2,
        full=True,
        returns_errors=returns_errors,
    )
    create_node(directory / "state", CODE)
    load_into(directory / "state", [england.directory / CODE, england.directory / REGISTER], 2025, lambda _: None)
    return Checked(england.authorities[CODE].returns_errors, check_returns(open_node(directory / "state")))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return check_england(tmp_path_factory.mktemp("wrong"), returns_errors=True)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return check_england(tmp_path_factory.mktemp("clean"), returns_errors=False)


def test_every_kind_breaks_a_rule_and_every_area_has_a_kind() -> None:
    """Twelve areas are checked; a mistake is planted in each of them."""
    assert set(BREAKS) == {kind.name for kind in KINDS}
    rules = load_returns_rules()
    assert {rules[name].area for names in BREAKS.values() for name in names} == set(load_areas())
    assert len({name for names in BREAKS.values() for name in names}) >= 12


@pytest.mark.parametrize("kind", BREAKS)
def test_a_planted_kind_is_found(wrong: Checked, clean: Checked, kind: str) -> None:
    """By each of its rules, for every child it was planted in, and not in the same files without it."""
    assert wrong.planted[kind] == EACH
    for rule in BREAKS[kind]:
        assert wrong.report.counts[rule] >= EACH
        assert wrong.children(rule) >= (0 if rule in OF_NO_KNOWN_CHILD else EACH)
        assert clean.report.counts[rule] == 0


def test_no_child_is_found_that_has_no_mistake(wrong: Checked) -> None:
    """A rule finds as many children as its kinds were planted in, and rules of no kind find nothing."""
    wanted = Counter(dict.fromkeys(wrong.report.findings, 0))
    for rules in BREAKS.values():
        wanted.update({rule: EACH for rule in rules if rule not in OF_NO_KNOWN_CHILD})
    found = {rule: wrong.children(rule) for rule in wrong.report.findings}
    beside = {rule: count - wanted[rule] for rule, count in found.items() if count != wanted[rule]}
    assert beside.keys() <= NO_MISTAKE | MAY_BREAK
    assert all(0 <= beside.get(rule, 0) <= EACH for rule in MAY_BREAK)


def test_files_without_a_mistake_have_no_finding(clean: Checked) -> None:
    found = {rule for rule, count in clean.report.counts.items() if count}
    assert found <= NO_MISTAKE
    assert clean.planted == {}
