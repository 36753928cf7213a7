"""Queries at the hub: from a draft to a manifest, the signatures it collects, and where it stands.

The hub keeps the manifest's envelope and a state; both change in one transaction with the entry in the audit log. It
checks what the nodes will check again, so that an honest asker hears of a mistake at once.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from audit.connection import Connection, Row
from audit.event import Action, Outcome
from disclosure_control.presets.preset import Preset, PresetInvalid
from federation.approvals import is_by_passkey, verify_approval
from federation.database import stamp
from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signature,
    add_signature,
    seal_envelope,
    write_envelope,
)
from federation.exchange import BudgetLeft, Ending, NodeProgress, QueryDraft, QueryState, QueryStatus
from federation.kept_presets import keep_version
from federation.manifest import (
    MANIFEST_TYPE,
    SUM_PATHS,
    ApprovalError,
    Manifest,
    Path,
    check_approvals,
    check_asker,
    check_validity,
    describe_lapsed,
    list_lapsed,
    manifest_digest,
    read_record_keys,
    write_manifest,
)
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, OrganisationKind
from federation.standing_rosters import ENGLAND
from federation.wire import whole_seconds
from hub.budgets import check_budget, describe_budget, find_left, reserve_budget
from hub.cell_keys import check_answers_left, count_answers_given
from hub.dispatch import deliver_manifest, read_held, read_progress
from hub.drafting import choose_preset, compose_manifest
from hub.gate import check_room
from hub.manifests import read_stored
from hub.projects import check_question, find_project
from hub.service import Hub
from hub.sums.rosters import standing_members
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import plan_for_keys
from query_engine.question import read_question
from query_engine.refusal import QueryRefused

TRANSITIONS: Mapping[QueryState, frozenset[QueryState]] = {
    QueryState.DRAFTED: frozenset({QueryState.SUBMITTED, QueryState.EXPIRED, QueryState.WITHDRAWN}),
    QueryState.SUBMITTED: frozenset({QueryState.RUNNING, QueryState.EXPIRED, QueryState.REFUSED, QueryState.WITHDRAWN}),
    QueryState.RUNNING: frozenset(
        {QueryState.CHECKING, QueryState.RELEASED, QueryState.UNFINISHED, QueryState.WITHDRAWN}
    ),
    QueryState.CHECKING: frozenset({QueryState.RELEASED, QueryState.REFUSED, QueryState.WITHDRAWN}),
    QueryState.RELEASED: frozenset(),
    QueryState.EXPIRED: frozenset(),
    QueryState.UNFINISHED: frozenset(),
    QueryState.REFUSED: frozenset(),
    QueryState.WITHDRAWN: frozenset(),
}
"""The state machine of a query; what is not here cannot happen. A run of a template is approved before it is drafted,
so it is submitted and running at once."""

MOST_LISTED = 500
"""How many queries a list holds at most."""


@dataclass(frozen=True)
class StoredQuery:
    """A query as the hub keeps it, with its manifest read."""

    query_id: str
    state: QueryState
    digest: str
    cells: int
    envelope: Envelope
    manifest: Manifest

    @cached_property
    def plan(self) -> QueryPlan:
        """The plan of the manifest's SQL, derived at need. Raises a 422 problem where there is none now."""
        return plan_draft(self.manifest.sql, self.manifest.path, read_record_keys(self.manifest))


def draft_query(hub: Hub, draft: QueryDraft, asker: Member) -> str:
    """Check a draft, make its manifest and return the query's id. Raises problems that say what to mend."""
    hub.check_access(asker.kind, "federation", "submit", "manifest")
    project = find_project(hub, draft.project, asker.id)
    preset = choose_preset(draft, project, hub.party.presets)
    plan = plan_draft(draft.sql, draft.path, preset.record_keys)
    check_question(project, asker.id, preset.name, plan, hub.clock())
    everybody = _choose_everybody(hub, draft)
    manifest = compose_manifest(draft, project, asker, plan, preset, everybody, hub.register(), hub.clock())
    check_budget(hub, manifest)
    check_answers_left(hub, manifest, plan)
    check_room(hub, manifest, plan)
    keep_preset(hub, preset)
    store_draft(hub, manifest, plan)
    return manifest.query_id


