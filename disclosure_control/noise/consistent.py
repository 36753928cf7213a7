"""Noised counts made consistent: no part below 0, and parts that add up to their totals.

Noise is drawn for each figure by itself, so that a released table can have negative counts, and totals that their parts
do not add up to. Both are right as they stand: nothing is biased, and every margin holds. Where a reader needs a table
that adds up, this gives the nearest one: of all tables of parts from 0 on, that whose figures lie nearest to the
released ones by least squares, in whole numbers.

It is worked out from released figures alone, so it tells nothing that they do not: differential privacy is closed under
post-processing. What it costs is a bias where true counts are small, and so it is offered beside the released figures
and labelled, and never takes their place.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import figure_range
from disclosure_control.suppression.programs import INFINITE, Places, Program, Row, Vector
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.relation import Relation

__all__ = ["MOST_PARTS", "make_consistent"]

MOST_PARTS = 1_000
"""Parts of a table that are made consistent: the work grows with their cube."""


def make_consistent(table: ReleasedTable, plan: QueryPlan) -> Mapping[str, tuple[int, ...]]:
    """Counts and whole sums of a noised total made consistent, row by row, by the figure's label.

    Empty where the table has no noise, or too many parts, or no such figure.
    """
    parts = plan.cells_of(tuple(range(len(plan.dimensions))))
    if table.noise is None or table.path != "noisy_sum" or parts > MOST_PARTS or len(table.rows) != plan.cells:
        return {}
    places = _place_parts(plan)
    told = (each for each in plan.outputs if each.dimension is None and _adds_up(each, plan))
    return {each.label: _fit(_column(table, each.label), places, parts) for each in told}


def _adds_up(output: Output, plan: QueryPlan) -> bool:
    """Whether a figure is a whole number from 0 on that adds up over parts of a table.

    Children with several rows can be in several parts, so that they add up to more than there are.
    """
    if output.kind == "distinct":
        return not isinstance(plan.governed, Relation) and plan.governed.rows_per_child_year == 1
    if output.kind == "sum":
        return output.scale == 0 and figure_range(output, plan)[0] >= 0
    return output.kind in ("count", "regr_count")


def _column(table: ReleasedTable, label: str) -> Vector:
    place = table.columns.index(label)
    return np.array([float(Decimal(str(row[place]))) for row in table.rows])


def _place_parts(plan: QueryPlan) -> list[Places]:
    """For each grouping set, in which of the table's rows each part is counted."""
    sizes = [len(each.categories) for each in plan.dimensions]
    parts, first, found = np.indices(sizes).reshape(len(sizes), -1), 0, list[Places]()
    for grouping_set in plan.sets:
        own = [sizes[place] for place in grouping_set]
        within = np.ravel_multi_index([parts[place] for place in grouping_set], own) if own else 0
        found.append(np.asarray(first + within + np.zeros(plan.cells_of(tuple(range(len(sizes)))), dtype=np.int64)))
        first += plan.cells_of(grouping_set)
    return found


def _fit(released: Vector, places: Sequence[Places], parts: int) -> tuple[int, ...]:
    """The rows of the nearest table. Its parts are rounded along their order, so that sums of them stay near."""
    rows = len(released)
    members = [list[int]() for _ in range(rows)]
    for of_set in places:
        for part, row in enumerate(of_set):
            members[row].append(part)
    lower = np.concatenate([np.zeros(parts), np.full(rows, -INFINITE)])
    program = Program(lower, np.full(parts + rows, INFINITE), _equations(released, members, parts))
    program.set_squares(np.concatenate([np.zeros(parts), np.ones(rows)]))
    fitted = np.maximum(program.minimise()[:parts], 0.0)
    whole = np.diff(np.rint(np.cumsum(fitted)), prepend=0.0).astype(np.int64)
    return tuple(int(whole[each].sum()) for each in members)


def _equations(released: Vector, members: Sequence[Sequence[int]], parts: int) -> list[Row]:
    """For each row: its parts, less by how much they are off, are what was released."""
    return [
        ([*own, parts + row], [*(1.0 for _ in own), -1.0], float(released[row]), float(released[row]))
        for row, own in enumerate(members)
    ]
