"""What the catalogue says that columns imply of each other, as regions: what everybody knows of rows besides."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial, reduce
from itertools import chain

from query_engine.columns import Column, GovernedTable, Implied, Met
from query_engine.planning.region import (
    Region,
    RegionTangled,
    columns_of,
    complement,
    intersect,
    project,
    region_of,
    region_of_codes,
    translate,
    unite,
)
from query_engine.planning.relation import Relation

__all__ = ["Fact", "known_of", "name_words", "narrow_facts", "read_implied", "region_met", "tied_words"]

Fact = tuple[frozenset[str], Region]
"""What is true of everybody: of which columns, by their words, and what."""


@lru_cache(maxsize=64)
def read_implied(implied: tuple[Implied, ...]) -> tuple[Fact, ...]:
    """What is implied, each thing by itself."""
    return tuple(chain(*map(_read, implied)))


def _read(implied: Implied) -> Iterator[Fact]:
    unmet = complement(region_met(implied.when))
    for then in implied.then:
        region = unite(unmet, region_met((then,)))
        yield columns_of(region), region


def region_met(met: Met) -> Region:
    """Who meets a condition."""
    everybody: Region = True
    return reduce(intersect, (region_of(column, codes) for column, codes in met), everybody)


@lru_cache(maxsize=1 << 10)
def narrow_facts(facts: tuple[Fact, ...], named: frozenset[str]) -> tuple[Fact, ...]:
    """The facts about some columns alone, with what follows for these by one more that nobody names.

    A limit: what follows by two more at once is left out, unless the catalogue says it itself.
    """
    near = [fact for fact in facts if len(fact[0] - named) <= 1]
    found = [fact for fact in near if fact[0] <= named]
    for beyond in sorted(frozenset(chain(*(names for names, _ in near))) - named):
        about = [fact for fact in near if beyond in fact[0]]
        if len(frozenset(chain(*(names for names, _ in about)))) > 2:
            region = _follow(about, named)
            found += [(columns_of(region), region)] if region is not True else []
    return tuple(dict.fromkeys(found))


def _follow(facts: Sequence[Fact], named: Collection[str]) -> Region:
    everybody: Region = True
    try:
        return project(reduce(intersect, (region for _, region in facts), everybody), named)
    except RegionTangled:
        return True  # It says less, and nothing wrong.


def name_words(table: GovernedTable, names: Collection[str]) -> frozenset[str]:
    """What columns of a table are called among all tables."""
    return frozenset(_word(table, name) for name in names)


def _word(table: GovernedTable, name: str) -> str:
    """A column that is worked out for each child, or whose row may be missing, goes by its own name: no fact has it."""
    if not isinstance(table, Relation):
        return table.word(name)
    part, local = table.part_of(name), table.origins[name][1]
    return name if part.outer or part.tally(local) is not None else part.table.word(local)


def known_of(table: GovernedTable, rows: Region, name: str) -> tuple[Region, Column]:
    """Some rows with what everybody knows of a column by them, in words that all tables share; and that column.

    Raises `RegionTangled`.
    """
    words = {each: _word(table, each) for each in columns_of(rows) | {name}}
    meanings = {each: partial(region_of_codes, word) for each, word in words.items() if word != each}
    found = reduce(intersect, _facts_about(table, frozenset(words.values())), translate(rows, meanings))
    return found, replace(table.columns[name], name=words[name])


def _facts_about(table: GovernedTable, words: frozenset[str]) -> Iterator[Region]:
    return (region for _, region in narrow_facts(_facts_of(table), words))


def _facts_of(table: GovernedTable) -> tuple[Fact, ...]:
    """What is said of the columns of a table: all tables of a key say the same."""
    return read_implied(table.parts[0].table.implied if isinstance(table, Relation) else table.implied)


def tied_words(table: GovernedTable, words: frozenset[str], name: str, rows: Region) -> frozenset[str]:
    """Those of some words of columns that, with some rows, say anything of a column."""
    tied, before = name_words(table, [name]), frozenset[str]()
    facts = narrow_facts(_facts_of(table), words | tied)
    said = [*(names for names, _ in facts), name_words(table, columns_of(rows))]
    while tied != before:
        before, tied = tied, tied.union(*(names for names in said if not names.isdisjoint(tied)))
    return tied