def find_budget(hub: Hub, project: str, academic_year: str, reader: Member) -> BudgetLeft:
    """Return what a member's project has left for a noised sum over everybody. Raises a 404 problem."""
    found = find_project(hub, project, reader.id)
    years = load_catalogue().table("child_year").columns["academic_year"].domain or ()
    if academic_year not in map(str, years):
        raise ProblemRaised(404, "year_unknown", f"there is no such academic year, but {', '.join(map(str, years))}")
    return find_left(hub, found, academic_year, _expect_everybody(hub))


def _expect_everybody(hub: Hub) -> tuple[str, ...]:
    """Return whom a noised sum over everybody would be asked of: until that is known, every active node."""
    try:
        return standing_members(hub, ENGLAND, hub.clock())
    except ProblemRaised:
        return tuple(member.id for member in hub.register().active(MemberKind.NODE, hub.clock()))


def _choose_everybody(hub: Hub, draft: QueryDraft) -> tuple[str, ...]:
    """Return the nodes that a draft is for when it names none: those that can add up together now, or all."""
    if draft.path in SUM_PATHS and draft.roster is None:
        return standing_members(hub, ENGLAND, hub.clock())
    return tuple(member.id for member in hub.register().active(MemberKind.NODE, hub.clock()))


def keep_preset(hub: Hub, preset: Preset) -> None:
    """Keep the rules that a manifest is about to name. Raises a 422 problem where they changed under their version."""
    try:
        keep_version(hub.party.presets, preset)
    except PresetInvalid as error:
        raise ProblemRaised(422, "preset_changed", str(error)) from None


def store_draft(hub: Hub, manifest: Manifest, plan: QueryPlan) -> None:
    """Store a manifest that nobody has signed yet."""
    with hub.database.transaction() as connection:
        write_draft(hub, connection, manifest, plan, by=manifest.asker)


def write_draft(hub: Hub, connection: Connection, manifest: Manifest, plan: QueryPlan, *, by: str) -> None:
    """Write down a manifest that nobody has signed yet, and who had it drafted."""
    envelope = seal_envelope(write_manifest(manifest), MANIFEST_TYPE)
    row = {
        "query_id": manifest.query_id,
        "state": QueryState.DRAFTED,
        "project": manifest.project.name,
        "asker": manifest.asker,
        "digest": manifest_digest(envelope),
        "cells": plan.cells,
        "roster_size": len(manifest.roster),
        "drafted_at": stamp(manifest.issued_at),
        "expires_at": stamp(manifest.expires_at),
        "envelope": write_envelope(envelope),
    }
    connection.execute(
        "INSERT INTO queries VALUES (:query_id, :state, :project, :asker, :digest, :cells, :roster_size, "
        ":drafted_at, :expires_at, :envelope)",
        row,
    )
    event = hub.event(Action.QUERY_DRAFTED, by, manifest.query_id, purpose=manifest.purpose, plan=plan.plan_id)
    hub.database.log.append(connection, event)


def plan_draft(sql: str, path: Path = Path.PER_AUTHORITY, keys: int | None = None) -> QueryPlan:
    """Parse SQL, plan it for a path, with record keys where there are to be any, and hold it to the methodology guards.

    Raises a 422 problem that carries the refusal's code, reason and place.
    """
    try:
        return plan_for_keys(read_question(sql).plan, path.value, keys)
    except QueryRefused as refused:
        place = f" (line {refused.at[0]}, column {refused.at[1]})" if refused.at else ""
        raise ProblemRaised(422, refused.code, refused.text + place) from None


