"""The dataset of plans as files: taken out, as a copy that is logged; and sent in, reported on, and then taken.

What is sent in changes nothing before its sender has seen what it would change, line by line or in numbers, and said
so. If a record has moved on in between, the report is made anew.
"""

from flask import Blueprint, Response, render_template, request

from federation.problems import ProblemRaised
from federation.spreadsheet import write_spreadsheet
from federation.web.attachment import attach
from federation.web.description import describes
from node.lookups.purpose import PurposeMissing
from node.pages.staff import may_export, may_set_down, require_visitor_who
from node.pages.tracking_forms import visit_stated
from node.tracking.changing import ReasonMissing
from node.tracking.exchange import gather_dataset, pack_csv
from node.tracking.importing import ImportRefused, Proposal, propose_import, take_import
from node.tracking.record import RecordMoved
from node.tracking.uploads import UploadGone, find_upload, forget_upload, keep_upload
from node.tracking.visit import Visit
from policies.access_policy import AccessDenied

tracking_files = Blueprint("tracking_files", __name__)

NOT_YOURS = "the dataset of plans is for the virtual school: your role may not change the records"
NO_COPIES = "a copy of the dataset is for the virtual school head: your role may not take records out"

MOST_FILES = 20
MOST_FAULTS = 100
"""How many lines that are wrong a page lists; whoever has more of them begins with these."""

UPLOAD = "/tracking/import"
"""Where files are sent to, which are larger than other forms."""

Page = tuple[str, int]

FORMS = {
    "xlsx": ("circe-plans.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("circe-plans.zip", "application/zip"),
}
"""The forms of a copy: the name of its file, and its type."""


@tracking_files.post("/tracking/files")
def show_files() -> Page:
    """Show what can be taken out and sent in."""
    visitor = require_visitor_who(may_set_down, NOT_YOURS)
    return _show(_begin(), {}, may_export=may_export(visitor))


@tracking_files.post("/tracking/export")
@describes(gives=tuple(kind for _, kind in FORMS.values()))
def export() -> Response:
    """Give a copy of the dataset."""
    require_visitor_who(may_export, NO_COPIES)
    name, kind = FORMS.get(request.form.get("form", "xlsx"), FORMS["xlsx"])
    try:
        sheets = gather_dataset(_begin())
    except AccessDenied:
        raise ProblemRaised(403, "not_permitted", NO_COPIES) from None
    data = write_spreadsheet(sheets) if name.endswith(".xlsx") else pack_csv(sheets)
    return attach(data, kind, name)


@tracking_files.post(UPLOAD)
def report() -> Page:
    """Read what was sent in, and show what it would change; nothing is changed yet."""
    require_visitor_who(may_set_down, NOT_YOURS)
    visit, reason = _begin(), request.form.get("reason", "")
    sent = [file for file in request.files.getlist("files") if file.filename]
    if not reason.strip():
        return _show(visit, {"reason": "say why the records are changed: it is kept and logged"}, 400)
    if not 0 < len(sent) <= MOST_FILES:
        return _show(visit, {"files": f"choose the files of the dataset: .xlsx or .csv, {MOST_FILES} at most"}, 400)
    files = [(str(file.filename), file.read()) for file in sent]
    try:
        proposal = propose_import(visit, files)
    except ImportRefused as refused:
        return _show(visit, {"files": str(refused)}, 400, faults=refused.faults[:MOST_FAULTS])
    return _report(visit, proposal, keep_upload(visit.node, visit.person, files), reason)


@tracking_files.post(f"{UPLOAD}/take")
def take() -> Page:
    """Set down what was reported, unless a record is another than it was then."""
    require_visitor_who(may_set_down, NOT_YOURS)
    visit, reason, upload_id = _begin(), request.form.get("reason", ""), request.form.get("upload", "")
    try:
        proposal = propose_import(visit, find_upload(visit.node, visit.person, upload_id))
        if proposal.digest != request.form.get("digest", ""):
            return _report(visit, proposal, upload_id, reason, moved=True)
        done = take_import(visit, proposal, reason)
    except ImportRefused as refused:
        return _show(visit, {"files": str(refused)}, 409, faults=refused.faults[:MOST_FAULTS])
    except RecordMoved:
        return _show(visit, {"files": "a record was changed this very moment: send the files again"}, 409)
    except ReasonMissing as missing:
        return _show(visit, {"reason": str(missing)}, 400)
    except UploadGone as gone:
        return _show(visit, {"files": str(gone)}, 400)
    forget_upload(visit.node, visit.person)
    told = f"Facts set down: {done.facts}; records changed: {done.children}"
    return _show(visit, {}, done=told)


def _begin() -> Visit:
    try:
        return visit_stated()
    except PurposeMissing as missing:
        raise ProblemRaised(400, "purpose_missing", str(missing)) from None


def _report(visit: Visit, proposal: Proposal, upload_id: str, reason: str, *, moved: bool = False) -> Page:
    visit.sign_for([change.child for change in proposal.changes], page="import")
    page = render_template(
        "tracking/import.html", visit=visit, proposal=proposal, upload=upload_id, reason=reason, moved=moved
    )
    return page, 409 if moved else 200


def _show(visit: Visit, errors: dict[str, str], status: int = 200, **told: object) -> Page:
    shown = {"faults": (), "done": "", "may_export": may_export(visit.person), **told}
    page = render_template(
        "tracking/files.html", visit=visit, errors=errors, reason=request.form.get("reason", ""), **shown
    )
    return page, status
