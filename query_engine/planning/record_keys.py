"""Plans whose counts carry cell keys: beside each count of children, the sum of the record keys of those counted.

A child's record key is what its row token ends in. The token is a hash under a secret of its node, stays the same from
snapshot to snapshot and leaves the node in no other form than such sums.
"""

from collections.abc import Iterator
from dataclasses import replace

from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import Output, Path, QueryPlan, Statistic
from query_engine.planning.relation import Relation
from query_engine.refusal import QueryRefused, RefusalCode

__all__ = ["TOKEN_FIGURES", "CellKeyUnsuited", "count_answers", "key_figures", "keys_of", "plan_for_keys"]
__all__ += ["with_record_keys"]

TOKEN_FIGURES = 32
"""Figures of a row token, base 16."""

_FIGURES = {256: 2, 4096: 3}
"""How many figures at the end of a token are a record key, by how many keys there are."""


class CellKeyUnsuited(QueryRefused):
    """The cell-key method cannot protect the figures of a plan; the text says which, and what to ask instead."""

    def __init__(self, text: str) -> None:
        super().__init__(RefusalCode.CELL_KEYS, text)


def with_record_keys(plan: QueryPlan, keys: int) -> QueryPlan:
    """The plan with a sum of record keys, of 256 or 4096, beside each count. Raises `CellKeyUnsuited`.

    Cell keys change counts of children and shares of them, and a row that is counted must be a child.
    """
    if keys not in _FIGURES:
        raise ValueError(f"record keys are one of {' or '.join(map(str, _FIGURES))}")
    if plan.model is not None or plan.path == "noisy_sum":
        text = "cell keys change counts that are not noised, and no model: ask by per_authority, or run a template"
        raise CellKeyUnsuited(text)
    for each in plan.outputs:
        _check_output(each, plan)
    counts = {name for each in plan.outputs for name in each.statistics}
    return replace(plan, statistics=(*plan.statistics, *_keys(plan, counts, keys)))


def plan_for_keys(plan: QueryPlan, path: Path, keys: int | None) -> QueryPlan:
    """The plan of the same question by a path, with sums of so many record keys where there are to be any.

    Raises `QueryRefused` as `plan_for_path` does, and `CellKeyUnsuited`.
    """
    plan = plan_for_path(plan, path)
    return plan if keys is None else with_record_keys(plan, keys)


def keys_of(count: str, keys: int) -> str:
    """The name of the sum of record keys beside a count."""
    return f"keys-{keys}:{count}"


def count_answers(plan: QueryPlan) -> int:
    """How many answers about one group of children a plan with record keys can hold.

    Each count tells the size of a group once in each grouping set, as the sum of its cells there: what a reader can
    average is counts times grouping sets, however the question is cut up.
    """
    return len(plan.sets) * sum(each.kind == "keys" for each in plan.statistics)


def key_figures(statistic: Statistic) -> int:
    """How many figures of a token the record keys of a statistic have."""
    return _FIGURES[statistic.bound + 1]


def _check_output(output: Output, plan: QueryPlan) -> None:
    if output.kind not in ("dimension", "count", "distinct") and not output.indicator:
        text = f"the cell-key method changes counts of children and shares of them, and {output.label} is neither"
        raise CellKeyUnsuited(text)
    if output.kind not in ("dimension", "distinct") and not _rows_are_children(plan):
        text = f"{output.label} can count a child more than once: ask for COUNT(DISTINCT child), or about one year"
        raise CellKeyUnsuited(text)


def _rows_are_children(plan: QueryPlan) -> bool:
    table = plan.governed
    return not isinstance(table, Relation) and table.rows_per_child_year == 1 and len(plan.academic_years) == 1


def _keys(plan: QueryPlan, counts: set[str], keys: int) -> Iterator[Statistic]:
    for each in plan.statistics:
        if each.name in counts:
            yield Statistic(keys_of(each.name, keys), "keys", keys - 1, each.measure)
