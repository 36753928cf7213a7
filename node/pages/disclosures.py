"""One child's record of disclosures, for a subject access request: gathered, reviewed, printed and given out.

Three steps: whose record, and for which request; the officer's passkey signs the mandate, and the counterparties that
our log names are asked; what came is reviewed, and what may be given out is printed or taken away. The child's numbers
are typed once and stand on no page afterwards; a record is named in forms, and in no address.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request

from audit.event import Action
from audit.log import LogUnreadable
from federation.approvals import challenge_of, write_approval
from federation.problems import ProblemRaised
from federation.state import StateError
from federation.typed_days import read_day
from federation.web.attachment import attach
from federation.web.description import describes
from federation.web.site import allow_script
from federation.webauthn import Assertion, WebAuthnRefused, decode_base64url, encode_base64url
from node.disclosures.copies import KINDS, write_copy
from node.disclosures.gathering import find_record, list_records, send_gathering, what_is_open
from node.disclosures.mandates import draft_gathering, find_by_passkey, find_officer
from node.disclosures.marks import Standing, mark_disclosure
from node.disclosures.record import DisclosureRecord
from node.disclosures.telling import name_authority, tell_record
from node.pages.staff import may_gather, require_visitor_who, the_node
from node.pages.through_hub import PATIENCE, reach_hub
from node.people import Person

disclosures = Blueprint("disclosures", __name__)

NOT_YOURS = "records of disclosures are for this authority's information governance officer"

Page = tuple[str, int]


@disclosures.get("/subject")
def ask_whose() -> Page:
    """Ask whose record it is to be, and show those that are kept."""
    require_visitor_who(may_gather, NOT_YOURS)
    return _show_form({})


@disclosures.post("/subject")
def write_mandate() -> Page:
    """Write the mandate, and show whom it would ask, and what the passkey is about to sign."""
    visitor, form, node = require_visitor_who(may_gather, NOT_YOURS), request.form, the_node()
    try:
        member = find_by_passkey(node, visitor)
        numbers = [form.get(name, "") for name in ("la_child_id", "upn")]
        draft = draft_gathering(node, visitor, numbers, form.get("reason", ""))
    except (StateError, LogUnreadable) as unclear:
        return _show_form({"la_child_id": str(unclear)}, 400)
    allow_script()
    page = render_template(
        "subject_sign.html",
        draft=draft,
        ticket=encode_base64url(challenge_of(draft.envelope)),
        relying_party=member.passkeys[0].domain,
        shared=[(name_authority(code), count) for code, count in draft.shared.items()],
    )
    return page, 200


@disclosures.post("/subject/send")
def send() -> Page:
    """Ask under the signed mandate, and show the record."""
    visitor, form, node = require_visitor_who(may_gather, NOT_YOURS), request.form, the_node()
    try:
        parts = [decode_base64url(form.get(name, "")) for name in Assertion.__dataclass_fields__]
        credential = decode_base64url(form.get("credential", ""))
        signature = write_approval(find_officer(node, visitor).id, credential, Assertion(*parts))
        with reach_hub(node) as hub:
            record = send_gathering(node, hub, visitor, form.get("draft_id", ""), signature, patience=PATIENCE)
    except WebAuthnRefused as refused:
        raise ProblemRaised(400, "passkey_unreadable", str(refused)) from None
    except StateError as error:
        return _show_form({"la_child_id": str(error)}, 400)
    return _show_record(record, {})


@disclosures.post("/subject/record")
def show_record() -> Page:
    """Show the officer all of a record, and what of it is held back."""
    visitor = require_visitor_who(may_gather, NOT_YOURS)
    record = _find()
    _log(visitor, Action.AUDIT_READ, record)
    return _show_record(record, {})


@disclosures.post("/subject/mark")
def mark() -> Page:
    """Enter what the officer decided about one disclosure."""
    visitor, form = require_visitor_who(may_gather, NOT_YOURS), request.form
    record = _find()
    if form.get("name", "") not in {each.marked_by for each in record.disclosures}:
        raise ProblemRaised(400, "malformed", "the record has no such disclosure")
    try:
        until = read_day(form["until"]) if form.get("until", "").strip() else None
        mark_disclosure(
            the_node(), visitor, form["name"], form.get("standing", ""), reason=form.get("reason", ""), until=until
        )
    except ValueError as unreadable:
        return _show_record(record, {"until": str(unreadable)}, 400)
    except StateError as error:
        return _show_record(record, {"reason": str(error)}, 400)
    return _show_record(record, {})


@disclosures.post("/subject/given")
def show_given() -> str:
    """Show what may be given out, to be printed."""
    visitor = require_visitor_who(may_gather, NOT_YOURS)
    record = _find()
    given, held = what_is_open(the_node(), record)
    _log(visitor, Action.AUDIT_EXPORTED, record, form="print")
    return render_template(
        "subject_given.html",
        record=record,
        home=name_authority(record.authority),
        told=tell_record(given, record.authority),
        unheard=sorted({name_authority(each.authority) for each in record.unheard}),
        held_back=len({each.marked_by for each in held}) if the_node().rules().subjects.tell_held_back else None,
        contact=the_node().rules().lookups.contact,
    )


@disclosures.post("/subject/copy")
@describes(gives=tuple(KINDS.values()))
def take_away() -> Response:
    """Let what may be given out be taken away as a file, once that is logged."""
    visitor, form = require_visitor_who(may_gather, NOT_YOURS), request.form.get("form", "")
    record = _find()
    if form not in KINDS:
        raise ProblemRaised(400, "malformed", f"a record is taken away as one of {', '.join(KINDS)}")
    given, held = what_is_open(the_node(), record)
    held_back = len({each.marked_by for each in held}) if the_node().rules().subjects.tell_held_back else None
    _log(visitor, Action.AUDIT_EXPORTED, record, form=form)
    return attach(write_copy(record, given, form, held_back), KINDS[form], f"{record.record_id}.{form}")


def _find() -> DisclosureRecord:
    """Return the record that a form names: no address does."""
    try:
        return find_record(the_node(), request.form.get("record_id", ""))
    except StateError as error:
        raise ProblemRaised(404, "no_record", str(error)) from None


def _log(visitor: Person, action: Action, record: DisclosureRecord, **more: Any) -> None:
    node = the_node()
    actor = f"{visitor.id} ({visitor.role})"
    node.record(node.event(action, actor, record.record_id, purpose=record.reason, **more))


def _show_form(errors: Mapping[str, str], status: int = 200) -> Page:
    reason = request.form.get("reason", "")
    return render_template("subject_form.html", errors=errors, reason=reason, records=list_records(the_node())), status


def _show_record(record: DisclosureRecord, errors: Mapping[str, str], status: int = 200) -> Page:
    given, held = what_is_open(the_node(), record)
    page = render_template(
        "subject_record.html",
        record=record,
        held={each.marked_by for each in held},
        given=len(given),
        name_authority=name_authority,
        standings=tuple(Standing),
        errors=errors,
    )
    return page, status
