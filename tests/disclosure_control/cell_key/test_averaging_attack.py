"""Averaging: what the attack of the reference gets within a number of questions, and what a threshold does to it."""

import pytest

from disclosure_control.cell_key.averaging import ANSWERS, Attack, Way, measure_averaging
from disclosure_control.cell_key.entropy import Shape, make_table
from disclosure_control.cell_key.tables import find_table
from disclosure_control.presets.shipped import load_preset

NARROW, WIDE = make_table("D2V1", Shape(2, 1.0), 256), make_table("D8V8", Shape(8, 8.0), 256)
TRIALS = 300


def test_ten_and_forty_partitions_of_twelve_children(capsys: pytest.CaptureFixture[str]) -> None:
    """Changes of 2 at most: 80% of attacks find the size by 10 partitions and 96.5% by 40, as measured elsewhere."""
    found = {each: measure_averaging(NARROW, Attack("parts"), each, TRIALS, 1) for each in (10, 40)}
    with capsys.disabled():
        print(f"\ncell keys, 12 children: exact by 10 partitions {found[10]:.1%}, by 40 {found[40]:.1%}")
    assert found[10] == pytest.approx(0.80, abs=0.06)
    assert found[40] == pytest.approx(0.965, abs=0.03)


def test_parts_of_a_small_group_are_withheld() -> None:
    assert measure_averaging(NARROW, Attack("parts", threshold=10), 40, 50, 1) == 0


def test_no_threshold_stops_what_is_counted_beside_others() -> None:
    """So the number of questions is what has to be limited, and what stands in the release says so."""
    assert measure_averaging(NARROW, Attack("besides", threshold=10), 40, 100, 1) > 0.9


def test_fewer_questions_and_wider_changes_leave_less() -> None:
    by_five = measure_averaging(WIDE, Attack("besides", threshold=10), 5, TRIALS, 1)
    assert by_five < 0.3
    assert measure_averaging(WIDE, Attack("besides", threshold=10), 1, TRIALS, 1) < 0.15
    assert by_five < measure_averaging(NARROW, Attack("besides", threshold=10), 5, TRIALS, 1)


def test_at_the_cap_of_the_preset_a_small_group_is_hardly_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Four answers find the 12 little more often than the one answer that any release is; fifty do half the time."""
    preset = load_preset("ons_cell_key")
    assert preset.cell_key is not None
    table, most = find_table(preset.cell_key), preset.cell_key.answers
    at_cap = {way: measure_averaging(table, attack_by(way), most // cost, 1_000, 1) for way, cost in ANSWERS.items()}
    with capsys.disabled():
        print(f"\ncell keys at the cap of {most} answers, 12 children: exact by {at_cap}")
    assert at_cap["parts"] == 0
    assert at_cap["besides"] < 0.13
    assert at_cap["known"] < 0.24
    assert measure_averaging(table, Attack("parts"), most, 1_000, 1) < 0.17
    assert measure_averaging(table, attack_by("known"), 1, 1_000, 1) < 0.10
    assert measure_averaging(table, attack_by("known"), 50, TRIALS, 1) > 0.4


def attack_by(way: Way) -> Attack:
    return Attack(way, threshold=10)


def test_asking_the_same_again_tells_nothing() -> None:
    """The same children have the same key: forty answers to one question are one answer."""
    keys = [3, 200, 77, 130] * 3
    assert len({NARROW.perturb(12, sum(keys) % 256) for _ in range(40)}) == 1
