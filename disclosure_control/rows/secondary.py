"""Secondary suppression of one authority's rows: further counts withheld, so that none can be worked out from others.

First the table by itself: where it has totals, the cheapest pattern is found for each column of counts (`suppression`),
and proven by witnesses that know what is printed and no more. Then the table beside what left earlier (`linked`). A row
of which a count is withheld for others' sake is withheld whole: its shares and averages would say what the count was.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from disclosure_control.linked.between import named_pairs
from disclosure_control.linked.children.counted import counts_of, stands_alone
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.companions import Order, find_companions
from disclosure_control.linked.counts.rules import rule_for
from disclosure_control.linked.figures.quantiles import find_near_quantiles
from disclosure_control.linked.gathering import gather
from disclosure_control.linked.published import Published
from disclosure_control.linked.telling import find_telling
from disclosure_control.presets.preset import LEVELS, Preset
from disclosure_control.rows.others import Others
from disclosure_control.rows.protected_table import Row
from disclosure_control.suppression.deadline import NEVER, Deadline, TimeUp
from disclosure_control.suppression.hierarchy import TOTAL as WHOLE
from disclosure_control.suppression.hierarchy import Hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, TableUnusable, build_lattice
from disclosure_control.suppression.pattern import CannotProtect, Ties
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.table_protection import protect_cells
from disclosure_control.suppression.view import WITHHELD
from disclosure_control.symbols import Symbol
from query_engine.planning.capped_counts import CappedCount
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.planning.region import RegionTangled
from query_engine.tables import RawTable

__all__ = ["Neighbours", "TotalsUnproven", "additive_labels", "hide_telling", "imply_counts", "protect_beside"]
__all__ += ["protect_totals", "tells_nothing"]

MOST_ROWS = 2_000
"""Rows of a table with totals of which a pattern is looked for; in larger ones totals over what is withheld go."""

MOST_PASSES = 5
"""How often all columns are looked at, since a row that is withheld for one is withheld for all."""


@dataclass(frozen=True)
class Neighbours:
    """What a table is protected beside: what left before it, the secret by which ties are broken, and until when.

    `roster` is over whom the table itself is. `further` are other tables that left, group by group, each of which is
    looked at by itself after `earlier`: all in one would take too long. Those that cannot be looked at all at once are
    in groups of their own (see `linked.gathering`). What lies between two totals is left aside where a measurement asks
    what it costs to look (`looks_between`), and nowhere else.
    """

    earlier: tuple[Published, ...] = ()
    secret: bytes = b""
    deadline: Deadline = NEVER
    roster: Collection[str] = ("",)
    further: tuple[tuple[Published, ...], ...] = ()
    looks_between: bool = True

    def groups(self, plan: QueryPlan) -> tuple[tuple[Published, ...], ...]:
        """The tables that left before, as they are looked at together beside one of a plan: first none of them.

        What it tells by itself of whoever is counted is found in fewer and larger cells.
        """
        return ((), *chain(*(_gather(each, plan) for each in (self.earlier, *self.further) if each)))


def _gather(earlier: Sequence[Published], plan: QueryPlan) -> Iterator[tuple[Published, ...]]:
    for group in gather([each.plan for each in earlier], plan):
        yield tuple(earlier[number] for number in group)


class TotalsUnproven(Exception):
    """No pattern was found, or none is looked for."""


def additive_labels(plan: QueryPlan) -> frozenset[str]:
    """The columns of counts that add up over cells; none where what they count is too tangled to tell."""
    try:
        return frozenset(each.label for each in counts_of(plan) if each.adds_up and not each.implied)
    except (RegionTangled, TooTangled):
        return frozenset()


def protect_totals(raw: RawTable, withheld: Sequence[Collection[str]], preset: Preset, secret: bytes) -> set[int]:
    """The rows to withhold besides, so that no total of the table gives a withheld count away.

    `withheld` has, row by row, what is withheld for its own sake. Raises `TotalsUnproven`.
    """
    plan = raw.plan
    if len(plan.sets) == 1:
        return set()
    if plan.cells > MOST_ROWS:
        raise TotalsUnproven
    try:
        lattice = build_lattice([_layout(plan)])
        return _Totals(raw, preset, lattice, _ties(plan, preset, secret), withheld).rows()
    except (TableUnusable, CannotProtect, Contradiction, RegionTangled, TooTangled):
        raise TotalsUnproven from None


def _ties(plan: QueryPlan, preset: Preset, secret: bytes) -> Ties:
    return Ties(secret, hashlib.sha256(f"{plan.plan_id} {preset.name} {preset.version}".encode()).digest())


@dataclass(frozen=True)
class _Totals:
    raw: RawTable
    preset: Preset
    lattice: Lattice
    ties: Ties
    withheld: Sequence[Collection[str]]

    def rows(self) -> set[int]:
        """Go over the columns until no further row is withheld."""
        found = set[int]()
        for _ in range(MOST_PASSES):
            before = len(found)
            for label, figures, rule in self._columns():
                primaries = {place for place, labels in enumerate(self.withheld) if label in labels} | found
                protected = protect_cells(self.lattice, figures, rule, sorted(primaries), self.ties)
                found |= {place for place, entry in enumerate(protected.printed) if entry == WITHHELD} - primaries
            if len(found) == before:
                return found
        raise TotalsUnproven

    def _columns(self) -> Sequence[tuple[str, Sequence[int], CountRule]]:
        """Each column of counts. One with a condition can be withheld where it is none: with all of its row."""
        plan, rule = self.raw.plan, rule_for(self.preset, self.raw.plan)
        return [
            (
                each.label,
                self.raw.statistic(each.statistic),
                rule if each.rows == plan.where else replace(rule, shows_zero=False),
            )
            for each in counts_of(plan)
            if each.adds_up and not each.implied
        ]


def _layout(plan: QueryPlan) -> Layout:
    """The rows of a plan as those of a table that adds up."""
    rows = tuple(tuple(_name(category) for category in cell) for cell in plan.iter_cells())
    names = tuple(each.name for each in plan.dimensions)
    trees = tuple(_tree([_name(each) for each in dimension.categories]) for dimension in plan.dimensions)
    return Layout(names, trees, rows)


def _tree(codes: Sequence[str]) -> Hierarchy:
    return Hierarchy({WHOLE: "", **dict.fromkeys(codes, WHOLE)}, {WHOLE: "total", **dict.fromkeys(codes, "category")})


def _name(category: object) -> str:
    return WHOLE if category == TOTAL else repr(category)


def protect_beside(
    raw: RawTable,
    rows: Sequence[Row],
    earlier: Sequence[Published],
    beside: Neighbours,
    preset: Preset,
    others: Others | None = None,
) -> Collection[int]:
    """The rows to withhold besides, for one group of what left earlier not to tell more when these are there too.

    Of a total, with its `others`, no authority is told more either. Where that is too much to look at, or takes too
    long, all of them.
    """
    try:
        if (not earlier and stands_alone(raw.plan)) or tells_nothing(raw.plan, rows, preset):
            return ()
        newest = Published("", raw.plan, preset, rows, beside.roster, imply_counts(raw, preset))
        if others is not None:
            newest = replace(newest, held=_hold(raw.plan, others), held_between=_hold_between(raw.plan, others))
        order = _order(raw.plan, preset, beside.secret)
        return find_companions(earlier, newest, beside.deadline, order, looks_between=beside.looks_between)
    except (TooTangled, Contradiction, RegionTangled, TimeUp):
        return range(len(rows))


def _hold(plan: QueryPlan, others: Others) -> Mapping[tuple[int, str], int]:
    """The most that one party has of each count that is capped, by row and label."""
    return {
        (place, each.label): most
        for each in counts_of(plan)
        for place, most in enumerate(others.most_of_one.get(CappedCount(each.statistic), ()))
    }


def _hold_between(plan: QueryPlan, others: Others) -> Mapping[tuple[int, str, str], int]:
    """The same of those whom one count has beyond another, by row and labels."""
    return {
        (place, whole, part): most
        for whole, part, each in named_pairs(plan)
        for place, most in enumerate(others.most_of_one[each])
    }


def hide_telling(
    raw: RawTable, rows: Sequence[Row], earlier: Sequence[Published], beside: Neighbours, preset: Preset
) -> Collection[tuple[int, str]]:
    """The figures to withhold besides, by row and label, for none to follow that rests on too few, or on one child.

    Where that is too much to look at, or takes too long, all of them.
    """
    try:
        newest = Published("", raw.plan, preset, rows, beside.roster, imply_counts(raw, preset))
        telling = find_telling(earlier, newest, beside.deadline, _order(raw.plan, preset, beside.secret))
        return telling | find_near_quantiles(earlier, newest)
    except (TooTangled, Contradiction, RegionTangled, TimeUp):
        return [(place, each.label) for place in range(len(rows)) for each in raw.plan.outputs]


def _order(plan: QueryPlan, preset: Preset, secret: bytes) -> Order:
    """Which row goes first of those that do as well, as nobody foresees."""
    ties = _ties(plan, preset, secret)
    return lambda row: ties.number(frozenset({("row", str(row))}))


def tells_nothing(plan: QueryPlan, rows: Sequence[Row], preset: Preset) -> bool:
    """Whether every figure is withheld, by a symbol that none is withheld by as well as few."""
    figures = [place for place, each in enumerate(plan.outputs) if each.dimension is None]
    return not preset.shows_zero and all(row[place] == Symbol.CONFIDENTIAL for row in rows for place in figures)


def imply_counts(raw: RawTable, preset: Preset) -> Mapping[tuple[int, str], int]:
    """The counts of children behind figures that are no counts, as they would be printed, by row and label."""
    rule = rule_for(preset, raw.plan)
    try:
        implied = [each for each in counts_of(raw.plan) if each.implied]
    except (RegionTangled, TooTangled):
        return {}
    return {
        (place, each.label): rule.printed(figure, LEVELS[0])
        for each in implied
        for place, figure in enumerate(raw.statistic(each.statistic))
    }
