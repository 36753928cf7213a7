"""What a reader could find by adding and subtracting figures of one row: traps, known from the plan alone.

Each figure is about some of a cell's children: those whom its FILTER keeps, those who meet its condition. Where a few
such groups, added and subtracted, are again a group, its number can be worked out from theirs, and so can its sum or
average from theirs. Three filters of which each child meets one, beside the number of all, give the third from two.
Groups of unlike columns cannot make up one another. Searched are mixtures of three to six groups of like ones, the
fewer the more there are, and any number of groups that have no row in common, taken from one that holds them; longer
sums over many overlapping groups are not. A search that would take too long raises `RegionTangled`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import Region, RegionTangled, Split, columns_of, complement, factors, intersect

__all__ = ["Trap", "find_traps", "groups_of"]

CELL = "children"
"""The statistic of every child of a cell."""

TERMS = ((8, 6), (16, 4))
"""Up to so many groups, mixtures of so many are searched."""

LEAST_TERMS = 3

MOST_ATOMS = 512
MOST_TRAPS = 2_000
MOST_LOOKS = 5_000_000
"""Traps times the cells in which each is looked at: seconds of a node's time."""

_LANE = 8  # Bits for each atom: more than the most of any mixture.


@dataclass(frozen=True, slots=True)
class Trap:
    """Groups that, added and taken away, leave a group; each is named by the statistic of its children.

    Each child of what is left is left so many `times`. `known` says that what is left is a group of which a figure
    was asked, so that finding none in it tells something.
    """

    added: tuple[str, ...]
    taken: tuple[str, ...]
    known: bool
    times: int = 1

    @property
    def parts(self) -> tuple[str, ...]:
        """The groups of which figures can be withheld."""
        return tuple(each for each in (*self.added, *self.taken) if each != CELL)


def groups_of(output: Output) -> frozenset[str]:
    """The groups of children that a figure is about, besides the whole cell."""
    groups = {output.among, *(inside for inside, _ in output.sides)}
    if output.kind in ("distinct", "regr_count"):
        groups.add(output.present)
    return frozenset(groups - {CELL, ""})


def find_traps(plan: QueryPlan) -> tuple[Trap, ...]:
    """Every trap of a plan's rows. Raises `RegionTangled`."""
    asked = frozenset[str]().union(*map(groups_of, plan.outputs))
    regions = {each.name: True if each.measure is None else each.measure.where for each in plan.statistics}
    traps: list[Trap] = []
    for names in _related(sorted(asked), regions, plan):
        traps += _traps_among([CELL, *names], regions, plan.where)
        if len(traps) > MOST_TRAPS or len(traps) * plan.cells > MOST_LOOKS:
            raise RegionTangled
    return tuple(traps)


def _related(asked: Sequence[str], regions: Mapping[str, Region], plan: QueryPlan) -> list[list[str]]:
    """The groups that bear on one another: those of one column, or of columns that WHERE ties to each other."""
    where = plan.where if isinstance(plan.where, Split) else None
    tied = [columns_of(each) for each in factors(where, plan.governed.columns.values())] if where else []
    found: list[tuple[frozenset[str], list[str]]] = [(each, []) for each in tied]
    for name in asked:
        columns, names = columns_of(regions[name]), [name]
        for each in [each for each in found if each[0] & columns]:
            found.remove(each)
            columns, names = columns | each[0], names + each[1]
        found.append((columns, names))
    return [sorted(names) for _, names in found if len(names) > 1]


def _traps_among(names: Sequence[str], regions: Mapping[str, Region], where: Region) -> list[Trap]:
    spread = _spread([regions[each] for each in names], where)
    vectors = dict(zip(names, spread, strict=True))
    asked = {vectors[each] for each in names if each != CELL}
    found = []
    for added, taken in (*_mixtures(names), *_partitions(vectors)):
        left, times = _left(vectors, added, taken)
        if left:
            found.append(Trap(added, taken, left in asked, times))
    return found


def _spread(regions: Sequence[Region], where: Region) -> list[int]:
    """The regions as numbers, with a 1 in the lane of each smallest part that they cut the rows into."""
    atoms = [where]
    for region in regions:
        outside = complement(region)
        cut = [intersect(atom, side) for atom in atoms for side in (region, outside)]
        atoms = [each for each in cut if each is not False]
        if len(atoms) > MOST_ATOMS:
            raise RegionTangled
    return [
        sum(1 << (_LANE * place) for place, atom in enumerate(atoms) if intersect(atom, region) == atom)
        for region in regions
    ]


def _mixtures(names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each choice of a few groups to add and to take away, but for those that rules of their own look at."""
    most = next((terms for groups, terms in TERMS if len(names) <= groups), LEAST_TERMS)
    for terms in range(2, most + 1):
        for chosen in combinations(names, terms):
            if terms == 2 and CELL in chosen:
                continue
            for signs in product((True, False), repeat=terms):
                added = tuple(each for each, sign in zip(chosen, signs, strict=True) if sign)
                taken = tuple(each for each, sign in zip(chosen, signs, strict=True) if not sign)
                if added and taken:
                    yield added, taken


def _left(vectors: dict[str, int], added: Sequence[str], taken: Sequence[str]) -> tuple[int, int]:
    """The group that is left, as its number, and how many times; 0 where nothing is left, or no group."""
    ones = vectors[CELL]
    lifted = ones << 4  # 16 in each lane, so that no lane borrows from the next.
    left = sum(vectors[each] for each in added) + lifted - sum(vectors[each] for each in taken)
    for times in (1, 2):
        if left & ~(ones * times) == lifted:
            return (left ^ lifted) // times, times
    return 0, 1


def _partitions(vectors: dict[str, int]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each group with some that lie within it and have no row in common."""
    for whole, held in vectors.items():
        inside = [name for name, own in vectors.items() if own != held and own & held == own]
        yield from (((whole,), parts) for parts in _disjoint(inside, vectors) if len(parts) >= LEAST_TERMS)


def _disjoint(names: Sequence[str], vectors: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Every set of groups without a row in common. Raises `RegionTangled` where there are too many."""
    grown: list[tuple[tuple[str, ...], int]] = [((), 0)]
    for name in names:
        grown += [((*parts, name), rows | vectors[name]) for parts, rows in grown if not rows & vectors[name]]
        if len(grown) > 2 * MOST_TRAPS:
            raise RegionTangled
    return (parts for parts, _ in grown)
