"""What leaves this authority: each query that waits for approval or came here, in plain English, with its state.

An approver of our organisation approves here, by a passkey over the hash of the exact bytes that the page was made
from. Our information governance officer reads the same pages, without that form. Where our rules hold a query, either
of them lets it through or refuses it, when it has come or while it waits for approval.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from federation.client import Review
from federation.envelope import Envelope, decode_base64
from federation.hub_line import HubRefused, HubUnreachable
from federation.manifest import Manifest, manifest_digest
from federation.problems import ProblemRaised
from federation.reading import LEAVES_BY, list_entries, shorten_digest
from federation.register import RegisterError
from federation.state import StateError
from federation.terminal import plain_text, quote_text
from federation.transport import HubConnection, connect_party
from federation.web.site import allow_script
from federation.webauthn import Assertion, WebAuthnRefused, decode_base64url, encode_base64url
from node.checklist import derive_plan
from node.leaving.approving import (
    Unreadable,
    approve,
    explain_bar,
    fetch_review,
    find_approver,
    list_usable,
    name_challenge,
    read_waiting,
    refuse,
)
from node.leaving.holding import decide, find_held
from node.leaving.ledger import ComeQuery, Standing, find_come, list_come
from node.pages.passkeys import read_bytes
from node.pages.staff import may_approve, may_decide_queries, may_read_leaving, require_visitor_who, the_node
from node.people import Person
from node.polling import refresh_register
from node.refusal import Refused
from query_engine.wording.description import Paragraph

leaving = Blueprint("leaving", __name__)

NOT_YOURS = "what leaves is for this authority's approvers and its information governance officer"
NOT_AN_OFFICER = "held queries are for this authority's information governance officer and its approvers"
NOT_AN_APPROVER = "queries are approved by this organisation's approvers"


@dataclass(frozen=True)
class Asked:
    """What the page tells the script to ask an approver's device for."""

    challenge: str
    relying_party: str
    allowed: str


@leaving.get("/leaving")
def show_leaving() -> str:
    """List what waits for approval and what came here."""
    require_visitor_who(may_read_leaving, NOT_YOURS)
    waiting, away = _list_waiting()
    return render_template(
        "leaving.html", waiting=waiting, away=away, come=list_come(the_node()), leaves_by=LEAVES_BY, plain=plain_text
    )


@leaving.get("/leaving/<query_id>")
def show_query(query_id: str) -> str:
    """Read one query aloud, from its exact bytes, and ask an approver for their passkey where it waits for them."""
    visitor, node = require_visitor_who(may_read_leaving, NOT_YOURS), the_node()
    come = find_come(node, query_id)
    if come is not None:
        return _show_come(come)
    review = _fetch_review(query_id)
    bar = explain_bar(node, visitor, review) if may_approve(visitor) else NOT_AN_APPROVER
    entries = list(list_entries(review.manifest, review.digest, review.plan, review.asker))
    asked = _ask_passkey(visitor, review) if not bar else None
    return _show(review.envelope, review.manifest, entries, bar=bar, asked=asked)


@leaving.post("/leaving/<query_id>/approve")
def approve_query(query_id: str) -> AnyResponse:
    """Take in an approver's passkey over the hash of what the page showed, and hand it in at the hub."""
    visitor, node, shown = require_visitor_who(may_approve, NOT_AN_APPROVER), the_node(), request.form.get("digest", "")
    try:
        answer = Assertion(*(read_bytes(name) for name in ("client_data", "authenticator_data", "signature")))
        credential = decode_base64url(request.form.get("credential", ""))
    except WebAuthnRefused as refused:
        raise ProblemRaised(400, "passkey_unreadable", str(refused)) from None
    with closing(_connect()) as hub:
        try:
            refresh_register(node, hub)
            approve(node, hub, visitor, query_id, shown, credential, answer)
        except (HubRefused, HubUnreachable) as error:
            raise _tell(error) from None
    return redirect(f"/leaving/{query_id}", 303)


@leaving.post("/leaving/<query_id>/refuse")
def refuse_query(query_id: str) -> AnyResponse:
    """Hand in at the hub that an approver refuses a query, and why."""
    visitor, node = require_visitor_who(may_approve, NOT_AN_APPROVER), the_node()
    with closing(_connect()) as hub:
        try:
            refresh_register(node, hub)
            refuse(node, hub, visitor, query_id, request.form.get("reason", ""))
        except (HubRefused, HubUnreachable) as error:
            raise _tell(error) from None
    return redirect("/leaving", 303)


