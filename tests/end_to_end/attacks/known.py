"""What a reader knows of a count: where counts are rounded, that it lies between two numbers."""

from dataclasses import dataclass

from disclosure_control.presets.preset import Preset

__all__ = ["MOST", "Known", "tells"]

MOST = 10_000
"""More than any count is: what a count can be at the most of which nothing says so."""


@dataclass(frozen=True)
class Known:
    """The least and the most that a count can be."""

    low: int
    high: int

    def __add__(self, other: "Known") -> "Known":
        return Known(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Known") -> "Known":
        """What is left of a count without another one; of children never fewer than none."""
        return Known(max(0, self.low - other.high), self.high - other.low)


def tells(known: Known, preset: Preset) -> bool:
    """Whether this is more than a preset lets anybody know: a number that it withholds, or that there are too few.

    That there are too few, or nobody, is what it says itself wherever it withholds zeros.
    """
    least, most = preset.withheld_range
    exact = known.low == known.high
    return known.high <= most and known.low >= (least if exact else 1)
