"""How two conditions lie to each other: worked out once for all cells, figures and releases that it is asked of."""

from functools import lru_cache

from query_engine.planning.region import Region, intersect

__all__ = ["is_within", "overlap"]


@lru_cache(maxsize=1 << 17)
def overlap(one: Region, other: Region) -> bool:
    """Whether anybody can meet both. Raises `RegionTangled`."""
    return intersect(one, other) is not False


@lru_cache(maxsize=1 << 17)
def is_within(narrow: Region, wide: Region) -> bool:
    """Whether whoever meets the one meets the other. Raises `RegionTangled`."""
    return intersect(narrow, wide) == narrow
