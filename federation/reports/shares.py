"""A share by printed counts: what it is, between what it could well be, and whether chance alone could make it.

Everything here is worked out from what is printed, and tells nothing more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from disclosure_control.funnel import Limits, Verdict, judge_figure, limits_of_share
from disclosure_control.margins.intervals import wilson_interval
from disclosure_control.rows.protected_table import Entry
from federation.reports.measures import Measure

__all__ = ["FITS_CHANCE", "Count", "Share", "make_share"]

FITS_CHANCE: Mapping[Verdict, str] = {
    "within": "as chance alone makes it",
    "look twice": "further from England than chance makes 95 in 100",
    "unusual": "further from England than chance makes 998 in 1,000",
}


@dataclass(frozen=True)
class Count:
    """A count as it is printed, and the least and the most that are printed so."""

    printed: int
    least: int
    most: int


@dataclass(frozen=True)
class Share:
    """A share by printed counts: itself, the least and most that print so, and how many children it is of."""

    value: Decimal
    least: Decimal
    most: Decimal
    children: int

    @property
    def text(self) -> str:
        """The share in whole percent."""
        return f"{self.percent}%"

    @property
    def percent(self) -> int:
        """The share in whole percent, as a number."""
        return round(self.value * 100)

    @property
    def ends(self) -> tuple[int, int]:
        """Between what it could well be in percent, by rounding or noise and by chance: 19 times in 20."""
        low = wilson_interval(float(self.least), self.children)[0]
        high = wilson_interval(float(self.most), self.children)[1]
        return int(Decimal(low * 100).to_integral_value(ROUND_FLOOR)), int(
            Decimal(high * 100).to_integral_value(ROUND_CEILING)
        )

    @property
    def margin(self) -> str:
        """The same in words."""
        return f"{self.ends[0]} to {self.ends[1]}%"

    def verdict(self, target: float) -> Verdict:
        """Where it lies in the funnel around England's share; rounding alone never makes it unusual."""
        limits: tuple[Limits, Limits] = limits_of_share(target, self.children)
        return judge_figure(min(max(Decimal(target), self.least), self.most), limits)

    def judge(self, target: float) -> str:
        """The same in words."""
        return FITS_CHANCE[self.verdict(target)]


def make_share(measure: Measure, counts: Mapping[Entry, Count | None]) -> Share | None:
    """Return the share by the counts of the bands, or None where one that it needs is withheld."""
    bands = {name: counts.get(name) for name, *_ in measure.bands}
    yes = _known(bands[name] for name in bands if name in measure.counted)
    rest = _known(bands[name] for name in bands if name not in measure.counted)
    if len(yes) + len(rest) < len(bands):
        return None
    part, whole = sum(each.printed for each in yes), sum(each.printed for each in (*yes, *rest))
    if whole <= 0 or not 0 <= part <= whole:
        return None
    least, most = (max(0, sum(end)) for end in ([each.least for each in yes], [each.most for each in yes]))
    fewest, others = (max(0, sum(end)) for end in ([each.least for each in rest], [each.most for each in rest]))
    return Share(
        Decimal(part) / whole,
        Decimal(least) / max(1, least + others),
        Decimal(most) / max(1, most + fewest),
        whole,
    )


def _known(counts: Iterable[Count | None]) -> list[Count]:
    return [each for each in counts if each is not None]
