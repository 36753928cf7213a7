"""Links: the counts of several questions as sums over parts that have no row in common.

Rows are cut by the conditions of all questions into parts, and within a part by the categories of the columns that a
question groups by, with all totals over them. Two questions that group the same part by other columns are linked by the
totals that both have. Counts of the same children come out as one cell, whichever question they answer.

Limits: columns that are grouped by in expressions over several columns are linked to questions with the same columns
alone, and categories that no row of a part can be in are known only where one column decides it. Both leave the attack
weaker than it could be, never wrong.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, product
from math import prod

from disclosure_control.linked.counted import Counted, Grouping, Kind, Places, counts_of, groupings_of, place_cell
from disclosure_control.linked.kinds import nest_kinds
from disclosure_control.linked.parts import Cut, TooTangled, cut
from disclosure_control.preset import LEVELS
from disclosure_control.suppression.lattice import Lattice, Relation
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled, intersect

__all__ = ["MOST_CELLS", "Linked", "Place", "TooTangled", "link_plans"]

MOST_CELLS = 50_000
"""Cells that releases are attacked over."""

Columns = frozenset[str]
"""What decides the categories of one dimension."""

Categories = frozenset[tuple[Columns, int]]
"""Of each dimension the number of the category; a dimension that is not among them is added up over."""

Part = tuple[Kind, int, Region]
"""What has no row in common with any other part: of what is counted, over which group of authorities, which rows."""

Place = tuple[int, int, str]
"""The number of a question, of its cell, and the label of the column."""


@dataclass(frozen=True)
class Linked:
    """All counts of several questions as cells of one lattice.

    `places` has the cell of each count; those of which it is known that nobody can be in them are left out.
    """

    lattice: Lattice
    places: Mapping[Place, int]


def link_plans(plans: Sequence[QueryPlan], rosters: Sequence[Collection[str]] = (), most: int = MOST_CELLS) -> Linked:
    """Link the counts of these questions, each over the authorities of its roster, or all over the same ones.

    Raises `TooTangled` where there are more cells than `most`.
    """
    groups = _cut_rosters(rosters or [("",)] * len(plans))
    try:
        counts = [list(counts_of(plan)) for plan in plans]
        groupings = [groupings_of(plan) for plan in plans]
        linker = _Linker(_cut_bases(chain(*counts)), _cut_groupings(chain(*groupings)), groups, most)
        linker.check_size(linker.size(counts, groupings))
        for number, (plan, own, dimensions) in enumerate(zip(plans, counts, groupings, strict=True)):
            linker.place(number, plan, own, dimensions)
        linker.set_apart()
        linker.compare_kinds()
    except RegionTangled:
        raise TooTangled("the questions overlap in ways that are too tangled to tell") from None
    return linker.linked()


def _cut_bases(counts: Iterable[Counted]) -> Mapping[str, Cut]:
    found: dict[str, list[Region]] = {}
    for each in counts:
        found.setdefault(each.kind[0], []).append(each.base)
    return {unit: cut(bases) for unit, bases in found.items()}


def _cut_groupings(groupings: Iterable[Grouping]) -> Mapping[Columns, Cut]:
    found: dict[Columns, list[Region]] = {}
    for each in groupings:
        found.setdefault(each.columns, []).extend(each.regions)
    return {columns: cut(regions) for columns, regions in found.items()}


def _cut_rosters(rosters: Sequence[Collection[str]]) -> list[tuple[int, ...]]:
    """Of each roster the numbers of the groups it is made of: authorities that are on the same rosters."""
    named = frozenset[str]().union(*rosters)
    alike = {code: frozenset(place for place, roster in enumerate(rosters) if code in roster) for code in sorted(named)}
    numbers = {held: number for number, held in enumerate(dict.fromkeys(alike.values()))}
    return [tuple(number for held, number in numbers.items() if place in held) for place in range(len(rosters))]


@lru_cache(maxsize=1 << 16)
def _is_empty(one: Region, other: Region) -> bool:
    return intersect(one, other) is False


@dataclass
class _Linker:
    """Numbers cells as it comes to them: those of parts by what they are, and sums of several by their parts."""

    bases: Mapping[str, Cut]
    classes: Mapping[Columns, Cut]
    rosters: Sequence[tuple[int, ...]]
    most: int
    _numbers: dict[object, int] = field(default_factory=dict)
    _breadths: list[int] = field(default_factory=list)
    _relations: dict[Relation, None] = field(default_factory=dict)
    _laid: set[object] = field(default_factory=set)
    _known_possible: dict[tuple[Part, Columns], tuple[int, ...]] = field(default_factory=dict)
    _asked: dict[frozenset[Part], set[frozenset[Columns]]] = field(default_factory=dict)
    _part_numbers: dict[Part, int] = field(default_factory=dict)
    _places: dict[Place, int] = field(default_factory=dict)

    def size(self, counts: Sequence[Sequence[Counted]], groupings: Sequence[Sequence[Grouping]]) -> int:
        """About how many cells there will be."""
        grids = {
            (counted.kind, group, part, frozenset(each.columns for _, each in counted.free(dimensions)))
            for own, dimensions, groups in zip(counts, groupings, self.rosters, strict=True)
            for counted in own
            for group, part in product(groups, self.bases[counted.kind[0]].holders[counted.base])
        }
        return sum(prod(1 + len(self.classes[each].parts) for each in columns) for *_, columns in grids)

    def check_size(self, cells: int) -> None:
        """Check that there are not too many cells. Raises `TooTangled`."""
        if cells > self.most:
            raise TooTangled(f"the questions make more than {self.most:,} cells together")

    def place(self, number: int, plan: QueryPlan, counts: Sequence[Counted], groups: Sequence[Grouping]) -> None:
        """Find the cells of one question's counts."""
        cells = [place_cell(plan, cell) for cell in plan.iter_cells()]
        for counted in counts:
            own = product([counted.kind], self.rosters[number], self.bases[counted.kind[0]].of(counted.base))
            parts, free = list(own), counted.free(groups)
            dimensions = frozenset(each.columns for _, each in free)
            self._asked.setdefault(frozenset(parts), set()).add(dimensions)
            for part in parts:
                self._part_numbers.setdefault(part, len(self._part_numbers))
                self._lay_grid(part, dimensions)
            for row, cell in enumerate(cells):
                if counted.covers(cell) and (block := self._block(parts, cell, free)):
                    self._places[number, row, counted.label] = self._sum(block)

    def set_apart(self) -> None:
        """Have a cell for whoever is in one count and not in another that has all of the first's parts.

        Two conditions can differ in several parts, of which each by itself is nobody's to know.
        """
        asked = list(self._asked.items())
        for (one, columns), (other, others) in product(asked, asked):
            if one > other:
                apart = sorted(one - other, key=self._part_numbers.__getitem__)
                for dimensions in {frozenset[Columns](), *(columns & others)}:
                    self._sum_apart(apart, dimensions)

    def compare_kinds(self) -> None:
        """Set children with a row of one kind against those of the same part with one of another.

        Who has one of the narrower has one of the wider; and of several kinds that make up another nobody is in less
        than one.
        """
        kinds = list(dict.fromkeys(part[0] for part in self._part_numbers))
        entered: dict[Kind, list[tuple[Part, Categories]]] = {}
        for key in list(self._numbers):
            if isinstance(key, tuple):  # Of a part and its categories; sums are named by what they add up.
                entered.setdefault(key[0][0], []).append(key)
        for nested in nest_kinds(kinds):
            for part, named in entered.get(nested.wide, ()):
                self._compare(part, named, nested.narrow, covered=nested.covers)

    def _compare(self, part: Part, named: Categories, narrow: Sequence[Kind], *, covered: bool) -> None:
        whole = self._numbers[part, named]
        own = [self._numbers.get(((kind, *part[1:]), named)) for kind in narrow]
        inside = [each for each in own if each is not None]
        for each in inside:
            self._relate(whole, [each, self._enter(("without", whole, each), self._breadths[each])])
        if covered and len(inside) == len(own) > 1:
            self._relate(self._sum(inside), [whole, self._enter(("twice", whole, frozenset(inside)), 1)])

    def _sum_apart(self, parts: Sequence[Part], dimensions: frozenset[Columns]) -> None:
        keys = sorted(dimensions, key=sorted)
        for places in product(*(range(len(self.classes[key].parts)) for key in keys)):
            named = frozenset(zip(keys, places, strict=True))
            block = [
                self._enter_cell(part, named)
                for part in parts
                if all(self._can_be(part, key, place) for key, place in named)
            ]
            if len(block) > 1:
                self._sum(block)

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
        )

    def _lay_grid(self, part: Part, dimensions: frozenset[Columns]) -> None:
        """The cells of a part by some columns, with every total, unless they are there already."""
        if (laid := (part, dimensions)) in self._laid:
            return
        self._laid.add(laid)
        every = [(key, self._possible(part, key)) for key in sorted(dimensions, key=sorted)]
        found = [(key, places) for key, places in every if len(places) != 1]
        for chosen in product(*((None, *places) for _, places in found)):
            named = frozenset((key, at) for (key, _), at in zip(found, chosen, strict=True) if at is not None)
            breadth = prod(len(each) for (_, each), at in zip(found, chosen, strict=True) if at is None)
            total = self._enter_cell(part, named, breadth)
            for (key, places), at in zip(found, chosen, strict=True):
                if at is None and places:
                    inner = [named | {(key, each)} for each in places]
                    self._relate(total, [self._enter_cell(part, each, breadth // len(places)) for each in inner])

    def _possible(self, part: Part, key: Columns) -> tuple[int, ...]:
        """The categories that some row of a part can be in."""
        if (part, key) not in self._known_possible:
            places = range(len(self.classes[key].parts))
            self._known_possible[part, key] = tuple(place for place in places if self._can_be(part, key, place))
        return self._known_possible[part, key]

    def _enter_cell(self, part: Part, named: Categories, breadth: int = 1) -> int:
        """The number of a cell. A category that all of a part are in says nothing, so that the cell is the part's."""
        telling = frozenset((key, at) for key, at in named if len(self._possible(part, key)) > 1)
        return self._enter((part, telling), breadth)

    def _can_be(self, part: Part, key: Columns, place: int) -> bool:
        return not _is_empty(part[2], self.classes[key].parts[place])

    def _block(self, parts: Sequence[Part], cell: Places, groups: Sequence[tuple[int, Grouping]]) -> list[int]:
        """The cells that a count adds up over; none where nobody can be in it."""
        named = [(each, place) for number, each in groups if (place := cell[number]) is not None]
        found = []
        for part in parts:
            choices = [
                [(each.columns, at) for at in self._of_category(each, place) if self._can_be(part, each.columns, at)]
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
