"""A release as reports read it: its table or model, what is known of each count, and where it comes from in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from disclosure_control.margins.precision import Margin, Margins
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.release.released import ReleasedTable
from disclosure_control.release.showing import show_table
from disclosure_control.rows.protected_table import Entry, Row
from federation.exchange import ReleaseDocument
from federation.reports.figures import Line, read_figures
from federation.reports.measures import CHILDREN, REGION, Measure
from federation.reports.places import Place
from federation.reports.shares import Count
from federation.told_days import tell_day

__all__ = ["KeptRelease", "read_kept"]

ANYTHING = (0, 10**9)
"""What a noised count can be where its margin cannot be worked out here."""


@dataclass(frozen=True)
class KeptRelease:
    """A released table or model, and what it takes to read it: its SQL, when it was released, its preset."""

    release_id: str
    released_at: datetime
    sql: str
    table: ReleasedTable | ReleasedModel
    presets: PresetShelf

    @property
    def size(self) -> int:
        """How many rows it has."""
        return len(self.table.rows) if isinstance(self.table, ReleasedTable) else 1

    @property
    def source(self) -> str:
        """Where its figures come from, in words."""
        table = self.table
        asked = len(table.answered) + len(table.absent)
        noised = "with noise" if table.noise is not None else "protected by " + table.preset
        total = isinstance(table, ReleasedModel) or table.is_total
        of = f"a total over {len(table.answered)} of {asked} authorities" if total else "rows of each authority"
        return f"Release {self.release_id} of {tell_day(self.released_at)}, {of}, {noised}"

    @cached_property
    def preset(self) -> Preset | None:
        """The preset that protected it, where its rules are here."""
        try:
            return self.presets.find(self.table.preset, self.table.preset_version)
        except PresetInvalid:
            return None

    @cached_property
    def margins(self) -> Sequence[Margins]:
        """The margins of a noised table, row by row."""
        assert isinstance(self.table, ReleasedTable)
        return show_table(self.table, self.sql, whole=True, presets=self.presets).margins

    def read_count(self, row: int, entry: Entry) -> Count | None:
        """What is known of an entry in a row; None where it is withheld."""
        return self.print_count(row, entry) if isinstance(entry, int) else None

    def print_count(self, row: int, count: int) -> Count:
        """What is known of a count in a row: between what its noise, or its rounding, leaves it."""
        if self.table.noise is None:
            return Count(count, *self.preset.printed_range(count)) if self.preset else Count(count, count, count)
        margin = self.margins[row].get(CHILDREN)
        ends = (int(margin.low), int(margin.high)) if isinstance(margin, Margin) else ANYTHING
        return Count(count, *ends)

    def read_place(self, measure: Measure, place: Place) -> tuple[Line, ...]:
        """The lines of a measure of a place, by the table's own rows of it."""
        columns, rows = self.take_place(place)
        return read_figures(measure, columns, rows, self.print_count)

    def take_place(self, place: Place) -> tuple[tuple[str, ...], list[tuple[int, Row]]]:
        """The table's columns and its rows of a place, each with its number; without the column of authorities."""
        table = self.table
        assert isinstance(table, ReleasedTable)
        first = 0 if table.is_total else 1
        rows = [(number, row[first:]) for number, row in enumerate(table.rows) if _is_of(row, table, place)]
        return table.columns[first:], rows


def read_kept(document: ReleaseDocument, presets: PresetShelf) -> KeptRelease:
    """Return the release of a document."""
    table = read_release(document.table)
    return KeptRelease(document.release_id, document.released_at, document.sql, table, presets)


def _is_of(row: Row, table: ReleasedTable, place: Place) -> bool:
    match place.level:
        case "authority":
            return row[0] == place.code
        case "region":
            return row[table.columns.index(REGION)] == place.code
        case "nation":
            return True
        case "school":
            return False
