"""The lattice of a table, or of several that share cells: which cells there are, and which add up to which.

A cell is known by the categories that are not the root of their column, so that the same children have the same cell
in every table that shows them: `sex = F` of a table by sex, and of one by sex and age in the row of the age total.

What has no row of its own can be a cell all the same, and with it a reader works out others: totals, and what is only
published added up. A row stands for 0 if it is missing among others of the same levels, as in tables that leave such
rows out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from disclosure_control.presets.preset import LEVELS, Level
from disclosure_control.suppression.hierarchy import AUTHORITY, Hierarchy
from disclosure_control.suppression.incidence import Incidence

__all__ = ["CellKey", "Lattice", "Layout", "Relation", "TableUnusable", "build_lattice"]

CellKey = frozenset[tuple[str, str]]
"""The categories of a cell, each after its column, without those that take in everything."""

Categories = tuple[str, ...]

MOST_CELLS = 200_000


class TableUnusable(Exception):
    """The rows are not those of a table that adds up; the text says which, and shows no figure."""


@dataclass(frozen=True)
class Layout:
    """One table: its columns of categories, the hierarchy of each, and the categories of its rows.

    Raises `TableUnusable` where a category is not in its column's tree, or two rows are alike.
    """

    columns: Categories
    hierarchies: tuple[Hierarchy, ...]
    rows: tuple[Categories, ...]

    def __post_init__(self) -> None:
        """Refuse rows that cannot be placed."""
        for column, hierarchy, codes in zip(self.columns, self.hierarchies, zip(*self.rows, strict=True), strict=True):
            for code in dict.fromkeys(codes):
                if code not in hierarchy.parents:
                    raise TableUnusable(f"column {column}: {code} is not in the tree of that column")
        if len(set(self.rows)) < len(self.rows):
            twice = next(row for row, times in Counter(self.rows).items() if times > 1)
            raise TableUnusable(f"there are two rows for {', '.join(twice)}")

    @cached_property
    def pruned(self) -> tuple[Hierarchy, ...]:
        """The hierarchies of the categories that occur; what lies between two of them and does not is left out."""
        columns = zip(*self.rows, strict=True)
        return tuple(each.among(set(codes)) for each, codes in zip(self.hierarchies, columns, strict=True))

    @cached_property
    def missing(self) -> tuple[Categories, ...]:
        """The rows that are not there and stand for something: totals, and those of which none of their levels is."""
        empty = set(self.empty)
        return tuple(row for row in self._absent if row not in empty)

    @cached_property
    def empty(self) -> tuple[Categories, ...]:
        """The rows that are not there and stand for 0: others of the same levels are, and they are no totals."""
        levels = set(map(self._levels, self.rows))
        return tuple(row for row in self._absent if self._levels(row) in levels and not self._is_total(row))

    @cached_property
    def _absent(self) -> tuple[Categories, ...]:
        if prod(len(each.parents) for each in self.pruned) > MOST_CELLS:
            raise TableUnusable(f"the categories make more than {MOST_CELLS} cells, and no more are taken")
        present = set(self.rows)
        return tuple(row for row in product(*(each.parents for each in self.pruned)) if row not in present)

    def _levels(self, row: Categories) -> Categories:
        return tuple(each.levels[code] for each, code in zip(self.pruned, row, strict=True))

    def _is_total(self, row: Categories) -> bool:
        return any(code in each.children for each, code in zip(self.pruned, row, strict=True))

    def key(self, row: Categories) -> CellKey:
        """What a row's cell is known by."""
        named = zip(self.columns, self.pruned, row, strict=True)
        return frozenset((column, code) for column, each, code in named if not each.takes_in_everything(code))

    def level(self, row: Categories) -> Level:
        """The level of a row, by its place in geography; that of an authority where it has none."""
        found = [level for level in LEVELS if level in self._levels(row)]
        return found[-1] if found else LEVELS[0]

    def breadth(self, row: Categories) -> int:
        """Over how many cells that are no totals a row adds up."""
        return prod(each.breadths[code] for each, code in zip(self.pruned, row, strict=True))


