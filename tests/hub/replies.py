"""Replies of nodes as bytes, honest ones and others, and what the hub has made of them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from audit.event import Action
from audit.log import read_entries
from disclosure_control.release.gate import ReleasedTable, read_released
from disclosure_control.rows.protection import protect
from federation.envelope import seal_envelope, write_envelope
from federation.exchange import QueryStatus, ReleaseDocument
from federation.manifest import REPLY_TYPE, Outcome, Reply
from federation.wire import MAX_BATCH_BYTES, decode_document, encode_document, whole_seconds
from hub import standing
from hub.dispatch import accept_reply
from hub.queries import find_query
from hub.release import find_release
from hub.settling import settle_due
from query_engine.tables import RawTable
from tests.hub.played_federation import NODES, PlayedFederation, make_figures


def honest_table(federation: PlayedFederation, query_id: str, node: str) -> dict[str, Any]:
    """The table that a node would answer a query with, of made-up figures."""
    query = find_query(federation.hub, query_id, federation.member("ana"))
    raw = RawTable(query.plan, make_figures(query, seed=NODES.index(node)))
    preset = federation.hub.party.presets.find(query.manifest.preset, query.manifest.preset_version)
    return protect(raw, preset).to_wire()


def write_reply(
    federation: PlayedFederation,
    query_id: str,
    node: str,
    changes: Mapping[str, object] | None = None,
    *,
    signers: tuple[str, ...] = (),
) -> bytes:
    """A node's signed answer with an honest table, and whatever the test wants different."""
    query = find_query(federation.hub, query_id, federation.member("ana"))
    reply = Reply(
        manifest_digest=query.digest,
        query_id=query_id,
        node=node,
        authority=federation.member(node).authority(federation.clock()),
        outcome=Outcome.ANSWERED,
        code="",
        text="",
        snapshot="202425-made-up",
        register_version=1,
        answered_at=whole_seconds(federation.clock()),
        table=honest_table(federation, query_id, node),
    )
    document = encode_document(msgspec.structs.replace(reply, **(changes or {})))
    keys = [federation.parties[signer].keys for signer in signers or (node,)]
    return write_envelope(seal_envelope(document, REPLY_TYPE, *keys))


def status_of(federation: PlayedFederation, query_id: str) -> QueryStatus:
    """Where a query stands."""
    return standing.describe_query(federation.hub, find_query(federation.hub, query_id, federation.member("ana")))


def outcomes_of(federation: PlayedFederation, query_id: str) -> list[str]:
    """What each node of the roster has made of a query."""
    return [node.outcome for node in status_of(federation, query_id).nodes]


def released(federation: PlayedFederation, query_id: str) -> ReleaseDocument:
    """The release of a query."""
    query = find_query(federation.hub, query_id, federation.member("ana"))
    return decode_document(find_release(federation.hub, query), ReleaseDocument, limit=MAX_BATCH_BYTES)


def table_of(federation: PlayedFederation, query_id: str) -> ReleasedTable:
    """The table of a query's release."""
    return read_released(released(federation, query_id).table)


def accept(federation: PlayedFederation, query_id: str, node: str, changes: Mapping[str, object] | None = None) -> None:
    """Have the hub keep a reply, and be stopped before it does anything about it."""
    accept_reply(federation.hub, federation.member(node), write_reply(federation, query_id, node, changes))


def time_is_up(federation: PlayedFederation) -> None:
    """Let the time of every query run out, and have the hub settle them."""
    federation.clock.advance(timedelta(hours=168))
    settle_due(federation.hub, federation.clock())


def rows_of(table: ReleasedTable, authority: str) -> list[tuple[object, ...]]:
    """One authority's figures, without the categories."""
    places = [place for place, column in enumerate(table.columns) if column in table.decimals]
    return [tuple(row[place] for place in places) for row in table.rows if row[0] == authority]


def count_of(federation: PlayedFederation, action: Action) -> int:
    """How often the hub's log says that something was done."""
    return sum(1 for _ in read_entries(federation.hub.database.connection, action=action))
