"""What a secure sum costs: CPU at nodes and hub, and what travels, beside the same sum without masks.

Counted online, at a node: reading what the hub sends, every check, masking, signing, writing what goes back, in both
trips; at the hub: writing, reading, every check, and opening. Everybody answers. Not counted: the manifest and what a
node checks of it, running the plan, disks and sockets, which are the same on every path. What is done ahead of time
(dealing a slot, and taking everyone's parcel of it) is told apart, per node and slot.

Pair roots are drawn, not agreed, since they are made once a week and are no part of a sum.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import TYPE_CHECKING

from federation.envelope import Signature, forget_verified, read_envelope, verify_signature, write_envelope
from federation.keys import MemberKeys, generate_keys
from federation.register import Member, MemberKind, OrganisationKind, Register, public_text
from federation.secure_sum.bundles import check_bundle, split_bundle
from federation.secure_sum.collector import Collector
from federation.secure_sum.contributions import AnswerFacts, write_contribution
from federation.secure_sum.contributor import Contributor
from federation.secure_sum.digests import digest_of
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.facts import ManifestFacts, SumPath, SumQuery, read_attempt
from federation.secure_sum.masking import restore_masked
from federation.secure_sum.memory_store import MemoryStore
from federation.secure_sum.messages import (
    ATTEMPT_TYPE,
    CONTRIBUTION_TYPE,
    REVEAL_TYPE,
    SURVIVORS_TYPE,
    Attempt,
    DealingBundle,
    SumRoster,
)
from federation.secure_sum.rosters import make_roster, roster_digest
from federation.secure_sum.signing import sign_document
from federation.secure_sum.steps import AskReveals
from federation.secure_sum.vectors import pack_vector, read_vector, write_vector
from federation.wire import decode_document, encode_document

if TYPE_CHECKING:
    from federation.secure_sum.vectors import Vector

Row = Mapping[str, str | int | float]

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SLOT = 1


class Meter:
    """Adds up CPU seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Count what happens inside, as for somebody who shares this process with nobody."""
        forget_verified()
        begun = process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + process_time() - begun


@dataclass(frozen=True)
class Party:
    """A federation that has dealt one slot."""

    keys: Mapping[str, MemberKeys]
    register: Register
    roster: SumRoster
    stores: Mapping[str, MemoryStore]
    bundles: Mapping[str, DealingBundle]
    ahead_s: float


def measure_sums(nodes: int, cells: Sequence[int]) -> Iterator[Row]:
    """Measure sums of several sizes among so many nodes, and the same sums unmasked."""
    party = assemble(nodes)
    for size in cells:
        values = {name: pack_vector([secrets.randbelow(2**20) for _ in range(size)]) for name in party.roster.members}
        opened, masked_row = _measure_masked(party, size, values)
        plain, plain_row = _measure_plain(party, size, values)
        assert write_vector(opened) == write_vector(plain), "the opened sum is not the plain sum"
        yield masked_row
        yield plain_row


def assemble(nodes: int) -> Party:
    """Set up a register, roots and one slot for so many nodes."""
    names = [f"node-{number:03}" for number in range(nodes)]
    keys = {name: generate_keys(name) for name in [*names, "hub"]}
    register = _write_register(keys)
    roster = make_roster(name_epoch(NOW), names)
    stores = {name: MemoryStore() for name in names}
    for index, name in enumerate(names):
        for other in names[:index]:
            root = secrets.token_bytes(32)
            stores[name].keep_roots(roster.epoch, {other: root})
            stores[other].keep_roots(roster.epoch, {name: root})
    meter = Meter()
    nodes_of = {name: Contributor(name, keys[name], stores[name]) for name in names}
    bundles = {}
    for name, node in nodes_of.items():
        with meter.on("node"):
            bundles[name] = node.deal(roster, SLOT, register, NOW)
    receive = {name: node.receive_parcels(roster, register, NOW) for name, node in nodes_of.items()}
    for bundle in bundles.values():
        check_bundle(bundle, roster, register, NOW)
        for receiver, delivery in split_bundle(bundle).items():
            with meter.on("node"):
                receive[receiver](delivery)
    return Party(keys, register, roster, stores, bundles, meter.seconds["node"] / nodes)


def _write_register(keys: Mapping[str, MemberKeys]) -> Register:
    members = [
        Member(
            id=name,
            kind=MemberKind.HUB if name == "hub" else MemberKind.NODE,
            title=name,
            organisation=name,
            organisation_kind=OrganisationKind.HUB_OPERATOR if name == "hub" else OrganisationKind.AUTHORITY,
            operator=name,
            authorities=(),
            valid_to=NOW + timedelta(days=30),
            valid_from=NOW - timedelta(days=1),
            signing_key=public_text(own.public_signing_key),
            sealing_key=public_text(b"unused"),
            log_key=public_text(own.public_log_key),
            former_keys=(),
            passkeys=(),
            revoked=False,
        )
        for name, own in keys.items()
    ]
    expires_at = NOW + timedelta(days=7)
    return Register(federation="bench", version=1, issued_at=NOW, expires_at=expires_at, members=tuple(members))


# --- With masks ------------------------------------------------------------------------------------------------------


def _measure_masked(party: Party, cells: int, values: "Mapping[str, Vector]") -> "tuple[Vector, Row]":
    meter, travelled = Meter(), 0
    query = _pose(party, cells)
    attempt = write_envelope(sign_document(query.attempt, ATTEMPT_TYPE, party.keys["hub"]))
    roster = encode_document(query.roster)
    collector = Collector(query.attempt, query.roster, query.facts, party.bundles, party.register, NOW)
    nodes = {name: _enter(party, name) for name in query.roster.members}
    for name, node in nodes.items():
        with meter.on("node"):
            first = _first_trip(party, node, name, query, attempt, roster, values[name])
        with meter.on("hub"):
            _take_first(collector, name, first)
        travelled += len(attempt) + len(roster) + sum(map(len, first))
    with meter.on("hub"):
        opening = _ask(collector)
    for name, node in nodes.items():
        with meter.on("node"):
            second = _second_trip(party, node, query, opening)
        travelled += len(opening) + len(second)
        if isinstance(collector.next_step(NOW), AskReveals):
            with meter.on("hub"):
                _take_second(collector, name, second)
    with meter.on("hub"):
        opened = collector.open()
    row = _row("circe", party, cells, meter, travelled, 2)
    return opened, {**row, "node_ahead_cpu_s": round(party.ahead_s, 6)}


def _pose(party: Party, cells: int) -> SumQuery:
    digest = digest_of(f"manifest of {cells}".encode())
    roster = party.roster
    facts = ManifestFacts(
        digest=digest,
        query_id="Q-0123456789abcdef",
        path=SumPath.NOISY_SUM,
        members=roster.members,
        threshold=roster.threshold,
        dropouts=len(roster.members) - roster.threshold,
        cells=cells,
        gather_seconds=60,
        expires_at=NOW + timedelta(days=1),
        snapshot_term="202425-summer",
    )
    attempt = Attempt(
        manifest_digest=digest,
        number=1,
        epoch=roster.epoch,
        roster_digest=roster_digest(roster),
        slot=SLOT,
        expires_at=NOW + timedelta(hours=1),
    )
    return SumQuery(attempt, roster, facts)


def _enter(party: Party, name: str) -> Contributor:
    """A node with a copy of its store as it was after dealing, so that every size has a fresh slot."""
    return Contributor(name, party.keys[name], party.stores[name].copy())


def _first_trip(
    party: Party, node: Contributor, name: str, query: SumQuery, attempt: bytes, roster: bytes, values: "Vector"
) -> tuple[bytes, bytes, bytes]:
    received = SumQuery(
        read_attempt(read_envelope(attempt, ATTEMPT_TYPE), party.register, NOW),
        decode_document(roster, SumRoster),
        query.facts,
    )
    answer = AnswerFacts(name.removeprefix("node-"), "202425-summer-0", party.register.version)
    sent = node.contribute(received, values, answer, party.register, NOW)
    return write_envelope(sent.envelope), sent.masked.data, encode_document(sent.consent)


def _take_first(collector: Collector, name: str, sent: tuple[bytes, bytes, bytes]) -> None:
    envelope, vector, consent = sent
    collector.take_contribution(
        name, read_envelope(envelope, CONTRIBUTION_TYPE), vector, decode_document(consent, Signature), NOW
    )


def _ask(collector: Collector) -> bytes:
    step = collector.next_step(NOW)
    assert isinstance(step, AskReveals), "everybody answered, so there is nothing else to do"
    return write_envelope(step.envelope)


def _second_trip(party: Party, node: Contributor, query: SumQuery, opening: bytes) -> bytes:
    return write_envelope(node.reveal(read_envelope(opening, SURVIVORS_TYPE), query, party.register, NOW))


def _take_second(collector: Collector, name: str, sent: bytes) -> None:
    collector.take_reveal(name, read_envelope(sent, REVEAL_TYPE), NOW)


# --- Without ---------------------------------------------------------------------------------------------------------


def _measure_plain(party: Party, cells: int, values: "Mapping[str, Vector]") -> "tuple[Vector, Row]":
    """The same numbers, signed and added up, with nothing hidden from the hub."""
    import numpy as np

    meter, travelled, total = Meter(), 0, np.zeros(cells, dtype="<u8")
    query = _pose(party, cells)
    for name in party.roster.members:
        with meter.on("node"):
            data, envelope = _send_plain(party, name, query, values[name])
        with meter.on("hub"):
            _add_plain(party, name, data, envelope, total)
        travelled += len(data) + len(envelope)
    return total, _row("plain", party, cells, meter, travelled, 1)


def _send_plain(party: Party, name: str, query: SumQuery, values: "Vector") -> tuple[bytes, bytes]:
    data = write_vector(values)
    answer = AnswerFacts(name.removeprefix("node-"), "202425-summer-0", party.register.version)
    document = write_contribution(query, restore_masked(data, digest_of(data)), answer, name, NOW)
    return data, write_envelope(sign_document(document, CONTRIBUTION_TYPE, party.keys[name]))


def _add_plain(party: Party, name: str, data: bytes, envelope: bytes, total: "Vector") -> None:
    signed = read_envelope(envelope, CONTRIBUTION_TYPE)
    verify_signature(signed, name, party.register.find(name, NOW).public_signing_key)
    total += read_vector(data, len(total))


def _row(tool: str, party: Party, cells: int, meter: Meter, travelled: int, trips: int) -> Row:
    nodes = len(party.roster.members)
    return {
        "tool": tool,
        "nodes": nodes,
        "cells": cells,
        "node_cpu_s": round(meter.seconds["node"] / nodes, 6),
        "hub_cpu_s": round(meter.seconds["hub"], 6),
        "node_bytes": travelled // nodes,
        "trips": trips,
    }
