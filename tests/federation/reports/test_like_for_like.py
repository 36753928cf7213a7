"""Like for like: what is expected from released parts is what one model over all rows expects, child by child."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.manifest import Path
from federation.plans import derive_plan
from federation.reports.declared import load_reports
from federation.reports.like_for_like import (
    OBSERVED,
    Expected,
    expect,
    name_count,
    write_case_mix,
    write_model,
)
from federation.reports.measures import CHILDREN, LikeForLike, load_measures
from federation.reports.places import Place
from federation.reports.shares import Count
from federation.state import StateError
from query_engine.catalogue import load_catalogue
from tests.hub.pages.reported import draw_children
from tests.query_engine.small_tables import Row

MEASURES = load_measures()
ENGMATH = MEASURES.find_measure("english_and_maths")
FOUND = MEASURES.find_like_for_like("english_and_maths")
CODES = ("301", "302", "303")

Array = npt.NDArray[np.float64]


def levels_of(term: str) -> list[str]:
    return [str(each) for each in load_catalogue().table("child_year").columns[term].domain or ()][1:]


LABELS = ["intercept", *(f"{term}={level}" for term in FOUND.terms for level in levels_of(term))]


def known_rows(code: str) -> list[Row]:
    return [row for row in draw_children(code, 300) if row["engmath_94"] is not None]


def design(rows: list[Row]) -> Array:
    columns = [[float(row[term] == level) for row in rows] for term in FOUND.terms for level in levels_of(term)]
    return np.array([[1.0] * len(rows), *columns]).T


def fit_everybody() -> Array:
    """The pooled model: least squares over the rows of all authorities at once."""
    rows = [row for code in CODES for row in known_rows(code)]
    result = np.array([float(bool(row["engmath_94"])) for row in rows])
    estimates: Array = np.linalg.lstsq(design(rows), result, rcond=None)[0]
    return estimates


def count_mix(rows: list[Row], print_count: Callable[[int], Count]) -> dict[str, Count | None]:
    counts = {CHILDREN: len(rows), OBSERVED: sum(bool(row["engmath_94"]) for row in rows)}
    counts |= {
        name_count(term, level): sum(row[term] == level for row in rows)
        for term in FOUND.terms
        for level in levels_of(term)
    }
    return {name: print_count(count) for name, count in counts.items()}


def exact(count: int) -> Count:
    return Count(count, count, count)


def rounded(count: int) -> Count:
    printed = 5 * round(count / 5)
    return Count(printed, printed - 2, printed + 2)


def expect_of(code: str, print_count: Callable[[int], Count]) -> Expected:
    estimates = {label: Decimal(float(each)) for label, each in zip(LABELS, fit_everybody(), strict=True)}
    found = expect(Place("authority", code), ENGMATH, estimates, count_mix(known_rows(code), print_count))
    assert found is not None
    return found


@pytest.mark.parametrize("code", CODES)
def test_what_is_expected_is_the_sum_of_the_pooled_models_predictions(code: str) -> None:
    naive = float((design(known_rows(code)) @ fit_everybody()).sum())
    assert expect_of(code, exact).value == pytest.approx(naive, abs=1e-9)


@pytest.mark.parametrize("code", CODES)
def test_rounding_leaves_the_true_expectation_between_its_ends(code: str) -> None:
    found = expect_of(code, rounded)
    assert found.least <= expect_of(code, exact).value <= found.most


def test_everybody_together_is_as_expected() -> None:
    """A model with an intercept expects as many as there are."""
    observed = sum(expect_of(code, exact).observed.printed for code in CODES)
    assert sum(expect_of(code, exact).value for code in CODES) == pytest.approx(observed, abs=1e-9)


@pytest.mark.parametrize("missing", [CHILDREN, OBSERVED, "sen_provision_ehc_plan"])
def test_a_withheld_count_leaves_nothing_to_say(missing: str) -> None:
    counts = {**count_mix(known_rows("301"), exact), missing: None}
    estimates = dict.fromkeys(LABELS, Decimal("0.1"))
    assert expect(Place("authority", "301"), ENGMATH, estimates, counts) is None


def test_a_model_of_other_terms_is_not_used() -> None:
    counts = count_mix(known_rows("301"), exact)
    assert expect(Place("authority", "301"), ENGMATH, {"intercept": Decimal("0.2")}, counts) is None


@given(st.integers(1, 9), st.integers(10, 40))
@settings(max_examples=30, deadline=None)
def test_rounding_alone_never_makes_one_unusual(fifth: int, size: int) -> None:
    """Counts as expected, but for what rounding moved them by."""
    children, observed = 5 * size, round(0.05 * fifth * size) * 5
    count = Count(children, children - 2, children + 2)
    seen = Count(observed, max(0, observed - 2), observed + 2)
    for value in (observed - 2.0, float(observed), observed + 2.0):
        found = Expected(Place("authority", "301"), ENGMATH, count, seen, max(0.1, value), value - 1, value + 1)
        assert found.verdict == "within"


def test_far_from_what_is_expected_is_unusual() -> None:
    found = Expected(Place("authority", "301"), ENGMATH, exact(200), exact(100), 30.0, 29.0, 31.0)
    assert found.verdict == "unusual"
    assert found.ratio == 3.33
    low, high = found.limits
    assert low < 1 < high < 2


@pytest.mark.parametrize("found", MEASURES.like_for_like, ids=lambda each: each.name)
def test_every_model_and_its_case_mix_can_be_asked(found: LikeForLike) -> None:
    measure = MEASURES.find_measure(found.measure)
    model = derive_plan(write_model(measure, 202425), Path.NOISY_SUM).model
    assert model is not None
    mix = derive_plan(write_case_mix(measure, 202425), Path.PER_AUTHORITY)
    assert mix.cells == 1
    assert len(mix.outputs) == len(LABELS) + 1
    assert next(rows for name, _, rows in measure.bands if name in measure.counted) == found.outcome


def test_every_like_for_like_section_has_a_model() -> None:
    sections = [each for report in load_reports() for each in report.section if each.show == "like_for_like"]
    shown = {name for each in sections for name in each.measures}
    assert shown == {each.measure for each in MEASURES.like_for_like}
    with pytest.raises(StateError, match="choose one of"):
        write_model(MEASURES.find_measure("absence"), 202425)
