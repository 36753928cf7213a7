"""The register changes while queries and lookups are on their way: what was signed counts under the one valid now."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from federation.ceremony import enrol_members, revoke_member
from federation.envelope import write_envelope
from federation.joining import request_rotation
from federation.lookups import LookupOutcome
from federation.manifest import Outcome, Reply
from federation.register import MemberKind, Register, sign_register
from federation.root import open_root
from federation.sealing import Direction, SealContext, SealError, open_records
from federation.transport import decode_records
from node.answering import answer_manifest
from node.lookups.asking import ask_placed_here
from node.lookups.correspondents import take_in_keys
from tests.node.lookups.test_lookups import ASKER, PURPOSE, PaperRelay
from tests.small_federation import SmallFederation, read_reply


def register_of(federation: SmallFederation) -> Path:
    return federation.directory / "register.json"


def rotate(federation: SmallFederation, member: str) -> None:
    """Have a member rotate its keys and take them up; the nodes do not have the register yet."""
    party = federation.party(member)
    request = request_rotation(party, None, federation.clock())
    enrol_members(federation.directory / "root", register_of(federation), [request], 30, federation.clock())
    party.adopt_register(register_of(federation).read_bytes(), federation.clock())


def hand_out(federation: SmallFederation) -> None:
    for authority in federation.authorities:
        federation.node(authority).party.adopt_register(register_of(federation).read_bytes(), federation.clock())


def ask(federation: SmallFederation, envelope: bytes, authority: str = "301") -> Reply:
    data = answer_manifest(federation.node(authority), envelope)
    assert data is not None
    return read_reply(data)


@pytest.mark.parametrize("signer", ["ana@ucl", "officer@la-203"])
def test_a_query_whose_signer_rotates_is_signed_again(federation: SmallFederation, signer: str) -> None:
    """Answered by whoever has the old register, refused by whoever has the new one, answered once it is signed anew."""
    manifest = federation.manifest()
    envelope = federation.sign(manifest)
    rotate(federation, signer)
    assert ask(federation, envelope).outcome is Outcome.ANSWERED
    hand_out(federation)
    refused = ask(federation, envelope, "316")
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "signature_invalid")
    again = federation.sign(federation.manifest())
    assert ask(federation, again, "316").outcome is Outcome.ANSWERED


def test_an_approval_by_somebody_revoked_meanwhile_does_not_count(federation: SmallFederation) -> None:
    envelope = federation.sign(federation.manifest())
    revoke_member(federation.directory / "root", register_of(federation), "officer@dfe", 30, federation.clock())
    hand_out(federation)
    refused = ask(federation, envelope)
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "approver_unknown")


def test_a_node_that_rotates_answers_the_query_that_it_had_not_answered(federation: SmallFederation) -> None:
    envelope = federation.sign(federation.manifest())
    rotate(federation, "node-301")
    hand_out(federation)
    reply = ask(federation, envelope)
    assert (reply.outcome, reply.register_version) == (Outcome.ANSWERED, 2)


def test_a_lookup_that_an_asker_signed_before_rotating_is_asked_again(federation: SmallFederation) -> None:
    """What is on its way is not believed any more, and says so like any refusal; asked anew it is answered."""
    node, relay = federation.node(ASKER), PaperRelay(federation, silent=frozenset({"node-301"}))
    vsh = node.find_person("vsh")
    ask_placed_here(node, relay, vsh, PURPOSE, patience=1)
    rotate(federation, f"node-{ASKER}")
    hand_out(federation)
    assert relay.deliver("node-301", relay.requests["node-301"]) is not None
    refused = [entry.to_event() for entry in read_entries(federation.node("301").database.connection, limit=1)]
    assert [(event.action, event.details["code"]) for event in refused] == [(Action.LOOKUP_REFUSED, "unreadable")]
    again = ask_placed_here(federation.node(ASKER), PaperRelay(federation), vsh, PURPOSE, patience=1)
    assert again.missing == ()
    assert {answer.outcome for answer in again.answers} == {LookupOutcome.ANSWERED}


def test_a_lookup_that_comes_back_after_its_asker_rotated_is_read(federation: SmallFederation) -> None:
    """Its answers are signed by others; the key that they are sealed to was not rotated away under them."""
    node = federation.node(ASKER)
    relay = PaperRelay(federation)
    fetch = relay.fetch_lookup

    def rotate_first(*arguments: object, **named: object) -> object:
        for authority in federation.authorities:  # As their inboxes bring it with the request.
            take_in_keys(federation.node(authority), relay.keys)
        progress = fetch(*arguments, **named)  # type: ignore[arg-type]
        rotate(federation, f"node-{ASKER}")
        return progress

    relay.fetch_lookup = rotate_first  # type: ignore[method-assign, assignment]
    result = ask_placed_here(node, relay, node.find_person("vsh"), PURPOSE, patience=1)
    assert result.missing == ()


def test_nothing_is_answered_thirty_days_after_the_last_register(federation: SmallFederation) -> None:
    """To the second: neither queries nor lookups; and all of it goes on with a fresh one."""
    register = federation.register
    node, relay = federation.node(ASKER), PaperRelay(federation, silent=frozenset({"node-301"}))
    federation.clock.now = register.issued_at + timedelta(days=30, seconds=-1)
    assert ask(federation, federation.sign(federation.manifest())).outcome is Outcome.ANSWERED
    federation.clock.now = register.issued_at + timedelta(days=30)
    refused = ask(federation, federation.sign(federation.manifest()), "316")
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "register_invalid")
    assert relay.deliver("node-301", "AAAA") is None
    enrol_members(federation.directory / "root", register_of(federation), [], 30, federation.clock())
    hand_out(federation)
    assert ask(federation, federation.sign(federation.manifest()), "316").outcome is Outcome.ANSWERED
    assert node.register().version == 2


def test_an_operator_of_several_nodes_counts_once_and_sees_nothing_across(federation: SmallFederation) -> None:
    """Nodes run by one consortium are one operator to a roster; and no page for one of them opens at another."""
    before = federation.register
    members = tuple(
        msgspec.structs.replace(member, operator="consortium") if member.kind is MemberKind.NODE else member
        for member in before.members
    )
    changed: Register = msgspec.structs.replace(before, version=2, members=members)
    signed = sign_register(changed, open_root(federation.directory / "root"))
    register_of(federation).write_bytes(write_envelope(signed))
    hand_out(federation)
    refused = ask(federation, federation.sign(federation.manifest()))
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "roster_small")
    assert "has 1 operators" in refused.text
    node, relay = federation.node(ASKER), PaperRelay(federation)
    ask_placed_here(node, relay, node.find_person("vsh"), PURPOSE, patience=1)
    page = decode_records(relay.requests["node-301"])
    context = SealContext(relay.lookup_id, f"node-{ASKER}", "node-301", Direction.REQUEST)
    assert open_records(page, context, federation.party("node-301").keys)
    with pytest.raises(SealError, match="does not open here"):
        open_records(page, context, federation.party("node-316").keys)
