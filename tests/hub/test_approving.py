"""Approvals by passkey at the hub: handed in by the node of the approver's own organisation, and verified here too."""

import json

import pytest
from werkzeug.test import TestResponse

from audit.event import Action
from audit.log import read_entries
from federation.approvals import challenge_of, write_approval
from federation.envelope import Signature, read_envelope
from federation.exchange import WaitingManifests
from federation.manifest import MANIFEST_TYPE
from federation.wire import decode_document, encode_document
from hub import queries
from tests.hub.callers import Callers, assert_problem
from tests.hub.played_federation import PlayedFederation
from tests.node.pages.soft_passkey import SoftPasskey

HOST = "node.authority-301.example"


@pytest.fixture
def passkey(own_callers: Callers) -> SoftPasskey:
    """A device of Cho's, which the register has for the pages of their own authority's node."""
    device = SoftPasskey(origin=f"https://{HOST}", domain=HOST)
    own_callers.federation.change_member("cho", passkeys=(device.registered,))
    return device


def submitted(federation: PlayedFederation) -> str:
    return federation.sign(federation.draft(), "ana")


def sign(callers: Callers, query_id: str, device: SoftPasskey, approver: str = "cho") -> Signature:
    """Do what the node's page does: fetch the exact bytes, and have the device answer their hash."""
    fetched = callers.call("node-301", "GET", f"/federation/manifests/{query_id}")
    challenge = challenge_of(read_envelope(fetched.data, MANIFEST_TYPE))
    return write_approval(approver, device.id, device.answer(challenge))


def hand_in(callers: Callers, query_id: str, signature: Signature, node: str = "node-301") -> TestResponse:
    return callers.call(node, "POST", f"/federation/manifests/{query_id}/approvals", encode_document(signature))


def test_a_node_hands_in_what_its_approver_signed(own_callers: Callers, passkey: SoftPasskey) -> None:
    federation = own_callers.federation
    query_id = federation.sign(federation.draft(), "ana", "dev")
    waiting = own_callers.call("node-301", "GET", "/federation/manifests")
    (envelope,) = decode_document(waiting.data, WaitingManifests).manifests
    assert envelope.signers == ("ana", "dev")
    answer = hand_in(own_callers, query_id, sign(own_callers, query_id, passkey))
    assert json.loads(answer.data)["state"] == "running"
    logged = next(iter(read_entries(federation.hub.database.connection, action=Action.QUERY_APPROVED))).to_event()
    assert (logged.actor, logged.details["means"]) == ("cho", "passkey")
    emptied = own_callers.call("node-301", "GET", "/federation/manifests")
    assert decode_document(emptied.data, WaitingManifests).manifests == ()


def test_a_node_without_approvers_is_shown_nothing(own_callers: Callers) -> None:
    query_id = submitted(own_callers.federation)
    waiting = own_callers.call("node-303", "GET", "/federation/manifests")
    assert decode_document(waiting.data, WaitingManifests).manifests == ()
    assert_problem(own_callers.call("node-303", "GET", f"/federation/manifests/{query_id}"), 404, "query_unknown")


def test_a_node_hands_in_nobody_elses_approval(own_callers: Callers, passkey: SoftPasskey) -> None:
    """Neither by another authority's node, nor for an approver of another organisation."""
    query_id = submitted(own_callers.federation)
    signature = sign(own_callers, query_id, passkey)
    assert_problem(hand_in(own_callers, query_id, signature, "node-302"), 404, "query_unknown")
    as_dev = sign(own_callers, query_id, passkey, "dev")
    assert_problem(hand_in(own_callers, query_id, as_dev), 403, "approver_of_another")


def test_an_answer_replayed_collected_elsewhere_or_taken_back(own_callers: Callers, passkey: SoftPasskey) -> None:
    federation = own_callers.federation
    first, second = submitted(federation), submitted(federation)
    replayed = sign(own_callers, first, passkey)
    assert_problem(hand_in(own_callers, second, replayed), 403, "signature_invalid")
    passkey.origin = "https://hub.example"
    assert_problem(hand_in(own_callers, first, sign(own_callers, first, passkey)), 403, "signature_invalid")
    federation.change_member("cho", passkeys=())
    assert_problem(hand_in(own_callers, first, replayed), 403, "signature_invalid")
    assert queries.find_query(federation.hub, first, federation.member("ana")).envelope.signers == ("ana",)
