"""What can be taken away of a release: its table in each form, its document, its proof, and open data files.

An archive has the provenance sheet, the release document and the proof beside the file, so that figures that travel on
still say where they come from.
"""

from collections.abc import Mapping
from typing import cast

from flask import Blueprint, Response, request

from audit.proof import SUFFIX
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import show_table
from federation.exchange import ReleaseDocument
from federation.problems import ProblemRaised
from federation.web.attachment import attach
from federation.web.description import describes
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.pages.visitor import require_visitor, the_hub
from hub.proofs import prove_release
from hub.queries import find_for_release
from hub.release import find_release

downloads = Blueprint("downloads", __name__)

MOST_MARGINS = 100_000
"""Figures whose margins the hub works out at once, which takes some seconds; the command line has no such bound."""

CSV, ZIP = "text/csv; charset=utf-8", "application/zip"

FORMS: Mapping[str, str] = {
    "xlsx": "Spreadsheet (XLSX)",
    "csv": "CSV",
    "parquet": "Parquet",
    "arrow": "Arrow",
}
"""The forms of an archive, as the page names them."""


@downloads.get("/queries/<query_id>/release.csv")
@describes(gives="text/csv")
def send_csv(query_id: str) -> Response:
    """Hand out the whole table as CSV, with columns for the margins of error where they are asked for.

    A model's intervals are in it anyway.
    """
    document = read_document(query_id)
    released = read_release(document.table)
    if isinstance(released, ReleasedTable) and (is_yes("margins") or is_yes("consistent")):
        return attach(*_write_more(document, released))
    return attach(released.to_csv(), CSV, f"{document.release_id}.csv")


def _write_more(document: ReleaseDocument, released: ReleasedTable) -> tuple[str, str, str]:
    """The table as CSV with what was asked for beside the figures, its kind and its name."""
    margins, consistent = is_yes("margins"), is_yes("consistent")
    if margins:
        _check_margins(released)
    presets = the_hub().party.presets
    shown = show_table(released, document.sql, whole=True, presets=presets, consistent=consistent)
    words = [word for word, wanted in (("margins", margins), ("consistent", consistent)) if wanted]
    return shown.to_csv(margins=margins), CSV, f"{document.release_id}-{'-'.join(words)}.csv"


@downloads.get("/queries/<query_id>/release.json")
@describes(gives=ReleaseDocument)
def send_json(query_id: str) -> Response:
    """Hand out the whole release document, exactly as it was made."""
    data = find_document(query_id)
    release_id = decode_document(data, ReleaseDocument, limit=MAX_BATCH_BYTES).release_id
    return attach(data, "application/json; charset=utf-8", f"{release_id}.json")


@downloads.get("/queries/<query_id>/release.tlog-proof")
@describes(gives="text/plain")
def send_proof(query_id: str) -> Response:
    """Hand out the proof that the release stands in the hub's log, as far as it is witnessed by now."""
    return attach(_prove(query_id), "text/plain; charset=utf-8", f"{read_document(query_id).release_id}{SUFFIX}")


@downloads.get("/queries/<query_id>/release-<form>.zip")
@describes(gives=ZIP)
def send_form(query_id: str, form: str) -> Response:
    """Hand out an archive: the release in one form, its provenance sheet, its document and its proof."""
    from federation.release_files.folder import pack_files
    from federation.release_files.forms import Form, gather_form, show_release

    if form not in FORMS:
        raise ProblemRaised(404, "form_unknown", f"a release can be had as {', '.join(FORMS)}")
    document = read_document(query_id)
    shown = show_release(document, the_hub().party.presets)
    margins = not isinstance(shown, ReleasedModel) and offers_margins(shown.table)
    proof = _prove(query_id).encode()
    files = gather_form(document, shown, cast("Form", form), proof, margins=margins)
    return attach(pack_files(files), ZIP, f"{document.release_id}-{form}.zip")


@downloads.get("/queries/<query_id>/open-data.zip")
@describes(gives=ZIP)
def send_open_data(query_id: str) -> Response:
    """Hand out the Department for Education's open data files, a provenance sheet, the document and its proof."""
    from federation.release_files.folder import gather_files, pack_files
    from federation.release_files.open_data import OpenDataUnfit

    document = read_document(query_id)
    try:
        packed = pack_files(gather_files(document, _prove(query_id).encode(), the_hub().party.presets))
    except OpenDataUnfit as unfit:
        raise ProblemRaised(404, "open_data_unfit", f"this release has no open data files: {unfit}") from None
    return attach(packed, ZIP, f"{document.release_id}-open-data.zip")


def find_document(query_id: str) -> bytes:
    """The release document of a query whose release the visitor may have. Raises 403 and 404 problems."""
    hub, visitor = the_hub(), require_visitor()
    return find_release(hub, find_for_release(hub, query_id, visitor))


def read_document(query_id: str) -> ReleaseDocument:
    """The same, read."""
    return decode_document(find_document(query_id), ReleaseDocument, limit=MAX_BATCH_BYTES)


def _prove(query_id: str) -> str:
    hub, visitor = the_hub(), require_visitor()
    return prove_release(hub, find_for_release(hub, query_id, visitor))


def offers_margins(table: ReleasedTable) -> bool:
    """Whether a table is small enough for the hub to work out all its margins at once."""
    return len(table.rows) * len(table.decimals) <= MOST_MARGINS


def _check_margins(table: ReleasedTable) -> None:
    if not offers_margins(table):
        raise ProblemRaised(404, "margins_too_many", "a table so large has its margins by circe query fetch --margins")


def is_yes(name: str) -> bool:
    """Whether the address asks for something that can be had or not."""
    return request.args.get(name) == "yes"
