"""What goes into an exact sum beside its figures: each count once more, with a few children of one authority at most.

An authority knows its own rows, and takes them from a total. What is left for it are all others, of whom the total
itself says nothing: 20 children can be four of each of five authorities, or 17 of one of them. Beside the count travels
what each authority has of it, but `MOST_OF_ONE` at most. The sum of that is opened as the count is; less `MOST_OF_ONE`
it is no more than what is left when any one authority is taken away, whichever it is. So whoever protects the total
knows that enough are left, and not whose they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from query_engine.planning.nested_counts import count_name, find_nested
from query_engine.planning.plan import Output, QueryPlan

__all__ = ["MOST_OF_ONE", "CappedCount", "capped_counts", "figures_carried"]

MOST_OF_ONE = 3
"""Children of one authority that are counted at most. More would ask for as many more beyond what a preset shows, and
fewer would leave no figure of a region with few authorities: with three each, five authorities can have the twelve
children, beyond one of them, that presets ask of a correlation."""


@dataclass(frozen=True, slots=True, order=True)
class CappedCount:
    """What is counted: a statistic of the plan, or those of it that another statistic, `less`, does not count."""

    whole: str
    less: str = ""

    def of(self, whole: int, less: int) -> int:
        """What one authority adds, of its own figures."""
        return min(whole - less, MOST_OF_ONE)


@lru_cache(maxsize=64)
def capped_counts(plan: QueryPlan) -> tuple[CappedCount, ...]:
    """The counts that go into an exact sum once more, in the order in which they do.

    They are those by which it is decided whether a figure is shown (see `suppression.cell_rules`): the children behind
    each figure, and the differences between two groups of them. Where counts are changed by cell keys there are none,
    nor on any other path. A sum asks for them again and again, and the pairs of many counts take long to compare.
    """
    if plan.path != "exact_sum" or any(each.kind == "keys" for each in plan.statistics):
        return ()
    children = next(each.name for each in plan.statistics if each.kind == "children")
    found = {CappedCount(children), *_of_model(plan)}
    for output in plan.outputs:
        if output.kind not in ("dimension", "model"):
            found.update(_of_output(output, children))
    for part, whole in find_nested(plan):
        found.add(CappedCount(count_name(whole), count_name(part)))
    return tuple(sorted(each for each in found if each.whole and each.whole != each.less))


def figures_carried(plan: QueryPlan) -> int:
    """How many whole numbers of one authority travel."""
    return plan.cells * (len(plan.statistics) + len(capped_counts(plan)))


def _of_output(output: Output, children: str) -> Iterator[CappedCount]:
    """Those behind one figure."""
    sides = [name for side in output.sides for name in side]
    counted = [count_name(output)] if output.kind in ("count", "distinct") or output.counted else []
    yield from (CappedCount(name) for name in (output.among, output.present, *output.nonzero, *sides, *counted))
    yield CappedCount(output.among, output.present)
    for inside, _ in output.sides:
        yield CappedCount(children if inside == output.among else output.present, inside)


def _of_model(plan: QueryPlan) -> Iterator[CappedCount]:
    """Those inside a model, and all but those with a level."""
    if plan.model is None:
        return
    counts = plan.model.counts
    everybody = next(name for count, name in counts.items() if not (count.levels or count.nonzero or count.zero))
    yield CappedCount(plan.model.left_out or "")
    for count, name in counts.items():
        yield CappedCount(name)
        if not count.nonzero and count.zero is None:
            yield CappedCount(everybody, name)