@leaving.post("/leaving/<query_id>/decide")
def decide_query(query_id: str) -> AnyResponse:
    """Let a query that our rules hold through, or refuse it; whether it has come already, or waits for approval."""
    visitor, node, form = require_visitor_who(may_decide_queries, NOT_AN_OFFICER), the_node(), request.form
    manifest, digest = _find_either(query_id)
    if form.get("digest", "") != digest:
        raise ProblemRaised(409, "another_query", "this is another query than the one that was shown: read it again")
    try:
        let_through = form.get("decision") == "let_through"
        decide(node, visitor, manifest, digest, let_through=let_through, reason=form.get("reason", ""))
    except StateError as error:
        raise ProblemRaised(400, "not_decided", str(error)) from None
    return redirect(f"/leaving/{query_id}", 303)


def _find_either(query_id: str) -> tuple[Manifest, str]:
    """The query of an id that came here, or that waits for approval."""
    come = find_come(the_node(), query_id)
    if come is not None:
        return come.manifest, come.digest
    if not request.form.get("digest", ""):  # No page of ours sends such a form: the hub need not be asked.
        raise ProblemRaised(404, "query_unknown", "there is no such query here: start again from the list")
    review = _fetch_review(query_id)
    return review.manifest, review.digest


def _connect() -> HubConnection:
    node = the_node()
    return connect_party(node.party, clock=node.clock)


def _tell(error: HubRefused | HubUnreachable) -> ProblemRaised:
    if isinstance(error, HubRefused):
        return ProblemRaised(error.problem.status, error.problem.code, f"the hub refuses this: {error}")
    return ProblemRaised(503, "hub_away", f"the hub cannot be reached ({error}): nothing was decided, try again")


def _list_waiting() -> tuple[Sequence[Review | Unreadable], str]:
    """Return what waits for approval, and why that cannot be said where the hub is away."""
    node = the_node()
    try:
        with closing(_connect()) as hub:
            refresh_register(node, hub)
            return tuple(read_waiting(node, hub)), ""
    except (HubRefused, HubUnreachable, StateError) as error:
        return (), str(error)


def _fetch_review(query_id: str) -> Review:
    node = the_node()
    with closing(_connect()) as hub:
        try:
            refresh_register(node, hub)
            return fetch_review(node, hub, query_id)
        except (HubRefused, HubUnreachable) as error:
            raise _tell(error) from None


def _ask_passkey(visitor: Person, review: Review) -> Asked:
    node = the_node()
    approver = find_approver(node, visitor)
    assert approver is not None  # explain_bar has seen to it
    allow_script()
    usable = list_usable(node, approver)
    allowed = " ".join(encode_base64url(decode_base64(passkey.credential)) for passkey in usable)
    return Asked(name_challenge(review), node.rules().pages.domain, allowed)


def _show_come(come: ComeQuery) -> str:
    """Show a query that came here: by the ledger alone, whatever the hub says of it now."""
    return _show(come.envelope, come.manifest, _read_aloud(come), come=come)


def _read_aloud(come: ComeQuery) -> list[Paragraph]:
    """Return what a query that came here asks, or nothing where it cannot be planned or its asker be named any more."""
    try:
        plan = derive_plan(come.manifest)
        asker = next((each for each in the_node().register().members if each.id == come.manifest.asker), None)
    except (Refused, RegisterError, StateError):
        return []
    return [] if asker is None else list(list_entries(come.manifest, come.digest, plan, asker))


def _quote(text: str) -> str:
    """Return what somebody else wrote, for a box of its own on the page, which stands in the place of the bars."""
    return "\n".join(line.removeprefix("|").removeprefix(" ") for line in quote_text(text))


def _show(
    envelope: Envelope,
    manifest: Manifest,
    entries: list[Paragraph],
    *,
    come: ComeQuery | None = None,
    bar: str = "",
    asked: Asked | None = None,
) -> str:
    digest, node = manifest_digest(envelope), the_node()
    decided, visitor = find_held(node, digest), require_visitor_who(may_read_leaving, NOT_YOURS)
    waits = come is None or come.standing is Standing.HELD
    return render_template(
        "leaving_query.html",
        manifest=manifest,
        digest=digest,
        short=shorten_digest(digest),
        entries=entries,
        purpose=_quote(manifest.purpose),
        sql=_quote(manifest.sql),
        signers=envelope.signers,
        come=come,
        bar=bar,
        asked=asked,
        decided=decided if decided and decided.decided_at else None,
        is_held=waits and node.rules().hold.holds(manifest),
        may_decide=may_decide_queries(visitor),
    )
