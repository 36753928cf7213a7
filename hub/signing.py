"""Signing: what turns a draft into a submission, and a submission into a query that is approved.

The hub checks what the nodes will check again, so that an honest signer hears of a mistake at once. The signature, the
state that it brings about, what that reserves and the entry in the audit log are one transaction.
"""

from audit.connection import Connection
from audit.event import Action
from federation.approvals import is_by_passkey, verify_approval
from federation.envelope import Envelope, EnvelopeError, Signature, add_signature, write_envelope
from federation.exchange import QueryState
from federation.manifest import (
    ApprovalError,
    check_approvals,
    check_asker,
    check_validity,
    describe_lapsed,
    list_lapsed,
)
from federation.problems import ProblemRaised
from federation.register import Member
from hub.budgets import reserve_budget
from hub.cell_keys import count_answers_given
from hub.queries import StoredQuery, find_query
from hub.query_states import check_transition, move_query
from hub.service import Hub


def sign_query(hub: Hub, query_id: str, signature: Signature, signer: Member) -> None:
    """Add a signature: the asker's submits the query, and those of approvers of two organisations approve it.

    The same signature handed in again is no error and changes nothing. Raises a 403 problem where the signer may not
    sign, and a 409 problem where the query cannot be signed any more.
    """
    if signature.keyid != signer.id:
        raise ProblemRaised(403, "signature_of_another", "you can hand in your own signature alone")
    with hub.database.transaction() as connection:
        query = find_query(hub, query_id, signer)
        if signature in query.envelope.signatures:
            return
        envelope = _add_verified(query, signature, signer)
        is_approved = _check_signing(hub, query, envelope, signer)
        connection.execute("UPDATE queries SET envelope = ? WHERE query_id = ?", (write_envelope(envelope), query_id))
        submits = signer.id == query.manifest.asker
        if submits:
            move_query(connection, query_id, QueryState.DRAFTED, QueryState.SUBMITTED)
        if is_approved:
            _approve(hub, connection, query)
        action = Action.QUERY_SUBMITTED if submits else Action.QUERY_APPROVED
        means = "passkey" if is_by_passkey(signature) else "key file"
        hub.database.log.append(connection, hub.event(action, signer.id, query_id, digest=query.digest, means=means))
    hub.bell.ring(query_id)


def _approve(hub: Hub, connection: Connection, query: StoredQuery) -> None:
    """Approve a query, which from now on counts against the budgets of those that it will be asked of."""
    reserve_budget(hub, connection, query.manifest, query.digest)
    if query.manifest.cell_key is not None:
        count_answers_given(connection, query.manifest, query.plan)
    move_query(connection, query.query_id, QueryState.SUBMITTED, QueryState.APPROVED)


def _add_verified(query: StoredQuery, signature: Signature, signer: Member) -> Envelope:
    if signer.id in query.envelope.signers:
        raise ProblemRaised(409, "signed_already", f"{signer.id} has signed this already")
    try:
        envelope = add_signature(query.envelope, signature)
        verify_approval(envelope, signer)
    except EnvelopeError as error:
        raise ProblemRaised(403, "signature_invalid", str(error)) from None
    return envelope


def _check_signing(hub: Hub, query: StoredQuery, envelope: Envelope, signer: Member) -> bool:
    """Say whether a query is approved once `signer` has signed. Raises a problem where they may not."""
    is_asker = signer.id == query.manifest.asker
    if query.manifest.template and not is_asker:
        raise ProblemRaised(403, "run_of_template", "a run is approved by its template, and signed by its asker alone")
    hub.check_access(signer.kind, "federation", "submit" if is_asker else "approve", "manifest")
    check_transition(query.state, QueryState.SUBMITTED if is_asker else QueryState.APPROVED)
    try:
        check_validity(query.manifest, hub.clock())
        register = hub.register()
        asker = check_asker(query.manifest, envelope, register, hub.clock())
        if not is_asker:
            check_approvals(envelope, asker, register, hub.clock())
    except ApprovalError as error:
        if error.code == "approvals_missing":
            return False
        # The signer's own signature was verified before: one that has lapsed is of somebody who signed earlier.
        lapsed = describe_lapsed(list_lapsed(query.manifest, envelope, hub.register(), hub.clock()))
        text = "; ".join(filter(None, (error.text, lapsed)))
        raise ProblemRaised(409 if error.code == "expired" else 403, error.code, text) from None
    return not is_asker or bool(query.manifest.template)
