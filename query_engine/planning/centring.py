"""Noised sums about the middle of what each column can be, and not about 0.

What one child can add to a sum of squares or products is what its noise is made for. An age from 5 to 17 has a square
of 289 at most, and of 36 about the middle, 11: so much less noise does, and the model is the same. The middles follow
from the catalogue and the filter alone. A node works these sums out of those that its engine gave, in whole numbers,
and the hub works those out again: from products of lower order, which both take. They are all in a model's own sums;
of a table's sums `centred_sums` says where they are.

No other middle takes less noise, a published average neither. Of a value from 0 to b that is t on the average, a sum
about m moves by max(m, b - m) at most, and an average keeps t - m of the noise in the count of rows. So its error has
the variance of max(m, b - m)^2 + (t - m)^2 noises, which is least at b / 2 whatever t is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod

from query_engine.columns import Column, GovernedTable
from query_engine.models.design import Product
from query_engine.planning.plan import ModelPlan, QueryPlan
from query_engine.planning.region import Region, possible_ranges

__all__ = ["Centring", "find_centring", "find_middles"]


@dataclass(frozen=True, slots=True)
class Centring:
    """The middle of each numeric column of a model, and how far from it a value can be, in fixed-point units."""

    middles: Mapping[str, int]
    reaches: Mapping[str, int]

    def bound(self, product: Product) -> int:
        """The most that one row adds to the sum of a product about the middles, either way."""
        return prod(self.reaches[column] for column in product.columns)

    def centre(self, sums: Mapping[Product, int]) -> dict[Product, int]:
        """Sums about the middles, from sums about 0."""
        return {each: _add_up(sums, self.taken_from(each)) for each in sums}

    def restore(self, centred: Mapping[Product, int]) -> dict[Product, int]:
        """Sums about 0, from sums about the middles."""
        return {each: _add_up(centred, self.made_of(each)) for each in centred}

    def taken_from(self, product: Product) -> dict[Product, int]:
        """The sums about 0 that a sum about the middles is taken from, each with how often it is taken."""
        return _expand(product, self.middles, -1)

    def made_of(self, product: Product) -> dict[Product, int]:
        """The sums about the middles that a sum about 0 is made of, each with how often it is taken."""
        return _expand(product, self.middles, 1)


def find_centring(plan: QueryPlan, model: ModelPlan) -> Centring:
    """The centring of a model's plan: about the middle of what the filter leaves of each column."""
    return find_middles({column for product in model.sums for column in product.columns}, plan.governed, plan.where)


def find_middles(names: Collection[str], table: GovernedTable, region: Region) -> Centring:
    """The centring of some columns: about the middle of what the rows of a region can have there."""
    middles, reaches = {}, {}
    for name in names:
        low, high = _ends(table.columns[name], region)
        middles[name] = (low + high) // 2
        reaches[name] = max(1, high - middles[name])
    return Centring(middles, reaches)


def _ends(column: Column, region: Region) -> tuple[int, int]:
    """The least and the greatest value of a column that a row of a region can have."""
    last_present = column.present_codes - 1
    ranges = [each for each in possible_ranges(region, column) if each[0] <= last_present]
    codes = [min(code, last_present) for each in ranges for code in each]
    if column.domain is not None:
        values = [int(column.domain[code]) for code in codes]
        return min(values), max(values)
    least, _ = column.scaled_bounds
    return least + min(codes), least + max(codes)


def _expand(product: Product, middles: Mapping[str, int], sign: int) -> dict[Product, int]:
    """The product of every column with its middle added or taken off, as products of columns alone."""
    found: dict[tuple[str, ...], int] = {(): 1}
    for column in product.columns:
        longer: dict[tuple[str, ...], int] = {}
        for columns, times in found.items():
            longer[(*columns, column)] = longer.get((*columns, column), 0) + times
            longer[columns] = longer.get(columns, 0) + sign * middles[column] * times
        found = longer
    return {Product(columns, product.levels): times for columns, times in found.items() if times}


def _add_up(sums: Mapping[Product, int], made_of: Mapping[Product, int]) -> int:
    return sum(times * sums[each] for each, times in made_of.items())
