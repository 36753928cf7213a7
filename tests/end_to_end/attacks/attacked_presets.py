"""The presets that attacks are tried under, and what is not tried under one, each with the reason.

A test holds this complete: an attack is tried under every preset here, or says why not; and one that is about another
mechanism says which.
"""

from collections.abc import Mapping

import pytest
from _pytest.mark import ParameterSet

__all__ = ["ATTACKED", "NOT_UNDER", "OF_ONE_MECHANISM", "ORDINARY", "choose_presets"]

ATTACKED: Mapping[str, str] = {
    "dfe_cla": "exact counts, zeros shown",
    "ukllc": "exact counts, zeros withheld",
    "ons_10_5": "rounded counts, zeros shown",
    "opensafely": "rounded counts, zeros withheld",
}
"""The presets, and what each is an example of."""

EXACT, ROUNDED = ("dfe_cla", "ukllc"), ("ons_10_5", "opensafely")
ZEROS_SHOWN = ("dfe_cla", "ons_10_5")

COARSE = "two printed counts that are unlike differ by 1 to 9 at the least, and 8 may be shown: no count tells anything"
BLURRED = "a group is left open by more than is withheld where three or four rounded counts are added up"
UNLIKE = "that rounded sums are unlike is tried as averages of groups that round alike, and as amounts by subtraction"
COUNTED = "counts are exact: they say themselves whether anybody is between two groups, and differencing tries that"
ZERO = "a true 0 is shown, and that nobody is there is no secret"
PRINTED = "the number behind a margin is printed as it is"
SOMEBODY = "c says that there is somebody and too few, and that a question is not answered says no more"
MANY = "zeros are withheld too: under a total that is printed there are more withheld counts than can be tried out"
LARGEST = "two counts follow from a rounded total where both are as large as c can be, and here no two are"
LEFT = "what two counts add up to is left open by the rounding of their total"

NOT_UNDER: Mapping[tuple[str, str], str] = {
    **dict.fromkeys(
        [
            (attack, "opensafely")
            for attack in (
                "test_differencing_by_one_child",
                "test_tracker",
                "test_totals",
                "test_linked_tables",
                "test_totals_of_what_was_withheld_first",
                "test_reconstruction_of_a_whole_table",
                "test_reconstruction_by_satisfiability",
                "test_averaging_by_spellings",
                "test_averaging_by_partitions",
                "test_children_in_two_tables",
                "test_children_joined_to_what_they_have",
                "test_children_in_care_who_are_pupils",
                "test_a_search_for_attacks_nobody_thought_of",
            )
        ],
        COARSE,
    ),
    ("test_totals_of_what_was_withheld_first", "ons_10_5"): LARGEST,
    **dict.fromkeys([("test_tracker", "ons_10_5"), ("test_averaging_by_partitions", "ons_10_5")], BLURRED),
    **{("test_differencing_of_sums", preset): UNLIKE for preset in ROUNDED},
    **{("test_averages_of_groups_that_round_alike", preset): COUNTED for preset in EXACT},
    **{("test_an_average_beyond_those_of_all_parts", preset): COUNTED for preset in EXACT},
    **{("test_an_average_that_no_mixture_of_parts_has", preset): COUNTED for preset in EXACT},
    **{("test_amounts_by_subtraction", preset): COUNTED for preset in EXACT},
    **dict.fromkeys([("test_printed_or_withheld", preset) for preset in ZEROS_SHOWN], SOMEBODY),
    **{("test_zero_and_hundred_per_cent_cells", preset): ZERO for preset in ZEROS_SHOWN},
    **{("test_group_existence", preset): ZERO for preset in ZEROS_SHOWN},
    **{("test_margins_of_error_back_to_counts", preset): PRINTED for preset in EXACT},
    **{("test_replaying_the_algorithm", preset): LEFT for preset in ROUNDED},
    ("test_replaying_the_algorithm", "ukllc"): MANY,
}
"""What is not tried under a preset, and why not."""

DOMINANCE = "of the presets that ship, acro alone has rules of dominance"
NOISE, KEYS = "noise has no preset's rounding or withholding in it", "counts are changed by cell keys, and not withheld"

OF_ONE_MECHANISM: Mapping[str, str] = {
    "test_dominance": DOMINANCE,
    "test_dominance_by_difference": DOMINANCE,
    "test_timing": "what takes the time is a database, and code that is one for all presets",
    "test_inverting_a_perturbation_table": KEYS,
    "test_differencing_under_cell_keys": KEYS,
    "test_telling_one_child_from_noise": NOISE,
    "test_telling_one_child_from_a_noised_release": NOISE,
    "test_differencing_by_one_child_under_noise": NOISE,
    "test_differencing_by_one_authority_under_noise": NOISE,
    "test_averaging_of_noise_by_the_whole_budget": NOISE,
    "test_differencing_by_one_authority": "refused for what is asked, under whatever preset",
    "test_coefficients_of_tiny_cells": "models leave as sums alone, where rows are the hub's or noise is added",
}
"""Attacks that are on something else than a preset, and what."""

ORDINARY: Mapping[str, frozenset[str]] = {
    "dfe_cla": frozenset(
        {
            "test_differencing_by_one_child",
            "test_tracker",
            "test_totals",
            "test_linked_tables",
            "test_totals_of_what_was_withheld_first",
            "test_reconstruction_by_satisfiability",
            "test_averaging_by_spellings",
            "test_averaging_by_partitions",
            "test_differencing_of_sums",
            "test_percentages_back_to_counts",
            "test_children_in_two_tables",
            "test_children_joined_to_what_they_have",
            "test_children_in_care_who_are_pupils",
            "test_replaying_the_algorithm",
            "test_a_search_for_attacks_nobody_thought_of",
            "test_differencing_by_roster",
        }
    ),
    "ukllc": frozenset({"test_differencing_by_one_child", "test_printed_or_withheld"}),
    "ons_10_5": frozenset({"test_averages_of_groups_that_round_alike", "test_an_average_that_no_mixture_of_parts_has"}),
    "opensafely": frozenset(
        {
            "test_amounts_by_subtraction",
            "test_averaging_by_repeats",
            "test_zero_and_hundred_per_cent_cells",
            "test_group_existence",
            "test_error_text_and_constant_shape",
            "test_no_branch_depends_on_one_child",
            "test_floating_point_residue",
            "test_margins_of_error_back_to_counts",
        }
    ),
}
"""The sample that every run has; the rest is for `make test-deep`."""


def choose_presets(attack: str) -> list[ParameterSet]:
    """The presets that an attack is tried under."""
    tried = [preset for preset in ATTACKED if (attack, preset) not in NOT_UNDER]
    return [pytest.param(each, marks=() if attack in ORDINARY[each] else pytest.mark.deep) for each in tried]
