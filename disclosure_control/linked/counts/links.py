"""Links: the counts of several questions as sums over parts that have no child in common.

Children are cut by the conditions of all questions into parts, and within a part by the categories of the columns that
a question groups by, with all totals over them. Two questions that group the same part by other columns are linked by
the totals that both have; where one groups by an expression over several columns of which another uses some, its
categories are conditions like any other. Counts of the same children come out as one cell, whichever question they
answer and whichever table they are counted in. Children who have a row of some kind are some of all children, and no
more than there are such rows.

Where the condition of a part joins columns it is cut further, until no column says anything of another there.

Three columns by each two of which some tables count, and none by all, are laid out together where there is room.

A limit: what tables by two columns each say of four together is not looked at, nor is what the catalogue says of
several columns but by two at a time. That leaves the attack weaker than it could be, never wrong.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from disclosure_control.linked.children.counted import Columns, Counted, counts_of
from disclosure_control.linked.children.facts import Facts, RowFact, merge_facts
from disclosure_control.linked.children.parts import MOST_PARTS, Cut, TooTangled, cut
from disclosure_control.linked.children.populations import is_loose, populations_of
from disclosure_control.linked.counts.cells import MOST_CELLS, Linked
from disclosure_control.linked.counts.grids import Grids
from disclosure_control.linked.counts.lacking import find_lacking
from disclosure_control.linked.counts.linker import Linker
from disclosure_control.linked.counts.ordinary import find_ordinary
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled, columns_of

__all__ = ["bases_of", "check_overlaps", "count_all", "link_plans"]

TANGLED = "the questions overlap in ways that are too tangled to tell"


def link_plans(plans: Sequence[QueryPlan], rosters: Sequence[Collection[str]] = (), most: int = MOST_CELLS) -> Linked:
    """Link the counts of these questions, each over the authorities of its roster, or all over the same ones.

    Raises `TooTangled` where there are more cells than `most`.
    """
    groups = _cut_rosters(rosters or [("",)] * len(plans))
    if len(plans) > 1 and any(map(is_loose, plans)):
        raise TooTangled("one of them counts by rows that may be missing, or over several years")
    try:
        linker, counts = _begin(plans, groups, most, MOST_PARTS)
        for number, (plan, own) in enumerate(zip(plans, counts, strict=True)):
            linker.place(number, plan, own)
        linker.divide()
        linker.compare_columns()
        linker.compare_kinds()
        linked = linker.linked()
        ordinary = find_ordinary(list(chain(*counts)), linked.keys)
        return replace(linked, ordinary=ordinary, lacking=find_lacking(plans, linked))
    except RegionTangled:
        raise TooTangled(TANGLED) from None


def check_overlaps(plans: Sequence[QueryPlan], most: int) -> None:
    """Check that the conditions of questions overlap in `most` ways at most, and that there is room for their cells.

    They are taken to be over the same authorities. Raises `TooTangled`.
    """
    try:
        _begin(plans, [(0,)] * len(plans), MOST_CELLS, most)
    except RegionTangled:
        raise TooTangled(TANGLED) from None


def _begin(
    plans: Sequence[QueryPlan], groups: Sequence[tuple[int, ...]], cells: int, parts: int
) -> tuple[Linker, "_Counts"]:
    """What lays out the cells of these questions, and what each counts. Raises `RegionTangled` and `TooTangled`."""
    counts, facts = count_all(plans)
    grids = Grids(_cut_groupings(chain(*counts)), cells, _count_rows(counts), facts)
    linker = Linker(_cut_bases(counts, parts), grids, groups)
    grids.check_size(linker.size(counts))
    return linker, counts


_Counts = Sequence[Sequence[Counted]]
"""What each of several questions counts."""


def count_all(plans: Sequence[QueryPlan]) -> tuple[_Counts, Facts]:
    """What these questions count: pupils in care apart where children are counted too, no dimension across others.

    With it the facts that bear on it: those about columns that the questions name. Raises `RegionTangled` and
    `TooTangled`.
    """
    split = len({each.governed.child_key for each in plans}) > 1
    counts = [list(counts_of(plan, split=split)) for plan in plans]
    dimensions = frozenset(each.columns for own in counts for counted in own for _, each in counted.free)
    facts = _find_facts(plans, counts, frozenset(chain(*dimensions)), split=split)
    crossed = _find_crossed(dimensions, facts.rows)
    if crossed or facts.columns or facts.rows:
        counts = [list(counts_of(plan, split=split, crossed=crossed, facts=facts)) for plan in plans]
    return counts, facts


def _find_facts(plans: Sequence[QueryPlan], counts: _Counts, grouped: frozenset[str], *, split: bool) -> Facts:
    every = dict.fromkeys(each.facts for plan in plans for each in populations_of(plan, split=split))
    named = grouped.union(*(columns_of(each.inside) for each in chain(*counts)))
    tables = frozenset(name for each in chain(*counts) for table, _ in each.kind[1] for name in table.split(" and "))
    return merge_facts(tuple(every)).narrow(named, tables)


def _find_crossed(every: Collection[Columns], row_facts: Collection[RowFact]) -> frozenset[Columns]:
    """The dimensions by expressions over several columns of which another dimension uses some, and not the same.

    So are those that say which rows a child has: each category is then of those children who have such a row.
    """
    say_rows = frozenset[str]().union(*(columns_of(each.children) for each in row_facts))
    over_several = (each for each in every if len(each) > 1)
    crossed = {each for each in over_several if any(each != other and each & other for other in every)}
    return frozenset(crossed | {each for each in every if each & say_rows})


def _count_rows(counts: _Counts) -> frozenset[str]:
    """The rows that are counted themselves, and not their children alone."""
    return frozenset(each.kind[0] for own in counts for each in own if each.kind[0] != each.key)


def _cut_bases(counts: _Counts, most: int) -> Mapping[str, Cut]:
    return {unit: cut(bases, most) for unit, bases in bases_of(counts).items()}


def bases_of(counts: _Counts) -> Mapping[str, Sequence[Region]]:
    """The conditions of what is counted, by the unit that it is counted in."""
    found: dict[str, list[Region]] = {}
    for each in chain(*counts):
        found.setdefault(each.kind[0], []).append(each.base)
    for unit in _count_rows(counts):
        found[unit] += [each.inside for each in chain(*counts) if each.behind == unit]
    return found


def _cut_groupings(counts: Iterable[Counted]) -> Mapping[Columns, Cut]:
    found: dict[Columns, list[Region]] = {}
    for counted in counts:
        for _, each in counted.free:
            found.setdefault(each.columns, []).extend(each.regions)
    return {columns: cut(regions) for columns, regions in found.items()}


def _cut_rosters(rosters: Sequence[Collection[str]]) -> list[tuple[int, ...]]:
    """Of each roster the numbers of the groups it is made of: authorities that are on the same rosters."""
    named = frozenset[str]().union(*rosters)
    alike = {code: frozenset(place for place, roster in enumerate(rosters) if code in roster) for code in sorted(named)}
    numbers = {held: number for number, held in enumerate(dict.fromkeys(alike.values()))}
    return [tuple(number for held, number in numbers.items() if place in held) for place in range(len(rosters))]