def sign_query(hub: Hub, query_id: str, signature: Signature, signer: Member) -> None:
    """Add a signature: the asker's submits the query, and approvals by two organisations set it running.

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
        state = _state_after(hub, query, envelope, signer)
        if state is QueryState.RUNNING:
            reserve_budget(hub, connection, query.manifest, query.digest)
        connection.execute(
            "UPDATE queries SET envelope = ?, state = ? WHERE query_id = ?", (write_envelope(envelope), state, query_id)
        )
        action = Action.QUERY_SUBMITTED if signer.id == query.manifest.asker else Action.QUERY_APPROVED
        means = "passkey" if is_by_passkey(signature) else "key file"
        hub.database.log.append(connection, hub.event(action, signer.id, query_id, digest=query.digest, means=means))
        if state is QueryState.RUNNING and query.manifest.cell_key is not None:
            count_answers_given(connection, query.manifest, query.plan)
        if state is QueryState.RUNNING and query.manifest.path is Path.PER_AUTHORITY:
            deliver_manifest(hub, connection, query.manifest, query.digest, write_envelope(envelope))
    hub.bell.ring(query_id, *query.manifest.roster)


def _add_verified(query: StoredQuery, signature: Signature, signer: Member) -> Envelope:
    if signer.id in query.envelope.signers:
        raise ProblemRaised(409, "signed_already", f"{signer.id} has signed this already")
    try:
        envelope = add_signature(query.envelope, signature)
        verify_approval(envelope, signer)
    except EnvelopeError as error:
        raise ProblemRaised(403, "signature_invalid", str(error)) from None
    return envelope


def _state_after(hub: Hub, query: StoredQuery, envelope: Envelope, signer: Member) -> QueryState:
    """Return the state that a query is in once `signer` has signed. Raises a problem where they may not."""
    is_asker = signer.id == query.manifest.asker
    if query.manifest.template and not is_asker:
        raise ProblemRaised(403, "run_of_template", "a run is approved by its template, and signed by its asker alone")
    hub.check_access(signer.kind, "federation", "submit" if is_asker else "approve", "manifest")
    check_transition(query.state, QueryState.SUBMITTED if is_asker else QueryState.RUNNING)
    try:
        check_validity(query.manifest, hub.clock())
        register = hub.register()
        asker = check_asker(query.manifest, envelope, register, hub.clock())
        if not is_asker:
            check_approvals(envelope, asker, register, hub.clock())
    except ApprovalError as error:
        if error.code == "approvals_missing":
            return QueryState.SUBMITTED
        # The signer's own signature was verified before: one that has lapsed is of somebody who signed earlier.
        lapsed = describe_lapsed(list_lapsed(query.manifest, envelope, hub.register(), hub.clock()))
        text = "; ".join(filter(None, (error.text, lapsed)))
        raise ProblemRaised(409 if error.code == "expired" else 403, error.code, text) from None
    return QueryState.SUBMITTED if is_asker and not query.manifest.template else QueryState.RUNNING


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


def find_for_release(hub: Hub, query_id: str, reader: Member) -> StoredQuery:
    """Return a query whose release `reader` may have. Raises a 404 problem otherwise.

    1. a node may have what it was asked;
    2. once it is released, whoever the access matrix gives the federation's aggregates may have it, unless it is of
       columns that authorities alone may ask about: then whoever of them is of an authority;
    3. whoever may see the query may have it, and is told where it stands before that.
    """
    row = hub.database.connection.execute("SELECT * FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    if row is not None and not may_see(hub, row["asker"], reader) and may_read_aggregates(hub, reader):
        query = read_query(row)
        if reader.kind is MemberKind.NODE:
            readable = reader.id in query.manifest.roster
        else:
            readable = query.state is QueryState.RELEASED and _is_for(query, reader)
        if readable:
            return query
    return find_query(hub, query_id, reader)


def find_for_verifying(hub: Hub, query_id: str, reader: Member) -> StoredQuery:
    """Return a query whose manifest `reader` may have: whoever may see it, and once it is released, whoever reads that.

    A release is verified by the exact bytes that the nodes' signed replies name, so they are handed out whole or not at
    all: with asker, project and approvals (docs/trust.md). Raises a 404 problem otherwise.
    """
    query = find_for_release(hub, query_id, reader)
    return query if query.state is QueryState.RELEASED else find_query(hub, query_id, reader)


def may_read_aggregates(hub: Hub, reader: Member) -> bool:
    """Whether the access matrix gives a member safe aggregates of the federation."""
    return hub.allows(reader.kind, "federation", "aggregate", "aggregates")


def _is_for(query: StoredQuery, reader: Member) -> bool:
    """Whether a query is of nothing but columns that a reader's organisation may ask about."""
    if reader.organisation_kind is OrganisationKind.AUTHORITY:
        return True
    try:
        return query.plan.audience == "researcher"
    except ProblemRaised:
        # What is no question any more, under a newer catalogue, cannot be said to be for everybody.
        return False


