"""Queries at the hub: from a draft to a manifest, the signatures it collects, and where it stands.

The hub keeps the manifest's envelope and a state; both change in one transaction with the entry in the audit log. It
checks what the nodes will check again, so that an honest asker hears of a mistake at once.
"""

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from disclosure_control.presets import PresetInvalid, load_preset
from query_engine.parser import parse_query
from query_engine.planner import plan_query

from audit.event import Action
from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signature,
    add_signature,
    read_envelope,
    seal_envelope,
    write_envelope,
)
from federation.envelope import verify_signature as verify_envelope_signature
from federation.exchange import NodeProgress, QueryDraft, QueryState, QueryStatus
from federation.manifest import (
    MANIFEST_TYPE,
    ApprovalError,
    Manifest,
    Path,
    check_approvals,
    check_asker,
    manifest_digest,
    read_manifest,
    write_manifest,
)
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.wire import whole_seconds
from hub.dispatch import deliver_manifest, read_replies
from hub.projects import find_project
from hub.service import Hub, stamp
from query_engine.catalogue import load_catalogue
from query_engine.plan import QueryPlan
from query_engine.refusal import QueryRefused

TRANSITIONS: Mapping[QueryState, frozenset[QueryState]] = {
    QueryState.DRAFTED: frozenset({QueryState.SUBMITTED, QueryState.EXPIRED}),
    QueryState.SUBMITTED: frozenset({QueryState.RUNNING, QueryState.EXPIRED}),
    QueryState.RUNNING: frozenset({QueryState.RELEASED, QueryState.UNFINISHED}),
    QueryState.RELEASED: frozenset(),
    QueryState.EXPIRED: frozenset(),
    QueryState.UNFINISHED: frozenset(),
}
"""The state machine of a query; what is not here cannot happen."""


@dataclass(frozen=True)
class StoredQuery:
    """A query as the hub keeps it, with its manifest read and its plan derived."""

    query_id: str
    state: QueryState
    envelope: Envelope
    manifest: Manifest
    plan: QueryPlan

    @property
    def digest(self) -> str:
        """The digest of the manifest's exact bytes."""
        return manifest_digest(self.envelope)


def draft_query(hub: Hub, draft: QueryDraft, asker: Member) -> str:
    """Check a draft, make its manifest and return the query's id. Raises problems that say what to mend."""
    hub.check_access(asker.kind, "federation", "submit", "manifest")
    project = find_project(hub, draft.project, asker.id)
    plan = plan_draft(draft.sql)
    if draft.preset not in project.presets:
        allowed = ", ".join(sorted(project.presets))
        raise ProblemRaised(422, "preset_not_in_project", f"the project's releases use one of: {allowed}")
    manifest = _write_down(hub, draft, asker, plan)
    envelope = seal_envelope(write_manifest(manifest), MANIFEST_TYPE)
    row = (
        manifest.query_id,
        QueryState.DRAFTED,
        project.name,
        asker.id,
        manifest_digest(envelope),
        write_envelope(envelope),
        stamp(manifest.issued_at),
        stamp(manifest.expires_at),
    )
    with hub.database.transaction() as connection:
        connection.execute("INSERT INTO queries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        event = hub.event(
            Action.QUERY_DRAFTED, asker.id, manifest.query_id, purpose=manifest.purpose, plan=plan.plan_id
        )
        hub.database.log.append(connection, event)
    return manifest.query_id


def plan_draft(sql: str) -> QueryPlan:
    """Parse and plan SQL. Raises a 422 problem that carries the refusal's code, reason and place."""
    catalogue = load_catalogue()
    try:
        return plan_query(parse_query(sql, catalogue), catalogue)
    except QueryRefused as refused:
        place = f" (line {refused.at[0]}, column {refused.at[1]})" if refused.at else ""
        raise ProblemRaised(422, refused.code, refused.text + place) from None


def _write_down(hub: Hub, draft: QueryDraft, asker: Member, plan: QueryPlan) -> Manifest:
    register, now = hub.register(), whole_seconds(hub.clock())
    nodes = tuple(sorted(member.id for member in register.active(MemberKind.NODE, now)))
    roster = draft.roster or nodes
    if unknown := sorted(set(roster) - set(nodes)):
        raise ProblemRaised(422, "roster_unknown", f"not an active node: {', '.join(unknown)}")
    try:
        preset = load_preset(draft.preset)
    except PresetInvalid as error:
        raise ProblemRaised(422, "preset_unknown", str(error)) from None
    return Manifest(
        query_id=f"Q-{secrets.token_hex(8)}",
        project=draft.project,
        asker=asker.id,
        purpose=draft.purpose,
        sql=draft.sql,
        plan_id=plan.plan_id,
        planner_version=plan.planner_version,
        catalogue_version=load_catalogue().version,
        academic_year=draft.academic_year,
        path=Path(plan.path),
        preset=preset.name,
        preset_version=preset.version,
        roster=tuple(sorted(set(roster))),
        minimum_register_version=register.version,
        issued_at=now,
        expires_at=now + timedelta(hours=draft.valid_hours),
        nonce=secrets.token_hex(32),
    )


