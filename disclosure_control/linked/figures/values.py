"""The values that a condition leaves of a quantity."""

from dataclasses import dataclass
from typing import cast

from query_engine.columns import Column
from query_engine.planning.region import Region, possible_ranges

__all__ = ["Values", "read_values"]


@dataclass(frozen=True)
class Values:
    """What a condition leaves of a quantity's values: how many, the first two and the last two; rows `may_lack` one.

    Values are in units of the last decimal place.
    """

    count: int
    least: int
    next: int
    before: int
    most: int
    may_lack: bool

    @property
    def is_yes_or_no(self) -> bool:
        """Whether nothing but 0 and 1 is left."""
        return (self.count, self.least, self.most) == (2, 0, 1)

    def raised_to(self, power: int) -> "Values":
        """The values of the quantity times itself, so often; none is negative."""
        least, following, before, most = (each**power for each in (self.least, self.next, self.before, self.most))
        return Values(self.count, least, following, before, most, self.may_lack)

    def times(self, other: "Values") -> "Values":
        """The values of the product of two quantities of which none is negative, as if each had any with any."""
        next_to = [self.next * other.least, self.least * other.next, self.next * other.next]
        least, most = self.least * other.least, self.most * other.most
        return Values(
            self.count * other.count,
            least,
            min((each for each in next_to if each > least), default=least),
            max((each for each in (self.before * other.most, self.most * other.before) if each < most), default=most),
            most,
            self.may_lack or other.may_lack,
        )


def read_values(region: Region, column: Column) -> Values | None:
    """The values that a region leaves of a column; None where it leaves none, or the column is no number."""
    if column.type not in ("integer", "decimal"):
        return None
    ranges, present = possible_ranges(region, column), column.present_codes
    codes = [(first, min(last, present - 1)) for first, last in ranges if first < present]
    if not codes:
        return None
    first = [code for low, high in codes[:2] for code in range(low, min(high, low + 1) + 1)]
    last = [code for low, high in codes[-2:] for code in range(max(low, high - 1), high + 1)]
    least, following, before, most = (
        int(cast("int", column.value(code)) * 10**column.scale)
        for code in (first[0], first[min(1, len(first) - 1)], last[max(-2, -len(last))], last[-1])
    )
    count = sum(high - low + 1 for low, high in codes)
    return Values(count, least, following, before, most, any(high >= present for _, high in ranges))
