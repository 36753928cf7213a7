"""Quantiles asked one after another, and beside counts by the same quantity: they count no few for each other."""

from collections.abc import Sequence

import pytest

from disclosure_control.linked import companions
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows import secondary
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.known_children import Child, answer

C = Symbol.CONFIDENTIAL
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND placements >= 0"
COUNT = f"COUNT(*) AS n {CHILDREN}"
MIDDLE = f"MEDIAN(placements) AS q {CHILDREN}"
BY_BINS = f"BIN(placements) AS p, COUNT(*) AS n {CHILDREN} AND placements <= 3 GROUP BY ROLLUP (p)"


def quantile(share: str, more: str = "") -> str:
    return f"QUANTILE_DISC(placements, {share}) AS q {CHILDREN}{more}"


def having(*numbers: int) -> list[Child]:
    """So many children with one placement, with two, and so on."""
    return [{"sex": "F", "placements": each} for each, number in enumerate(numbers, start=1) for _ in range(number)]


def printed(asked: Sequence[str], children: Sequence[Child], preset: str) -> list[list[object]]:
    plans = [derive_plan(f"SELECT {each}", Path.PER_AUTHORITY) for each in asked]
    return [[row[-1] for row in table.rows] for table in answer(plans, children, load_preset(preset))]


@pytest.mark.parametrize("preset", ["dfe_cla", "ukllc", "ons_10_5"])
@pytest.mark.parametrize("more", ["", " AND sex <> 'M'"])
def test_two_quantiles_with_few_between_them_are_not_both_shown(preset: str, more: str) -> None:
    """Of 100 children 50 have one placement and three have two: the 50th has one, the 51st two, and the 54th three."""
    asked = [COUNT, *(quantile(share, more if share == "0.54" else "") for share in ("0.50", "0.51", "0.54"))]
    assert printed(asked, having(50, 3, 47), preset)[1:] == [[1], [C], [C]]
    far = [COUNT, quantile("0.25"), quantile("0.75")]
    assert C not in [each for (each,) in printed(far, having(50, 3, 47), preset)]


def test_quantiles_of_children_who_are_apart_are_shown() -> None:
    asked = [quantile("0.50", " AND sex = 'F'"), quantile("0.51", " AND sex = 'M'")]
    children = [{**each, "sex": sex} for sex in "FM" for each in having(50, 3, 47)]
    assert printed(asked, children, "dfe_cla") == [[1], [2]]


@pytest.mark.parametrize("first", [True, False])
def test_a_quantile_is_a_count_beside_others_by_the_same_quantity(
    monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    """Of 53 with one placement or two c have either; the middle one of 100 has one, so that three at most have two."""
    middle = f"{MIDDLE} AND placements <= 3"
    asked, children = ([middle, BY_BINS] if first else [BY_BINS, middle]), having(50, 3, 47)

    def shown() -> tuple[list[object], list[object]]:
        one, other = printed(asked, children, "dfe_cla")
        return (one, other[1:4]) if first else (other, one[1:4])

    quantiles, counts = shown()
    assert quantiles == [C] or counts == [C, C, C]
    monkeypatch.setattr(companions, "read_quantiles", lambda *_: [])
    quantiles, counts = shown()
    assert (quantiles, sorted(map(str, counts))) == ([1], ["47", "c", "c"])


def test_near_quantiles_would_be_shown_if_it_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secondary, "find_near_quantiles", lambda *_: frozenset())
    asked = [COUNT, quantile("0.50"), quantile("0.51"), quantile("0.54")]
    assert printed(asked, having(50, 3, 47), "dfe_cla") == [[100], [1], [2], [3]]
