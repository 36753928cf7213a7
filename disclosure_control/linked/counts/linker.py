"""Laying out the cells of several questions' counts, each once, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import permutations, product
from math import prod

from disclosure_control.linked.children.counted import Columns, Counted, Grouping, Kind, Places, place_cell
from disclosure_control.linked.children.facts import Facts
from disclosure_control.linked.children.kinds import Needs, nest_kinds
from disclosure_control.linked.children.overlaps import overlap
from disclosure_control.linked.children.parts import Cut, TooTangled
from disclosure_control.linked.counts.cells import At, Categories, Linked, Part, Place
from disclosure_control.presets.preset import LEVELS
from disclosure_control.suppression.lattice import Lattice, Relation
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, columns_of, intersect

__all__ = ["Linker"]


@dataclass
class Linker:
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
    _both: dict[frozenset[At], Region] = field(default_factory=dict)
    _known_possible: dict[tuple[Region, Columns], tuple[int, ...]] = field(default_factory=dict)
    _known_together: dict[tuple[Region, Categories], bool] = field(default_factory=dict)
    _columns: dict[Region, frozenset[str]] = field(default_factory=dict)
    _divided: dict[tuple[Region, At, Columns], tuple[Sequence[int], Sequence[int]]] = field(default_factory=dict)
    _places: dict[Place, int] = field(default_factory=dict)
    _kinds: dict[tuple[Kind, Region], Kind] = field(default_factory=dict)

    def size(self, counts: Sequence[Sequence[Counted]]) -> int:
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
        within = [others | {(narrow, place)} for place in alone]
        cells = [self._grids.get((part, each)) for each in within if self._can_be_all(part[2], each)]
        if inside := [cell for cell in cells if cell is not None]:
            whole, is_made_up = self._grids[part, named], not overlapping and len(inside) == len(cells)
            rest = [] if is_made_up else [self._enter(("beyond", whole, frozenset(inside)), self._breadths[whole])]
            if [whole] != [*inside, *rest]:
                self._relate(whole, [*inside, *rest])

    def _divide(self, rows: Region, wide: At, narrow: Columns) -> tuple[Sequence[int], Sequence[int]]:
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

    def _meet(self, rows: Region, one: At, other: At) -> bool:
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
            if not self._can_be_all(part[2], named):
                continue
            breadth = prod(len(each) for (_, each), at in zip(found, chosen, strict=True) if at is None)
            total = self._enter_cell(part, named, breadth)
            for (key, places), at in zip(found, chosen, strict=True):
                if at is None and places:
                    every_inner = (named | {(key, each)} for each in places)
                    inner = [each for each in every_inner if self._can_be_all(part[2], each)]
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

    def _can_be_all(self, rows: Region, named: Categories) -> bool:
        """Whether some row of a part can be in all of several categories, each of which some row can be in.

        Nobody who is not a girl of fourteen is one: though some of them are girls, and some are fourteen.
        """
        if len(named) < 2 or not self._is_crossed(rows, named):
            return True
        if (asked := (rows, named)) not in self._known_together:
            together = reduce(intersect, (self.classes[key].parts[at] for key, at in named))
            self._known_together[asked] = overlap(rows, together)
        return self._known_together[asked]

    def _is_crossed(self, rows: Region, named: Categories) -> bool:
        """Whether a part goes by several of these columns, or two of them overlap: so categories can exclude others."""
        if rows not in self._columns:
            self._columns[rows] = columns_of(rows)
        keys = [key for key, _ in named]
        told = sum(not key.isdisjoint(self._columns[rows]) for key in keys)
        return told > 1 or len(frozenset[str]().union(*keys)) < sum(map(len, keys))

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
            joined = [categories for categories in joined if self._can_be_all(part[2], categories)]
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
