"""Whose rows a question counts, in words that all questions share: tables that are about the same children, joined or
not, name alike what is alike in all rows of a child, and each its own columns by its own name.

What the catalogue calls a child column says the same in every table with the same key, so that a child is one child
whichever table it is counted in. What is worked out for each child is the child's too. And where the catalogue says
that some rows of a table are of children whom another table has (pupils in care), those are counted among the
children, as those of them who have such a row, and the others by themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial, reduce

from disclosure_control.linked.children.facts import NO_FACTS, Facts, Need, read_facts
from query_engine.columns import Column, GovernedTable, SameChildren
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import (
    Meaning,
    Region,
    columns_of,
    complement,
    intersect,
    project,
    region_of,
    region_of_codes,
    translate,
    unite,
)
from query_engine.planning.relation import FILLED, Part, Relation, TallyColumn

__all__ = ["Population", "is_loose", "populations_of", "reach_of", "take_apart"]


@dataclass(frozen=True)
class Population:
    """The rows that a question counts, or those of them that are of one key's children.

    `rows` says what a row is where a child can have several; `meanings` what each of the plan's columns says in the
    words that are shared, and `columns` those words; `own` are the ones that are the child's. Whoever is counted meets
    `base`, has a row in each of `tables`, and meets `needs`. `telling` are columns of the plan that mean several here.
    `worked_out` says of what is worked out and may be missing: who lacks it, and what is true of all others. `facts`
    are true of everybody.
    """

    key: str
    rows: str
    meanings: Mapping[str, Meaning] = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)
    own: frozenset[str] = field(repr=False)
    tables: tuple[str, ...]
    base: Region = True
    needs: frozenset[Need] = frozenset()
    telling: frozenset[str] = frozenset()
    worked_out: tuple[tuple[Region, Region, frozenset[Need]], ...] = ()
    facts: Facts = NO_FACTS

    def take_apart(self, region: Region) -> tuple[Region, frozenset[Need]]:
        """What a region says of the child, and which rows the child has by it. Raises `RegionTangled`."""
        base, needs = take_apart(region, self.own, self.tables)
        needs |= self.needs
        for missing, said, met in self.worked_out:
            if intersect(base, missing) is False:
                base, needs = intersect(base, said), needs | met
        return base, frozenset(needs)

    def translate(self, region: Region) -> Region:
        """A region of the plan's rows in the words that are shared. Raises `RegionTangled`."""
        return translate(region, self.meanings)


def is_loose(plan: QueryPlan) -> bool:
    """Whether it cannot be said which children a plan counts: by rows that may be missing, or once over several years.

    Rows of several years are no trouble: they are those of children in each of the years.
    """
    governed, several = plan.governed, len(plan.academic_years) != 1
    if not isinstance(governed, Relation):
        return several and any(each.kind == "distinct" for each in plan.outputs)
    return several or any(part.outer and not part.is_single for part in map(governed.part_of, plan.used))


def reach_of(plan: QueryPlan) -> Region:
    """Of the children that a loose plan counts, as much as can be said. Raises `RegionTangled`."""
    governed = plan.governed
    if not isinstance(governed, Relation):
        return True
    firm = {name for name in governed.columns if not governed.part_of(name).outer}
    read = _Reading(governed)
    return project(translate(project(plan.where, firm), read.meanings), read.own)


def populations_of(plan: QueryPlan, *, split: bool = False) -> Iterator[Population]:
    """The population of a plan; where it is `split`, pupils in care and all others are two. Raises `RegionTangled`."""
    if is_loose(plan):
        return
    read = _Reading(plan.governed)
    shared = read.shared
    if shared is None or not split:
        yield read.population()
    else:
        yield read.others(shared)
        yield read.children(shared)


