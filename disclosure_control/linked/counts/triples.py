"""Three columns of which tables count by each two: what such tables say of all three together.

Of 23 boys who are fourteen, 20 boys who came alone and nobody who is fifteen and did, three are boys of fourteen who
did not come alone. No two of the three tables say so, nor any total that they share. So the three columns are laid out
together, though nobody asked for a table by all of them.
"""

from collections.abc import Collection, Iterator
from itertools import combinations

from disclosure_control.linked.children.counted import Columns
from disclosure_control.linked.counts.cells import Part

__all__ = ["MOST_JOINT", "list_triples"]

MOST_JOINT = 5_000
"""Cells by three columns that are laid out though nobody asked for them."""


def list_triples(laid: Collection[tuple[Part, frozenset[Columns]]]) -> Iterator[tuple[Part, frozenset[Columns]]]:
    """The threes of columns, part by part, by each two of which some table counts, and by all of them none."""
    tables: dict[Part, list[frozenset[Columns]]] = {}
    for part, columns in laid:
        tables.setdefault(part, []).append(columns)
    for part, several in tables.items():
        pairs = {frozenset(pair) for each in several for pair in combinations(each, 2)}
        beside: dict[Columns, set[Columns]] = {}
        for one, other in map(tuple, pairs):
            beside.setdefault(one, set()).add(other)
            beside.setdefault(other, set()).add(one)
        threes = {pair | {third} for pair in pairs for third in set.intersection(*(beside[each] for each in pair))}
        for three in sorted(threes, key=lambda each: sorted(map(sorted, each))):
            if not any(three <= each for each in several):
                yield part, three
