"""What is sealed to whom, from week to week, whatever the hub shows: with real nodes and a hub that is played here."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from federation.ceremony import enrol_members, revoke_member
from federation.clocks import ClockWatch
from federation.envelope import Envelope, decode_base64, write_envelope
from federation.exchange import Inbox, SealingKeyList
from federation.hub_line import HubRefused
from federation.joining import request_rotation
from federation.key_ring import SEALING_DIRECTORY, hold_fresh_key
from federation.problems import Problem
from federation.register import CLOCK_SKEW, read_signed_register
from federation.sealing import SealError
from federation.sealing_keys import (
    IN_FLIGHT,
    RENEWED_BEFORE,
    WEEK,
    read_sealing_key,
    renew_sealing_key,
    sign_sealing_key,
)
from federation.transport import HubConnection
from federation.wire import whole_seconds
from node import polling
from node.lookups.asking import ask_placed_here
from node.lookups.correspondents import Publication, exchange_keys, receiving_key, split_reachable, take_in_keys
from node.polling import UNSIGNED
from node.service import Node
from tests.node.lookups.test_lookups import PURPOSE, PaperRelay
from tests.small_federation import SmallFederation

ASKER, OTHER = "203", "301"
DAY = timedelta(days=1)


@dataclass
class Board:
    """A hub that carries sealing keys: `shown` is what it shows, which need not be the newest."""

    published: list[Envelope] = field(default_factory=list)
    shown: list[Envelope] | None = None

    def publish_sealing_key(self, key: Envelope) -> None:
        self.published.append(key)

    def fetch_sealing_keys(self) -> SealingKeyList:
        return SealingKeyList(keys=tuple(self.published if self.shown is None else self.shown))


def renew_register(federation: SmallFederation) -> None:
    """Have the root sign a fresh register, and everybody take it."""
    hand_out(federation, [])


def hand_out(federation: SmallFederation, requests: Iterable[Path]) -> None:
    root = federation.directory / "root"
    file = federation.directory / "register.json"
    enrol_members(root, file, list(requests), 30, federation.clock())
    for authority in federation.authorities:
        federation.node(authority).party.adopt_register(file.read_bytes(), federation.clock())


def move(federation: SmallFederation, by: timedelta) -> None:
    federation.clock.move(by)
    renew_register(federation)


def key_of(node: Node, envelope: Envelope) -> bytes:
    member = node.register().find("node-301", node.clock())
    return decode_base64(read_sealing_key(envelope, member, node.clock()).public_key)


def sealed_to(federation: SmallFederation) -> bytes:
    """What the asking node seals to node 301 with now."""
    node = federation.node(ASKER)
    return receiving_key(node, node.register().find("node-301", node.clock()))


# --- Publishing ------------------------------------------------------------------------------------------------------


def test_a_key_is_published_once_and_again_when_it_is_renewed(federation: SmallFederation) -> None:
    node, board, publication = federation.node(OTHER), Board(), Publication()
    for _ in range(3):
        publication.renew(node, board)
    assert len(board.published) == 1
    move(federation, WEEK - RENEWED_BEFORE)
    publication.renew(node, board)
    first, second = (key_of(federation.node(ASKER), key) for key in board.published)
    assert first != second


def test_a_key_is_published_again_under_the_new_signature_after_a_rotation(federation: SmallFederation) -> None:
    node, board, publication = federation.node(OTHER), Board(), Publication()
    publication.renew(node, board)
    hand_out(federation, [request_rotation(node.party, None, federation.clock())])
    publication.renew(node, board)
    before, after = board.published
    assert before.payload == after.payload
    assert before.signatures != after.signatures
    with pytest.raises(SealError, match="does not verify"):
        key_of(federation.node(ASKER), before)
    key_of(federation.node(ASKER), after)


# --- Sealing, whatever the hub shows ---------------------------------------------------------------------------------


def test_a_lookup_goes_through_week_after_week(federation: SmallFederation) -> None:
    """Far beyond the first keys' week, and with none of the keys of the weeks before left anywhere."""
    relay = PaperRelay(federation)
    for _ in range(3):
        move(federation, WEEK)
        for authority in federation.authorities:
            exchange_keys(federation.node(authority), relay)
        for authority in federation.authorities:
            take_in_keys(federation.node(authority), relay.fetch_sealing_keys().keys)
        node = federation.node(ASKER)
        result = ask_placed_here(node, relay, node.find_person("vsh"), PURPOSE, patience=1)
        assert result.missing == ()
        assert len(result.answers) == len(federation.authorities) - 1
    for authority in federation.authorities:
        party = federation.node(authority).party
        assert not party.keys.sealing_seed
        assert len(list((party.directory / SEALING_DIRECTORY).iterdir())) <= 2


