"""What home tells the receiving node of its delegations: taken in once, held against its answers, deciding nothing."""

import secrets
from dataclasses import replace
from typing import Any

import pytest

from audit.event import Action
from federation.countersigning import countersign
from federation.delegations import (
    NOTICE_ANSWER_TYPE,
    NOTICE_TYPE,
    DelegationNotice,
)
from federation.envelope import Envelope, write_envelope
from federation.lookups import LookupOutcome, NodeAnswer
from federation.wire import whole_seconds
from node.lookups.delegation import receiving
from node.lookups.delegation.giving import revoke_delegation
from node.lookups.delegation.shelf import Come, list_come, list_come_to, list_given
from node.lookups.delegation.telling import list_untold, tell_receivers
from node.lookups.single_page import say_to
from tests.node.lookups.test_delegations import FORGED, HOME, forged, give, read
from tests.node.lookups.test_handovers import TwoWayRelay
from tests.node.lookups.test_lookups import ASKER, events
from tests.small_federation import SmallFederation


def tell(federation: SmallFederation, **relay: Any) -> int:
    return tell_receivers(federation.node(HOME), TwoWayRelay(federation, sender=HOME, **relay), patience=1)


def come(federation: SmallFederation) -> tuple[Come, ...]:
    return list_come(federation.node(ASKER))


def revoke(federation: SmallFederation, delegation_id: str) -> None:
    node = federation.node(HOME)
    revoke_delegation(node, node.find_person("vsh"), delegation_id)


def notify(federation: SmallFederation, envelope: Envelope, *, revoked: bool = False, sender: str = HOME) -> NodeAnswer:
    """Tell the receiving node whatever a node's software could tell it."""
    node = federation.node(sender)
    notice = DelegationNotice(
        lookup_id=f"L-{secrets.token_hex(16)}",
        sender=node.party.member_id,
        receiver=f"node-{ASKER}",
        authority=node.authority,
        asked_at=whole_seconds(node.clock()),
        delegation=envelope,
        revoked=revoked,
    )
    relay = TwoWayRelay(federation, sender=sender)
    kinds = (NOTICE_TYPE, NOTICE_ANSWER_TYPE, NodeAnswer)
    return say_to(node, relay, notice, kinds, 1)


def test_the_receiving_node_knows_at_once_what_was_given_and_revoked(federation: SmallFederation) -> None:
    given, theirs = give(federation), federation.node(ASKER)
    assert tell(federation) == 0
    assert [each.delegation for each in come(federation)] == [given]
    received = events(theirs, Action.DELEGATION_RECEIVED)
    assert len({event.subject for event in received}) == len(given.children)
    assert {event.acting_for for event in received} == {HOME}
    for person, sees in (("vsh", [given]), ("admin", [])):
        told = list_come_to(theirs, theirs.find_person(person))
        assert [each.delegation for each in told] == sees
    revoke(federation, given.delegation_id)
    assert tell(federation) == 0
    assert [bool(each.revoked_at) for each in come(federation)] == [True]
    assert len(events(theirs, Action.DELEGATION_REVOKED)) == len(given.children)
    assert list_untold(federation.node(HOME)) == ()


def test_the_token_by_which_it_is_logged_is_that_of_the_reading(federation: SmallFederation) -> None:
    """So whoever asks who saw a child finds both."""
    give(federation)
    tell(federation)
    read(federation)
    received = {event.subject for event in events(federation.node(ASKER), Action.DELEGATION_RECEIVED)}
    seen = {event.subject for event in events(federation.node(ASKER), Action.LOOKUP_RECEIVED)} - {""}
    assert received == seen


def test_what_did_not_arrive_is_told_again_and_decides_nothing(federation: SmallFederation) -> None:
    given = give(federation)
    assert tell(federation, silent=frozenset({f"node-{ASKER}"})) == 1
    assert read(federation).answers[0].files
    revoke(federation, given.delegation_id)
    assert tell(federation, drops_answer=True) == 1
    (answer,) = read(federation).answers
    assert (answer.files, answer.delegations) == ((), ())
    assert tell(federation) == 0
    assert len(events(federation.node(ASKER), Action.DELEGATION_REVOKED)) == len(given.children)


