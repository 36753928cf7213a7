"""Products wider than 64 bits add up exactly in two parts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_engine.models.limbs import SumOverflow, join_limbs, needs_limbs, split_product

thorough = settings(max_examples=50, derandomize=True, deadline=None)
WIDE = st.integers(-(2**90), 2**90)


@pytest.mark.parametrize(
    ("product", "high", "low"), [(0, 0, 0), (5, 0, 5), (2**32, 1, 0), (-(2**32) - 7, -1, -7), (-1, 0, -1)]
)
def test_a_product_is_cut_towards_zero(product: int, high: int, low: int) -> None:
    assert split_product(product) == (high, low)
    assert join_limbs(high, low) == product


@thorough
@given(st.lists(WIDE, max_size=30))
def test_the_sums_of_the_parts_join_to_the_sum(products: list[int]) -> None:
    """Whatever the signs, and however many rows."""
    parts = [split_product(each) for each in products]
    assert join_limbs(sum(high for high, _ in parts), sum(low for _, low in parts)) == sum(products)


@pytest.mark.parametrize("limbs", [(2**63, 0), (0, 2**63), (-(2**63) - 1, 0)])
def test_a_part_that_overflowed_is_refused(limbs: tuple[int, int]) -> None:
    with pytest.raises(SumOverflow, match="more than 64 bits"):
        join_limbs(*limbs)


def test_only_wide_sums_need_two_parts() -> None:
    assert not needs_limbs(300 * 10_000, 5_000_000)
    assert not needs_limbs(1, 2**63 - 1)
    assert needs_limbs(2, 2**62)
