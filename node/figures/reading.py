"""A shown figure as it is read: counts by band, the share that they make, and whether chance alone could make it.

Everything here is worked out from what is printed, and tells nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import Entry, Row
from federation.reports.figures import name_category
from federation.reports.shares import Count, Share
from federation.reports.shares import make_share as share_of
from node.figures.declared import CHILDREN, RESULT, Measure
from query_engine.planning.plan import TOTAL, QueryPlan

WITHHELD = "c"


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


def read_lines(measure: Measure, plan: QueryPlan, rows: Sequence[Row], preset: Preset) -> tuple[Line, ...]:
    """Return the lines of a table, each named as reports name it, the total last."""
    found: dict[Entry, dict[Entry, Entry]] = {}
    places = {each.label: number for number, each in enumerate(plan.outputs)}
    split = next((number for label, number in places.items() if label not in (RESULT, CHILDREN)), None)
    for row in rows:
        of = TOTAL if split is None else row[split]
        found.setdefault(of, {})[row[places[RESULT]]] = row[places[CHILDREN]]
    ordered = sorted(found.items(), key=lambda each: each[0] == TOTAL)
    return tuple(_read_line(measure, name_category(of), counts, preset) for of, counts in ordered)


def _read_line(measure: Measure, of: str, counts: Mapping[Entry, Entry], preset: Preset) -> Line:
    names = [*(name for name, *_ in measure.bands), None, TOTAL]
    return Line(of, tuple(str(counts[name]) for name in names), make_share(measure, counts, preset))


def make_share(measure: Measure, counts: Mapping[Entry, Entry], preset: Preset) -> Share | None:
    """Return the share by printed counts, or None where one that it needs is withheld."""
    known = {band: print_count(count, preset) if isinstance(count, int) else None for band, count in counts.items()}
    return share_of(measure, known)


def print_count(count: int, preset: Preset) -> Count:
    """Return a count as its preset prints it."""
    return Count(count, *preset.printed_range(count))
