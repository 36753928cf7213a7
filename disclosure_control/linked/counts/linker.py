"""Laying out the cells of several questions' counts, each once, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations, product
from math import prod

from disclosure_control.linked.children.counted import Columns, Counted, Grouping, Places, place_cell
from disclosure_control.linked.children.kinds import Needs, nest_kinds
from disclosure_control.linked.children.overlaps import overlap
from disclosure_control.linked.children.parts import Cut
from disclosure_control.linked.counts.cells import At, Categories, Linked, Part, Place
from disclosure_control.linked.counts.grids import Grids
from disclosure_control.presets.preset import LEVELS
from disclosure_control.suppression.lattice import Lattice
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, intersect

__all__ = ["Linker"]


@dataclass
class Linker:
    """Finds the cells of each question's counts in the grids of parts, and sets them against each other."""

    bases: Mapping[str, Cut]
    grids: Grids
    rosters: Sequence[tuple[int, ...]]
    _both: dict[frozenset[At], Region] = field(default_factory=dict)
    _divided: dict[tuple[Region, At, Columns], tuple[Sequence[int], Sequence[int]]] = field(default_factory=dict)
    _places: dict[Place, int] = field(default_factory=dict)

    def size(self, counts: Sequence[Sequence[Counted]]) -> int:
        """About how many cells there will be."""
        grids = {
            (counted.kind, group, part, frozenset(each.columns for _, each in counted.free))
            for own, groups in zip(counts, self.rosters, strict=True)
            for counted in own
            for group, part in product(groups, self.bases[counted.kind[0]].holders[counted.base])
        }
        return sum(prod(1 + len(self.grids.classes[each].parts) for each in columns) for *_, columns in grids)

    def place(self, number: int, plan: QueryPlan, counts: Sequence[Counted]) -> None:
        """Find the cells of one question's counts."""
        cells = [place_cell(plan, cell) for cell in plan.iter_cells()]
        blocks: dict[Place, list[int]] = {}
        for counted in counts:
            found = self._blocks(counted, number, cells)
            for row, block in found.items():
                blocks.setdefault((number, row, counted.label), []).extend(block)
            if counted.behind in self.grids.counted_rows:
                rows = replace(counted, kind=(counted.behind, frozenset()), base=counted.inside)
                for row, several in self._blocks(rows, number, cells).items():
                    if row in found:
                        self._compare_rows(self.grids.add_up(several), self.grids.add_up(found[row]))
        for place, block in blocks.items():
            self._places[place] = self.grids.add_up(block)

    def divide(self) -> None:
        """Join columns by which tables count two at a time, and divide the parts whose conditions cross columns.

        Raises `TooTangled`.
        """
        self.grids.join()
        anew = self.grids.divide()
        self._places = {place: anew[cell] for place, cell in self._places.items()}

    def compare_columns(self) -> None:
        """Set the categories of one column against those of another that say something of them.

        Whoever is in one of the narrower is in the wider that it is part of; and where all that overlap the wider are
        parts of it, they make it up.
        """
        told = [pair for pair in permutations(self.grids.classes, 2) if self._is_told(*pair)]
        for part, named in self.grids.cells if told else ():
            at = dict(named)
            for wide, narrow in told:
                if wide in at and narrow not in at:
                    self._compare_categories(part, named, wide, narrow)

    def _compare_categories(self, part: Part, named: Categories, wide: Columns, narrow: Columns) -> None:
        at, others = dict(named)[wide], named - {(wide, dict(named)[wide])}
        alone, overlapping = self._divide(part[2], (wide, at), narrow)
        within = [others | {(narrow, place)} for place in alone]
        cells = [self.grids.cells.get((part, each)) for each in within if self.grids.can_be_all(part[2], each)]
        if inside := [cell for cell in cells if cell is not None]:
            whole, is_made_up = self.grids.cells[part, named], not overlapping and len(inside) == len(cells)
            rest = (
                []
                if is_made_up
                else [self.grids.enter(("beyond", whole, frozenset(inside)), self.grids.breadths[whole])]
            )
            if [whole] != [*inside, *rest]:
                self.grids.relate(whole, [*inside, *rest])

    def _divide(self, rows: Region, wide: At, narrow: Columns) -> tuple[Sequence[int], Sequence[int]]:
        """The categories of one column that some of a category of another are in: those within it alone, and others.

        It is the same for every cell of a part, and worked out once.
        """
        if (asked := (rows, wide, narrow)) not in self._divided:
            columns, at = wide
            others = [(columns, other) for other in self.grids.possible(rows, columns) if other != at]
            met = [place for place in self.grids.possible(rows, narrow) if self._meet(rows, wide, (narrow, place))]
            alone = [place for place in met if not any(self._meet(rows, each, (narrow, place)) for each in others)]
            self._divided[asked] = alone, [place for place in met if place not in alone]
        return self._divided[asked]

    def _meet(self, rows: Region, one: At, other: At) -> bool:
        """Whether some child of a part can be in both of two categories."""
        if (pair := frozenset((one, other))) not in self._both:
            (columns, at), (beside, place) = one, other
            both = intersect(self.grids.classes[columns].parts[at], self.grids.classes[beside].parts[place])
            self._both[pair] = intersect(both, self.grids.facts.about(columns | beside))
        return overlap(rows, self._both[pair])

    def _is_told(self, one: Columns, other: Columns) -> bool:
        """Whether a fact is about columns of either."""
        return any(names <= one | other and names & one and names & other for names, _ in self.grids.facts.columns)

    def compare_kinds(self) -> None:
        """Set children with a row of one kind against those of the same part with one of another.

        Who has one of the narrower has one of the wider; and of several kinds that make up another nobody is in less
        than one.
        """
        entered: dict[tuple[str, int, Region, Categories], dict[Needs, int]] = {}
        for (((unit, needs), group, region), named), cell in self.grids.cells.items():
            entered.setdefault((unit, group, region, named), {})[needs] = cell
        for kinds in entered.values():
            for nested in nest_kinds(tuple(kinds)) if len(kinds) > 1 else ():
                inside = [kinds[each] for each in nested.narrow]
                self._compare(kinds[nested.wide], inside, covered=nested.covers)

    def _compare(self, whole: int, inside: Sequence[int], *, covered: bool) -> None:
        for each in inside:
            self.grids.relate(whole, [each, self.grids.enter(("without", whole, each), self.grids.breadths[each])])
        if covered and len(inside) > 1:
            self.grids.relate(
                self.grids.add_up(inside), [whole, self.grids.enter(("twice", whole, frozenset(inside)), 1)]
            )

    def _compare_rows(self, rows: int, children: int) -> None:
        """There are as many rows as children who have one, and more where some have several."""
        self.grids.relate(rows, [children, self.grids.enter(("more", rows, children), self.grids.breadths[children])])

    def linked(self) -> Linked:
        """What has been found."""
        count = len(self.grids.breadths)
        return Linked(
            Lattice(
                keys=tuple(frozenset({("cell", str(number))}) for number in range(count)),
                relations=tuple(self.grids.relations),
                places=(),
                breadths=tuple(self.grids.breadths),
                levels=(LEVELS[0],) * count,
                owners=(frozenset(),) * count,
                shown=count,
            ),
            self._places,
            tuple(self.grids.numbers),
            self.grids.classes,
            joint=tuple(self.grids.joint),
        )

    def _blocks(self, counted: Counted, number: int, cells: Sequence[Places]) -> dict[int, list[int]]:
        """The rows of a question that a count is about, each with the cells that it adds up over there.

        Rows that nobody can be in are left out.
        """
        dimensions = frozenset(each.columns for _, each in counted.free)
        parts = [
            (self.grids.kind_in(counted.kind, region), group, region)
            for group, region in product(self.rosters[number], self.bases[counted.kind[0]].of(counted.base))
        ]
        for part in parts:
            self.grids.lay(part, dimensions)
        found = {row: self._block(parts, cell, counted) for row, cell in enumerate(cells) if counted.covers(cell)}
        return {row: block for row, block in found.items() if block}

    def _block(self, parts: Sequence[Part], cell: Places, counted: Counted) -> list[int]:
        """The cells that a count adds up over; none where nobody can be in it."""
        named = [(each, place) for number, each in counted.free if (place := cell[number]) is not None]
        found = []
        for part in parts:
            choices = [self._choose(part[2], each, place) for each, place in named]
            joined = [frozenset(chosen) for chosen in product(*choices) if _agree(chosen)]
            joined = [categories for categories in joined if self.grids.can_be_all(part[2], categories)]
            found += [self.grids.enter_cell(part, categories) for categories in joined]
        return found

    def _choose(self, rows: Region, group: Grouping, place: int) -> Sequence[At]:
        """What makes up a category of a dimension, as far as some row of a part can be in it."""
        made_of = self.grids.classes[group.columns].holders[group.regions[place]]
        return [(group.columns, at) for at in made_of if self.grids.can_be(rows, group.columns, at)]


def _agree(chosen: Sequence[tuple[Columns, int]]) -> bool:
    """Whether two dimensions of the same columns, if there are any, want the same category."""
    return len({key for key, _ in chosen}) == len(set(chosen))
