"""Whoever is left when schools' figures are taken from those of more schools, or of all our children."""

import pytest

from disclosure_control.presets.shipped import Preset, load_preset
from federation.manifest import Path
from federation.plans import derive_plan
from node.figures.declared import load_declared, write_sql
from node.figures.remainder import Group, leaves_enough

PLAN = derive_plan(write_sql(load_declared().find_measure("suspended"), None, 202425), Path.PER_AUTHORITY)
ROUNDED, EXACT = load_preset("opensafely"), load_preset("ukllc")


def group(schools: str, *counts: int | str, preset: Preset = ROUNDED) -> Group:
    """A table of the four cells: suspended, not, not known, and all."""
    names = ("suspended", "not_suspended", None, "Total")
    return Group(frozenset(map(int, schools.split())), tuple(zip(names, counts, strict=True)), preset)


@pytest.mark.parametrize(
    ("whole", "school", "others", "enough"),
    [
        (100, 40, (), True),
        (100, 88, (), True),  # 12 by what is printed, and 8 at least whatever was rounded
        (100, 90, (), False),
        (100, 100, (), False),  # nobody, perhaps: and perhaps a few
        (100, 40, (40,), True),
        (100, 40, (50,), False),  # 10 less what three counts can be off by
        ("c", 90, (), True),
        (100, "c", (), True),
    ],
)
def test_a_school_is_shown_where_those_elsewhere_are_surely_enough(
    whole: int | str, school: int | str, others: tuple[int, ...], enough: bool
) -> None:
    ours = group("", "c", "c", "c", whole)
    beside = [group(f"{number}", "c", "c", "c", each) for number, each in enumerate(others, start=200_000)]
    newest = group("100001", "c", "c", "c", school)
    assert leaves_enough(PLAN, newest, [ours, *beside]) is enough


def test_what_an_exact_preset_prints_has_no_slack() -> None:
    ours = group("", "c", "c", "c", 100, preset=EXACT)
    assert leaves_enough(PLAN, group("100001", "c", "c", "c", 90, preset=EXACT), [ours])
    assert not leaves_enough(PLAN, group("100001", "c", "c", "c", 91, preset=EXACT), [ours])


def test_what_was_shown_under_an_earlier_version_is_as_uncertain_as_it_was_then() -> None:
    """100 of ours was rounded, whatever prints the school's: 98 less 89 are 9. And the stricter threshold holds."""
    ours = group("", "c", "c", "c", 100)
    assert leaves_enough(PLAN, group("100001", "c", "c", "c", 88, preset=EXACT), [ours])
    assert not leaves_enough(PLAN, group("100001", "c", "c", "c", 89, preset=EXACT), [ours])


def test_a_trust_is_set_against_each_of_its_schools() -> None:
    """Whoever comes second is held to what was shown before, whichever is the larger."""
    school, trust = group("100001", "c", 60, "c", 60), group("100001 100002", "c", 65, "c", 65)
    assert not leaves_enough(PLAN, trust, [school])
    assert not leaves_enough(PLAN, school, [trust])
    assert leaves_enough(PLAN, group("100001 100002", "c", 80, "c", 80), [school])


def test_schools_apart_are_not_set_against_each_other() -> None:
    assert leaves_enough(PLAN, group("100001", 10, 10, 10, 30), [group("100002", 10, 10, 10, 30)])
