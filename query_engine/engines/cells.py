"""From the rows of an engine to the cells of a plan: the same for every engine."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, product
from types import MappingProxyType
from typing import Any

from query_engine.engines import EngineFailed
from query_engine.planning.measuring import LARGEST_FIGURE
from query_engine.planning.plan import Dimension, QueryPlan
from query_engine.rendering.plans import category_codes
from query_engine.tables import RawTable


def fill_cells(plan: QueryPlan, rows: Iterable[tuple[Any, ...]]) -> RawTable:
    """One figure for each statistic and cell: what came back, and zero for every cell that did not.

    Rows are as `render_plan` orders them. Raises `EngineFailed` for a row of no cell, for a figure that is not a
    whole number, and for one that could carry a sum over a roster out of 64 bits.
    """
    places = _place_cells(plan.sets, plan.dimensions)
    figures = {statistic.name: [0] * plan.cells for statistic in plan.statistics}
    width = 1 + len(plan.dimensions)
    for row in rows:
        place = places.get(row[:width])
        if place is None:
            raise EngineFailed(
                f"A column of {plan.table} holds a value that the catalogue does not list: load the snapshot again."
            )
        for statistic, figure in zip(plan.statistics, row[width:], strict=True):
            if type(figure) is not int:
                raise EngineFailed(f"The engine gave a {type(figure).__name__} for a whole number.")
            figures[statistic.name][place] = _within_bounds(figure)
    return RawTable(plan, figures)


@lru_cache(maxsize=64)
def _place_cells(sets: tuple[tuple[int, ...], ...], dimensions: tuple[Dimension, ...]) -> Mapping[tuple[Any, ...], int]:
    """The place of each cell by its row's key: the number of its grouping set, then its categories as rendered."""
    keys = chain.from_iterable(_keys(number, grouped, dimensions) for number, grouped in enumerate(sets))
    return MappingProxyType({key: place for place, key in enumerate(keys)})


def _keys(number: int, grouped: tuple[int, ...], dimensions: tuple[Dimension, ...]) -> Iterator[tuple[Any, ...]]:
    """The keys of one grouping set, in the order of its cells."""
    codes = [
        tuple(category_codes(each).values()) if place in grouped else (None,) for place, each in enumerate(dimensions)
    ]
    return product((number,), *codes)


def _within_bounds(figure: int) -> int:
    if abs(figure) > LARGEST_FIGURE:
        raise EngineFailed("The plan adds up more than a node may: the joined tables have too many rows for a child.")
    return figure
