"""Children drawn from a seed, and what a plan counts of them.

Sizes differ as those of authorities do, and categories as unequally as in life, so that small counts come in clusters.
What a child is in one column says nothing of the others, but for what follows from it by definition.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from math import exp, log
from random import Random
from typing import Any

from query_engine.columns import Codes, Column, Implied
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.tables import RawTable

__all__ = ["count_children", "draw_children"]

TYPICAL_SIZE, SIZE_SPREAD = 420, 0.6

EACH_LESS = 0.55
"""How often a category comes up, beside the one before it."""

Children = Sequence[Mapping[str, Any]]


def draw_children(plans: Sequence[QueryPlan], seed: int) -> Children:
    """The children of one authority, with all columns that these plans group by."""
    draw = Random(seed)  # noqa: S311 - children that are drawn are to be the same again
    columns = {each.name: each.categories for plan in plans for each in plan.dimensions}
    size = round(exp(draw.gauss(log(TYPICAL_SIZE), SIZE_SPREAD)))
    drawn = {
        name: draw.choices(categories, [EACH_LESS**place for place in range(len(categories))], k=size)
        for name, categories in columns.items()
    }
    children = [{name: values[child] for name, values in drawn.items()} for child in range(size)]
    implied = [each for each in plans[0].governed.implied if each.names <= columns.keys()]
    for child in children:
        _meet(child, implied, draw)
    return children


def _meet(child: dict[str, Any], implied: Sequence[Implied], draw: Random) -> None:
    """Change what a child cannot be together, until there is no more of it."""
    changed = True
    while changed:
        changed = False
        for each in implied:
            if all(_is_one_of(child, *met) for met in each.when):
                for column, codes in each.then:
                    if not _is_one_of(child, column, codes):
                        first, last = draw.choice(codes)
                        child[column.name] = column.value(draw.randint(first, last))
                        changed = True


def _is_one_of(child: Mapping[str, Any], column: Column, codes: Codes) -> bool:
    value = child[column.name]
    code = column.present_codes if value is None else column.code(value)
    return code is not None and any(first <= code <= last for first, last in codes)


def count_children(plan: QueryPlan, children: Children) -> RawTable:
    """What a plan that counts children, and nothing else, has of them."""
    names = [each.name for each in plan.dimensions]
    counts = Counter(
        (place, tuple(child[name] if number in kept else TOTAL for number, name in enumerate(names)))
        for child in children
        for place, kept in enumerate(plan.sets)
    )
    figures = [
        counts[place, cell]
        for place, kept in enumerate(plan.sets)
        for cell in product(
            *(each.categories if number in kept else (TOTAL,) for number, each in enumerate(plan.dimensions))
        )
    ]
    return RawTable(plan, {each.name: figures for each in plan.statistics})