@dataclass(frozen=True)
class Relation:
    """A total and the cells that add up to it."""

    total: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Lattice:
    """Cells by number, and how they add up: first the `shown` ones that have a row, then those without.

    `places` has, table by table, the cell of each row. `breadths` says over how many cells that are no totals a cell
    adds up: in public, it stands for a cell's size. `levels` are those of geography. `owners` are the authorities that
    know a cell, each as its column and code.
    """

    keys: tuple[CellKey, ...]
    relations: tuple[Relation, ...]
    places: tuple[tuple[int, ...], ...]
    breadths: tuple[int, ...]
    levels: tuple[Level, ...]
    owners: tuple[frozenset[tuple[str, str]], ...]
    shown: int

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def incidence(self) -> Incidence:
        """Which cells are in which relations."""
        return Incidence.of([(relation.total, *relation.parts) for relation in self.relations])

    @cached_property
    def over(self) -> tuple[tuple[int, ...], ...]:
        """The relations, by number, that each cell is a part of."""
        found: list[list[int]] = [[] for _ in self.keys]
        for number, relation in enumerate(self.relations):
            for part in relation.parts:
                found[part].append(number)
        return tuple(map(tuple, found))

    def climb(self, cells: Iterable[int], admits: Callable[[Relation], bool] = lambda _: True) -> set[int]:
        """These cells and the totals over them, near and far, that a relation leads to which is admitted."""
        found = set(cells)
        waiting = list(found)
        while waiting:
            for number in self.over[waiting.pop()]:
                relation = self.relations[number]
                if relation.total not in found and admits(relation):
                    found.add(relation.total)
                    waiting.append(relation.total)
        return found

    def work_out(self, known: Iterable[int]) -> Iterator[Relation]:
        """The relations that give a total which is not known from cells that are, each after those of its parts."""
        found = set(known)
        lacking = [sum(part not in found for part in each.parts) for each in self.relations]
        ready = [number for number, count in enumerate(lacking) if not count]
        for number in ready:
            if (total := self.relations[number].total) in found:
                continue
            found.add(total)
            yield self.relations[number]
            for each in self.over[total]:
                lacking[each] -= 1
                if not lacking[each]:
                    ready.append(each)

    @cached_property
    def is_determined(self) -> bool:
        """Whether all cells without a row are totals of others."""
        totals = {relation.total for relation in self.relations}
        return all(cell in totals for cell in range(self.shown, len(self)))

    def complete(self, figures: Sequence[int]) -> list[int]:
        """The figures of all cells, where those without a row are totals, from those of the others.

        Raises `TableUnusable` where they do not add up.
        """
        known = [*figures, *[0] * (len(self) - self.shown)]
        for relation in self.work_out(range(self.shown)):
            known[relation.total] = sum(known[part] for part in relation.parts)
        for relation in self.relations:
            if known[relation.total] != sum(known[part] for part in relation.parts):
                raise TableUnusable(f"the parts of {self.describe(relation.total)} do not add up to it")
        return known

    def describe(self, cell: int) -> str:
        """A cell in words, for an error message."""
        return ", ".join(f"{column} {category}" for column, category in sorted(self.keys[cell])) or "the total of all"


def build_lattice(layouts: Sequence[Layout]) -> Lattice:
    """The lattice of one table, or of several that are published side by side. Raises `TableUnusable`."""
    numbers: dict[CellKey, int] = {}
    sizes: dict[int, tuple[int, Level]] = {}
    found = [_number(layout, layout.rows, numbers, sizes) for layout in layouts]
    shown = len(numbers)
    for layout, cells in zip(layouts, found, strict=True):
        cells |= _number(layout, layout.missing, numbers, sizes)
    relations = dict.fromkeys(each for pair in zip(layouts, found, strict=True) for each in _relations(*pair))
    places = tuple(tuple(cells[row] for row in each.rows) for each, cells in zip(layouts, found, strict=True))
    owners = _owners(layouts)
    known_by = tuple(frozenset().union(*(owners.get(each, ()) for each in key)) for key in numbers)
    breadths, levels = zip(*sizes.values(), strict=True)
    return Lattice(tuple(numbers), tuple(relations), places, breadths, levels, known_by, shown)


def _number(
    layout: Layout, rows: Sequence[Categories], numbers: dict[CellKey, int], sizes: dict[int, tuple[int, Level]]
) -> dict[Categories, int]:
    """The cells of rows; those that are new get the next numbers."""
    cells = {}
    for row in rows:
        cell = cells[row] = numbers.setdefault(layout.key(row), len(numbers))
        sizes.setdefault(cell, (layout.breadth(row), layout.level(row)))
    return cells


def _relations(layout: Layout, cells: Mapping[Categories, int]) -> Iterator[Relation]:
    """Every relation of one column, the others held still."""
    for place, hierarchy in enumerate(layout.pruned):
        others = product(*(each.parents for each in (*layout.pruned[:place], *layout.pruned[place + 1 :])))
        for rest, (total, codes) in product(others, hierarchy.children.items()):
            before, after = rest[:place], rest[place:]
            parts = [cells[row] for code in codes if (row := (*before, code, *after)) in cells]
            if parts and (row := (*before, total, *after)) in cells:
                yield Relation(cells[row], tuple(parts))


def _owners(layouts: Sequence[Layout]) -> Mapping[tuple[str, str], CellKey]:
    """The authorities that know what is of a category: it itself, or one that it is part of, be it without a row."""
    found: dict[tuple[str, str], CellKey] = {}
    for layout in layouts:
        for column, tree in zip(layout.columns, layout.hierarchies, strict=True):
            for code in tree.downwards:
                parent = tree.parents[code]
                own = {(column, code)} if tree.levels[code] == AUTHORITY else ()
                found[column, code] = (found[column, parent] if parent else frozenset()).union(own)
    return found
