"""Every attack that is promised to be tried is tried, by name; and nothing is in the suite that is not on the list."""

import ast
from pathlib import Path

import pytest

from tests.end_to_end.attacks.attacked_presets import ATTACKED, NOT_UNDER, OF_ONE_MECHANISM, ORDINARY, choose_presets

ROOM = Path(__file__).parent

ATTACKS = {
    "differencing by one child": {
        "test_differencing_by_one_child",
        "test_differencing_by_one_child_under_noise",
        "test_differencing_under_cell_keys",
        "test_differencing_of_sums",
    },
    "differencing by one authority": {
        "test_differencing_by_one_authority",
        "test_differencing_by_one_authority_under_noise",
    },
    "differencing by roster": {"test_differencing_by_roster"},
    "averages of groups that round alike": {"test_averages_of_groups_that_round_alike"},
    "an average beyond those of all parts": {"test_an_average_beyond_those_of_all_parts"},
    "an average that no mixture of parts has": {"test_an_average_that_no_mixture_of_parts_has"},
    "amounts by subtraction": {"test_amounts_by_subtraction"},
    "tracker": {"test_tracker"},
    "totals": {"test_totals"},
    "linked tables": {"test_linked_tables"},
    "totals of what was withheld for its own sake": {"test_totals_of_what_was_withheld_first"},
    "the same children in several tables": {
        "test_children_in_two_tables",
        "test_children_joined_to_what_they_have",
        "test_children_in_care_who_are_pupils",
    },
    "averaging by repeats": {"test_averaging_by_repeats", "test_averaging_of_noise_by_the_whole_budget"},
    "averaging by spellings": {"test_averaging_by_spellings"},
    "averaging by partitions": {"test_averaging_by_partitions"},
    "reconstruction of a whole small table": {
        "test_reconstruction_of_a_whole_table",
        "test_reconstruction_by_satisfiability",
    },
    "0% and 100% cells": {"test_zero_and_hundred_per_cent_cells"},
    "dominance": {"test_dominance", "test_dominance_by_difference"},
    "group existence": {"test_group_existence"},
    "floating-point residue": {"test_floating_point_residue"},
    "printed or withheld, one after another": {"test_printed_or_withheld"},
    "figures of too few by difference": {"test_correlations_of_too_few_by_difference"},
    "error text": {"test_error_text_and_constant_shape"},
    "timing": {"test_timing", "test_no_branch_depends_on_one_child"},
    "inverting a perturbation table": {"test_inverting_a_perturbation_table"},
    "percentages back to counts": {"test_percentages_back_to_counts"},
    "margins of error back to n": {"test_margins_of_error_back_to_counts"},
    "model coefficients of tiny cells": {"test_coefficients_of_tiny_cells"},
    "replaying the algorithm": {"test_replaying_the_algorithm"},
    "a search for attacks nobody thought of": {"test_a_search_for_attacks_nobody_thought_of"},
    "telling one child from noise": {
        "test_telling_one_child_from_noise",
        "test_telling_one_child_from_a_noised_release",
    },
}
"""The attacks, and the tests that try them."""

CONTROLS = {"test_a_model_of_everybody_has_coefficients"}
"""Tests that an attack is on something that is there."""

DOORS = {"besiege", "open_front_door", "open_sum_door"}
"""What an attack comes in by."""

PAST_THE_DOOR = {"test_telling_one_child_from_noise"}
"""What takes more trials than any budget has."""


def list_attacks() -> dict[str, ast.FunctionDef]:
    """The tests of this room, by name."""
    files = [path for path in ROOM.glob("test_*.py") if path != Path(__file__)]
    found = [each for path in files for each in ast.parse(path.read_text(encoding="utf-8")).body]
    return {each.name: each for each in found if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


def test_every_attack_has_a_test_and_every_test_an_attack() -> None:
    assert set().union(*ATTACKS.values(), CONTROLS) == set(list_attacks())


@pytest.mark.parametrize("name", sorted(set().union(*ATTACKS.values()) - PAST_THE_DOOR))
def test_an_attack_goes_through_the_front_door_and_is_scored(name: str) -> None:
    test = list_attacks()[name]
    assert {argument.arg for argument in test.args.args} & DOORS
    called = {node.func.id for node in ast.walk(test) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    added = {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    assert called & {"besiege", "note", "assert_no_better", "assert_none_follows"} or "add" in added
    assert ast.get_docstring(test)


def list_under_presets() -> set[str]:
    """The attacks that are given a preset to be tried under."""
    return {name for name, test in list_attacks().items() if "preset" in {each.arg for each in test.args.args}}


def test_an_attack_is_tried_under_every_preset_or_says_why_not() -> None:
    under = list_under_presets()
    assert under | set(OF_ONE_MECHANISM) | CONTROLS == set(list_attacks())
    assert not under & set(OF_ONE_MECHANISM)
    assert {attack for attack, _ in NOT_UNDER} <= under
    assert {preset for _, preset in NOT_UNDER} <= set(ATTACKED)
    assert all(choose_presets(attack) for attack in under)


def test_every_reason_is_a_sentence() -> None:
    assert all(len(why.split()) > 4 for why in (*NOT_UNDER.values(), *OF_ONE_MECHANISM.values()))


def test_an_ordinary_run_has_some_attacks_under_every_preset() -> None:
    assert set(ORDINARY) == set(ATTACKED)
    assert all(ORDINARY.values())
    assert set().union(*ORDINARY.values()) <= list_under_presets()
    assert not {(attack, preset) for preset, attacks in ORDINARY.items() for attack in attacks} & set(NOT_UNDER)
