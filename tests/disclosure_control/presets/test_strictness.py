"""A preset that is added may be stricter than its floor, and never looser in anything."""

from dataclasses import fields, replace

import pytest

from disclosure_control.presets.preset import ByLevel, CellKeyRule, Dominance, Preset
from disclosure_control.presets.shipped import list_presets, load_preset
from disclosure_control.presets.strictness import PresetLooser, check_stricter
from disclosure_control.symbols import Symbol

FLOOR = replace(load_preset("acro"), name="floor")
Changes = dict[str, object]

STRICTER: dict[str, Changes] = {
    "smallest_count_shown": {
        "smallest_count_shown": 12,
        "minimum_n_mean": 12,
        "minimum_n_spread": 12,
        "minimum_n_model": 12,
    },
    "minimum_n_mean": {"minimum_n_mean": 11, "minimum_n_spread": 11, "minimum_n_model": 11},
    "minimum_n_spread": {"minimum_n_spread": 12},
    "minimum_n_correlation": {"minimum_n_correlation": 20},
    "minimum_n_model": {"minimum_n_model": 20},
    "minimum_residual_df": {"minimum_residual_df": 20},
    "mean_decimals": {"mean_decimals": 0},
    "proportion_decimals": {"proportion_decimals": 2},
    "rounding_bases": {"rounding_bases": ByLevel(5, 10, 10)},
    "dominance": {"dominance": Dominance(3, 85, 15)},
}

LOOSER: dict[str, Changes] = {
    "smallest_count_shown": {"smallest_count_shown": 9},
    "zero": {"zero": "shown", "symbols": frozenset({Symbol.CONFIDENTIAL, Symbol.UNAVAILABLE, Symbol.NOT_APPLICABLE})},
    "rounding_bases": {"rounding_bases": ByLevel(1, 5, 5)},
    "minimum_n_mean": {"smallest_count_shown": 9, "minimum_n_mean": 9, "mean_decimals": 0},
    "minimum_n_spread": {"smallest_count_shown": 9, "minimum_n_mean": 9, "minimum_n_spread": 9, "mean_decimals": 0},
    "minimum_n_correlation": {"minimum_n_correlation": 11},
    "minimum_n_model": {"smallest_count_shown": 9, "minimum_n_mean": 9, "minimum_n_model": 9, "mean_decimals": 0},
    "minimum_residual_df": {"minimum_residual_df": 9},
    "dominance": {"dominance": None},
    "cell_key": {"cell_key": load_preset("ons_cell_key").cell_key, "rounding_bases": ByLevel(1, 1, 1)},
    "proportion_decimals": {"proportion_decimals": 4},
    "mean_decimals": {
        "mean_decimals": 2,
        "minimum_n_mean": 100,
        "minimum_n_spread": 100,
        "minimum_n_correlation": 100,
        "minimum_n_model": 100,
    },
    "symbols": {"symbols": FLOOR.symbols | {Symbol.UNRELIABLE}},
}
"""A preset that is looser in each rule, with what else must change for it to be a preset at all."""


def changed(changes: Changes) -> Preset:
    return replace(FLOOR, name="candidate", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", STRICTER.values(), ids=STRICTER)
def test_a_stricter_preset_passes(changes: Changes) -> None:
    check_stricter(changed(changes), FLOOR)


@pytest.mark.parametrize("rule", LOOSER)
def test_a_looser_rule_is_refused_by_its_name(rule: str) -> None:
    with pytest.raises(PresetLooser, match=f"preset candidate is looser than floor: .*{rule}"):
        check_stricter(changed(LOOSER[rule]), FLOOR)


def test_every_rule_is_compared() -> None:
    """A rule that is added to presets is added here, or is one of those that only describe."""
    described = {"name", "version", "title", "source", "claims", "level"}
    assert {each.name for each in fields(Preset)} - described == set(LOOSER)


@pytest.mark.parametrize("looser", [Dominance(1, 90, 10), Dominance(2, 95, 10), Dominance(2, 90, 5)])
def test_dominance_is_compared_part_by_part(looser: Dominance) -> None:
    with pytest.raises(PresetLooser, match="dominance must be as strict"):
        check_stricter(changed({"dominance": looser}), FLOOR)


def test_a_base_that_is_no_multiple_is_not_stricter() -> None:
    """A count printed to the nearest 7 and to the nearest 5 is known better than either says."""
    with pytest.raises(PresetLooser, match=r"rounding_bases\.region must be a multiple of 5"):
        check_stricter(changed({"rounding_bases": ByLevel(5, 7, 10)}), FLOOR)


RULE = CellKeyRule(keys=256, table="d" * 64, most=15, answers=4)
KEYED = replace(load_preset("ons_cell_key"), cell_key=RULE)


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        pytest.param(None, "cell_key must be as it is there", id="none"),
        pytest.param(replace(RULE, table="0" * 64), "the same table", id="another table"),
        pytest.param(replace(RULE, keys=4096), "as many keys", id="more keys"),
        pytest.param(replace(RULE, most=14), "the same table", id="smaller changes"),
        pytest.param(replace(RULE, answers=RULE.answers + 1), "cell_key.answers must be 4 or less", id="more answers"),
    ],
)
def test_cell_keys_are_compared_with_cell_keys_alone(rule: CellKeyRule | None, what: str) -> None:
    """Not even a table with greater changes is stricter: two changes of one count narrow it down."""
    with pytest.raises(PresetLooser, match=what):
        check_stricter(replace(KEYED, name="candidate", cell_key=rule), KEYED)


def test_fewer_answers_under_cell_keys_are_stricter() -> None:
    check_stricter(replace(KEYED, name="candidate", cell_key=replace(RULE, answers=2)), KEYED)


@pytest.mark.parametrize("name", list_presets())
def test_every_preset_is_as_strict_as_itself(name: str) -> None:
    check_stricter(load_preset(name), load_preset(name))


def test_the_order_of_the_shipped_presets() -> None:
    """Few of them can be compared: most trade one rule for another."""
    pairs = set()
    for one in list_presets():
        for other in list_presets():
            if one != other and not raises(one, other):
                pairs.add((one, other))
    assert pairs == {("acro", "ofqual"), ("acro", "ons_10_5"), ("acro", "opensafely"), ("acro", "ukllc")} | {
        ("nhs_hes", "ofqual"),
        ("ons_10_5", "ofqual"),
        ("opensafely", "ofqual"),
    }


def raises(one: str, other: str) -> bool:
    try:
        check_stricter(load_preset(one), load_preset(other))
    except PresetLooser:
        return True
    return False
