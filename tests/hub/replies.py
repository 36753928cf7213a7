"""Replies of nodes as bytes, honest ones and others."""

from collections.abc import Mapping
from typing import Any

import msgspec

from disclosure_control.presets import load_preset
from disclosure_control.protection import protect
from federation.envelope import seal_envelope, write_envelope
from federation.exchange import QueryStatus
from federation.manifest import REPLY_TYPE, Outcome, Reply
from federation.wire import encode_document, whole_seconds
from hub import queries
from query_engine.tables import RawTable
from tests.hub.played_federation import NODES, PlayedFederation, make_figures


def honest_table(federation: PlayedFederation, query_id: str, node: str) -> dict[str, Any]:
    """The table that a node would answer a query with, of made-up figures."""
    query = queries.find_query(federation.hub, query_id, federation.member("ana"))
    raw = RawTable(query.plan, make_figures(query, seed=NODES.index(node)))
    return protect(raw, load_preset(query.manifest.preset)).to_wire()


def write_reply(
    federation: PlayedFederation,
    query_id: str,
    node: str,
    changes: Mapping[str, object] | None = None,
    *,
    signers: tuple[str, ...] = (),
) -> bytes:
    """A node's signed answer with an honest table, and whatever the test wants different."""
    query = queries.find_query(federation.hub, query_id, federation.member("ana"))
    reply = Reply(
        manifest_digest=query.digest,
        query_id=query_id,
        node=node,
        authority=federation.member(node).authorities[0],
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
    return queries.describe_query(
        federation.hub, queries.find_query(federation.hub, query_id, federation.member("ana"))
    )


def outcomes_of(federation: PlayedFederation, query_id: str) -> list[str]:
    """What each node of the roster has made of a query."""
    return [node.outcome for node in status_of(federation, query_id).nodes]
