"""Preset files are read strictly, document themselves, and cannot contradict themselves."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import pytest

from disclosure_control.cell_key.perturbing import CellKeys
from disclosure_control.cell_key.tables import find_table
from disclosure_control.presets.preset import LEVELS, Dominance, Level
from disclosure_control.presets.shipped import FOLDER, Preset, PresetInvalid, list_presets, load_preset, parse_preset
from disclosure_control.rows.protection import protect
from disclosure_control.rows.rounding import round_to_base
from disclosure_control.symbols import MEANINGS, Symbol
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from query_engine.planning.plan import OutputKind
from query_engine.refusal import QueryRefused
from query_engine.tables import RawTable
from tests.disclosure_control.rounding_presets import ROUNDING


def keyed(**changes: object) -> str:
    """An entry of cell keys as a preset's file has it."""
    entries = {"keys": 256, "table": "d" * 64, "most": 15, "answers": 4, **changes}
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in entries.items()) + " }"


GOOD = (FOLDER / "ons_10_5.toml").read_text()


@pytest.mark.parametrize(
    ("name", "smallest", "zero", "base", "minimum_n", "share_places", "mean_places"),
    [
        ("ons_10_5", 10, "shown", 5, 10, 3, 1),
        ("opensafely", 8, "withheld", 5, 10, 3, 1),
        ("dfe_cla", 6, "shown", 1, 6, 2, 0),
        ("dfe_cin", 6, "shown", 1, 10, 3, 1),
        ("ofqual", 5, "shown", 5, 10, 3, 1),
        ("nhs_hes", 8, "shown", 5, 10, 2, 1),
        ("ukllc", 10, "withheld", 1, 10, 3, 1),
        ("acro", 10, "withheld", 5, 10, 3, 1),
        ("ons_cell_key", 10, "shown", 1, 10, 3, 1),
    ],
)
def test_the_shipped_presets_say_what_their_sources_say(
    name: str, smallest: int, zero: str, base: int, minimum_n: int, share_places: int, mean_places: int
) -> None:
    preset = load_preset(name)
    assert (preset.name, preset.smallest_count_shown, preset.zero) == (name, smallest, zero)
    assert (preset.rounding_base, preset.minimum_n_mean) == (base, minimum_n)
    assert (preset.proportion_decimals, preset.mean_decimals) == (share_places, mean_places)


SHIPPED = ("acro", "dfe_cin", "dfe_cla", "nhs_hes", "ofqual", "ons_10_5", "ons_cell_key", "opensafely", "ukllc")


