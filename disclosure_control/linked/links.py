"""Links: the counts of several questions as sums over parts that have no child in common.

Children are cut by the conditions of all questions into parts, and within a part by the categories of the columns that
a question groups by, with all totals over them. Two questions that group the same part by other columns are linked by
the totals that both have; where one groups by an expression over several columns of which another uses some, its
categories are conditions like any other. Counts of the same children come out as one cell, whichever question they
answer and whichever table they are counted in. Children who have a row of some kind are some of all children, and no
more than there are such rows.

A limit: categories that no row of a part can be in are known only where one column decides it. That leaves the attack
weaker than it could be, never wrong.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, permutations, product
from math import prod

from disclosure_control.linked.counted import Columns, Counted, Grouping, Kind, Places, counts_of, place_cell
from disclosure_control.linked.facts import Facts, RowFact, merge_facts
from disclosure_control.linked.kinds import Needs, nest_kinds
from disclosure_control.linked.ordinary import find_ordinary
from disclosure_control.linked.overlaps import overlap
from disclosure_control.linked.parts import Cut, TooTangled, cut
from disclosure_control.linked.populations import is_loose, populations_of
from disclosure_control.presets.preset import LEVELS
from disclosure_control.suppression.lattice import Lattice, Relation
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled, columns_of, intersect

__all__ = ["MOST_CELLS", "Linked", "Place", "TooTangled", "link_plans"]

MOST_CELLS = 50_000
"""Cells that releases are attacked over."""

_At = tuple[Columns, int]
"""A dimension, and the number of a category of it."""

Categories = frozenset[_At]
"""Of each dimension the number of the category; a dimension that is not among them is added up over."""

Part = tuple[Kind, int, Region]
"""What has no child in common with any other part: of what is counted, over which group of authorities, which of it."""

Place = tuple[int, int, str]
"""The number of a question, of its cell, and the label of the column."""


@dataclass(frozen=True)
class Linked:
    """All counts of several questions as cells of one lattice.

    `places` has the cell of each count; those of which it is known that nobody can be in them are left out. `keys` says
    what each cell is: a part and its categories, by their numbers in `classes`; the cells it adds up; or by a word what
    two cells differ by. `ordinary` are those in which it is ordinary that there is nobody: who lacks a value of what is
    averaged or added up, and the rows beyond one for each child.
    """

    lattice: Lattice
    places: Mapping[Place, int]
    keys: tuple[object, ...]
    classes: Mapping[Columns, Cut]
    ordinary: frozenset[int] = frozenset()


def link_plans(plans: Sequence[QueryPlan], rosters: Sequence[Collection[str]] = (), most: int = MOST_CELLS) -> Linked:
    """Link the counts of these questions, each over the authorities of its roster, or all over the same ones.

    Raises `TooTangled` where there are more cells than `most`.
    """
    groups = _cut_rosters(rosters or [("",)] * len(plans))
    if len(plans) > 1 and any(map(is_loose, plans)):
        raise TooTangled("one of them counts by rows that may be missing, or over several years")
    try:
        counts, facts = _count(plans)
        linker = _Linker(_cut_bases(counts), _cut_groupings(chain(*counts)), groups, most, _count_rows(counts), facts)
        linker.check_size(linker.size(counts))
        for number, (plan, own) in enumerate(zip(plans, counts, strict=True)):
            linker.place(number, plan, own)
        linker.compare_columns()
        linker.compare_kinds()
        linked = linker.linked()
        return replace(linked, ordinary=find_ordinary(list(chain(*counts)), linked.keys))
    except RegionTangled:
        raise TooTangled("the questions overlap in ways that are too tangled to tell") from None


_Counts = Sequence[Sequence[Counted]]
"""What each of several questions counts."""


def _count(plans: Sequence[QueryPlan]) -> tuple[_Counts, Facts]:
    """What these questions count: pupils in care apart where children are counted too, no dimension across others.

    With it the facts that bear on it: those about columns that the questions name.
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


