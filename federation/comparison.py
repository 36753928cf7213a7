"""Two releases side by side: what each shows of the same row, and the difference where both show a figure.

What makes two figures no measures of the same thing is said before any of them: another catalogue or preset, another
question, other authorities. A difference that margins of error can explain is called so.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeGuard

from disclosure_control.margins.precision import Margin, Margins, NoMargin
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import ShownTable, show_table
from disclosure_control.release.shown_entry import ShownEntry, show_category, show_figure
from disclosure_control.rows.protected_table import Entry, Row
from federation.exchange import ReleaseDocument
from federation.manifest import Manifest

__all__ = ["ComparedRow", "Comparison", "Side", "compare", "read_side"]

NO_DIFFERENCE = "within the margins of error"


@dataclass(frozen=True)
class Side:
    """One of the two: its document, the manifest that it answers, and its whole table with margins."""

    document: ReleaseDocument
    manifest: Manifest
    shown: ShownTable

    @property
    def table(self) -> ReleasedTable:
        """The released table."""
        return self.shown.table


@dataclass(frozen=True)
class ComparedRow:
    """One row of both: its categories, and of each shared figure the first, the second and what lies between them."""

    name: tuple[str, ...]
    figures: tuple[tuple[ShownEntry, ShownEntry, ShownEntry], ...]


@dataclass(frozen=True)
class Comparison:
    """What can be compared of two releases, and what has to be minded first."""

    categories: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[ComparedRow, ...]
    warnings: tuple[str, ...]
    alone: int


def read_side(document: ReleaseDocument, manifest: Manifest, presets: PresetShelf) -> Side | None:
    """Return one of the two; None where it is a model, which is not compared term by term."""
    released = read_release(document.table)
    if isinstance(released, ReleasedModel):
        return None
    return Side(document, manifest, show_table(released, document.sql, whole=True, presets=presets))


def compare(first: Side, second: Side) -> Comparison:
    """Compare two releases by the rows that have the same categories in the columns that both have."""
    categories = [each for each in _categories(first.table) if each in _categories(second.table)]
    labels = [each for each in first.table.decimals if each in second.table.decimals]
    others = _index(second, categories)
    rows = [
        ComparedRow(tuple(map(show_category, key)), tuple(_compare(label, row, others[key]) for label in labels))
        for key, row in _index(first, categories).items()
        if key in others
    ]
    alone = len(first.table.rows) + len(second.table.rows) - 2 * len(rows)
    return Comparison(tuple(categories), tuple(labels), tuple(rows), tuple(_warn(first, second)), alone)


@dataclass(frozen=True)
class _Placed:
    """A row of one side with its margins, by the names of its columns."""

    figures: Mapping[str, Entry]
    margins: Margins


def _categories(table: ReleasedTable) -> list[str]:
    return [column for column in table.columns if column not in table.decimals]


def _index(side: Side, categories: Sequence[str]) -> dict[Row, _Placed]:
    """The rows of a side by the categories that both have; rows that only other columns tell apart are left out."""
    named = [dict(zip(side.table.columns, row, strict=True)) for row in side.shown.rows]
    keys = [tuple(row[each] for each in categories) for row in named]
    times = Counter(keys)
    placed = zip(keys, named, side.shown.margins, strict=True)
    return {key: _Placed(row, margins) for key, row, margins in placed if times[key] == 1}


def _compare(label: str, one: _Placed, other: _Placed) -> tuple[ShownEntry, ShownEntry, ShownEntry]:
    first, second = one.figures[label], other.figures[label]
    before, after = one.margins.get(label), other.margins.get(label)
    return show_figure(first, before), show_figure(second, after), _differ(first, second, before, after)


def _differ(
    first: Entry, second: Entry, before: Margin | NoMargin | None, after: Margin | NoMargin | None
) -> ShownEntry:
    """The second less the first; empty unless both are figures, which is what is known of a withheld one."""
    if not _is_figure(first) or not _is_figure(second):
        return ShownEntry("", True)
    alike = isinstance(before, Margin) and isinstance(after, Margin) and _overlap(before, after)
    between = second - first
    return ShownEntry(f"{between:+,}" if between else "0", True, margin=NO_DIFFERENCE if alike else "")


def _is_figure(entry: Entry) -> TypeGuard[int | Decimal]:
    return isinstance(entry, int | Decimal) and not isinstance(entry, bool)


def _overlap(one: Margin, other: Margin) -> bool:
    return one.low <= other.high and other.low <= one.high


def _warn(first: Side, second: Side) -> Iterator[str]:
    """Yield what makes the two no measures of the same thing."""
    one, other = first.manifest, second.manifest
    if one.catalogue_version != other.catalogue_version:
        yield (
            "they were planned by two versions of the catalogue, so that columns of one name may be defined "
            "differently: read both definitions before you read a difference"
        )
    if " ".join(one.sql.split()) != " ".join(other.sql.split()):
        yield "they ask different questions: compare the conditions of both below"
    if (one.academic_year, one.snapshot_term) != (other.academic_year, other.snapshot_term):
        yield f"they are of different snapshots: {one.snapshot_term} and {other.snapshot_term}"
    if one.path != other.path:
        yield f"the figures left by different paths: {one.path} and {other.path}"
    if (one.preset, one.preset_version) != (other.preset, other.preset_version):
        yield f"they are protected by different presets: {one.preset} and {other.preset}, or versions of one"
    if (mine := set(first.table.answered)) != (theirs := set(second.table.answered)):
        alone = f"{len(mine - theirs)} are in the first alone, {len(theirs - mine)} in the second"
        yield f"they are of different authorities: {alone}"
    if first.table.noise is not None or second.table.noise is not None:
        yield "noise is in the figures: each difference has the noise of both"
    for side, other_side in ((first, second), (second, first)):
        if apart := [each for each in _categories(side.table) if each not in _categories(other_side.table)]:
            yield f"{side.document.release_id} has rows by {', '.join(apart)}, which the other has not"
