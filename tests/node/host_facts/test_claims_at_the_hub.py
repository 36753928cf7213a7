"""What the hub sees of claims: pages like those of any lookup, and no child in two of them."""

import re
from typing import Any

import pytest

from federation.envelope import decode_base64
from federation.exchange import LookupBatch
from federation.hub_line import HubUnreachable
from federation.sealing import SEALED_BYTES
from node.host_facts import find_facts
from node.lookups.asking import ask_placed_here, open_answer
from node.upn import is_upn
from tests.node.host_facts.naive_rolls import children_in_care
from tests.node.host_facts.played_claims import HOME, PaperRelay, claim, open_request
from tests.small_federation import SmallFederation


def test_a_claim_looks_like_a_lookup(federation: SmallFederation) -> None:
    """The same nodes are addressed by the same document, a page each of the same size, whoever is claimed from."""
    relay = PaperRelay(federation)
    node = federation.node(HOME)
    claim(federation, relay)
    claim_answers = dict(relay.answers)
    ask_placed_here(node, relay, node.find_person("vsh"), "Termly review", patience=1)
    claimed, lookup = relay.batches
    assert set(claimed.pages) == set(lookup.pages)
    pages = [*claimed.pages.values(), *lookup.pages.values(), *claim_answers.values(), *relay.answers.values()]
    assert {len(decode_base64(page)) for page in pages} == {SEALED_BYTES}
    assert re.sub("[0-9a-f]", "0", claimed.lookup_id) == re.sub("[0-9a-f]", "0", lookup.lookup_id)
    carried = b"".join(map(decode_base64, pages))
    # Whole numbers alone: a code that stands for none is three letters, which a random page may well hold.
    numbers = [child.upn for child in children_in_care(node) if is_upn(child.upn)]
    assert numbers
    assert not any(number.encode() in carried for number in numbers)


def test_a_child_is_addressed_to_one_host(federation: SmallFederation) -> None:
    """Over every page of a claim, no child stands in two; and those of other hosts than the child's are empty."""
    relay = PaperRelay(federation)
    claim(federation, relay)
    claimed = [
        (child.upn, receiver)
        for receiver, page in relay.batches[0].pages.items()
        for child in open_request(federation, receiver, page, relay.batches[0].lookup_id).children
    ]
    assert claimed
    assert len({upn for upn, _ in claimed}) == len(claimed)


def test_more_children_than_a_page_holds_take_several_rounds(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = claim(federation, PaperRelay(federation, silent=frozenset(federation.roster))).claimed
    monkeypatch.setattr("node.claims.MOST_CLAIMS", 2)
    relay = PaperRelay(federation)
    assert claim(federation, relay).claimed == expected
    assert len(relay.batches) > 1
    assert len(relay.batches).bit_count() == 1, "a power of two, which says little of how many children there are"
    assert {frozenset(batch.pages) for batch in relay.batches} == {frozenset(relay.batches[0].pages)}
    assert len(find_facts(federation.directory / f"node-{HOME}")) > 3


def test_no_answer_is_opened_before_every_round_is_over(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the hub could tell from the time between two rounds, or after the last, how much there was to read."""
    monkeypatch.setattr("node.claims.MOST_CLAIMS", 2)
    relay, happened = PaperRelay(federation), list[str]()

    def note_opening(*asked: Any) -> Any:
        happened.append("opened")
        return open_answer(*asked)

    monkeypatch.setattr("node.claims.open_answer", note_opening)
    monkeypatch.setattr(relay, "finish_lookup", lambda _: happened.append("over"))
    assert claim(federation, relay).found > 0
    assert happened.count("over") == len(relay.batches) > 1
    assert happened == sorted(happened, reverse=True), "over, over, then opened"


def test_what_has_arrived_counts_though_the_hub_is_lost_afterwards(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub has deleted it by then; children of rounds that were not played can be claimed again."""
    expected = claim(federation, PaperRelay(federation, silent=frozenset(federation.roster))).claimed
    monkeypatch.setattr("node.claims.MOST_CLAIMS", 2)
    relay = PaperRelay(federation)

    def ask_once(batch: LookupBatch) -> None:
        if relay.batches:
            raise HubUnreachable("the hub does not answer")
        relay.batches.append(batch)

    monkeypatch.setattr(relay, "ask_lookup", ask_once)
    with pytest.raises(HubUnreachable):
        claim(federation, relay)
    assert find_facts(federation.directory / f"node-{HOME}")
    rest = claim(federation).claimed
    assert 0 < rest < expected
