"""Whom complaints leave out (P4): the others go on without one of the two.

Who of the two is at fault cannot be told from outside, since what was sent was sealed. So it goes by numbers: whoever
is party to the most complaints is left out of the week's rosters, until no complaint is left between those that remain.
A node that complains of everybody puts itself out.
"""

from collections import Counter
from collections.abc import Iterable

from hub.service import Hub


def complained_of(hub: Hub, epoch: str) -> frozenset[str]:
    """Return the nodes that are left out of an epoch's rosters because of complaints."""
    rows = hub.database.connection.execute("SELECT node, about FROM sum_complaints WHERE epoch = ?", (epoch,))
    return leave_out([(row["node"], row["about"]) for row in rows])


def leave_out(complaints: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return whom to leave out, given who complains of whom, so that no complaint is left.

    Whoever is party to the most goes first; of two alike the one that is complained of, and then the first by name.
    """
    left, out = {pair for pair in complaints if pair[0] != pair[1]}, set()
    while left:
        parties = Counter(node for pair in left for node in pair)
        received = Counter(about for _, about in left)
        worst = min(parties, key=lambda node: (-parties[node], -received[node], node))
        out.add(worst)
        left = {pair for pair in left if worst not in pair}
    return frozenset(out)
