"""Facts: what the catalogue says is true of everybody, in the words that all tables share.

Of two columns, or of several; and of a child by the rows that it has: which child is meant by a kind of row, and who
has one. With them counts of the same children are one unknown, whichever columns and tables their question names.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import chain

from disclosure_control.linked.children.overlaps import is_within, meet
from query_engine.columns import HadBy, Implied
from query_engine.planning.implied import Fact, narrow_facts, read_implied, region_met
from query_engine.planning.region import (
    Meaning,
    Region,
    RegionTangled,
    columns_of,
    complement,
    intersect,
    project,
    region_of_codes,
    translate,
    unite,
)

__all__ = ["NO_FACTS", "Fact", "Facts", "Need", "RowFact", "merge_facts", "read_facts"]

Need = tuple[str, Region]
"""A table, and a region of its rows of which a child has one."""


@dataclass(frozen=True)
class RowFact:
    """Who has one of these rows of a table: those children alone, where `rows_tell`; all of them, if `children_tell`.

    `alike` are the words of columns that say the same of such a row and of the child.
    """

    table: str
    rows: Region
    children: Region
    alike: tuple[tuple[str, str], ...]
    rows_tell: bool
    children_tell: bool

    def told_of(self, row: Region) -> Region:
        """What is said of the child who has a row in a region of these. Raises `RegionTangled`."""
        return intersect(self.children, _rename(row, dict(self.alike)))

    def had_by(self, child: Region) -> Region:
        """Which of these rows a child has who is one of these children. Raises `RegionTangled`."""
        return intersect(self.rows, _rename(child, {word: row for row, word in self.alike}))


@dataclass(frozen=True)
class Facts:
    """What is known of children: of their columns, and of the rows that they have."""

    columns: tuple[Fact, ...] = ()
    rows: tuple[RowFact, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The columns that something is known of."""
        return frozenset(chain(*(names for names, _ in self.columns)))

    def narrow(self, named: frozenset[str], tables: frozenset[str]) -> "Facts":
        """What bears on questions that name these columns, and ask for rows in these tables; the same is one object."""
        return _narrow_facts(self, named, tables)

    def about(self, columns: frozenset[str]) -> Region:
        """All that is known about these columns alone, as far as it is not too tangled together."""
        return _add_all(True, tuple(fact for names, fact in self.columns if names <= columns))

    def add_to(self, region: Region) -> Region:
        """A condition with what follows from it for columns that it names, as far as that is not too tangled."""
        named = columns_of(region)
        return _add_all(region, tuple(fact for columns, fact in self.columns if columns & named))

    def add(self, child: Region, needs: frozenset[Need]) -> tuple[Region, frozenset[Need]]:
        """A condition on a child and on the rows it has, with all that follows from it. Raises `RegionTangled`."""
        if self.rows:
            child, needs = _add_rows(child, needs, self.rows)
        return self.add_to(child), needs


NO_FACTS = Facts()


@lru_cache(maxsize=64)
def read_facts(implied: tuple[Implied, ...], had_by: tuple[HadBy, ...]) -> Facts:
    """What is implied, each thing by itself, and who has which rows."""
    return Facts(read_implied(implied), tuple(map(_read_rows, had_by)))


def _read_rows(had_by: HadBy) -> RowFact:
    return RowFact(
        had_by.table,
        region_met(had_by.rows),
        region_met(had_by.children),
        tuple((row.name, child.name) for row, child in had_by.alike),
        had_by.rows_tell,
        had_by.children_tell,
    )


@lru_cache(maxsize=256)
def merge_facts(several: tuple[Facts, ...]) -> Facts:
    """What is known by any of several: one object for the same."""
    if len(several) == 1:
        return several[0]
    columns, rows = (chain(*(each.columns for each in several)), chain(*(each.rows for each in several)))
    return Facts(tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(rows)))


@lru_cache(maxsize=256)
def _narrow_facts(facts: Facts, named: frozenset[str], tables: frozenset[str]) -> Facts:
    of_rows = (each for each in facts.rows if each.table in tables and columns_of(each.children) <= named)
    return Facts(narrow_facts(facts.columns, named), tuple(of_rows))


@lru_cache(maxsize=1 << 12)
def _add_all(region: Region, facts: tuple[Region, ...]) -> Region:
    """Some rows with all that is true of everybody; where that is too tangled, with as much of it as is not."""
    try:
        return intersect(region, _all_of(facts))
    except RegionTangled:
        return meet(region, *facts)


@lru_cache(maxsize=1 << 10)
def _all_of(facts: tuple[Region, ...]) -> Region:
    everybody: Region = True
    return reduce(intersect, facts, everybody)


def _add_rows(child: Region, needs: frozenset[Need], facts: Collection[RowFact]) -> tuple[Region, frozenset[Need]]:
    """What a child is who has these rows, and which rows it has by that. Raises `RegionTangled`."""
    for table, row in needs:
        child = intersect(child, _told_of(row, [each for each in facts if each.rows_tell and each.table == table]))
    had = set(_had_by(child, [each for each in facts if each.children_tell]))
    every = needs | had
    return child, frozenset(need for need in every if not any(_is_more(other, need) for other in every))


def _told_of(row: Region, facts: Sequence[RowFact]) -> Region:
    """By each kind that the row is of; or, where it may be of several, by all of them together."""
    told: Region = True
    kinds = [each for each in facts if is_within(row, each.rows)]
    if not kinds:
        return _told_together(row, facts)
    for each in kinds:
        told = intersect(told, each.told_of(row))
    return told


def _told_together(row: Region, facts: Sequence[RowFact]) -> Region:
    told: Region = False
    left = row
    for each in facts:
        if (part := intersect(row, each.rows)) is not False:
            told, left = unite(told, each.told_of(part)), intersect(left, complement(each.rows))
    return told if left is False else True


def _had_by(child: Region, facts: Sequence[RowFact]) -> Iterator[Need]:
    for each in facts:
        if child is not False and is_within(child, each.children):
            yield each.table, each.had_by(child)


def _is_more(one: Need, other: Need) -> bool:
    """Whether whoever has the one has the other too, and more is said by it."""
    (table, rows), (name, less) = one, other
    return table == name and rows != less and is_within(rows, less)


def _rename(region: Region, words: dict[str, str]) -> Region:
    """What a region says of some columns, in other words."""

    def meaning(word: str) -> Meaning:
        return lambda ranges, greatest: region_of_codes(word, ranges, greatest)

    return translate(project(region, words.keys()), {name: meaning(word) for name, word in words.items()})