def test_a_hub_that_holds_a_key_back_delays_for_a_week_and_no_longer(federation: SmallFederation) -> None:
    board = Board()
    exchange_keys(federation.node(OTHER), board)
    board.shown = list(board.published)
    take_in_keys(federation.node(ASKER), board.shown)
    old = sealed_to(federation)
    move(federation, WEEK - RENEWED_BEFORE)
    exchange_keys(federation.node(OTHER), board)
    exchange_keys(federation.node(ASKER), board)
    assert sealed_to(federation) == old
    move(federation, RENEWED_BEFORE)
    exchange_keys(federation.node(ASKER), board)
    with pytest.raises(SealError, match="node-301 has published no sealing key that is good now"):
        sealed_to(federation)


def test_a_hub_cannot_go_back_behind_a_key_that_was_seen(federation: SmallFederation) -> None:
    board = Board()
    exchange_keys(federation.node(OTHER), board)
    move(federation, WEEK - RENEWED_BEFORE)
    exchange_keys(federation.node(OTHER), board)
    old, new = board.published
    take_in_keys(federation.node(ASKER), [new])
    for shown in ([old], [old, new], [new, old], []):
        take_in_keys(federation.node(ASKER), shown)
        assert sealed_to(federation) == key_of(federation.node(ASKER), new)


def test_a_key_that_is_not_the_nodes_own_is_passed_over(federation: SmallFederation) -> None:
    """The hub's, another node's under this one's name, one of somebody unknown: and the others still count."""
    node = federation.node(ASKER)
    now = whole_seconds(federation.clock())
    held = hold_fresh_key(bytes(range(96)), now, now + WEEK)
    forged = [
        sign_sealing_key("node-301", held, federation.party("hub").keys),
        sign_sealing_key("nobody", held, federation.party("node-316").keys),
        Envelope(payload="AA==", payload_type="x"),
    ]
    board = Board()
    Publication().renew(federation.node(OTHER), board)
    take_in_keys(node, [*forged, *board.published])
    assert sealed_to(federation) == key_of(node, board.published[0])
    rows = node.database.connection.execute("SELECT member FROM sealing_keys").fetchall()
    assert [row["member"] for row in rows] == ["node-301"]


def test_a_thiefs_key_stands_in_nobodys_way_after_the_rotation(federation: SmallFederation) -> None:
    """Published with the stolen signing key, and dated as late as it can be, it ends with that key."""
    node, board = federation.node(OTHER), Board()
    Publication().renew(node, board)
    late = whole_seconds(federation.clock() + CLOCK_SKEW)
    stolen = sign_sealing_key("node-301", hold_fresh_key(bytes(range(96)), late, late + WEEK), node.party.keys)
    take_in_keys(federation.node(ASKER), [stolen])
    assert sealed_to(federation) == key_of(federation.node(ASKER), stolen)
    hand_out(federation, [request_rotation(node.party, None, federation.clock())])
    Publication().renew(node, board)
    take_in_keys(federation.node(ASKER), board.published)
    kept = federation.node(ASKER).database.connection.execute("SELECT envelope FROM sealing_keys").fetchall()
    assert [bytes(row["envelope"]) for row in kept] == [write_envelope(board.published[-1])]


def test_nothing_is_sealed_to_somebody_who_was_revoked(federation: SmallFederation) -> None:
    board = Board()
    Publication().renew(federation.node(OTHER), board)
    root, file = federation.directory / "root", federation.directory / "register.json"
    revoke_member(root, file, "node-301", 30, federation.clock())
    node = federation.node(ASKER)
    node.party.adopt_register(file.read_bytes(), federation.clock())
    take_in_keys(node, board.published)
    assert node.database.connection.execute("SELECT * FROM sealing_keys").fetchall() == []


def test_a_node_without_a_key_is_named_and_the_others_are_asked(federation: SmallFederation) -> None:
    relay = PaperRelay(federation)
    move(federation, WEEK)
    for authority in federation.authorities:
        if authority != OTHER:
            exchange_keys(federation.node(authority), relay)
    for authority in federation.authorities:
        take_in_keys(federation.node(authority), relay.fetch_sealing_keys().keys)
    node = federation.node(ASKER)
    result = ask_placed_here(node, relay, node.find_person("vsh"), PURPOSE, patience=1)
    assert [(missing.node, missing.reason) for missing in result.missing] == [
        ("node-301", "node-301 has published no sealing key that is good now")
    ]
    assert "node-301" not in relay.requests
    assert len(result.answers) == len(federation.authorities) - 2
    reachable, unreachable = split_reachable(node, [node.register().find("node-301", node.clock())])
    assert (reachable, [member.id for member, _ in unreachable]) == ([], ["node-301"])