class _Reading:
    """What the columns of a governed table, or of a relation, say in the words that are shared."""

    def __init__(self, governed: GovernedTable) -> None:
        parts = governed.parts if isinstance(governed, Relation) else (Part(governed.name, governed, None),)
        self.parts: Sequence[Part] = parts
        self.key = parts[0].table.child_key
        self.shared = parts[0].table.same_children
        self.meanings: dict[str, Meaning] = {}
        self.columns: dict[str, Column] = {}
        own: set[str] = set()
        for name, column in governed.columns.items():
            part, local = _origin(governed, name, parts[0])
            if (tally := part.tally(local)) is not None:
                self.meanings[name] = partial(_read_tally, tally, filled=name.endswith(FILLED), outer=part.outer)
                self.columns[tally.column.name] = _widened(tally)
                own.add(tally.column.name)
            else:
                called = part.table.word(local)
                self.meanings[name] = partial(_read_column, called)
                self.columns[called] = column if called == column.name else replace(column, name=called)
                if local in part.table.child_columns:
                    own.add(called)
        self.own = frozenset(own)

    def population(self) -> Population:
        """All rows, as they are."""
        inner = [each for each in self.parts if not each.outer]
        several = sorted(each.table.name for each in inner if each.rows is None and _has_several(each.table))
        beside = sorted(
            f"{each.table.name} or none"
            for each in self.parts
            if each.outer and each.rows is None and _has_several(each.table)
        )
        base, needs = self._worked_out(inner, {}, self.own)
        facts = read_facts(self.parts[0].table.implied, self.parts[0].table.had_by)
        told = (each for each in facts.names if each.partition(".")[0] not in several)
        return Population(
            key=self.key,
            rows=" and ".join([*several, *beside]),
            meanings=self.meanings,
            columns=self.columns,
            own=self.own.union(told),
            tables=tuple(several),
            base=base,
            needs=frozenset(needs),
            worked_out=tuple(self._missing()),
            facts=facts,
        )

    def _missing(self) -> Iterator[tuple[Region, Region, frozenset[Need]]]:
        for part in self.parts:
            if part.outer and part.rows is not None:
                base, needs = self._worked_out([part], {}, self.own)
                for tally in part.rows.tallies:
                    wide = _widened(tally)
                    missing = region_of(wide, [(wide.present_codes, wide.present_codes)])
                    yield missing, base, frozenset(needs)

    def others(self, shared: SameChildren) -> Population:
        """Pupils of whom no other table tells."""
        found = self.population()
        name = self.parts[0].table.word(shared.column)
        column = replace(self.parts[0].table.columns[shared.column], name=name)
        codes = [code for group in shared.groups if (code := column.code(group)) is not None]
        care = region_of(column, [(code, code) for code in codes])
        return replace(found, base=intersect(found.base, complement(care)))

    def children(self, shared: SameChildren) -> Population:
        """Pupils who are children of the other table: children who have a row in this one."""
        table = self.parts[0].table
        group = partial(_read_group, shared, table.columns[shared.column])
        local = {name: partial(_read_column, table.word(name)) for name in table.columns} | {shared.column: group}
        own = frozenset({*shared.alike, *shared.columns})
        base, needs = self._worked_out(self.parts, local, own)
        everybody = reduce(unite, (_region_of_group(shared, each) for each in shared.groups))
        meanings: dict[str, Meaning] = {
            name: group if name == shared.column else meaning for name, meaning in self.meanings.items()
        }
        return Population(
            key=shared.child_key,
            rows="",
            meanings=meanings,
            columns={**shared.columns, **self.columns},
            own=own,
            tables=(table.name,),
            base=intersect(base, everybody),
            needs=frozenset(needs),
            telling=frozenset({shared.column}),
            facts=read_facts(shared.implied, shared.had_by),
        )

    def _worked_out(
        self, parts: Sequence[Part], local: Mapping[str, Meaning], own: frozenset[str]
    ) -> tuple[Region, set[Need]]:
        """What being in tables with a row for each child says: of the child, and which rows it has."""
        base: Region = True
        needs: set[Need] = set()
        for part in parts:
            if part.rows is None:
                continue
            names = local or {name: partial(_read_column, part.table.word(name)) for name in part.table.columns}
            where = translate(part.rows.where, names)
            tables = (part.table.name,) if local or _has_several(part.table) else ()
            said, met = take_apart(where, own if tables else columns_of(where), tables)
            base, needs = intersect(base, said), needs | met
        return base, needs


def take_apart(region: Region, own: frozenset[str], tables: Sequence[str]) -> tuple[Region, set[Need]]:
    """What a region says of the child, and which rows in these tables the child has by it. Raises `RegionTangled`."""
    base = project(region, own)
    said = {each: project(region, _columns_in(each, region) - own) for each in tables}
    needs = set(said.items())
    if reduce(intersect, said.values(), base) != region:
        # It says of one child what rows it has, and of another child other ones: nothing less than all of it.
        needs = {(" and ".join(tables), region)} | (needs if len(tables) > 1 else set())
    return base, needs


def _columns_in(table: str, region: Region) -> frozenset[str]:
    return frozenset(each for each in columns_of(region) if each.partition(".")[0] == table)


def _origin(governed: GovernedTable, name: str, first: Part) -> tuple[Part, str]:
    """The part of FROM that a column comes from, and its name there."""
    if not isinstance(governed, Relation):
        return first, name
    place, local = governed.origins[name]
    return governed.parts[place], local


def _has_several(table: GovernedTable) -> bool:
    return table.rows_per_child_year > 1


def _read_column(called: str, ranges: list[tuple[int, int]], greatest: int) -> Region:
    return region_of_codes(called, ranges, greatest)


def _read_group(shared: SameChildren, column: Column, ranges: list[tuple[int, int]], _greatest: int) -> Region:
    """What a category of the column that says whose children they are says of the children themselves."""
    inside = [code for first, last in ranges for code in range(first, last + 1)]
    found: Region = False
    for group in shared.groups:
        if column.code(group) in inside:
            found = unite(found, _region_of_group(shared, group))
    return found


def _region_of_group(shared: SameChildren, group: str | int | bool) -> Region:
    found: Region = True
    for name, value in shared.groups[group].items():
        code = shared.columns[name].code(value)
        assert code is not None  # the catalogue was checked for it
        found = intersect(found, region_of(shared.columns[name], [(code, code)]))
    return found


def _widened(tally: TallyColumn) -> Column:
    """What is worked out for each child, with a place for the children who have none, and of a count for 0."""
    column = tally.column
    assert column.bounds is not None
    low = min(column.bounds[0], Decimal(0)) if tally.function == "count" else column.bounds[0]
    return replace(column, bounds=(low, column.bounds[1]), nullable=True)


def _read_tally(
    tally: TallyColumn, ranges: list[tuple[int, int]], greatest: int, *, filled: bool, outer: bool
) -> Region:
    """What codes of a column that is worked out say, whether or not 0 stands for missing in it."""
    wide, narrow = _widened(tally), tally.column
    shift = wide.present_codes - narrow.present_codes
    if filled or (not outer and shift and greatest == wide.present_codes - 1):
        inside = list(ranges)
        missing = any(first == 0 for first, _ in ranges)
    else:
        present = narrow.present_codes - 1
        inside = [(first + shift, min(last, present) + shift) for first, last in ranges]
        missing = any(last > present for _, last in ranges)
    return region_of(wide, [*inside, *([(wide.present_codes, wide.present_codes)] if missing else [])])
