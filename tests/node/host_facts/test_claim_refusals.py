"""Claims that are refused: by the host's rules and policy, for being out of place, and by the home's own policy."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from audit.event import Action
from federation.envelope import decode_base64
from federation.lookups import LookupOutcome
from federation.sealing import SEALED_BYTES
from federation.wire import whole_seconds
from node.claim_counts import list_counts
from node.claim_ledger import Reason
from policies.access_policy import AccessDenied
from tests.node.host_facts.naive_rolls import Enrolled, hosted_child, incomplete
from tests.node.host_facts.played_claims import HOME, HOST, PaperRelay, claim, drop_policy, events, send_claims
from tests.small_federation import SmallFederation

SPOILED: dict[str, Callable[[SmallFederation], object]] = {
    "claims_barred": lambda federation: federation.change_rule(HOST, "answer = true", "answer = false"),
    "policy_denied": lambda federation: drop_policy(federation, HOST),
    "roll_absent": lambda federation: (federation.directory / f"node-{HOST}" / "snapshots" / "current").unlink(),
    "term_cap": lambda federation: federation.change_rule(HOST, "= 1500", "= 0"),
    "day_cap": lambda federation: federation.change_rule(HOST, "= 3000", "= 0"),
}


@pytest.mark.parametrize(("code", "spoil"), SPOILED.items(), ids=SPOILED)
def test_a_host_may_refuse(federation: SmallFederation, code: str, spoil: Callable[[SmallFederation], object]) -> None:
    """A refusal has a reason and the size of any answer; it is logged at both ends and can be claimed again."""
    spoil(federation)
    relay = PaperRelay(federation)
    report = claim(federation, relay)
    assert report.refused == {f"node-{HOST}": code}
    assert len(decode_base64(relay.answers[f"node-{HOST}"])) == SEALED_BYTES
    refused = [child for child in incomplete(federation).values() if child.reason is Reason.HOST_REFUSED]
    assert refused
    assert {(child.host, child.code) for child in refused} == {(HOST, code)}
    for authority in (HOME, HOST):
        assert [event.details["code"] for event in events(federation.node(authority), Action.CLAIM_REFUSED)] == [code]


ODD: dict[str, tuple[str, dict[str, Any]]] = {
    "another authority's name": ("not_your_authority", {"authority": "316"}),
    "the host's own name": ("not_your_authority", {"authority": HOST}),
    "a year nobody loaded": ("roll_absent", {"term": "201516-autumn"}),
    "a year that is none": ("roll_absent", {"term": "202499-autumn"}),
}


@pytest.mark.parametrize(("code", "changes"), ODD.values(), ids=ODD)
def test_a_claim_that_is_out_of_place_is_refused(
    federation: SmallFederation, pooled: Mapping[str, Enrolled], code: str, changes: dict[str, Any]
) -> None:
    answer = send_claims(federation, hosted_child(federation, pooled), **changes)
    assert (answer.outcome, answer.code, answer.children) == (LookupOutcome.REFUSED, code, ())
    assert {count.authority for count in list_counts(federation.node(HOST))} <= {HOME}


def test_an_old_and_a_repeated_claim_are_refused(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    child, now = hosted_child(federation, pooled), whole_seconds(federation.clock())
    assert send_claims(federation, child, asked_at=now - timedelta(hours=1)).code == "stale"
    assert send_claims(federation, child, lookup_id="L-" + "a" * 32).code == ""
    assert send_claims(federation, child, lookup_id="L-" + "a" * 32).code == "replayed"


def test_a_home_whose_own_policy_says_no_sends_nothing(federation: SmallFederation) -> None:
    drop_policy(federation, HOME)
    relay = PaperRelay(federation)
    with pytest.raises(AccessDenied):
        claim(federation, relay)
    assert relay.batches == []
