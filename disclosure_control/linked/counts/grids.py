"""The cells of parts by the columns that questions group by, each numbered once, and what they add up to."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, product
from math import prod

from disclosure_control.linked.children.counted import Columns, Kind
from disclosure_control.linked.children.facts import Facts
from disclosure_control.linked.children.overlaps import overlap
from disclosure_control.linked.children.parts import Cut, TooTangled
from disclosure_control.linked.counts.cells import Categories, Part
from disclosure_control.linked.counts.crossing import divide_crossing
from disclosure_control.linked.counts.triples import MOST_JOINT, list_triples
from disclosure_control.suppression.lattice import Relation
from query_engine.planning.region import Region, columns_of, intersect

__all__ = ["Dimensions", "Grids"]

Dimensions = frozenset[Columns]
"""By which columns the cells of a part are laid out."""


@dataclass
class Grids:
    """Numbers cells as it comes to them: those of parts by what they are, and sums of several by their parts.

    In `cells` are those of parts alone, of which all others are made. In `joint` are those by columns that tables count
    by two at a time.
    """

    classes: Mapping[Columns, Cut]
    most: int
    counted_rows: frozenset[str]
    facts: Facts
    numbers: dict[object, int] = field(default_factory=dict)
    cells: dict[tuple[Part, Categories], int] = field(default_factory=dict)
    breadths: list[int] = field(default_factory=list)
    relations: dict[Relation, None] = field(default_factory=dict)
    joint: Sequence[frozenset[int]] = ()
    _laid: dict[tuple[Part, Dimensions], None] = field(default_factory=dict)
    _met: dict[tuple[Columns, int], Region] = field(default_factory=dict)
    _known_possible: dict[tuple[Region, Columns], tuple[int, ...]] = field(default_factory=dict)
    _known_together: dict[tuple[Region, Categories], bool] = field(default_factory=dict)
    _columns: dict[Region, frozenset[str]] = field(default_factory=dict)
    _kinds: dict[tuple[Kind, Region], Kind] = field(default_factory=dict)

    def check_size(self, cells: int) -> None:
        """Check that there are not too many cells. Raises `TooTangled`."""
        if cells > self.most:
            raise TooTangled(f"the questions make more than {self.most:,} cells together")

    def lay(self, part: Part, dimensions: Dimensions) -> None:
        """The cells of a part by some columns, with every total, unless they are there already."""
        if (laid := (part, dimensions)) in self._laid:
            return
        self._laid[laid] = None
        found = [(key, places) for key, places in self._choices(part[2], dimensions) if len(places) != 1]
        for named in self._iter_cells(part[2], dimensions):
            at = dict(named)
            breadth = prod(len(places) for key, places in found if key not in at)
            total = self.enter_cell(part, named, breadth)
            for key, places in found:
                if key not in at and places:
                    every_inner = (named | {(key, each)} for each in places)
                    inner = [each for each in every_inner if self.can_be_all(part[2], each)]
                    self.relate(total, [self.enter_cell(part, each, breadth // len(places)) for each in inner])

    def _choices(self, rows: Region, dimensions: Dimensions) -> Sequence[tuple[Columns, Sequence[int]]]:
        return [(key, self.possible(rows, key)) for key in sorted(dimensions, key=sorted)]

    def _iter_cells(self, rows: Region, dimensions: Dimensions) -> Iterator[Categories]:
        """The cells of some rows by some columns, and every total."""
        found = [(key, places) for key, places in self._choices(rows, dimensions) if len(places) != 1]
        for chosen in product(*((None, *places) for _, places in found)):
            named = frozenset((key, at) for (key, _), at in zip(found, chosen, strict=True) if at is not None)
            if self.can_be_all(rows, named):
                yield named

    def join(self) -> None:
        """Lay out by three columns together what tables count by each two of them, the fewest cells first.

        There is room for so many, and for half of what is left by all that was asked, so that no question is too many.
        """
        found = [(self._size(part, three), part, three) for part, three in list_triples(self._laid)]
        left, joint = min(MOST_JOINT, (self.most - len(self.breadths)) // 2), list[frozenset[int]]()
        for size, part, three in sorted(found, key=lambda each: (each[0], sorted(map(sorted, each[2])))):
            if (left := left - size) < 0:
                break
            first = len(self.breadths)
            self.lay(part, three)
            joint.append(frozenset(range(first, len(self.breadths))))
        self.joint = joint

    def _size(self, part: Part, dimensions: Dimensions) -> int:
        return prod(len(places) for _, places in self._choices(part[2], dimensions))

    def divide(self) -> Sequence[int]:
        """Divide parts whose conditions cross columns by which different tables count them; the cells' numbers anew.

        Cells of such a part are sums over the parts it is divided into, of those tables that count by such a column: by
        these, and by others that several of them have.
        """
        counted: dict[tuple[str, int, Region], dict[Kind, list[Dimensions]]] = {}
        for (kind, group, rows), dimensions in self._laid:
            counted.setdefault((kind[0], group, rows), {}).setdefault(kind, []).append(dimensions)
        for (_, group, rows), kinds in counted.items():
            parts, crossed = self._find_crossing(rows, frozenset(chain(*kinds.values())))
            for kind, several in kinds.items():
                for dimensions in dict.fromkeys(each & crossed for each in several if each & crossed):
                    self._divide((kind, group, rows), parts, dimensions)
        return self._merge()

    def _find_crossing(self, rows: Region, laid: Collection[Dimensions]) -> tuple[Sequence[Region], Dimensions]:
        """What some rows are divided into, and by which columns these are counted; none where they need not be."""
        columns = self._columns_of(rows)
        told = [key for key in frozenset(chain(*laid)) if not columns.isdisjoint(key)]
        sides = {key: [self.classes[key].parts[at] for at in self.possible(rows, key)] for key in told}
        parts = divide_crossing(rows, sides, self.facts.about(columns.union(*told)))
        crossed = {key for key in told if any(len(self.possible(each, key)) < len(sides[key]) for each in parts)}
        touched = [each for each in laid if each & crossed]
        common = {key for key, tables in Counter(chain(*touched)).items() if tables > 1}
        is_one = any(each >= crossed | common for each in touched)
        return parts, frozenset() if is_one else frozenset(crossed | common)

    def _divide(self, whole: Part, rows: Sequence[Region], dimensions: Dimensions) -> None:
        kind, group, region = whole
        parts: list[Part] = [(self.kind_in(kind, each), group, each) for each in rows]
        for part in parts:
            self.lay(part, dimensions)
        for named in self._iter_cells(region, dimensions):
            inside = [part for part in parts if all(self.can_be(part[2], *each) for each in named)]
            cells = [self.enter_cell(part, named) for part in inside if self.can_be_all(part[2], named)]
            if cells:
                self.relate(self.enter_cell(whole, named), cells)

    def _merge(self) -> Sequence[int]:
        """Have cells of which one makes up another alone as one; the number of each cell from now on."""
        first = _find_first(len(self.breadths), (each for each in self.relations if len(each.parts) == 1))
        anew, numbers, breadths = list[int](), dict[object, int](), list[int]()
        for number, key in enumerate(self.numbers):
            if first[number] < number:
                anew.append(anew[first[number]])
                continue
            anew.append(numbers.setdefault(_number_anew(key, anew), len(numbers)))
            if anew[-1] == len(breadths):
                breadths.append(self.breadths[number])
        self.numbers, self.breadths = numbers, breadths
        joint = frozenset(chain(*self.joint))
        asked = frozenset(number for cell, number in enumerate(anew) if cell not in joint)
        self.joint = [frozenset(anew[cell] for cell in cells) - asked for cells in self.joint]
        self.cells = {cell: anew[number] for cell, number in self.cells.items()}
        relations = (
            Relation(anew[each.total], tuple(sorted(anew[part] for part in each.parts))) for each in self.relations
        )
        self.relations = {each: None for each in relations if each.total not in each.parts}
        return anew

    def possible(self, rows: Region, key: Columns) -> tuple[int, ...]:
        """The categories that some row of a part can be in."""
        if (rows, key) not in self._known_possible:
            places = range(len(self.classes[key].parts))
            self._known_possible[rows, key] = tuple(place for place in places if self.can_be(rows, key, place))
        return self._known_possible[rows, key]

    def enter_cell(self, part: Part, named: Categories, breadth: int = 1) -> int:
        """The number of a cell. A category that all of a part are in says nothing, so that the cell is the part's."""
        telling = frozenset((key, at) for key, at in named if len(self.possible(part[2], key)) > 1)
        found = self.cells[part, telling] = self.enter((part, telling), breadth)
        return found

    def can_be(self, rows: Region, key: Columns, place: int) -> bool:
        """Whether some row of a part can be in a category."""
        if (key, place) not in self._met:
            self._met[key, place] = self.facts.add_to(self.classes[key].parts[place])
        return overlap(rows, self._met[key, place])

    def can_be_all(self, rows: Region, named: Categories) -> bool:
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
        keys = [key for key, _ in named]
        columns = self._columns_of(rows)
        told = sum(not key.isdisjoint(columns) for key in keys)
        return told > 1 or len(frozenset[str]().union(*keys)) < sum(map(len, keys))

    def _columns_of(self, rows: Region) -> frozenset[str]:
        if rows not in self._columns:
            self._columns[rows] = columns_of(rows)
        return self._columns[rows]

    def kind_in(self, kind: Kind, region: Region) -> Kind:
        """A kind of rows as the children of a part have it: by what else is true of these alone."""
        unit, needs = kind
        if not self.facts.rows or unit in self.counted_rows:
            return kind
        if (kind, region) not in self._kinds:
            self._kinds[kind, region] = (unit, self.facts.add(region, needs)[1])
        return self._kinds[kind, region]

    def enter(self, key: object, breadth: int) -> int:
        """The number of whatever this says, a new one where it has none. Raises `TooTangled`."""
        if key not in self.numbers:
            self.numbers[key] = len(self.breadths)
            self.breadths.append(breadth)
            self.check_size(len(self.breadths))
        return self.numbers[key]

    def add_up(self, block: Sequence[int]) -> int:
        """The cell of what a block adds up to: itself where it is one cell."""
        if len(block) == 1:
            return block[0]
        cell = self.enter(frozenset(block), sum(self.breadths[each] for each in block))
        self.relate(cell, block)
        return cell

    def relate(self, total: int, parts: Sequence[int]) -> None:
        """Say of what a cell is the sum."""
        self.relations[Relation(total, tuple(sorted(parts)))] = None


def _number_anew(key: object, anew: Sequence[int]) -> object:
    """What says which a cell is, where the cells that it is made of have other numbers."""
    match key:
        case ("more", int(rows), int(children)):
            return "more", anew[rows], anew[children]
        case frozenset():
            return frozenset(anew[each] for each in key)
        case _:
            return key


def _find_first(count: int, same: Iterable[Relation]) -> Sequence[int]:
    """Of each cell the first that is the same."""
    first = list(range(count))
    for each in same:
        one, other = sorted(_follow(first, cell) for cell in (each.total, each.parts[0]))
        first[other] = one
    return [_follow(first, cell) for cell in range(count)]


def _follow(first: Sequence[int], cell: int) -> int:
    while first[cell] < cell:
        cell = first[cell]
    return cell
