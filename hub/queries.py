"""Queries as the hub keeps them: which there are, who may see each, and which are due.

The hub keeps the manifest's envelope and a state (`hub.query_states`). A query is drafted in `hub.drafting`, signed in
`hub.signing`, sent out and settled in `hub.settling`; where it stands is told in `hub.standing`.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from audit.connection import Row
from federation.database import stamp
from federation.envelope import Envelope
from federation.exchange import QueryState
from federation.manifest import Manifest, Path, read_record_keys
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, OrganisationKind
from hub.manifests import read_stored
from hub.planning import plan_draft
from hub.query_states import UNDER_WAY
from hub.service import Hub
from query_engine.planning.plan import QueryPlan


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


def list_submitted(hub: Hub, reader: Member, most: int) -> tuple[StoredQuery, ...]:
    """Return the queries that wait for approvals and that `reader` may see, oldest first and at most `most` of them."""
    rows = hub.database.connection.execute(
        "SELECT * FROM queries WHERE state = ? AND expires_at > ? AND (? OR asker = ?) "
        "ORDER BY drafted_at, query_id LIMIT ?",
        (QueryState.SUBMITTED, stamp(hub.clock()), may_see_all(hub, reader), reader.id, most),
    )
    return tuple(map(read_query, rows))


def find_running(hub: Hub, digest: str) -> StoredQuery | None:
    """Return the running query of a manifest, for those who act on it and not on anybody's behalf."""
    row = hub.database.connection.execute(
        "SELECT * FROM queries WHERE digest = ? AND state = ?", (digest, QueryState.RUNNING)
    ).fetchone()
    return None if row is None else read_query(row)


def find_approved(hub: Hub, query_id: str) -> StoredQuery | None:
    """Return a query by its id if it is approved and nobody has been asked it yet."""
    row = hub.database.connection.execute(
        "SELECT * FROM queries WHERE query_id = ? AND state = ?", (query_id, QueryState.APPROVED)
    ).fetchone()
    return None if row is None else read_query(row)


def queries_under_way(hub: Hub, paths: Container[Path]) -> tuple[StoredQuery, ...]:
    """Return the queries that nodes are about to be asked or are asked, whose tables leave by one of these paths."""
    rows = hub.database.connection.execute("SELECT * FROM queries WHERE state IN (?, ?)", UNDER_WAY)
    return tuple(query for query in map(read_query, rows) if query.manifest.path in paths)


_DUE = (
    "state IN (?, ?, ?, ?) AND (expires_at <= ? OR state = ? OR state = ? "
    "AND roster_size <= (SELECT count(*) FROM replies WHERE replies.digest = queries.digest))"
)
"""Those whose time is up, those that are approved and not sent out, and those that all have answered. The latter two
are left behind where the hub was stopped in between."""


def list_due(hub: Hub, now: datetime) -> Mapping[str, str]:
    """Return the digests of the queries to be taken on, each with its query's id; no manifest is read for it."""
    rows = hub.database.connection.execute(f"SELECT digest, query_id FROM queries WHERE {_DUE}", _due_at(now))  # noqa: S608
    return {row["digest"]: row["query_id"] for row in rows}


def find_due(hub: Hub, query_id: str, now: datetime) -> StoredQuery | None:
    """Return a query if it is to be taken on."""
    asked = (*_due_at(now), query_id)
    row = hub.database.connection.execute(f"SELECT * FROM queries WHERE {_DUE} AND query_id = ?", asked).fetchone()  # noqa: S608
    return None if row is None else read_query(row)


def _due_at(now: datetime) -> tuple[str, ...]:
    may_end = (QueryState.DRAFTED, QueryState.SUBMITTED, QueryState.APPROVED, QueryState.RUNNING)
    return (*may_end, stamp(now), QueryState.APPROVED, QueryState.RUNNING)
