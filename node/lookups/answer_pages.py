"""How many pages every answer of a node takes: one number for each snapshot, whoever asks and whatever matches.

The number follows from how many children of the snapshot are educated in other authorities: nobody can be told of more.
It is rounded up to a power of two, so what it shows the hub is little beside what DfE publishes of each authority every
year (children placed, not educated, outside it), and it stays the same while children come and go.
"""

from functools import lru_cache
from pathlib import Path

from federation.sealing import MOST_PAGES
from node.lookups.records import CHILDREN, count_educated_elsewhere
from node.snapshots import Snapshot

CHILDREN_PER_PAGE = 180
"""How many records a page holds: with every field at its longest, signed, they fit."""


def pages_of(snapshot: Snapshot | None, authority: str) -> int:
    """Return the number of pages of every answer out of a snapshot; one, where there is none yet."""
    children = snapshot.identified.get(CHILDREN) if snapshot is not None else None
    return _pages_of_file(children, authority) if children is not None else 1


def count_pages(children: int) -> int:
    """Return the pages for so many children at most: a power of two, and no more than a message may have."""
    pages = 1
    while pages * CHILDREN_PER_PAGE < children and pages < MOST_PAGES:
        pages *= 2
    return pages


@lru_cache(maxsize=512)
def _pages_of_file(children: Path, authority: str) -> int:
    # The directory of a snapshot is named by what it holds, and nothing in it ever changes: it is counted once.
    return count_pages(count_educated_elsewhere(children, authority))