def may_see(hub: Hub, asker: str, reader: Member) -> bool:
    """Whether a member may see a query: its asker may, and whoever the access matrix lets read manifests."""
    return reader.id == asker or may_see_all(hub, reader)


def may_see_all(hub: Hub, reader: Member) -> bool:
    """Whether the access matrix lets a member read everybody's manifests."""
    return hub.allows(reader.kind, "federation", "read", "manifest")


def read_query(row: Row) -> StoredQuery:
    """Read a stored query."""
    envelope, manifest = read_stored(bytes(row["envelope"]))
    return StoredQuery(
        query_id=row["query_id"],
        state=QueryState(row["state"]),
        digest=row["digest"],
        cells=row["cells"],
        envelope=envelope,
        manifest=manifest,
    )


def describe_dead_end(hub: Hub, query: StoredQuery) -> str:
    """Say why a query that waits for approvals can have them no more; nothing where it can."""
    if query.state is not QueryState.SUBMITTED:
        return ""
    return describe_lapsed(list_lapsed(query.manifest, query.envelope, hub.register(), hub.clock()))


def list_submitted(hub: Hub, reader: Member, most: int) -> tuple[StoredQuery, ...]:
    """Return the queries that wait for approvals and that `reader` may see, oldest first and at most `most` of them."""
    rows = hub.database.connection.execute(
        "SELECT * FROM queries WHERE state = ? AND expires_at > ? AND (? OR asker = ?) "
        "ORDER BY drafted_at, query_id LIMIT ?",
        (QueryState.SUBMITTED, stamp(hub.clock()), may_see_all(hub, reader), reader.id, most),
    )
    return tuple(map(read_query, rows))


def list_queries(hub: Hub, reader: Member, most: int = MOST_LISTED) -> tuple[QueryStatus, ...]:
    """Return the queries that `reader` may see, newest first and at most `most` of them."""
    rows = hub.database.connection.execute(
        "SELECT * FROM queries WHERE ? OR asker = ? ORDER BY drafted_at DESC, query_id LIMIT ?",
        (may_see_all(hub, reader), reader.id, most),
    )
    return tuple(describe_query(hub, read_query(row), in_list=True) for row in rows)


def measure_progress(hub: Hub, query_id: str) -> tuple[str, int, int]:
    """Return what changes whenever a query moves: its state, the length of its signed manifest, the replies to it."""
    row = hub.database.connection.execute(
        "SELECT state, length(envelope), (SELECT count(*) FROM replies WHERE replies.digest = queries.digest) + "
        "(SELECT count(*) FROM held_at_nodes WHERE held_at_nodes.digest = queries.digest) "
        "FROM queries WHERE query_id = ?",
        (query_id,),
    ).fetchone()
    return (row[0], row[1], row[2]) if row else ("", 0, 0)


def describe_query(hub: Hub, query: StoredQuery, *, in_list: bool = False) -> QueryStatus:
    """Return where a query stands; in a list without what takes longest: nodes, budget, and how it ended."""
    manifest = query.manifest
    return QueryStatus(
        query_id=query.query_id,
        state=query.state,
        project=manifest.project.name,
        asker=manifest.asker,
        purpose=manifest.purpose,
        sql=manifest.sql,
        manifest_digest=query.digest,
        plan_id=manifest.plan_id,
        cells=query.cells,
        signers=query.envelope.signers,
        expires_at=manifest.expires_at,
        nodes=() if in_list else describe_nodes(hub, query),
        budget=None if in_list else describe_budget(hub, manifest, query.state, query.digest),
        ending=None if in_list else find_ending(hub, query.query_id),
    )


