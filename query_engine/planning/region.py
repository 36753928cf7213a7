"""Regions: the one canonical form of a condition, whatever way it was written.

Each column has finitely many codes (see `catalogue.Column`), so a condition is a set of points in a finite space.
A region writes that set as a reduced, ordered decision diagram: the columns are looked at in alphabetical order,
each at most once, and each split is a piecewise constant function over the column's codes, with no two neighbouring
runs alike and no split that decides nothing. Two conditions keep the same rows exactly when their regions are equal
(Bryant 1986; Srinivasan et al. 1990 for many-valued columns). `True` is every row and `False` is none.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise

from query_engine.catalogue import Column

SIZE_LIMIT = 1_000
"""The most runs a region may have, each distinct branch of a split counted once."""


class RegionTangled(Exception):
    """The condition's canonical form would be larger than `SIZE_LIMIT`."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A decision by one column. Each run is (its last code, the region that holds for its codes).

    Splits are equal when their digests are: a digest covers the column, the runs and the digests within them, so that
    comparing takes no longer for a large region than for a small one. `size` counts runs, as `SIZE_LIMIT` does.
    """

    column: str
    runs: tuple[tuple[int, "Region"], ...]
    size: int
    digest: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Split) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<Split by {self.column}, {self.size} runs>"

    def spans(self) -> Iterator[tuple[int, int, "Region"]]:
        """Each run as (first code, last code, region)."""
        first = 0
        for last, region in self.runs:
            yield first, last, region
            first = last + 1

    def branches(self) -> list[tuple["Region", list[tuple[int, int]]]]:
        """Each distinct region but `False`, with the runs of codes it holds for, in order of appearance."""
        found: dict[Region, list[tuple[int, int]]] = {}
        for first, last, region in self.spans():
            if region is not False:
                found.setdefault(region, []).append((first, last))
        return list(found.items())

    def terms(self) -> list[tuple[list[tuple[int, int]], "Split | None"]]:
        """The region as conditions joined by OR: runs of this column's codes, and what else must hold with them.

        Where every code passes either outright or by one further condition, that condition stands without runs.
        """
        parts = {part for _, part in self.runs}
        otherwise = len(parts) == 2 and True in parts and False not in parts
        terms = [(runs, part if isinstance(part, Split) else None) for part, runs in self.branches()]
        terms = [([] if otherwise and part else runs, part) for runs, part in terms]
        return sorted(terms, key=lambda term: term[1] is not None)


Region = bool | Split
_Done = dict[tuple[Split, Split], Region]


def region_of(column: Column, ranges: Iterable[tuple[int, int]]) -> Region:
    """The rows whose code in one column lies in one of the inclusive ranges."""
    return region_of_codes(column.name, ranges, column.codes - 1)


def region_of_codes(name: str, ranges: Iterable[tuple[int, int]], greatest: int) -> Region:
    """The same for a column of this name whose greatest code is given."""
    runs: list[tuple[int, Region]] = []
    for first, last in _merged(ranges):
        if first > 0:
            runs.append((first - 1, False))
        runs.append((last, True))
    if not runs or runs[-1][0] < greatest:
        runs.append((greatest, False))
    return _split(name, runs)


Meaning = Callable[[list[tuple[int, int]], int], "Region"]
"""What it means elsewhere that a column's code is in one of some ranges, where the greatest code is given."""


def translate(region: Region, meanings: Mapping[str, Meaning]) -> Region:
    """The region in other columns: of each column what its codes mean there; a column without a meaning stays.

    Raises `RegionTangled`.
    """
    done: dict[Split, Region] = {}

    def translated(part: Region) -> Region:
        if isinstance(part, bool) or part in done:
            return part if isinstance(part, bool) else done[part]
        found: Region = False
        for inside, ranges in part.branches():
            greatest = part.runs[-1][0]
            meaning = meanings.get(part.column)
            here = meaning(ranges, greatest) if meaning else region_of_codes(part.column, ranges, greatest)
            found = unite(found, intersect(here, translated(inside)))
        done[part] = found
        return found

    return translated(region)


def present_in(column: Column) -> Region:
    """The rows that have a value of the column."""
    return region_of(column, [(0, column.present_codes - 1)])


def intersect(left: Region, right: Region) -> Region:
    """The rows in both regions. Raises `RegionTangled`."""
    return _combine(left, right, False, {})


def unite(left: Region, right: Region) -> Region:
    """The rows in either region. Raises `RegionTangled`."""
    return _combine(left, right, True, {})


def complement(region: Region) -> Region:
    """The rows outside the region."""
    if isinstance(region, bool):
        return not region
    done: dict[Split, Region] = {}

    def opposite(part: Region) -> Region:
        if isinstance(part, bool):
            return not part
        if part not in done:
            done[part] = _split(part.column, [(last, opposite(each)) for last, each in part.runs])
        return done[part]

    return opposite(region)


def project(region: Region, columns: Collection[str]) -> Region:
    """The rows that agree in these columns with some row of the region. Raises `RegionTangled`."""
    return _project(region, columns, {})


def single_code(region: Region) -> int | None:
    """The code, where the region is one code of one column."""
    if isinstance(region, bool):
        return None
    kept = [(first, last) for first, last, each in region.spans() if each is True]
    alone = all(isinstance(each, bool) for _, each in region.runs) and len(kept) == 1 and kept[0][0] == kept[0][1]
    return kept[0][0] if alone else None


