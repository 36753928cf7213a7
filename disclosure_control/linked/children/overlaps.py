"""How conditions lie to each other: worked out once for all cells, figures and releases that it is asked of.

Of two that are too tangled together it is not known that nobody meets both, nor that whoever meets one meets the other.
"""

from functools import lru_cache, reduce

from query_engine.planning.region import Region, RegionTangled, intersect

__all__ = ["is_within", "meet", "overlap"]


@lru_cache(maxsize=1 << 17)
def overlap(one: Region, other: Region) -> bool:
    """Whether anybody can meet both, as far as that can be told."""
    try:
        return intersect(one, other) is not False
    except RegionTangled:
        return True


@lru_cache(maxsize=1 << 17)
def is_within(narrow: Region, wide: Region) -> bool:
    """Whether it is known that whoever meets the one meets the other."""
    try:
        return intersect(narrow, wide) == narrow
    except RegionTangled:
        return False


@lru_cache(maxsize=1 << 16)
def meet(*regions: Region) -> Region:
    """Whoever meets all of these; where that is too tangled, whoever meets those of them that are not, in their order.

    To know less of somebody says less, and nothing wrong.
    """
    try:
        return reduce(intersect, regions)
    except RegionTangled:
        return reduce(_meet_two, regions)


def _meet_two(one: Region, other: Region) -> Region:
    try:
        return intersect(one, other)
    except RegionTangled:
        return one
