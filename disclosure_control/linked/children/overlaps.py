"""How two conditions lie to each other: worked out once for all cells, figures and releases that it is asked of.

Of two that are too tangled together it is not known that nobody meets both, nor that whoever meets one meets the other.
"""

from functools import lru_cache

from query_engine.planning.region import Region, RegionTangled, intersect

__all__ = ["is_within", "overlap"]


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