def test_a_page_sealed_to_the_last_key_opens_while_it_may_be_in_flight(federation: SmallFederation) -> None:
    """A lookup that is on its way when its receiver renews is answered; one from long ago opens to nobody."""
    relay, other = PaperRelay(federation), federation.node(OTHER)
    move(federation, WEEK)
    for authority in federation.authorities:
        exchange_keys(federation.node(authority), relay)
    for authority in federation.authorities:
        take_in_keys(federation.node(authority), relay.fetch_sealing_keys().keys)
    held = other.party.ring.list_sealing_keys()[0]
    federation.clock.now = held.valid_to - timedelta(seconds=1)
    renew_register(federation)
    node = federation.node(ASKER)
    silent = PaperRelay(federation, silent=frozenset({"node-301"}), keys=relay.keys)
    ask_placed_here(node, silent, node.find_person("vsh"), PURPOSE, patience=1)
    federation.clock.move(timedelta(minutes=2))
    renew_sealing_key(other.party, federation.clock())
    take_in_keys(federation.node(OTHER), [publish_of(federation.node(ASKER))])
    assert silent.deliver("node-301", silent.requests["node-301"]) is not None
    federation.clock.now = held.valid_to + IN_FLIGHT
    renew_sealing_key(other.party, federation.clock())
    assert held.secret not in other.party.keys.held_seeds


def publish_of(node: Node) -> Envelope:
    return sign_sealing_key(node.party.member_id, renew_sealing_key(node.party, node.clock()), node.party.keys)


# --- Rotation, as a running node sees it -----------------------------------------------------------------------------


class Unknowing:
    """A hub that knows no signature of ours but that of the keys which the newest register names."""

    def __init__(self, federation: SmallFederation) -> None:
        self._federation, self.clocks = federation, ClockWatch()
        self.stop = threading.Event()

    def fetch_register(self) -> bytes:
        return (self._federation.directory / "register.json").read_bytes()

    def publish_sealing_key(self, key: Envelope) -> None:
        """Nothing but the register reaches a node whose signature the hub does not know."""
        register = read_signed_register(self.fetch_register(), self._federation.party("node-301").root_key)
        try:
            read_sealing_key(key, register.find("node-301", self._federation.clock()), self._federation.clock())
        except SealError:
            problem = Problem(status=UNSIGNED, title="", detail="you are no member", code="unsigned")
            raise HubRefused(problem) from None
        self.stop.set()

    def fetch_inbox(self, *, wait: int, done: Iterable[int], in_hand: Iterable[int]) -> Inbox:
        return Inbox(register_version=1, deliveries=())

    def close(self) -> None:
        self.stop.set()


def test_a_running_node_takes_its_new_keys_up_as_soon_as_the_hub_does_not_know_the_old(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub has the new register first, and refuses the node until it looks for one that names its keys."""
    monkeypatch.setattr(polling, "FIRST_PAUSE_SECONDS", 0.0)
    node, hub = federation.node(OTHER), Unknowing(federation)
    request = request_rotation(node.party, None, federation.clock())
    root, file = federation.directory / "root", federation.directory / "register.json"
    enrol_members(root, file, [request], 30, federation.clock())
    polling.serve_node(node, cast("HubConnection", hub), hub.stop)
    registered = node.register().find("node-301", federation.clock()).public_signing_key
    assert node.register().version == 2
    assert node.party.keys.public_signing_key == registered


def test_whom_no_answer_can_be_sealed_to_is_not_answered(federation: SmallFederation) -> None:
    """Without a key of the asker that is good now the request is put aside, and nothing about it leaves."""
    relay = PaperRelay(federation)
    move(federation, WEEK)
    exchange_keys(federation.node(OTHER), relay)
    node = federation.node(ASKER)
    ask_placed_here(node, relay, node.find_person("vsh"), PURPOSE, patience=1)
    page = relay.requests["node-301"]
    assert relay.deliver("node-301", page) is None
    take_in_keys(federation.node(OTHER), [publish_of(node)])
    assert relay.deliver("node-301", page) is not None