def _cut_bases(counts: _Counts) -> Mapping[str, Cut]:
    found: dict[str, list[Region]] = {}
    for each in chain(*counts):
        found.setdefault(each.kind[0], []).append(each.base)
    for unit in _count_rows(counts):
        found[unit] += [each.inside for each in chain(*counts) if each.behind == unit]
    return {unit: cut(bases) for unit, bases in found.items()}


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


@dataclass
class _Linker:
    """Numbers cells as it comes to them: those of parts by what they are, and sums of several by their parts.

    In `_grids` are those of parts alone, of which all others are made.
    """

    bases: Mapping[str, Cut]
    classes: Mapping[Columns, Cut]
    rosters: Sequence[tuple[int, ...]]
    most: int
    counted_rows: frozenset[str]
    facts: Facts
    _numbers: dict[object, int] = field(default_factory=dict)
    _grids: dict[tuple[Part, Categories], int] = field(default_factory=dict)
    _breadths: list[int] = field(default_factory=list)
    _relations: dict[Relation, None] = field(default_factory=dict)
    _laid: set[object] = field(default_factory=set)
    _met: dict[tuple[Columns, int], Region] = field(default_factory=dict)
    _both: dict[frozenset[_At], Region] = field(default_factory=dict)
    _known_possible: dict[tuple[Region, Columns], tuple[int, ...]] = field(default_factory=dict)
    _divided: dict[tuple[Region, _At, Columns], tuple[Sequence[int], Sequence[int]]] = field(default_factory=dict)
    _places: dict[Place, int] = field(default_factory=dict)
    _kinds: dict[tuple[Kind, Region], Kind] = field(default_factory=dict)

    def size(self, counts: _Counts) -> int:
        """About how many cells there will be."""
        grids = {
            (counted.kind, group, part, frozenset(each.columns for _, each in counted.free))
            for own, groups in zip(counts, self.rosters, strict=True)
            for counted in own
            for group, part in product(groups, self.bases[counted.kind[0]].holders[counted.base])
        }
        return sum(prod(1 + len(self.classes[each].parts) for each in columns) for *_, columns in grids)

    def check_size(self, cells: int) -> None:
        """Check that there are not too many cells. Raises `TooTangled`."""
        if cells > self.most:
            raise TooTangled(f"the questions make more than {self.most:,} cells together")

    def place(self, number: int, plan: QueryPlan, counts: Sequence[Counted]) -> None:
        """Find the cells of one question's counts."""
        cells = [place_cell(plan, cell) for cell in plan.iter_cells()]
        blocks: dict[Place, list[int]] = {}
        for counted in counts:
            found = self._blocks(counted, number, cells)
            for row, block in found.items():
                blocks.setdefault((number, row, counted.label), []).extend(block)
            if counted.behind in self.counted_rows:
                rows = replace(counted, kind=(counted.behind, frozenset()), base=counted.inside)
                for row, several in self._blocks(rows, number, cells).items():
                    if row in found:
                        self._compare_rows(self._sum(several), self._sum(found[row]))
        for place, block in blocks.items():
            self._places[place] = self._sum(block)

    def compare_columns(self) -> None:
        """Set the categories of one column against those of another that say something of them.

        Whoever is in one of the narrower is in the wider that it is part of; and where all that overlap the wider are
        parts of it, they make it up.
        """
        told = [pair for pair in permutations(self.classes, 2) if self._is_told(*pair)]
        for part, named in self._grids if told else ():
            at = dict(named)
            for wide, narrow in told:
                if wide in at and narrow not in at:
                    self._compare_categories(part, named, wide, narrow)

    def _compare_categories(self, part: Part, named: Categories, wide: Columns, narrow: Columns) -> None:
        at, others = dict(named)[wide], named - {(wide, dict(named)[wide])}
        alone, overlapping = self._divide(part[2], (wide, at), narrow)
        cells = [self._grids.get((part, others | {(narrow, place)})) for place in alone]
        if inside := [cell for cell in cells if cell is not None]:
            whole, is_made_up = self._grids[part, named], not overlapping and len(inside) == len(cells)
            rest = [] if is_made_up else [self._enter(("beyond", whole, frozenset(inside)), self._breadths[whole])]
            if [whole] != [*inside, *rest]:
                self._relate(whole, [*inside, *rest])

    def _divide(self, rows: Region, wide: _At, narrow: Columns) -> tuple[Sequence[int], Sequence[int]]:
        """The categories of one column that some of a category of another are in: those within it alone, and others.

        It is the same for every cell of a part, and worked out once.
        """
        if (asked := (rows, wide, narrow)) not in self._divided:
            columns, at = wide
            others = [(columns, other) for other in self._possible(rows, columns) if other != at]
            met = [place for place in self._possible(rows, narrow) if self._meet(rows, wide, (narrow, place))]
            alone = [place for place in met if not any(self._meet(rows, each, (narrow, place)) for each in others)]
            self._divided[asked] = alone, [place for place in met if place not in alone]
        return self._divided[asked]

    def _meet(self, rows: Region, one: _At, other: _At) -> bool:
        """Whether some child of a part can be in both of two categories."""
        if (pair := frozenset((one, other))) not in self._both:
            (columns, at), (beside, place) = one, other
            both = intersect(self.classes[columns].parts[at], self.classes[beside].parts[place])
            self._both[pair] = intersect(both, self.facts.about(columns | beside))
        return overlap(rows, self._both[pair])

    def _is_told(self, one: Columns, other: Columns) -> bool:
        """Whether a fact is about columns of either."""
        return any(names <= one | other and names & one and names & other for names, _ in self.facts.columns)

    def compare_kinds(self) -> None:
        """Set children with a row of one kind against those of the same part with one of another.

        Who has one of the narrower has one of the wider; and of several kinds that make up another nobody is in less
        than one.
        """
        entered: dict[tuple[str, int, Region, Categories], dict[Needs, int]] = {}
        for (((unit, needs), group, region), named), cell in self._grids.items():
            entered.setdefault((unit, group, region, named), {})[needs] = cell
        for kinds in entered.values():
            for nested in nest_kinds(tuple(kinds)) if len(kinds) > 1 else ():
                inside = [kinds[each] for each in nested.narrow]
                self._compare(kinds[nested.wide], inside, covered=nested.covers)

    def _compare(self, whole: int, inside: Sequence[int], *, covered: bool) -> None:
        for each in inside:
            self._relate(whole, [each, self._enter(("without", whole, each), self._breadths[each])])
        if covered and len(inside) > 1:
            self._relate(self._sum(inside), [whole, self._enter(("twice", whole, frozenset(inside)), 1)])

    def _compare_rows(self, rows: int, children: int) -> None:
        """There are as many rows as children who have one, and more where some have several."""
        self._relate(rows, [children, self._enter(("more", rows, children), self._breadths[children])])

    def linked(self) -> Linked:
        """What has been found."""
        count = len(self._breadths)
        return Linked(
            Lattice(
                keys=tuple(frozenset({("cell", str(number))}) for number in range(count)),
                relations=tuple(self._relations),
                places=(),
                breadths=tuple(self._breadths),
                levels=(LEVELS[0],) * count,
                owners=(frozenset(),) * count,
                shown=count,
            ),
            self._places,
            tuple(self._numbers),
            self.classes,
        )

    def _lay_grid(self, part: Part, dimensions: frozenset[Columns]) -> None:
        """The cells of a part by some columns, with every total, unless they are there already."""
        if (laid := (part, dimensions)) in self._laid:
            return
        self._laid.add(laid)
        every = [(key, self._possible(part[2], key)) for key in sorted(dimensions, key=sorted)]
        found = [(key, places) for key, places in every if len(places) != 1]
        for chosen in product(*((None, *places) for _, places in found)):
            named = frozenset((key, at) for (key, _), at in zip(found, chosen, strict=True) if at is not None)
            breadth = prod(len(each) for (_, each), at in zip(found, chosen, strict=True) if at is None)
            total = self._enter_cell(part, named, breadth)
            for (key, places), at in zip(found, chosen, strict=True):
                if at is None and places:
                    inner = [named | {(key, each)} for each in places]
                    self._relate(total, [self._enter_cell(part, each, breadth // len(places)) for each in inner])

    def _possible(self, rows: Region, key: Columns) -> tuple[int, ...]:
        """The categories that some row of a part can be in."""
        if (rows, key) not in self._known_possible:
            places = range(len(self.classes[key].parts))
            self._known_possible[rows, key] = tuple(place for place in places if self._can_be(rows, key, place))
        return self._known_possible[rows, key]

    def _enter_cell(self, part: Part, named: Categories, breadth: int = 1) -> int:
        """The number of a cell. A category that all of a part are in says nothing, so that the cell is the part's."""
        telling = frozenset((key, at) for key, at in named if len(self._possible(part[2], key)) > 1)
        found = self._grids[part, telling] = self._enter((part, telling), breadth)
        return found

    def _can_be(self, rows: Region, key: Columns, place: int) -> bool:
        if (key, place) not in self._met:
            self._met[key, place] = self.facts.add_to(self.classes[key].parts[place])
        return overlap(rows, self._met[key, place])

    def _blocks(self, counted: Counted, number: int, cells: Sequence[Places]) -> dict[int, list[int]]:
        """The rows of a question that a count is about, each with the cells that it adds up over there.

        Rows that nobody can be in are left out.
        """
        dimensions = frozenset(each.columns for _, each in counted.free)
        parts = [
            (self._kind_in(counted.kind, region), group, region)
            for group, region in product(self.rosters[number], self.bases[counted.kind[0]].of(counted.base))
        ]
        for part in parts:
            self._lay_grid(part, dimensions)
        found = {row: self._block(parts, cell, counted) for row, cell in enumerate(cells) if counted.covers(cell)}
        return {row: block for row, block in found.items() if block}

    def _kind_in(self, kind: Kind, region: Region) -> Kind:
        """A kind of rows as the children of a part have it: by what else is true of these alone."""
        unit, needs = kind
        if not self.facts.rows or unit in self.counted_rows:
            return kind
        if (kind, region) not in self._kinds:
            self._kinds[kind, region] = (unit, self.facts.add(region, needs)[1])
        return self._kinds[kind, region]

    def _block(self, parts: Sequence[Part], cell: Places, counted: Counted) -> list[int]:
        """The cells that a count adds up over; none where nobody can be in it."""
        named = [(each, place) for number, each in counted.free if (place := cell[number]) is not None]
        found = []
        for part in parts:
            choices = [
                [(each.columns, at) for at in self._of_category(each, place) if self._can_be(part[2], each.columns, at)]
                for each, place in named
            ]
            joined = [frozenset(chosen) for chosen in product(*choices) if _agree(chosen)]
            found += [self._enter_cell(part, categories) for categories in joined]
        return found

    def _of_category(self, group: Grouping, place: int) -> tuple[int, ...]:
        return self.classes[group.columns].holders[group.regions[place]]

    def _enter(self, key: object, breadth: int) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self._breadths)
            self._breadths.append(breadth)
            self.check_size(len(self._breadths))
        return self._numbers[key]

    def _sum(self, block: Sequence[int]) -> int:
        """The cell of what a block adds up to: itself where it is one cell."""
        if len(block) == 1:
            return block[0]
        cell = self._enter(frozenset(block), sum(self._breadths[each] for each in block))
        self._relate(cell, block)
        return cell

    def _relate(self, total: int, parts: Sequence[int]) -> None:
        self._relations[Relation(total, tuple(sorted(parts)))] = None


def _agree(chosen: Sequence[tuple[Columns, int]]) -> bool:
    """Whether two dimensions of the same columns, if there are any, want the same category."""
    return len({key for key, _ in chosen}) == len(set(chosen))
