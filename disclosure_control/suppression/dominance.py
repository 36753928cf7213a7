"""Which sums are withheld because they say too much of one who contributes to them.

Two rules, of which either is enough. (n,k): the two largest contributors have more than `k` per cent between them. p
per cent: the second largest, who knows their own share, can work out the largest to within `p` per cent of it, since
the others have less than that between them (Hundepool et al., Statistical Disclosure Control, 2012, section 4.2).
"""

from dataclasses import dataclass

__all__ = ["ACRO", "DominanceRule"]


@dataclass(frozen=True)
class DominanceRule:
    """Both rules, each as a share in per cent."""

    k: int
    p: int

    def withholds(self, total: int, first: int, second: int) -> bool:
        """Whether a sum is withheld, of which these are the two largest contributions."""
        return 100 * (abs(first) + abs(second)) > self.k * abs(total) or self.lacking(total, first, second) > 0

    def lacking(self, total: int, first: int, second: int) -> int:
        """By how much a reader must be unsure of a sum beyond what its other contributors make them."""
        others = abs(total) - abs(first) - abs(second)
        return max(0, -(-self.p * abs(first) // 100) - others)


ACRO = DominanceRule(k=90, p=10)
"""What the acro tools hold sums to."""
