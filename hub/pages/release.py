"""The page of a release: the table or model with its symbols and method, and who is in it."""

from math import ceil

from flask import Blueprint, render_template, request

from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import LABEL, show_table
from federation.client.manifests import tell_plan_taken
from federation.exchange import ReleaseDocument
from federation.problems import ProblemRaised
from federation.release_files.categories import tell_codes
from federation.release_files.folder import plan_release
from federation.release_files.open_data import OpenDataUnfit
from hub.budgets import describe_budget
from hub.pages.attendance import describe_total, list_attendance
from hub.pages.bars import draw_bars
from hub.pages.downloads import FORMS, is_yes, offers_margins, read_document
from hub.pages.shown_rows import show_rows
from hub.pages.visitor import require_visitor, the_hub
from hub.queries import find_for_release, may_see
from hub.standing import find_ending

release = Blueprint("release", __name__)

ROWS_SHOWN = 200
"""Rows of a table on one page; the files have them all."""


@release.get("/queries/<query_id>/release")
def show_release(query_id: str) -> str:
    """Show the released table a page at a time, or the released model, with everything needed to read it."""
    document = read_document(query_id)
    released = read_release(document.table)
    return _show_model(document, released) if isinstance(released, ReleasedModel) else _show_table(document, released)


def _show_model(document: ReleaseDocument, model: ReleasedModel) -> str:
    return render_template("release_model.html", model=model, **_tell_of(document, model))


def _show_table(document: ReleaseDocument, table: ReleasedTable) -> str:
    whole, page = is_yes("whole"), _read_number()
    part = slice((page - 1) * ROWS_SHOWN, page * ROWS_SHOWN)
    shown = show_table(
        table, document.sql, whole=whole, part=part, presets=the_hub().party.presets, consistent=is_yes("consistent")
    )
    pages = max(1, ceil(shown.total / ROWS_SHOWN))
    _check_page(page, pages)
    return render_template(
        "release.html",
        table=table,
        shown=shown,
        whole=whole,
        offers_margins=offers_margins(table),
        bars=draw_bars(shown),
        label=LABEL,
        rows=list(show_rows(shown)),
        codes=_list_codes(document, table),
        page=page,
        pages=pages,
        **_tell_of(document, table),
    )


def _list_codes(document: ReleaseDocument, table: ReleasedTable) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """What the table's codes mean; nothing of one that was planned by another catalogue or version of Circe."""
    try:
        return list(tell_codes(table, plan_release(document, table, the_hub().party.presets)))
    except OpenDataUnfit:
        return []


def _tell_of(document: ReleaseDocument, released: ReleasedTable | ReleasedModel) -> dict[str, object]:
    """What stands beside the figures of either; the cost of noise for whoever may see how the release came about."""
    hub, visitor = the_hub(), require_visitor()
    query = find_for_release(hub, document.query_id, visitor)
    sees_query = may_see(hub, query.manifest.asker, visitor)
    return {
        "document": document,
        "sees_query": sees_query,
        "notice": find_ending(hub, document.query_id),
        "forms": FORMS,
        "planned": tell_plan_taken(query.manifest),
        "total": describe_total(document, released),
        "attendance": list_attendance(document, released),
        "budget": describe_budget(hub, query.manifest, query.state, query.digest) if sees_query else None,
    }


def _read_number() -> int:
    """The page that is asked for; 0, which is none, where it is no number."""
    asked = request.args.get("page", "1")
    return int(asked[:9]) if asked.isascii() and asked.isdecimal() else 0


def _check_page(page: int, pages: int) -> None:
    if not 1 <= page <= pages:
        raise ProblemRaised(404, "page_unknown", f"this table has the pages 1 to {pages}")
