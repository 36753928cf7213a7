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
from disclosure_control.release.gate import ReleasedTable, ReleaseRefused
from disclosure_control.release.showing import show_table
from federation.evidence import write_evidence
from federation.exchange import ReleaseDocument
from federation.problems import ProblemRaised
from federation.releases import load_approved_preset
from federation.web.description import describes
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.copies import hand_out
from hub.pages.visitor import require_visitor, the_hub
from hub.proofs import prove_release
from hub.queries import find_for_release
from hub.release import find_release

downloads = Blueprint("downloads", __name__)

MOST_MARGINS = 100_000
"""Figures whose margins the hub works out at once, which takes some seconds; the command line has no such bound."""

PROOF = SUFFIX.removeprefix(".")
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
        return _write_more(document, released)
    return _hand_out(document, released.to_csv(), CSV, ".csv", form="csv")


def _write_more(document: ReleaseDocument, released: ReleasedTable) -> Response:
    """The table as CSV with what was asked for beside the figures."""
    margins, consistent = is_yes("margins"), is_yes("consistent")
    if margins:
        _check_margins(released)
    presets = the_hub().party.presets
    shown = show_table(released, document.sql, whole=True, presets=presets, consistent=consistent)
    words = "-".join(word for word, wanted in (("margins", margins), ("consistent", consistent)) if wanted)
    return _hand_out(document, shown.to_csv(margins=margins), CSV, f"-{words}.csv", form=f"csv-{words}")


@downloads.get("/queries/<query_id>/release.json")
@describes(gives=ReleaseDocument)
def send_json(query_id: str) -> Response:
    """Hand out the whole release document, exactly as it was made."""
    data = find_document(query_id)
    document = decode_document(data, ReleaseDocument, limit=MAX_BATCH_BYTES)
    return _hand_out(document, data, "application/json; charset=utf-8", ".json", form="json")


@downloads.get("/queries/<query_id>/release.tlog-proof")
@describes(gives="text/plain")
def send_proof(query_id: str) -> Response:
    """Hand out the proof that the release stands in the hub's log, as far as it is witnessed by now."""
    document, proof = read_document(query_id), _prove(query_id)
    return _hand_out(document, proof, "text/plain; charset=utf-8", SUFFIX, form=PROOF)


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
    files = gather_form(document, shown, cast("Form", form), proof, _gather_evidence(query_id), margins=margins)
    return _hand_out(document, pack_files(files), ZIP, f"-{form}.zip", form=form)


@downloads.get("/queries/<query_id>/open-data.zip")
@describes(gives=ZIP)
def send_open_data(query_id: str) -> Response:
    """Hand out the Department for Education's open data files, a provenance sheet, the document and its proof."""
    from federation.release_files.folder import gather_files, pack_files
    from federation.release_files.open_data import OpenDataUnfit

    document = read_document(query_id)
    try:
        proof, evidence = _prove(query_id).encode(), _gather_evidence(query_id)
        packed = pack_files(gather_files(document, proof, the_hub().party.presets, evidence))
    except OpenDataUnfit as unfit:
        raise ProblemRaised(404, "open_data_unfit", f"this release has no open data files: {unfit}") from None
    return _hand_out(document, packed, ZIP, "-open-data.zip", form="open-data")


def _hand_out(document: ReleaseDocument, content: str | bytes, kind: str, ending: str, *, form: str) -> Response:
    """Hand out a file of a release, named by its id, to the visitor."""
    name, taken = f"{document.release_id}{ending}", {"release": document.release_id}
    return hand_out(the_hub(), require_visitor(), content, kind, name, form=form, reference=document.query_id, **taken)


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


def _gather_evidence(query_id: str) -> bytes:
    """What the release is held against; none where the rules that protected it are lost here."""
    hub, visitor = the_hub(), require_visitor()
    query = find_for_release(hub, query_id, visitor)
    try:
        preset = load_approved_preset(query.manifest, hub.party.presets)
    except ReleaseRefused:
        return b""
    return write_evidence(query.envelope, preset, hub.party.read_signed_register())


def offers_margins(table: ReleasedTable) -> bool:
    """Whether a table is small enough for the hub to work out all its margins at once."""
    return len(table.rows) * len(table.decimals) <= MOST_MARGINS


def _check_margins(table: ReleasedTable) -> None:
    if not offers_margins(table):
        raise ProblemRaised(404, "margins_too_many", "a table so large has its margins by circe query fetch --margins")


def is_yes(name: str) -> bool:
    """Whether the address asks for something that can be had or not."""
    return request.args.get(name) == "yes"