def test_every_shipped_preset_is_listed_and_loads() -> None:
    assert list_presets() == SHIPPED
    assert tuple(load_preset(name).name for name in list_presets()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_preset_has_a_chapter_in_the_documents(name: str) -> None:
    page = (FOLDER.parents[1] / "docs" / "presets.md").read_text()
    assert f"\n## `{name}`: {load_preset(name).title}\n" in page


@pytest.mark.parametrize("name", SHIPPED)
def test_a_level_changes_the_base_and_the_claim_alone(name: str) -> None:
    preset = load_preset(name)
    assert preset.level == "authority"
    for level in LEVELS:
        there = preset.at(level)
        assert (there.rounding_base, there.claim) == (preset.rounding_bases.at(level), preset.claims.at(level))
        assert replace(there, level="authority") == preset


def test_the_department_rounds_above_the_authority_alone() -> None:
    for name in ("dfe_cla", "dfe_cin"):
        assert [load_preset(name).at(level).rounding_base for level in LEVELS] == [1, 10, 10]


def test_only_the_acro_tools_state_dominance() -> None:
    assert load_preset("acro").dominance == Dominance(2, 90, 10)
    assert {name for name in SHIPPED if load_preset(name).dominance} == {"acro"}


@pytest.mark.parametrize("name", ROUNDING)
@pytest.mark.parametrize("level", LEVELS)
def test_the_claim_says_what_a_withheld_and_a_printed_count_can_be(name: str, level: Level) -> None:
    """What an attack is given to start from is what really is withheld, and what really is printed as the count."""
    preset = load_preset(name).at(level)
    low, high = preset.withheld_range
    assert f"No count of {low} to {high} children" in preset.claim
    shown = [count for count in range(200) if not low <= count <= high]
    for count in shown:
        least, most = preset.printed_range(round_to_base(count, preset.rounding_base))
        assert least <= count <= most
        assert all(
            round_to_base(each, preset.rounding_base) == round_to_base(count, preset.rounding_base)
            for each in range(least, most + 1)
        )


@pytest.mark.parametrize("level", LEVELS)
def test_the_claim_of_cell_keys_is_what_their_table_does(level: Level) -> None:
    """Whatever stands behind a printed count lies in the range, and 19 times in 20 in the one that the claim names."""
    preset = load_preset("ons_cell_key").at(level)
    assert preset.cell_key is not None
    keys = CellKeys(find_table(preset.cell_key), preset, b"s" * 32)
    for count in range(100):
        for change in set(keys.table.changes(count)):
            least, most = preset.printed_range(count + change)
            assert least <= count <= most
    assert f"up to {keys.table.most} more or less, and 19 times in 20 within {keys.margin(100)}" in preset.claim
    assert keys.table.zeros == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_where_zero_is_withheld_one_symbol_stands_for_none_and_for_few(name: str) -> None:
    preset = load_preset(name)
    told = {Symbol.LOW, Symbol.NOT_APPLICABLE} & preset.symbols
    assert not told or preset.shows_zero


def test_the_least_and_the_greatest_value_are_no_figures_of_the_language() -> None:
    """They are one child's own, whatever the preset."""
    assert {"min", "max"}.isdisjoint(get_args(OutputKind))
    of = ("MAX(placements)", "MIN(placements)", "QUANTILE_CONT(placements, 1)", "QUANTILE_CONT(placements, 0)")
    for each in (*of, "ARG_MAX(age, placements)", "SUM(GREATEST(placements, 5))", "MODE(placements)"):
        with pytest.raises(QueryRefused):
            derive_plan(f"SELECT {each} AS f FROM child_year WHERE academic_year = 202425", LeavingPath.PER_AUTHORITY)


@pytest.mark.parametrize("asked", ["MAX", "MIN"])
def test_who_asks_for_the_least_or_the_greatest_value_is_told_what_to_ask_for(asked: str) -> None:
    with pytest.raises(QueryRefused, match=r"MIN and MAX are one child's own value.*: MEDIAN and QUANTILE_DISC"):
        derive_plan(f"SELECT {asked}(age) AS f FROM child_year WHERE academic_year = 202425", LeavingPath.PER_AUTHORITY)


FIVES = [name for name in ROUNDING if load_preset(name).rounding_base == 5]


@pytest.mark.parametrize("name", FIVES)
def test_rounded_counts_that_add_up_narrow_each_other_as_the_page_of_presets_says(name: str) -> None:
    """Four of at most 12 are at most 48, and what is printed as 50 is at least that."""
    ages = (10, 11, 12, 13)
    asked = f"age, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND age IN {ages} GROUP BY ROLLUP (age)"
    plan = derive_plan(f"SELECT {asked}", LeavingPath.PER_AUTHORITY)
    counts = [sum(cell[0] in (age, "Total") for age in ages) * 12 for cell in plan.iter_cells()]
    raw = RawTable(plan, {each.name: counts for each in plan.statistics})
    assert [row[-1] for row in protect(raw, load_preset(name)).rows] == [10, 10, 10, 10, 50]
    (_, most), (least, _) = load_preset(name).printed_range(10), load_preset(name).printed_range(50)
    assert (4 * most, least) == (48, 48)
    page = (Path(__file__).parents[3] / "docs" / "presets.md").read_text()
    assert "four ages printed as 10 beside a total of 50 are 12 each, and 48" in " ".join(page.split())


@pytest.mark.parametrize("name", list_presets())
def test_every_preset_says_what_it_does_not_claim(name: str) -> None:
    """The method names the preset and its version, and ends in the claim with its limits."""
    preset = load_preset(name)
    assert f"(preset {name}, version {preset.version})" in preset.method
    assert preset.method.endswith(preset.claim)
    assert "Not claimed: " in preset.claim


@pytest.mark.parametrize("name", list_presets())
def test_every_entry_of_a_preset_is_commented_in_its_file(name: str) -> None:
    """The file is the reference: above every rule stands a line that says where it comes from."""
    paragraphs = (FOLDER / f"{name}.toml").read_text().split("\n\n")
    bare = [text for text in paragraphs if not text.startswith("#")]
    assert all(text.startswith("name = ") for text in bare)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        pytest.param('version = "3"', "", "missing or unknown: version", id="key missing"),
        pytest.param('version = "3"', 'version = "2"\nthreshold = 5', "unknown: threshold", id="key unknown"),
        pytest.param('name = "ons_10_5"', 'name = "other"', "must be the file's own", id="another's name"),
        pytest.param('title = "Office', 'title = 1 #"', "a text that is not empty", id="number for text"),
        pytest.param('source = "', 'source = " " #', "a text that is not empty", id="blank text"),
        pytest.param('version = "3"', "version = 2", "a number in quotation marks", id="version without them"),
        pytest.param('version = "3"', 'version = " "', "a number in quotation marks", id="blank version"),
        pytest.param("smallest_count_shown = 10", "smallest_count_shown = 1", "from 2 to 1000", id="no threshold"),
        pytest.param("smallest_count_shown = 10", 'smallest_count_shown = "10"', "whole number", id="text for number"),
        pytest.param("smallest_count_shown = 10", "smallest_count_shown = true", "whole number", id="true for 1"),
        pytest.param("smallest_count_shown = 10", "smallest_count_shown = 10.0", "whole number", id="fraction"),
        pytest.param("smallest_count_shown = 10", "smallest_count_shown = 2", "round to 0", id="shown, but as 0"),
        pytest.param("minimum_n_mean = 10", "minimum_n_mean = 9", "at least smallest", id="averages of fewer"),
        pytest.param("minimum_n_spread = 10", "minimum_n_spread = 9", "no less than", id="spreads of fewer"),
        pytest.param("minimum_n_model = 10", "minimum_n_model = 9", "table of averages", id="models of fewer"),
        pytest.param("mean_decimals = 1", "mean_decimals = 2", "tells its divisor", id="average tells its divisor"),
        pytest.param("authority = 5", "authority = 0", "rounding_bases.authority must be", id="base 0"),
        pytest.param("authority = 5", "authority = 10", "may not be finer", id="finer above"),
        pytest.param("nation = 5", "", "an entry for each of: authority, region, nation", id="level missing"),
        pytest.param("nation = 5", "nation = 5\nparish = 5", "an entry for each of", id="level unknown"),
        pytest.param('dominance = "none"', 'dominance = "some"', '"none" or have: largest', id="unknown dominance"),
        pytest.param('dominance = "none"', "dominance = { largest = 2 }", "or have: largest", id="half a rule"),
        pytest.param(
            'dominance = "none"',
            "dominance = { largest = 0, most_per_cent = 90, rest_per_cent = 10 }",
            "dominance.largest must be a whole number from 1",
            id="dominance of nobody",
        ),
        pytest.param('cell_key = "none"', 'cell_key = "some"', '"none" or have: answers', id="unknown cell keys"),
        pytest.param('cell_key = "none"', f"cell_key = {keyed(keys=100)}", "one of: 256, 4096", id="100 keys"),
        pytest.param('cell_key = "none"', f"cell_key = {keyed(table='d15v25')}", "SHA-256", id="table by name"),
        pytest.param('cell_key = "none"', f"cell_key = {keyed(answers=0)}", "from 1 to 1000", id="no answers"),
        pytest.param('cell_key = "none"', f"cell_key = {keyed()}", "not both", id="rounded and changed"),
        pytest.param("mean_decimals = 1", "mean_decimals = 7", "from 0 to 4", id="too exact"),
        pytest.param('zero = "shown"', 'zero = "hidden"', "shown, withheld", id="unknown zero rule"),
        pytest.param('zero = "shown"', 'zero = "withheld"', "z says that a count is 0", id="z with zeros withheld"),
        pytest.param('symbols = ["c", "x", "z"]', 'symbols = ["c", "x"]', "must hold c and x", id="no z"),
        pytest.param('symbols = ["c", "x", "z"]', 'symbols = ["x", "z"]', "must hold c and x", id="no c"),
        pytest.param('symbols = ["c", "x", "z"]', 'symbols = ["c", "*"]', "a list of", id="unknown symbol"),
        pytest.param('symbols = ["c", "x", "z"]', 'symbols = "cxz"', "a list of", id="symbols not a list"),
        pytest.param("zero =", "zero", "is not TOML", id="not TOML"),
    ],
)
def test_a_preset_that_is_wrong_is_refused(old: str, new: str, what: str) -> None:
    """Each refusal names the preset, the key and what belongs there."""
    assert old in GOOD
    with pytest.raises(PresetInvalid, match="ons_10_5") as refusal:
        parse_preset(GOOD.replace(old, new, 1).encode(), "ons_10_5")
    assert what in str(refusal.value)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(PresetInvalid, match="is not TOML"):
        parse_preset(b"\xff", "ons_10_5")


@pytest.mark.parametrize("name", ["", "ONS_10_5", "../presets/ons_10_5", "strict", "ons_10_5.toml"])
def test_an_unknown_preset_is_refused_with_the_names_of_the_known(name: str) -> None:
    with pytest.raises(PresetInvalid, match=f"choose one of: {', '.join(SHIPPED)}"):
        load_preset(name)


def test_no_rule_of_a_preset_is_optional() -> None:
    """A rule with a default would be a rule that a file could forget."""
    assert not [each.name for each in fields(Preset) if each.default is not each.default_factory]


def test_every_symbol_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Symbol)