def sign_query(hub: Hub, query_id: str, signature: Signature, signer: Member) -> None:
    """Add a signature: the asker's submits the query, and approvals by two organisations set it running."""
    if signature.keyid != signer.id:
        raise ProblemRaised(403, "signature_of_another", "you can hand in your own signature alone")
    with hub.database.transaction() as connection:
        query = find_query(hub, query_id, signer)
        envelope = _add_verified(query, signature, signer)
        state = _state_after(hub, query, envelope, signer)
        connection.execute(
            "UPDATE queries SET envelope = ?, state = ? WHERE query_id = ?", (write_envelope(envelope), state, query_id)
        )
        action = Action.QUERY_SUBMITTED if signer.id == query.manifest.asker else Action.QUERY_APPROVED
        hub.database.log.append(connection, hub.event(action, signer.id, query_id, digest=query.digest))
        if state is QueryState.RUNNING:
            deliver_manifest(hub, connection, query.manifest, write_envelope(envelope))
    hub.bell.ring()


def _add_verified(query: StoredQuery, signature: Signature, signer: Member) -> Envelope:
    try:
        envelope = add_signature(query.envelope, signature)
        verify_envelope_signature(envelope, signer.id, signer.public_signing_key)
    except EnvelopeError as error:
        raise ProblemRaised(409, "signature_invalid", str(error)) from None
    return envelope


def _state_after(hub: Hub, query: StoredQuery, envelope: Envelope, signer: Member) -> QueryState:
    """Return the state that a query is in once `signer` has signed. Raises a problem where they may not."""
    if signer.id == query.manifest.asker:
        check_transition(query.state, QueryState.SUBMITTED)
        return QueryState.SUBMITTED
    hub.check_access(signer.kind, "federation", "approve", "manifest")
    check_transition(query.state, QueryState.RUNNING)
    try:
        asker = check_asker(query.manifest, envelope, hub.register(), hub.clock())
        check_approvals(envelope, asker, hub.register(), hub.clock())
    except ApprovalError as error:
        if error.code == "approvals_missing":
            return QueryState.SUBMITTED
        raise ProblemRaised(403, error.code, error.text) from None
    return QueryState.RUNNING


def check_transition(current: QueryState, wanted: QueryState) -> None:
    """Raise a 409 problem unless a query may go from the one state to the other."""
    if wanted not in TRANSITIONS[current]:
        raise ProblemRaised(409, "state", f"the query is {current}; it cannot become {wanted}")


def find_query(hub: Hub, query_id: str, reader: Member) -> StoredQuery:
    """Return a query that `reader` may see: one's own, or as an officer any. Raises a 404 problem otherwise."""
    row = hub.database.connection.execute("SELECT * FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    if row is None or not may_see(hub, row["asker"], reader):
        raise ProblemRaised(404, "query_unknown", "there is no query of that id that you may see")
    return read_query(row)


def may_see(hub: Hub, asker: str, reader: Member) -> bool:
    """Whether a member may see a query: its asker may, and whoever the access matrix lets read manifests."""
    if reader.id == asker:
        return True
    try:
        hub.check_access(reader.kind, "federation", "read", "manifest")
    except ProblemRaised:
        return False
    return True


def read_query(row: sqlite3.Row) -> StoredQuery:
    """Read a stored query."""
    envelope = read_envelope(row["envelope"], MANIFEST_TYPE)
    manifest = read_manifest(envelope)
    return StoredQuery(row["query_id"], QueryState(row["state"]), envelope, manifest, plan_draft(manifest.sql))


def list_queries(hub: Hub, reader: Member) -> tuple[QueryStatus, ...]:
    """Return the queries that `reader` may see, newest first."""
    rows = hub.database.connection.execute("SELECT * FROM queries ORDER BY drafted_at DESC, query_id LIMIT 500")
    return tuple(describe_query(hub, read_query(row)) for row in rows if may_see(hub, row["asker"], reader))


def describe_query(hub: Hub, query: StoredQuery) -> QueryStatus:
    """Return where a query stands."""
    manifest = query.manifest
    return QueryStatus(
        query_id=query.query_id,
        state=query.state,
        project=manifest.project,
        asker=manifest.asker,
        purpose=manifest.purpose,
        sql=manifest.sql,
        manifest_digest=query.digest,
        plan_id=manifest.plan_id,
        cells=query.plan.cells,
        signers=query.envelope.signers,
        expires_at=manifest.expires_at,
        nodes=describe_nodes(hub, query),
    )


def describe_nodes(hub: Hub, query: StoredQuery) -> tuple[NodeProgress, ...]:
    """Return where each node of the roster stands; one that has said nothing is `awaited`."""
    authorities = {member.id: ",".join(member.authorities) for member in hub.register().members}
    replies = read_replies(hub, query.digest)

    def progress(node: str) -> NodeProgress:
        reply = replies.get(node)
        if reply is None:
            return NodeProgress(node=node, authority=authorities.get(node, ""), outcome="awaited", code="", text="")
        return NodeProgress(
            node=node, authority=reply.authority, outcome=reply.outcome, code=reply.code, text=reply.text
        )

    return tuple(progress(node) for node in query.manifest.roster)


def due_queries(hub: Hub, now: datetime) -> tuple[StoredQuery, ...]:
    """Return the queries that have expired without being settled."""
    open_states = (QueryState.DRAFTED, QueryState.SUBMITTED, QueryState.RUNNING)
    rows = hub.database.connection.execute(
        "SELECT * FROM queries WHERE state IN (?, ?, ?) AND expires_at <= ?", (*open_states, stamp(now))
    )
    return tuple(read_query(row) for row in rows)