def constrain(region: Region, within: Region) -> Region:
    """The one region that stands for all those which agree with this one on the rows of `within`.

    Where `within` has no rows, a code takes the answer of its nearest neighbour that has, so that a condition
    loses what the filter already says (the generalised cofactor of Coudert and Madre, 1990).
    `within` must not be `False`. Raises `RegionTangled`.
    """
    return _constrain(region, within, {})


def factors(region: Split, columns: Iterable[Column]) -> list[Split]:
    """Regions that together make this one: one for each column that decides alone, then what cannot be taken apart.

    This is the form to read and to run: most filters are such a list with nothing left over. A region that would
    grow beyond the limit by being taken apart is given back whole.
    """
    names = columns_of(region)
    used = [column for column in columns if column.name in names]
    alone = {column.name: region_of(column, possible_ranges(region, column)) for column in used}
    try:
        rest = constrain(region, reduce(intersect, alone.values()))
        together = columns_of(rest)
        entangled = reduce(intersect, (alone[name] for name in sorted(together)), rest)
    except RegionTangled:
        return [region]
    apart = [here for name, here in alone.items() if name not in together]
    return [each for each in [*apart, entangled] if isinstance(each, Split)]


def columns_of(region: Region) -> frozenset[str]:
    """The columns that the region depends on."""
    if isinstance(region, bool):
        return frozenset()
    return frozenset({region.column}).union(*(columns_of(each) for each, _ in region.branches()))


def possible_ranges(region: Region, column: Column) -> list[tuple[int, int]]:
    """The codes of a column that some row of the region can have, by the condition alone, as inclusive ranges."""
    return _possible(region, column, {})


def _possible(region: Region, column: Column, done: dict[Split, list[tuple[int, int]]]) -> list[tuple[int, int]]:
    if isinstance(region, bool):
        return [(0, column.codes - 1)] if region else []
    if region.column == column.name:
        return _merged((first, last) for first, last, each in region.spans() if each is not False)
    if region not in done:
        done[region] = _merged(chain.from_iterable(_possible(each, column, done) for each, _ in region.branches()))
    return done[region]


def _project(region: Region, columns: Collection[str], done: dict[Split, Region]) -> Region:
    if isinstance(region, bool):
        return region
    if region not in done:
        runs = [(last, _project(each, columns, done)) for last, each in region.runs]
        stays = region.column in columns
        done[region] = _split(region.column, runs) if stays else reduce(unite, (each for _, each in runs))
    return done[region]


def _constrain(region: Region, within: Region, done: _Done) -> Region:
    if isinstance(region, bool) or isinstance(within, bool):
        return region
    if (region, within) not in done:
        column = min(region.column, within.column)
        runs: list[tuple[int, Region]] = []
        for last, here, allowed in _aligned(column, region, within):
            if allowed is not False:
                runs.append((last, _constrain(here, allowed, done)))
            elif runs:
                runs[-1] = (last, runs[-1][1])
        done[region, within] = _split(column, runs)
    return done[region, within]


def _combine(left: Region, right: Region, absorbing: bool, done: _Done) -> Region:
    """AND where `absorbing` is `False`, OR where it is `True`; `done` remembers pairs already combined."""
    if left is absorbing or right is absorbing:
        return absorbing
    if isinstance(left, bool):
        return right
    if isinstance(right, bool) or left == right:
        return left
    if (left, right) not in done:
        column = min(left.column, right.column)
        runs = [(last, _combine(a, b, absorbing, done)) for last, a, b in _aligned(column, left, right)]
        done[left, right] = _split(column, runs)
    return done[left, right]


def _aligned(column: str, left: Split, right: Split) -> Iterator[tuple[int, Region, Region]]:
    """Cut both regions at the same codes of a column: (last code, left's part, right's part)."""
    if left.column != column:
        yield from ((last, left, part) for last, part in right.runs)
    elif right.column != column:
        yield from ((last, part, right) for last, part in left.runs)
    else:
        yield from _zipped(left, right)


def _zipped(left: Split, right: Split) -> Iterator[tuple[int, Region, Region]]:
    mine, theirs = iter(left.runs), iter(right.runs)
    (last, part), (other_last, other_part) = next(mine), next(theirs)
    while True:
        cut = min(last, other_last)
        yield cut, part, other_part
        if last == other_last == left.runs[-1][0]:
            return
        if last == cut:
            last, part = next(mine)
        if other_last == cut:
            other_last, other_part = next(theirs)


def _split(column: str, runs: list[tuple[int, Region]]) -> Region:
    """A reduced split: like neighbours joined, and no split where all runs are alike."""
    kept = [run for run, after in pairwise(runs) if run[1] != after[1]] + runs[-1:]
    if len(kept) == 1:
        return kept[0][1]
    size = len(kept) + sum(each.size for each in {part for _, part in kept} if isinstance(each, Split))
    if size > SIZE_LIMIT:
        raise RegionTangled
    content = [(last, part.digest if isinstance(part, Split) else part) for last, part in kept]
    return Split(column, tuple(kept), size, hashlib.sha256(repr((column, content)).encode()).digest())


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Inclusive ranges in order, with those that touch or overlap joined and empty ones dropped."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(each for each in ranges if each[0] <= each[1]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
