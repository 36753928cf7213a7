"""The perturbation table: by how much a count is changed, looked up by the count and by its cell key.

A record key is a number drawn once for each child; a cell key is the sum of the record keys of the children in a cell,
modulo the table's `keys` (256 or 4096). The same children always have the same cell key, so that a count is changed in
the same way wherever it appears: asking again tells nothing new, and a table printed twice agrees with itself.

The rule is that of the Office for National Statistics (its package `cell-key-perturbation`): a count beyond the table's
last row goes to one of the last `cycle` rows, so that of the ONS table of 750 rows the last 250 are used over again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Literal

__all__ = ["KEY_RANGES", "KeyRange", "PTable", "PTableInvalid"]

KeyRange = Literal[256, 4096]
KEY_RANGES: tuple[KeyRange, ...] = (256, 4096)


class PTableInvalid(Exception):
    """A perturbation table is not as it must be; the text says which row and what belongs there."""


@dataclass(frozen=True)
class PTable:
    """Changes by count and cell key. Raises `PTableInvalid`.

    `rows` has a row for each count from 1 on, and in it a change for each key; beyond the last, the last `cycle` rows
    repeat. `zeros` has the changes of a count of nobody, or is empty where zeros stay zeros.
    """

    name: str
    rows: tuple[tuple[int, ...], ...]
    cycle: int
    zeros: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a table of uneven rows, and one that would make a count negative."""
        if not self.rows or len(self.rows[0]) not in KEY_RANGES:
            raise PTableInvalid(f"{self.name}: the rows must have 256 or 4096 keys")
        if not 1 <= self.cycle <= len(self.rows):
            raise PTableInvalid(f"{self.name}: from 1 to {len(self.rows)} of the rows repeat, not {self.cycle}")
        numbered = [(0, self.zeros)] if self.zeros else []
        for count, row in [*numbered, *enumerate(self.rows, start=1)]:
            if len(row) != self.keys:
                raise PTableInvalid(f"{self.name}: row {count} has {len(row)} keys, not {self.keys}")
            if count + min(row) < 0:
                raise PTableInvalid(f"{self.name}: row {count} would make a count negative")

    @property
    def keys(self) -> int:
        """How many cell keys there are: what sums of record keys are taken modulo."""
        return len(self.rows[0])

    @property
    def most(self) -> int:
        """The greatest change either way."""
        return max(abs(each) for row in (*self.rows, self.zeros) for each in row)

    def row_of(self, count: int) -> int:
        """The row of a positive count, numbered from 1."""
        if count <= len(self.rows):
            return count
        first = len(self.rows) - self.cycle
        return (count - 1 - first) % self.cycle + first + 1

    def changes(self, count: int) -> Sequence[int]:
        """The changes of a count, key by key."""
        if count == 0:
            return self.zeros or (0,) * self.keys
        return self.rows[self.row_of(count) - 1]

    def perturb(self, count: int, key: int) -> int:
        """A count as changed for its cell key. Raises `ValueError` for a number that is no count or no key."""
        if count < 0 or not 0 <= key < self.keys:
            raise ValueError("a count is not negative, and a cell key is one of the table's")
        return count + self.changes(count)[key]

    def bias(self, count: int) -> Fraction:
        """By how much a count is changed on average, over all keys."""
        return Fraction(sum(self.changes(count)), self.keys)

    def deviation(self, count: int) -> float:
        """The standard deviation of the change of a count, over all keys."""
        changes = self.changes(count)
        mean = self.bias(count)
        return sqrt(float(sum((each - mean) ** 2 for each in changes) / self.keys))