def test_one_that_is_revoked_stays_so_whatever_comes_in_which_order(federation: SmallFederation) -> None:
    given = give(federation)
    (kept,) = list_given(federation.node(HOME))
    assert notify(federation, kept.envelope, revoked=True).outcome is LookupOutcome.ANSWERED
    assert notify(federation, kept.envelope).outcome is LookupOutcome.ANSWERED
    (told,) = come(federation)
    assert (told.delegation, bool(told.revoked_at)) == (given, True)


def test_a_home_that_answers_by_what_it_revoked_is_put_aside(federation: SmallFederation) -> None:
    give(federation)
    (kept,) = list_given(federation.node(HOME))
    notify(federation, kept.envelope, revoked=True)
    result = read(federation)
    assert result.answers == ()
    assert "told us it revoked" in result.wrong[0].reason


NOT_TAKEN = sorted(set(FORGED) - {"to another person", "to another role", "of other days"})


def test_what_home_and_its_head_did_not_sign_to_us_is_refused_and_logged(federation: SmallFederation) -> None:
    give(federation)
    codes = []
    for lie in NOT_TAKEN:
        taken = notify(federation, FORGED[lie](federation))
        assert taken.outcome is LookupOutcome.REFUSED, lie
        codes.append(taken.code)
    assert come(federation) == ()
    assert set(codes) == {"delegation_misplaced", "delegation_refused"}
    refused = events(federation.node(ASKER), Action.LOOKUP_REFUSED)
    assert sorted(str(event.details["code"]) for event in refused) == sorted(codes)


def test_a_third_node_neither_gives_nor_ends_what_is_homes(federation: SmallFederation) -> None:
    give(federation)
    tell(federation)
    (kept,) = list_given(federation.node(HOME))
    for envelope in (kept.envelope, forged(federation, signer="node-316")):
        for revoked in (False, True):
            taken = notify(federation, envelope, revoked=revoked, sender="316")
            assert taken.outcome is LookupOutcome.REFUSED
    assert [bool(each.revoked_at) for each in come(federation)] == [False]


def test_one_authority_has_so_many_here_and_can_still_end_them(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(federation)
    tell(federation)
    monkeypatch.setattr(receiving, "MOST_COME", 1)
    give(federation, field_groups=("care",))
    assert tell(federation) == 0
    first, second = sorted(list_given(federation.node(HOME)), key=lambda each: each.told)
    assert (first.told, second.told) == ("given", "given: too_many_delegations")
    assert len(come(federation)) == 1
    revoke(federation, first.delegation.delegation_id)
    assert tell(federation) == 0
    assert [bool(each.revoked_at) for each in come(federation)] == [True]


def test_what_was_not_taken_is_told_again_when_somebody_asks_for_it_alone(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(federation)
    monkeypatch.setattr(receiving, "MOST_COME", 0)
    assert tell(federation) == 0
    monkeypatch.undo()
    node, relay = federation.node(HOME), TwoWayRelay(federation, sender=HOME)
    assert (tell(federation), come(federation)) == (0, ())
    assert len(list_untold(node, anew=True)) == 1
    assert tell_receivers(node, relay, patience=1, anew=True) == 0
    assert len(come(federation)) == 1
    assert list_untold(node, anew=True) == ()


def test_after_homes_node_has_new_keys_its_delegations_hold(federation: SmallFederation) -> None:
    """The head signed them; the node's own signature, by a key that the register has no longer, is made anew."""
    given, node = give(federation), federation.node(HOME)
    (kept,) = list_given(node)
    former = replace(federation.party("node-316").keys, member_id=node.party.member_id)
    with node.database.transaction() as connection:
        signed_before = write_envelope(countersign(kept.envelope, former))
        connection.execute("UPDATE delegations SET envelope = ?", (signed_before,))
    assert {file.la_child_id for file in read(federation).answers[0].files} == set(given.children)
    assert tell(federation) == 0
    assert [each.delegation for each in come(federation)] == [given]
