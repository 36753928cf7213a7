"""Which sums are withheld because they say too much of one who contributes to them, where contributions are known.

Two rules, of which either is enough. (n, k): the largest contributors have too much of it between them. p per cent: the
second largest, who knows their own share, can work out the largest too closely, since the others have little between
them (Hundepool et al., Statistical Disclosure Control, 2012, section 4.2). A node never sees contributions, and decides
from public bounds: see `disclosure_control.rows.dominance`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from disclosure_control.presets.preset import Dominance

__all__ = ["Contributions", "seen_of_one"]


@dataclass(frozen=True)
class Contributions:
    """A sum and the two largest contributions to it."""

    total: int
    first: int
    second: int

    def dominate(self, rule: Dominance) -> bool:
        """Whether a sum is withheld; of more than two contributors each further one is taken to be like the second."""
        largest = abs(self.first) + (rule.largest - 1) * abs(self.second)
        return 100 * largest > rule.most_per_cent * abs(self.total) or self.lacking(rule) > 0

    def lacking(self, rule: Dominance) -> int:
        """By how much a reader must be unsure of the sum beyond what the other contributors make them."""
        others = abs(self.total) - abs(self.first) - abs(self.second)
        return max(0, -(-rule.rest_per_cent * abs(self.first) // 100) - others)


def seen_of_one(sums: Iterable[tuple[int, int]]) -> int:
    """What somebody has at least, of any of these sums, each with how many contribute to it at the most.

    Whatever a sum is, one of those who contribute has as much as all have on average.
    """
    return max((abs(total) // most for total, most in sums if most > 0), default=0)
