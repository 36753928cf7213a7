"""Rows of a table as pages show them: figures with their margins, symbols with their meanings, categories in words."""

from collections.abc import Iterator, Mapping

from disclosure_control.margins.precision import Margins
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import ShownTable
from disclosure_control.release.shown_entry import ShownEntry, show_category, show_figure
from disclosure_control.rows.protected_table import Entry
from query_engine.geography import name_authority


def show_rows(shown: ShownTable) -> Iterator[tuple[ShownEntry, ...]]:
    """Yield the rows as the page shows them, with what was made consistent at their ends."""
    added: tuple[Mapping[str, int], ...] = shown.consistent or tuple({} for _ in shown.rows)
    for row, beside, more in zip(shown.rows, shown.margins, added, strict=True):
        yield *show_row(row, shown.table, beside), *(show_figure(figure) for figure in more.values())


def show_row(row: tuple[Entry, ...], table: ReleasedTable, margins: Margins) -> tuple[ShownEntry, ...]:
    """Return a row as the page shows it: its authority first, where it has one."""
    named = 0 if table.is_total else 1
    return *(ShownEntry(name_authority(str(code))) for code in row[:named]), *(
        show_figure(entry, margins.get(column)) if column in table.decimals else ShownEntry(show_category(entry))
        for column, entry in zip(table.columns[named:], row[named:], strict=True)
    )
