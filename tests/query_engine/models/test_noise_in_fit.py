"""How far noise moves a fit: against the fit of sums that are moved, and where no rows could have the sums."""

import random
from collections.abc import Mapping
from math import sqrt

import numpy as np
import pytest

from query_engine.models.design import Product, cross_products, design_columns
from query_engine.models.linear import fit_linear
from query_engine.models.noised import find_noise
from tests.query_engine.models.model_examples import PRIOR, SEX, TERMS, Row, formula_of, sums_of

FORMULA = formula_of("linear", *TERMS)
PRODUCTS = cross_products(FORMULA)


def rows() -> list[Row]:
    chance = random.Random(4)
    return [
        {
            "sex": chance.choice(SEX.levels),
            "prior": chance.choice(PRIOR.levels),
            "months": chance.randint(0, 300),
            "attendance": chance.randint(5000, 10000),
            "score": chance.randint(0, 900),
        }
        for _ in range(200)
    ]


ITSELF = {each: {each: 1} for each in PRODUCTS}
"""Noise of its own in each sum."""

GREAT = 10**9
"""Sums of so many times the rows, so that one more is next to nothing beside them."""

SUMS = {each: GREAT * value for each, value in sums_of(FORMULA, rows()).items()}


@pytest.mark.parametrize("place", range(0, len(PRODUCTS), 3))
def test_an_estimate_moves_with_each_sum_as_the_fit_of_moved_sums_does(place: int) -> None:
    """The slope of every estimate, of the residual and of the spread, by the fits on either side."""
    moved = PRODUCTS[place]
    found = find_noise(FORMULA, SUMS, {moved: 1.0}, ITSELF)
    assert found is not None
    step = GREAT // 1000
    up, down = (fit_linear(FORMULA, {**SUMS, moved: SUMS[moved] + way * step}) for way in (1, -1))
    slopes = [abs(a.value - b.value) / (2 * step) for a, b in zip(up.estimates, down.estimates, strict=True)]
    assert found.estimates == pytest.approx(slopes, rel=5e-3, abs=1e-9 * max(slopes) + 1e-30)


def test_noise_in_several_sums_adds_up_as_independent_noise_does() -> None:
    one, other = PRODUCTS[0], PRODUCTS[7]
    parts = [find_noise(FORMULA, SUMS, {each: size}, ITSELF) for each, size in ((one, 3e6), (other, 5e6))]
    both = find_noise(FORMULA, SUMS, {one: 3e6, other: 5e6}, ITSELF)
    assert both is not None
    for name in ("information", "residual", "spread"):
        squares = [getattr(each, name) ** 2 for each in parts]
        assert getattr(both, name) == pytest.approx(sqrt(sum(squares)))


def test_noise_that_is_in_several_sums_moves_them_together() -> None:
    """One source, in two sums with different weights: the estimates move by both at once."""
    one, other = PRODUCTS[1], PRODUCTS[8]
    made_of = {**{each: {} for each in PRODUCTS}, one: {"noise": 2}, other: {"noise": -5}}
    found = find_noise(FORMULA, SUMS, {"noise": 1.0}, made_of)
    assert found is not None
    step = GREAT // 1000
    up, down = (
        fit_linear(FORMULA, {**SUMS, one: SUMS[one] + 2 * way * step, other: SUMS[other] - 5 * way * step})
        for way in (1, -1)
    )
    slopes = [abs(a.value - b.value) / (2 * step) for a, b in zip(up.estimates, down.estimates, strict=True)]
    assert found.estimates == pytest.approx(slopes, rel=5e-3, abs=1e-9 * max(slopes))


def test_how_large_noise_is_beside_the_information() -> None:
    """The whole of L^-1 N L^-T, drawn many times: its mean square is that of its entries, whatever the units."""
    chance, size = np.random.default_rng(1), len(design_columns(FORMULA))
    noise = dict.fromkeys(PRODUCTS, GREAT * 0.001)
    found = find_noise(FORMULA, SUMS, noise, ITSELF)
    assert found is not None
    factor = np.linalg.inv(np.linalg.cholesky(matrix_of(SUMS)))
    squares = []
    for _ in range(2_000):
        drawn = matrix_of({each: chance.normal(0, of) for each, of in noise.items()})
        squares.append(np.sum((factor @ drawn @ factor.T) ** 2))
    assert found.information == pytest.approx(sqrt(np.mean(squares)), rel=0.1)
    assert matrix_of(SUMS).shape == (size, size)


def matrix_of(sums: Mapping[Product, float]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """X'X of these sums."""
    columns = [each.product for each in design_columns(FORMULA)]
    pairs = [[one.times(other) for other in columns] for one in columns]
    return np.array([[0.0 if pair is None else float(sums[pair]) for pair in row] for row in pairs])


@pytest.mark.parametrize("changed", [{PRODUCTS[0]: 0}, {PRODUCTS[0]: -1}, {PRODUCTS[-1]: 1}, {PRODUCTS[1]: 10**30}])
def test_sums_that_no_rows_have(changed: Mapping[Product, int]) -> None:
    assert find_noise(FORMULA, {**SUMS, **changed}, {PRODUCTS[0]: 1.0}, ITSELF) is None
