"""What a preset claims is what tests show: every sentence of every claim has tests by name, and its numbers."""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from disclosure_control.cell_key.perturbing import CellKeys
from disclosure_control.cell_key.tables import find_table
from disclosure_control.presets.preset import LEVELS, Level, Preset
from disclosure_control.presets.shipped import list_presets, load_preset
from disclosure_control.rows.rounding import round_to_base
from disclosure_control.symbols import Symbol
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from tests.disclosure_control.known_children import Child, answer
from tests.disclosure_control.rounding_presets import ROUNDING

HOUSE = Path(__file__).parents[3]
PROVEN: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("proven_claims.toml").read_text(encoding="utf-8")
)["sentences"]
CLAIMS = [(name, level) for name in list_presets() for level in LEVELS]


def split(claim: str) -> list[str]:
    """The sentences of a claim."""
    return re.split(r"(?<=\.) (?=[A-Z])", claim)


def numbers_of(preset: Preset) -> Mapping[str, int]:
    """What a claim calls a number, by the rules of its preset."""
    low, high = preset.withheld_range
    keyed = preset.cell_key
    margin = CellKeys(find_table(keyed), preset, b"s" * 32).margin(100) if keyed else 0
    most = keyed.most if keyed else 0
    difference = preset.rounding_base - 1
    return {"low": low, "high": high, "least": high + 1, "difference": difference, "most": most, "margin": margin}


@pytest.mark.parametrize(("name", "level"), CLAIMS)
def test_every_sentence_of_a_claim_is_shown_with_its_own_numbers(name: str, level: Level) -> None:
    preset = load_preset(name).at(level)
    shown = {each["sentence"].format(**numbers_of(preset)) for each in PROVEN}
    assert set(split(preset.claim)) <= shown
    assert split(preset.claim)[-1].startswith("Not claimed: ")


def test_every_sentence_that_is_shown_is_claimed_and_once() -> None:
    presets = [load_preset(name).at(level) for name, level in CLAIMS]
    for each in PROVEN:
        assert any(each["sentence"].format(**numbers_of(preset)) in split(preset.claim) for preset in presets)
    assert len({each["sentence"] for each in PROVEN}) == len(PROVEN)


def test_every_test_that_shows_a_claim_is_tried() -> None:
    named = sorted({name for each in PROVEN for name in each["shown_by"]})
    assert all(each["shown_by"] for each in PROVEN)
    ordinary = {name: value for name, value in os.environ.items() if name != "CIRCE_DEEP"}
    command = [sys.executable, "-m", "tests.collected_tests", *named]
    found = subprocess.run(command, cwd=HOUSE, env=ordinary, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    tried = found.stdout.partition("\ntried:\n")[2].splitlines()
    assert [name for name in named if not any(each == name or each.startswith(f"{name}[") for each in tried)] == []


# --- What no other test shows ---------------------------------------------------------------------------------------


def printed_alike(preset: Preset) -> Mapping[int, set[int]]:
    """Of each printed count what it can have been."""
    found: dict[int, set[int]] = {}
    low, high = preset.withheld_range
    for count in range(400):
        if not low <= count <= high:
            found.setdefault(round_to_base(count, preset.rounding_base), set()).add(count)
    return {printed: counts for printed, counts in found.items() if printed < 300}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ROUNDING)
def test_a_printed_count_leaves_open_what_the_claim_says(name: str, level: Level) -> None:
    """Exact ones nothing, and rounded ones all that are rounded to them, of which there are several."""
    preset = load_preset(name).at(level)
    for printed, counts in printed_alike(preset).items():
        assert preset.printed_range(printed) == (min(counts), max(counts))
        assert (len(counts) == 1) == ("Printed counts are exact." in preset.claim or printed == 0)
    assert (0 in printed_alike(preset)) == preset.shows_zero


ROUNDED = [(name, level) for name in ROUNDING for level in LEVELS if load_preset(name).at(level).rounding_base > 1]


@pytest.mark.parametrize(("name", "level"), ROUNDED)
def test_rounded_counts_that_add_up_can_be_one_number_each(name: str, level: Level) -> None:
    """Some number of parts that are printed alike, with what is printed of all of them."""
    preset = load_preset(name).at(level)
    ranges, base = preset.printed_range, preset.rounding_base
    some = product(range(2, 9), (base, 2 * base), range(2 * base, 20 * base, base))
    assert any(
        _ends_meet(parts, ranges(each), ranges(total))
        for parts, each, total in some
        if each >= preset.smallest_count_shown
    )


def _ends_meet(parts: int, each: tuple[int, int], total: tuple[int, int]) -> bool:
    """Whether all parts have to be as small, or all as large, as they can be."""
    return parts * each[1] == total[0] or parts * each[0] == total[1]


@pytest.mark.parametrize(("name", "level"), ROUNDED)
def test_differences_are_as_uncertain_as_the_claim_says(name: str, level: Level) -> None:
    """Beyond the numbers next to what is withheld, of which fewer are printed alike."""
    preset = load_preset(name).at(level)
    alike = {printed: counts for printed, counts in printed_alike(preset).items() if printed > 2 * preset.rounding_base}
    apart = {
        one - other - (a - b)
        for a, more in alike.items()
        for b, few in alike.items()
        for one, other in _ends(more, few)
    }
    assert (min(apart), max(apart)) == (1 - preset.rounding_base, preset.rounding_base - 1)


def _ends(one: set[int], other: set[int]) -> Iterator[tuple[int, int]]:
    yield min(one), max(other)
    yield max(one), min(other)


@pytest.mark.parametrize("name", ["dfe_cin", "dfe_cla", "ukllc"])
def test_it_is_a_guess_who_is_in_two_withheld_counts(name: str) -> None:
    """Three girls, and three who are fifteen: be they the same or none of them, both print the same."""
    asked = [f"SELECT {by}, COUNT(*) AS n FROM child_year WHERE academic_year = 202425" for by in ("sex", "age")]
    plans = [
        derive_plan(f"{each} AND sex IN ('M', 'F') AND age IN (14, 15) GROUP BY {by}", LeavingPath.PER_AUTHORITY)
        for each, by in zip(asked, ("sex", "age"), strict=True)
    ]

    def printed(*sorts: tuple[str, int, int]) -> list[object]:
        children: list[Child] = [{"sex": sex, "age": age} for sex, age, number in sorts for _ in range(number)]
        return [row[-1] for each in answer(plans, children, load_preset(name)) for row in each.rows]

    same, apart = printed(("M", 14, 44), ("F", 15, 3)), printed(("M", 14, 41), ("F", 14, 3), ("M", 15, 3))
    assert same == apart
    assert Symbol.CONFIDENTIAL in same


def test_one_answer_tells_the_size_of_a_group_as_seldom_as_the_claim_says() -> None:
    rule = load_preset("ons_cell_key").cell_key
    assert rule is not None
    table = find_table(rule)
    chances = [Counter(table.changes(count)).most_common(1)[0][1] / rule.keys for count in range(10, 200)]
    assert min(chances) > 0.06
    assert max(chances) < 0.08
