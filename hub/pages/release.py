"""The page of a release: the table or model with its symbols and method, who is in it, and the files to take away."""

from dataclasses import dataclass
from math import ceil

from flask import Blueprint, Response, render_template, request

from disclosure_control.layout import MISSING
from disclosure_control.model_reading import read_release
from disclosure_control.model_release import ReleasedModel
from disclosure_control.precision import Margin, Margins, NoMargin
from disclosure_control.release import ReleasedTable
from disclosure_control.showing import show_table
from disclosure_control.symbols import MEANINGS, Symbol
from disclosure_control.tables import Entry
from federation.exchange import ReleaseDocument
from federation.problems import ProblemRaised
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.pages.attendance import describe_total, list_attendance, name_authority
from hub.pages.visitor import require_visitor, the_hub
from hub.queries import find_query
from hub.release import find_release

release = Blueprint("release", __name__)

ROWS_SHOWN = 200
"""Rows of a table on one page; the files have them all."""


MOST_MARGINS = 100_000
"""Figures whose margins the hub works out at once, which takes some seconds; the command line has no such bound."""


@dataclass(frozen=True)
class ShownEntry:
    """One place of the table: its text, whether it is a figure, for a symbol what it means, and a figure's margin."""

    text: str
    figure: bool = False
    meaning: str = ""
    margin: str = ""


@release.get("/queries/<query_id>/release")
def show_release(query_id: str) -> str:
    """Show the released table a page at a time, or the released model, with everything needed to read it."""
    document = _read_document(query_id)
    released = read_release(document.table)
    return _show_model(document, released) if isinstance(released, ReleasedModel) else _show_table(document, released)


def _show_model(document: ReleaseDocument, model: ReleasedModel) -> str:
    return render_template(
        "release_model.html",
        document=document,
        model=model,
        total=describe_total(document, model),
        attendance=list_attendance(document, model),
    )


def _show_table(document: ReleaseDocument, table: ReleasedTable) -> str:
    whole, page = _is_yes("whole"), _read_number()
    part = slice((page - 1) * ROWS_SHOWN, page * ROWS_SHOWN)
    shown = show_table(table, document.sql, whole=whole, part=part, presets=the_hub().party.presets)
    pages = max(1, ceil(shown.total / ROWS_SHOWN))
    _check_page(page, pages)
    return render_template(
        "release.html",
        document=document,
        table=table,
        shown=shown,
        whole=whole,
        offers_margins=_offers_margins(table),
        rows=[show_row(row, table, beside) for row, beside in zip(shown.rows, shown.margins, strict=True)],
        page=page,
        pages=pages,
        total=describe_total(document, table),
        attendance=list_attendance(document, table),
    )


@release.get("/queries/<query_id>/release.csv")
def send_csv(query_id: str) -> Response:
    """Hand out the whole table as CSV, with columns for the margins of error where they are asked for.

    A model's intervals are in it anyway.
    """
    document = _read_document(query_id)
    released = read_release(document.table)
    if isinstance(released, ReleasedTable) and _is_yes("margins"):
        _check_margins(released)
        shown = show_table(released, document.sql, whole=True, presets=the_hub().party.presets)
        content = shown.to_csv(margins=True)
        return _attach(content, "text/csv", f"{document.release_id}-margins.csv")
    return _attach(released.to_csv(), "text/csv", f"{document.release_id}.csv")


@release.get("/queries/<query_id>/release.json")
def send_json(query_id: str) -> Response:
    """Hand out the whole release document, exactly as it was made."""
    data = _find_document(query_id)
    release_id = decode_document(data, ReleaseDocument, limit=MAX_BATCH_BYTES).release_id
    return _attach(data, "application/json", f"{release_id}.json")


def _find_document(query_id: str) -> bytes:
    hub, visitor = the_hub(), require_visitor()
    return find_release(hub, find_query(hub, query_id, visitor))


def _read_document(query_id: str) -> ReleaseDocument:
    return decode_document(_find_document(query_id), ReleaseDocument, limit=MAX_BATCH_BYTES)


def _attach(content: str | bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type=f"{kind}; charset=utf-8", headers=headers)


def _offers_margins(table: ReleasedTable) -> bool:
    return len(table.rows) * len(table.decimals) <= MOST_MARGINS


def _check_margins(table: ReleasedTable) -> None:
    if not _offers_margins(table):
        raise ProblemRaised(404, "margins_too_many", "a table so large has its margins by circe query fetch --margins")


def _is_yes(name: str) -> bool:
    return request.args.get(name) == "yes"


def _read_number() -> int:
    """The page that is asked for; 0, which is none, where it is no number."""
    asked = request.args.get("page", "1")
    return int(asked[:9]) if asked.isascii() and asked.isdecimal() else 0


def _check_page(page: int, pages: int) -> None:
    if not 1 <= page <= pages:
        raise ProblemRaised(404, "page_unknown", f"this table has the pages 1 to {pages}")


def show_row(row: tuple[Entry, ...], table: ReleasedTable, margins: Margins) -> tuple[ShownEntry, ...]:
    """Return a row as the page shows it: its authority first, where it has one."""
    named = 0 if table.is_total else 1
    return *(ShownEntry(name_authority(str(code))) for code in row[:named]), *(
        show_figure(entry, margins.get(column)) if column in table.decimals else ShownEntry(show_category(entry))
        for column, entry in zip(table.columns[named:], row[named:], strict=True)
    )


def show_category(entry: Entry) -> str:
    """Return a category in a word; the missing category has one too."""
    match entry:
        case None:
            return MISSING
        case bool():
            return "yes" if entry else "no"
        case _:
            return str(entry)


def show_figure(entry: Entry, margin: Margin | NoMargin | None = None) -> ShownEntry:
    """Return a figure and its margin with their thousands marked, or a symbol with its meaning."""
    if isinstance(entry, Symbol):
        return ShownEntry(entry.value, True, MEANINGS[entry])
    ends = f"{margin.low:,} to {margin.high:,}" if isinstance(margin, Margin) else ""
    return ShownEntry(f"{entry:,}", True, margin=ends)
