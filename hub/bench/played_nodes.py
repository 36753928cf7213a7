"""Nodes that are played: each takes what waits for it and replies with a table that was prepared before, signed anew.

To the hub they are real: they poll, reply once to each manifest, send a reply again where they do not know whether it
arrived, and need a while for each. What a node does inside itself is not measured here.
"""

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from federation.envelope import read_envelope, seal_envelope, write_envelope
from federation.exchange import Delivery, DeliveryKind
from federation.hub_line import HubUnreachable
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE, Manifest, Outcome, Reply, manifest_digest, read_manifest
from federation.state import Party
from federation.transport import HubConnection, connect_party
from federation.wire import encode_document, whole_seconds
from hub.bench.played_england import PRESET
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

__all__ = ["PlayedNode", "persist", "prepare_tables"]

T = TypeVar("T")

KINDS = 7
"""So many different authorities; the tables of the others are as one of these."""

POLL_SECONDS, RETRY_SECONDS = 10, 0.2

Tables = Mapping[tuple[str, int], Mapping[str, Any]]
"""Protected tables, by plan and kind of authority."""


def prepare_tables(plans: Sequence[QueryPlan]) -> Tables:
    """The answers of every kind of authority to every question."""
    preset = load_preset(PRESET)
    return {
        (plan.plan_id, kind): protect(RawTable(plan, _make_figures(plan, kind)), preset).to_wire()
        for plan in plans
        for kind in range(KINDS)
    }


def _make_figures(plan: QueryPlan, kind: int) -> dict[str, Sequence[int]]:
    children = [8 + 17 * ((cell + kind) % 9) for cell in range(plan.cells)]
    return {each.name: [count * max(1, each.bound * 9 // 10) for count in children] for each in plan.statistics}


def persist(stop: threading.Event, attempt: Callable[[], T]) -> T:
    """Try until it succeeds, as members do: a worker may have been killed before it answered, or after."""
    while True:
        try:
            return attempt()
        except HubUnreachable:
            if stop.wait(RETRY_SECONDS):
                raise


@dataclass
class PlayedNode:
    """One authority's node."""

    party: Party
    kind: int
    tables: Tables
    pace: float
    begin: threading.Event
    stop: threading.Event
    again: set[str] = field(default_factory=set)
    """Queries that were offered once more after the hub had acknowledged the reply to them."""

    _replies: dict[str, bytes] = field(default_factory=dict)

    def run(self) -> None:
        """Serve until told to stop; answer nothing before it is told to begin."""
        draw, done = Random(self.party.member_id), list[int]()  # noqa: S311 - the same pauses each time
        with closing(connect_party(self.party)) as hub:
            self.begin.wait()
            while not self.stop.is_set():
                waiting, done = done, []
                try:
                    inbox = hub.fetch_inbox(wait=POLL_SECONDS, done=waiting)
                except HubUnreachable:
                    done = waiting
                    self.stop.wait(RETRY_SECONDS)
                    continue
                for delivery in inbox.deliveries:
                    if delivery.kind is not DeliveryKind.MANIFEST:
                        done.append(delivery.delivery_id)
                    elif not self.stop.wait(draw.uniform(0.5, 1.5) * self.pace):
                        self._answer(hub, delivery)

    def _answer(self, hub: HubConnection, delivery: Delivery) -> None:
        envelope = read_envelope(base64.b64decode(delivery.body), MANIFEST_TYPE)
        digest, manifest = manifest_digest(envelope), read_manifest(envelope)
        if digest in self._replies:
            self.again.add(manifest.query_id)
        reply = self._replies.get(digest) or self._write_reply(digest, manifest)
        persist(self.stop, lambda: hub.send_reply(reply))
        self._replies[digest] = reply

    def _write_reply(self, digest: str, manifest: Manifest) -> bytes:
        reply = Reply(
            manifest_digest=digest,
            query_id=manifest.query_id,
            node=self.party.member_id,
            authority=self.party.profile.authorities[0],
            outcome=Outcome.ANSWERED,
            code="",
            text="",
            snapshot=f"{manifest.academic_year}-played",
            register_version=manifest.minimum_register_version,
            answered_at=whole_seconds(datetime.now(UTC)),
            table=self.tables[manifest.plan_id, self.kind],
        )
        return write_envelope(seal_envelope(encode_document(reply), REPLY_TYPE, self.party.keys))
