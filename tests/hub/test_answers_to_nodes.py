"""What a node hands in for a sum can be answered as its next poll is, and is kept whether a line is free or not."""

from dataclasses import replace

import pytest
from flask import Response

from federation.exchange import DeliveryKind, Inbox
from federation.problems import ProblemRaised
from federation.wire import decode_document
from hub.app import create_app
from hub.bell import Bell
from hub.dispatch import deliver, has_deliveries
from hub.doors.nodes import answer_node
from hub.service import Hub
from tests.hub.played_federation import NODES, PlayedFederation

NODE = NODES[0]


def answer(hub: Hub, query: str) -> Response:
    node = hub.register().find(NODE, hub.clock())
    with create_app(hub).test_request_context(f"/federation/sums/0/reveal{query}"):
        return answer_node(hub, node)


def fill_inbox(hub: Hub) -> int:
    """Put one delivery into the node's inbox, and return its number."""
    with hub.database.transaction() as connection:
        until = hub.clock().replace(year=2999)
        deliver(connection, DeliveryKind.SUM, {NODE: b"a sum"}, reference="", expires_at=until)
        row = connection.execute("SELECT max(delivery_id) AS newest FROM deliveries").fetchone()
    return int(row["newest"])


def test_who_asks_for_nothing_is_told_nothing(federation: PlayedFederation) -> None:
    fill_inbox(federation.hub)
    response = answer(federation.hub, "")
    assert (response.status_code, response.get_data()) == (204, b"")


def test_what_waits_is_handed_out_and_what_is_done_with_is_not(federation: PlayedFederation) -> None:
    done, waiting = fill_inbox(federation.hub), fill_inbox(federation.hub)
    response = answer(federation.hub, f"?wait=0&done={done}")
    inbox = decode_document(response.get_data(), Inbox)
    assert response.status_code == 200
    assert [delivery.delivery_id for delivery in inbox.deliveries] == [waiting]


def test_what_is_in_hand_is_not_handed_out_and_is_not_waited_for(federation: PlayedFederation) -> None:
    """A line is held all the same: a hub that has none free would say so."""
    in_hand = fill_inbox(federation.hub)
    response = answer(federation.hub, f"?wait=0&in_hand={in_hand}")
    assert decode_document(response.get_data(), Inbox).deliveries == ()
    assert answer(replace(federation.hub, bell=Bell(lines=0)), f"?wait=5&in_hand={in_hand}").status_code == 204
    waiting = fill_inbox(federation.hub)
    (found,) = decode_document(answer(federation.hub, f"?wait=5&in_hand={in_hand}").get_data(), Inbox).deliveries
    assert found.delivery_id == waiting


def test_without_a_free_line_what_was_handed_in_is_kept_all_the_same(federation: PlayedFederation) -> None:
    """A refusal would have the node hand it in again; so it is told nothing, and polls."""
    full = replace(federation.hub, bell=Bell(lines=0))
    done = fill_inbox(full)
    response = answer(full, f"?wait=5&done={done}")
    assert (response.status_code, response.get_data()) == (204, b"")
    assert not has_deliveries(full, full.register().find(NODE, full.clock()), full.clock())


def test_who_was_revoked_meanwhile_is_refused(federation: PlayedFederation) -> None:
    node = federation.member(NODE)
    federation.revoke(NODE)
    with (
        create_app(federation.hub).test_request_context("/federation/sums/0/reveal?wait=0"),
        pytest.raises(ProblemRaised) as raised,
    ):
        answer_node(federation.hub, node)
    assert raised.value.problem.status == 401
