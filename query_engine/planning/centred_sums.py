"""Every sum of a plan as noise is added to it: about the middle of what its columns can be, where that can be undone.

A score from 0 to 40 adds 40 to a sum at most, and 20 either way to a sum about 20: so half the noise hides it. The sum
about 0 is that about the middle, with 20 for every row; so a sum is centred where the same rows are counted too, and a
sum of squares or products where all the products of lower order are added up over the same rows. Averages, spreads and
lines are the same numbers by either; and a sum that is made up again never holds more noise than it would have held.

The middles follow from the catalogue's bounds and the question's own conditions: from nothing that anybody's data could
change. They are part of how a question is planned, which is what `PLANNER_VERSION` stands for in a manifest.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from query_engine.models.design import Product
from query_engine.planning.canonical import canonical_region
from query_engine.planning.centring import Centring, find_centring, find_middles
from query_engine.planning.plan import ModelPlan, QueryPlan, Statistic
from query_engine.planning.region import Region, RegionTangled, intersect, present_in

__all__ = ["CentredSum", "centre_sums", "restore", "take"]


@dataclass(frozen=True, slots=True)
class CentredSum:
    """One statistic about the middles: what it is taken from, and what the sum about 0 is made of again.

    Both are by name, each with how often it is taken. `bound` is the most that one row adds to it, either way, and
    `middles` has the middle of each column that is in it, in fixed-point units.
    """

    taken: Mapping[str, int]
    made_of: Mapping[str, int]
    bound: int
    middles: Mapping[str, int]


def centre_sums(plan: QueryPlan) -> Mapping[str, CentredSum]:
    """Every statistic of a plan by its name; one that cannot be centred is taken from itself."""
    found = {each.name: CentredSum({each.name: 1}, {each.name: 1}, each.bound, {}) for each in plan.statistics}
    if plan.model is not None:
        return found | _centre_model(plan, plan.model)
    for names, centring in _list_groups(plan):
        found |= {name: _centre(product, names, centring) for product, name in names.items()}
    return found


def take(sums: Mapping[str, CentredSum], figures: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """Figures about the middles, from figures about 0: statistic by statistic, cell by cell."""
    return {name: _add_up(each.taken, figures) for name, each in sums.items()}


def restore(sums: Mapping[str, CentredSum], figures: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """Figures about 0, from figures about the middles."""
    return {name: _add_up(each.made_of, figures) for name, each in sums.items()}


def _add_up(made_of: Mapping[str, int], figures: Mapping[str, Sequence[int]]) -> Sequence[int]:
    columns = [figures[name] for name in made_of]
    return [sum(map(int.__mul__, made_of.values(), cell)) for cell in zip(*columns, strict=True)]


def _list_groups(plan: QueryPlan) -> Iterator[tuple[Mapping[Product, str], Centring]]:
    """Sums over the same rows by what is added up, those alone that can be undone, and the middles of their columns."""
    for region, names in _group(plan):
        kept = {product: name for product, name in names.items() if _parts(product) <= names.keys()}
        yield kept, find_middles({column for product in kept for column in product.columns}, plan.governed, region)


def _group(plan: QueryPlan) -> Iterator[tuple[Region, Mapping[Product, str]]]:
    groups: dict[str, tuple[Region, dict[Product, str]]] = {}
    for each in plan.statistics:
        if each.kind not in ("rows", "sum"):
            continue
        try:
            region = _rows_of(each, plan)
        except RegionTangled:
            continue
        key = json.dumps(canonical_region(region, plan.governed), sort_keys=True)
        groups.setdefault(key, (region, {}))[1][_product_of(each)] = each.name
    return iter(groups.values())


def _rows_of(statistic: Statistic, plan: QueryPlan) -> Region:
    """The rows that a statistic adds up: where the filter and its own condition hold and its columns are present."""
    if statistic.measure is None:
        return plan.where
    present = (present_in(plan.governed.columns[name]) for name in statistic.measure.columns)
    return reduce(intersect, present, intersect(plan.where, statistic.measure.where))


def _product_of(statistic: Statistic) -> Product:
    return Product(() if statistic.measure is None else tuple(sorted(statistic.measure.columns)))


def _parts(product: Product) -> set[Product]:
    """What is left of a product without some of its columns, or any."""
    parts: set[tuple[str, ...]] = {()}
    for column in product.columns:
        parts |= {(*each, column) for each in parts}
    return {Product(each) for each in parts}


def _centre_model(plan: QueryPlan, model: ModelPlan) -> dict[str, CentredSum]:
    centring = find_centring(plan, model)
    return {name: _centre(product, model.sums, centring) for product, name in model.sums.items()}


def _centre(product: Product, names: Mapping[Product, str], centring: Centring) -> CentredSum:
    taken, made_of = centring.taken_from(product), centring.made_of(product)
    middles = {column: centring.middles[column] for column in product.columns}
    return CentredSum(_named(taken, names), _named(made_of, names), centring.bound(product), middles)


def _named(made_of: Mapping[Product, int], names: Mapping[Product, str]) -> dict[str, int]:
    """The same by the names of statistics: of yes and no, a sum is its own sum of squares."""
    found: dict[str, int] = {}
    for product, times in made_of.items():
        found[names[product]] = found.get(names[product], 0) + times
    return found
