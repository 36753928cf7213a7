"""A shown figure as it is read: counts by band, the share that they make, and whether chance alone could make it.

Everything here is worked out from what is printed, and tells nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from disclosure_control.funnel import Limits, judge_figure, limits_of_share
from disclosure_control.margins.intervals import wilson_interval
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import Entry, Row
from node.figures.declared import CHILDREN, RESULT, Measure
from query_engine.planning.plan import TOTAL, QueryPlan

WITHHELD = "c"

TOO_FEW = "too few to say"
FITS_CHANCE = {
    "within": "as chance alone makes it",
    "look twice": "further from England than chance makes 95 in 100",
    "unusual": "further from England than chance makes 998 in 1,000",
}


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
        return f"{round(self.value * 100)} %"

    @property
    def margin(self) -> str:
        """Between what it could well be, by rounding and chance: 19 times in 20."""
        low = wilson_interval(float(self.least), self.children)[0]
        high = wilson_interval(float(self.most), self.children)[1]
        ends = (
            Decimal(low * 100).quantize(Decimal(1), ROUND_FLOOR),
            Decimal(high * 100).quantize(Decimal(1), ROUND_CEILING),
        )
        return f"{ends[0]} to {ends[1]} %"

    def judge(self, target: float) -> str:
        """Say where it lies in the funnel around England's share; rounding alone never makes it unusual."""
        limits: tuple[Limits, Limits] = limits_of_share(target, self.children)
        nearest = min(max(Decimal(target), self.least), self.most)
        return FITS_CHANCE[judge_figure(nearest, limits)]


@dataclass(frozen=True)
class Line:
    """One line of a figure: of whom, the count of each band, of nobody's band and of all, and the share."""

    of: str
    counts: tuple[str, ...]
    share: Share | None

    @property
    def is_withheld(self) -> bool:
        """Whether nothing of it is shown."""
        return all(each == WITHHELD for each in self.counts)


def name_columns(measure: Measure) -> tuple[str, ...]:
    """Return the headings of the counts of a line."""
    return (*(title for _, title, _ in measure.bands), measure.missing, "All")


def read_lines(
    measure: Measure, plan: QueryPlan, rows: Sequence[Row], preset: Preset, everybody: str
) -> tuple[Line, ...]:
    """Return the lines of a table, the total last under the name of `everybody`."""
    found: dict[Entry, dict[Entry, Entry]] = {}
    places = {each.label: number for number, each in enumerate(plan.outputs)}
    split = next((number for label, number in places.items() if label not in (RESULT, CHILDREN)), None)
    for row in rows:
        of = TOTAL if split is None else row[split]
        found.setdefault(of, {})[row[places[RESULT]]] = row[places[CHILDREN]]
    ordered = sorted(found.items(), key=lambda each: each[0] == TOTAL)
    return tuple(_read_line(measure, _name(of, everybody), counts, preset) for of, counts in ordered)


def _name(of: Entry, everybody: str) -> str:
    if of == TOTAL:
        return everybody
    if isinstance(of, bool):
        return "Yes" if of else "No"
    text = "not known" if of is None else str(of).replace("_", " ")
    return text[:1].upper() + text[1:]


def _read_line(measure: Measure, of: str, counts: Mapping[Entry, Entry], preset: Preset) -> Line:
    names = [*(name for name, *_ in measure.bands), None, TOTAL]
    return Line(of, tuple(str(counts[name]) for name in names), make_share(measure, counts, preset))


def make_share(measure: Measure, counts: Mapping[Entry, Entry], preset: Preset) -> Share | None:
    """Return the share by printed counts, or None where one that it needs is withheld."""
    bands = [counts[name] for name, *_ in measure.bands]
    yes = [counts[name] for name in measure.counted]
    if not all(isinstance(each, int) for each in bands):
        return None
    whole, part = _add(bands), _add(yes)
    if whole <= 0 or not 0 <= part <= whole:
        return None
    least, most = (sum(preset.printed_range(each)[end] for each in yes if isinstance(each, int)) for end in (0, 1))
    rest = [counts[name] for name, *_ in measure.bands if name not in measure.counted]
    others = [sum(preset.printed_range(each)[end] for each in rest if isinstance(each, int)) for end in (0, 1)]
    return Share(
        Decimal(part) / whole,
        Decimal(least) / max(1, least + others[1]),
        Decimal(most) / max(1, most + others[0]),
        whole,
    )


def _add(counts: Sequence[Entry]) -> int:
    return sum(each for each in counts if isinstance(each, int))
