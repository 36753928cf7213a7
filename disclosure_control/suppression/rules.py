"""What is withheld for a figure's own sake, how the others are printed, and what a reader knows of each.

A reader knows the rule. Of a printed figure they know what could have been printed so; of a withheld one, that it is
nobody's to be told apart: a figure under the rule, or one that was withheld so that those cannot be found.
"""

from dataclasses import dataclass
from typing import Protocol

from disclosure_control.presets.preset import ByLevel, Level, Preset
from disclosure_control.rows.rounding import round_to_base

__all__ = ["UNBOUNDED", "CountRule", "Interval", "MagnitudeRule", "Rule", "TableRule"]

Interval = tuple[int, int]
"""The least and the most that a figure can be."""

UNBOUNDED = 10**12
"""Stands for no limit at all."""


class Rule(Protocol):
    """What a table's figures are held to, as everybody knows it."""

    @property
    def hidden(self) -> Interval:
        """What a withheld figure can be, were nothing else published."""

    def printed(self, figure: int, level: Level) -> int:
        """A figure as it is printed at a level, if it may be."""

    def behind(self, printed: int, level: Level) -> Interval:
        """What a figure printed at a level can be."""

    def enough(self, low: int) -> int:
        """How large a withheld figure must be able to be, where this is the least it can be, for nothing to be told."""


@dataclass(frozen=True)
class CountRule:
    """A rule about counts: those under `least` are withheld, and 0 too unless it `shows_zero`; the rest are rounded.

    What they are rounded to differs from level to level. Where counts are `signed`, as differences of two counts are,
    the rule is about their size.
    """

    least: int
    shows_zero: bool
    bases: ByLevel[int]
    signed: bool = False

    @classmethod
    def of(cls, preset: Preset, *, signed: bool = False) -> "CountRule":
        """A preset's rule."""
        return cls(preset.smallest_count_shown, preset.shows_zero, preset.rounding_bases, signed)

    def withholds(self, figure: int) -> bool:
        """Whether a count is withheld for its own sake."""
        return abs(figure) < self.least and not (figure == 0 and self.shows_zero)

    def bars(self, printed: int, level: Level) -> bool:
        """Whether a count is printed that is none of those that are shown."""
        return not self.shows_zero if printed == 0 else self.behind(abs(printed), level)[1] < self.least

    @property
    def hidden(self) -> Interval:
        """A withheld count is at least 1 where zeros are shown: none is ever withheld there."""
        return (-UNBOUNDED if self.signed else int(self.shows_zero), UNBOUNDED)

    def printed(self, figure: int, level: Level) -> int:
        """The nearest multiple of the base."""
        base = self.bases.at(level)
        return figure if base == 1 else round_to_base(figure, base)

    def behind(self, printed: int, level: Level) -> Interval:
        """The counts that are shown and round to this one; one that is no multiple of the base was not rounded."""
        if printed < 0:
            low, high = self.behind(-printed, level)
            return (-high, -low)
        base = self.bases.at(level)
        if printed == 0 or printed % base:
            return (printed, printed)
        low, high = printed - base // 2, printed + (base - 1) // 2
        return (min(max(low, self.least), printed), high)

    def enough(self, low: int) -> int:
        """As many as are shown: under that everybody could see for whose sake it was withheld. And never one number."""
        return max(self.least, low + 1)


@dataclass(frozen=True)
class MagnitudeRule:
    """A rule about sums of what contributors have: how closely no withheld one is known.

    Not to within `per_cent` of itself, of which the largest contribution is a part; nor to within `per_cent` of what
    somebody is seen to have, be it where it is next to nothing: by the p% rule nobody may be known so closely, and of
    a sum of 0 it is everybody's share that is known. `of_one` is what somebody is seen to have in what is published.
    """

    per_cent: int
    signed: bool = False
    of_one: int = 0

    @property
    def hidden(self) -> Interval:
        """A sum of what is never negative is not negative."""
        return (-UNBOUNDED if self.signed else 0, UNBOUNDED)

    def printed(self, figure: int, level: Level) -> int:
        """Sums are printed as they are."""
        return figure

    def behind(self, printed: int, level: Level) -> Interval:
        """They are printed as they are."""
        return (printed, printed)

    def enough(self, low: int) -> int:
        """So far above that the two are `per_cent` of the larger apart, and of `of_one`, and never one number."""
        whole = 100 if low < 0 else max(1, 100 - self.per_cent)
        return low + max(1, -(-abs(low) * self.per_cent // whole), -(-self.of_one * self.per_cent // 100))


TableRule = CountRule | MagnitudeRule
"""A rule about a column of a table."""
