"""The logs of both ends: which child, by which relationship, policy and fields; and nothing a child is known by."""

import re

from audit.event import Action
from tests.node.host_facts.naive_rolls import children_in_care
from tests.node.host_facts.played_claims import HOME, claim, dump_database, events
from tests.small_federation import SmallFederation


def test_both_ends_log_every_child_under_one_id(federation: SmallFederation) -> None:
    """Which child by the log's own token, by which relationship, policy and fields: sent, told, stored."""
    report = claim(federation)
    home = federation.node(HOME)
    sent = [event for event in events(home, Action.CLAIM_SENT) if event.subject]
    stored = [event for event in events(home, Action.CLAIM_STORED) if event.subject]
    told = [
        event
        for authority in federation.authorities
        if authority != HOME
        for event in events(federation.node(authority), Action.CLAIM_ANSWERED)
        if event.subject
    ]
    assert (len(sent), len(stored), len(told)) == (report.claimed, report.found, report.found)
    assert {event.subject for event in stored} <= {event.subject for event in sent}
    assert not {event.subject for event in stored} & {event.subject for event in told}
    for event in (*sent, *stored, *told):
        assert (event.relationship, event.acting_for, event.actor) == ("home", HOME, f"node-{HOME}")
        assert event.policy_version
        assert event.fields
    assert {event.reference for event in (*sent, *stored, *told)} == {sent[0].reference}


def test_the_logs_hold_no_identifier(federation: SmallFederation) -> None:
    """Neither end's database can be read for a pupil number, a child's id or a date of birth."""
    children = children_in_care(federation.node(HOME))
    claim(federation)
    for authority in federation.authorities:
        bodies = dump_database(federation.node(authority))
        assert bodies
        assert not [child for child in children if child.upn in bodies and not child.upn.startswith("UN")]
        assert not [child for child in children if child.born.isoformat() in bodies]
        assert not [child for child in children if re.search(rf"\b{child.la_child_id}\b", bodies)]
