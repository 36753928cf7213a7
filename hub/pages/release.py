"""The page of a release: the table or model with its symbols and method, who is in it, and the files to take away."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from flask import Blueprint, Response, render_template, request

from audit.proof import SUFFIX
from disclosure_control.layout import MISSING
from disclosure_control.margins.precision import Margin, Margins, NoMargin
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.release import ReleasedTable
from disclosure_control.showing import LABEL, ShownTable, show_table
from disclosure_control.symbols import MEANINGS, Symbol
from disclosure_control.tables import Entry
from federation.exchange import QueryBudget, ReleaseDocument
from federation.problems import ProblemRaised
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.budgets import describe_budget
from hub.pages.attendance import describe_total, list_attendance, name_authority
from hub.pages.visitor import require_visitor, the_hub
from hub.proofs import prove_release
from hub.queries import find_ending, find_query
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
        notice=find_ending(the_hub(), document.query_id),
        model=model,
        total=describe_total(document, model),
        attendance=list_attendance(document, model),
        budget=_describe_budget(document),
    )


def _show_table(document: ReleaseDocument, table: ReleasedTable) -> str:
    whole, page = _is_yes("whole"), _read_number()
    part = slice((page - 1) * ROWS_SHOWN, page * ROWS_SHOWN)
    shown = show_table(
        table, document.sql, whole=whole, part=part, presets=the_hub().party.presets, consistent=_is_yes("consistent")
    )
    pages = max(1, ceil(shown.total / ROWS_SHOWN))
    _check_page(page, pages)
    return render_template(
        "release.html",
        document=document,
        notice=find_ending(the_hub(), document.query_id),
        table=table,
        shown=shown,
        whole=whole,
        offers_margins=_offers_margins(table),
        label=LABEL,
        rows=list(_show_rows(shown)),
        page=page,
        pages=pages,
        total=describe_total(document, table),
        attendance=list_attendance(document, table),
        budget=_describe_budget(document),
    )


def _describe_budget(document: ReleaseDocument) -> QueryBudget | None:
    """What the release has cost, and what is left by now; None where it has no noise."""
    query = find_query(the_hub(), document.query_id, require_visitor())
    return describe_budget(the_hub(), query.manifest, query.state, query.digest)


@release.get("/queries/<query_id>/release.csv")
def send_csv(query_id: str) -> Response:
    """Hand out the whole table as CSV, with columns for the margins of error where they are asked for.

    A model's intervals are in it anyway.
    """
    document = _read_document(query_id)
    released = read_release(document.table)
    if isinstance(released, ReleasedTable) and (_is_yes("margins") or _is_yes("consistent")):
        return _attach(*_write_more(document, released))
    return _attach(released.to_csv(), "text/csv", f"{document.release_id}.csv")


def _write_more(document: ReleaseDocument, released: ReleasedTable) -> tuple[str, str, str]:
    """The table as CSV with what was asked for beside the figures, its kind and its name."""
    margins, consistent = _is_yes("margins"), _is_yes("consistent")
    if margins:
        _check_margins(released)
    presets = the_hub().party.presets
    shown = show_table(released, document.sql, whole=True, presets=presets, consistent=consistent)
    words = [word for word, wanted in (("margins", margins), ("consistent", consistent)) if wanted]
    return shown.to_csv(margins=margins), "text/csv", f"{document.release_id}-{'-'.join(words)}.csv"


@release.get("/queries/<query_id>/release.json")
def send_json(query_id: str) -> Response:
    """Hand out the whole release document, exactly as it was made."""
    data = _find_document(query_id)
    release_id = decode_document(data, ReleaseDocument, limit=MAX_BATCH_BYTES).release_id
    return _attach(data, "application/json", f"{release_id}.json")


@release.get("/queries/<query_id>/release.tlog-proof")
def send_proof(query_id: str) -> Response:
    """Hand out the proof that the release stands in the hub's log, as far as it is witnessed by now."""
    hub, visitor = the_hub(), require_visitor()
    proof = prove_release(hub, find_query(hub, query_id, visitor))
    return _attach(proof, "text/plain", f"{_read_document(query_id).release_id}{SUFFIX}")


@release.get("/queries/<query_id>/open-data.zip")
def send_open_data(query_id: str) -> Response:
    """Hand out the Department for Education's pair of open data files, with a provenance sheet and the document."""
    from federation.release_files.folder import gather_files, pack_files
    from federation.release_files.open_data import OpenDataUnfit

    document = _read_document(query_id)
    try:
        packed = pack_files(gather_files(document, the_hub().party.presets))
    except OpenDataUnfit as unfit:
        raise ProblemRaised(404, "open_data_unfit", f"this release has no open data files: {unfit}") from None
    headers = {"Content-Disposition": f'attachment; filename="{document.release_id}-open-data.zip"'}
    return Response(packed, content_type="application/zip", headers=headers)


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


def _show_rows(shown: ShownTable) -> Iterator[tuple[ShownEntry, ...]]:
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