def find_ending(hub: Hub, query_id: str) -> Ending | None:
    """Return who ended a query, or withdrew its release, and why; None where nobody did."""
    row = hub.database.connection.execute("SELECT * FROM endings WHERE query_id = ?", (query_id,)).fetchone()
    if row is None:
        return None
    return Ending(by=row["member"], reason=row["reason"], at=whole_seconds(datetime.fromisoformat(row["ended_at"])))


def describe_nodes(hub: Hub, query: StoredQuery) -> tuple[NodeProgress, ...]:
    """Return where each node of the roster stands; one that is silent is `awaited`, and `held` waits for an officer."""
    asked_at = query.manifest.issued_at
    authorities = {member.id: member.authority(asked_at) for member in hub.register().members}
    replied = {**read_held(hub, query.digest), **read_progress(hub, query.digest)}
    return tuple(
        replied.get(node)
        or NodeProgress(node=node, authority=authorities.get(node, ""), outcome="awaited", code="", text="")
        for node in query.manifest.roster
    )


def find_running(hub: Hub, digest: str) -> StoredQuery | None:
    """Return the running query of a manifest, for those who act on it and not on anybody's behalf."""
    row = hub.database.connection.execute(
        "SELECT * FROM queries WHERE digest = ? AND state = ?", (digest, QueryState.RUNNING)
    ).fetchone()
    return None if row is None else read_query(row)


def find_started(hub: Hub, query_id: str) -> StoredQuery | None:
    """Return a query by its id if it is running, as `find_running` does by its manifest."""
    row = hub.database.connection.execute(
        "SELECT * FROM queries WHERE query_id = ? AND state = ?", (query_id, QueryState.RUNNING)
    ).fetchone()
    return None if row is None else read_query(row)


def running_queries(hub: Hub, paths: Container[Path]) -> tuple[StoredQuery, ...]:
    """Return the running queries whose tables leave by one of these paths."""
    rows = hub.database.connection.execute("SELECT * FROM queries WHERE state = ?", (QueryState.RUNNING,))
    return tuple(query for query in map(read_query, rows) if query.manifest.path in paths)


def close_query(hub: Hub, query: StoredQuery, state: QueryState, action: Action) -> None:
    """Close a query of which nothing is released, and log why; what came in for its sum goes.

    A second call does nothing.
    """
    with hub.database.transaction() as connection:
        moved = connection.execute(
            "UPDATE queries SET state = ? WHERE query_id = ? AND state = ?", (state, query.query_id, query.state)
        ).rowcount
        if moved:
            connection.execute("DELETE FROM sum_arrivals WHERE digest = ?", (query.digest,))
            event = hub.event(action, hub.party.member_id, query.query_id, outcome=Outcome.FAILED)
            hub.database.log.append(connection, event)
    hub.bell.ring(query.query_id)


def due_queries(hub: Hub, now: datetime, query_id: str = "") -> tuple[StoredQuery, ...]:
    """Return the queries to be settled, or that one if it is: those whose time is up, and those that all have answered.

    The latter are left behind where the hub was stopped between the last reply and the release.
    """
    rows = hub.database.connection.execute(
        "SELECT * FROM queries WHERE state IN (?, ?, ?) AND (? = '' OR query_id = ?) AND (expires_at <= ? OR "
        "state = ? AND roster_size <= (SELECT count(*) FROM replies WHERE replies.digest = queries.digest))",
        (
            *(QueryState.DRAFTED, QueryState.SUBMITTED, QueryState.RUNNING),
            *(query_id, query_id, stamp(now), QueryState.RUNNING),
        ),
    )
    return tuple(read_query(row) for row in rows)
