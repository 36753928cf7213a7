"""The operator of the relay at work on the pages it carries: whatever it does to an answer, the answer is not believed.

Each attack changes what node 301 sent back, four pages of real records, and leaves the other nodes' answers alone.
"""

from collections.abc import Callable

import pytest

from federation.envelope import decode_base64
from federation.lookups import ANSWER_TYPE, LookupAnswer, LookupOutcome, sign_message
from federation.register import Member
from federation.sealing import SEALED_BYTES, Direction, SealContext, SealedRecords, SealError, seal_records
from federation.transport import encode_records
from node.lookups.asking import list_others, open_answer
from tests.node.lookups.test_lookups import ASKER, PaperRelay, ask
from tests.node.lookups.watched_relay import place_children
from tests.small_federation import SmallFederation, copy_federation

VICTIM, BYSTANDER = "node-301", "node-316"
MATCHING = 400
"""Children of the victim's who match, which takes three of its four pages."""


@pytest.fixture(scope="module")
def busy(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """A federation in which the victim's answer has four pages; no test changes anything but its own lookup."""
    copied = copy_federation(pristine_federation, tmp_path_factory.mktemp("busy"))
    place_children(copied, {ASKER: MATCHING})
    return copied


@pytest.fixture(scope="module")
def earlier(busy: SmallFederation) -> PaperRelay:
    """A lookup of some time ago, every page of which the relay has kept."""
    relay = PaperRelay(busy)
    ask(busy, relay)
    return relay


Pages = list[bytes]
ATTACKS: dict[str, Callable[[Pages, Pages, Pages], Pages]] = {
    "the last page left out": lambda own, other, old: own[:-1],
    "the first page left out": lambda own, other, old: own[1:],
    "one page alone": lambda own, other, old: own[:1],
    "a page in the middle left out": lambda own, other, old: [own[0], *own[2:]],
    "two pages exchanged": lambda own, other, old: [own[1], own[0], *own[2:]],
    "all pages reversed": lambda own, other, old: own[::-1],
    "a page twice": lambda own, other, old: [own[0], own[0], *own[2:]],
    "a page more": lambda own, other, old: [*own, own[-1]],
    "twice over": lambda own, other, old: own * 2,
    "a page of another node's": lambda own, other, old: [*own[:-1], other[0]],
    "another node's answer": lambda own, other, old: other,
    "a page of an earlier lookup": lambda own, other, old: [*own[:-1], old[-1]],
    "the answer of an earlier lookup": lambda own, other, old: old,
    "a bit of the last page": lambda own, other, old: [*own[:-1], own[-1][:-1] + bytes([own[-1][-1] ^ 1])],
    "pages of nothing": lambda own, other, old: [bytes(SEALED_BYTES)] * len(own),
    "no pages": lambda own, other, old: [],
    "a byte short": lambda own, other, old: [*own[:-1], own[-1][:-1]],
    "more pages than there can be": lambda own, other, old: own * 9,
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_answer_that_was_tampered_with_counts_as_missing(
    busy: SmallFederation, earlier: PaperRelay, attack: Callable[[Pages, Pages, Pages], Pages]
) -> None:
    """None of its children is shown, not even those on pages that are right; the node is named, the others count."""
    relay = PaperRelay(busy)
    others: dict[str, Pages] = {}

    def split(page: str) -> Pages:
        return list(SealedRecords(decode_base64(page)).pages)

    def tamper(node: str, answer: str) -> str:
        if node != VICTIM:
            return answer
        others[BYSTANDER] = split(relay.deliver(BYSTANDER, relay.requests[BYSTANDER]) or "")
        changed = attack(split(answer), others[BYSTANDER], split(earlier.answers[VICTIM]))
        return encode(b"".join(changed))

    relay.tamper = tamper
    result = ask(busy, relay)
    assert [missing.node for missing in result.missing] == [VICTIM]
    assert {answer.sender for answer in result.answers} == {BYSTANDER, "node-317"}


def encode(data: bytes) -> str:
    """Pages as they stand in a document, also those that no honest member would write."""
    import base64

    return base64.b64encode(data).decode()


def test_untouched_the_answer_is_whole(busy: SmallFederation) -> None:
    result = ask(busy, PaperRelay(busy))
    (answer,) = [answer for answer in result.answers if answer.sender == VICTIM]
    assert len(answer.children) == MATCHING
    assert result.missing == ()


def test_an_answer_of_the_relays_own_is_not_believed(busy: SmallFederation, earlier: PaperRelay) -> None:
    """It can seal to anybody, and sign as nobody but itself: an empty answer in a node's name does not pass."""
    asker, victim = busy.node(ASKER), find_member(busy, VICTIM)
    sealed = SealedRecords(decode_base64(earlier.answers[VICTIM]))
    honest = open_answer(asker, earlier.lookup_id, victim, encode_records(sealed), LookupAnswer, ANSWER_TYPE)
    forged = sign_message(honest, ANSWER_TYPE, busy.party("hub").keys)
    context = SealContext(earlier.lookup_id, VICTIM, f"node-{ASKER}", Direction.ANSWER)
    pages = seal_records(forged, context, asker.party.keys.public_sealing_key, 4)
    relay = PaperRelay(busy, tamper=lambda node, answer: encode_records(pages) if node == VICTIM else answer)
    assert [missing.node for missing in ask(busy, relay).missing] == [VICTIM]


def test_the_relay_opens_no_page(busy: SmallFederation, earlier: PaperRelay) -> None:
    """With its own key, and in whatever place."""
    from federation.sealing import open_records

    for sender, receiver, page, way in (
        (f"node-{ASKER}", VICTIM, earlier.requests[VICTIM], Direction.REQUEST),
        (VICTIM, f"node-{ASKER}", earlier.answers[VICTIM], Direction.ANSWER),
    ):
        context = SealContext(earlier.lookup_id, sender, receiver, way)
        with pytest.raises(SealError):
            open_records(SealedRecords(decode_base64(page)), context, busy.party("hub").keys)


def test_a_request_handed_over_again_later_brings_no_child_out(busy: SmallFederation) -> None:
    """The same bytes come back, to the same asker; or, when those are no longer kept, a refusal of the same size."""
    relay = PaperRelay(busy)
    ask(busy, relay)
    page = relay.requests[VICTIM]
    assert relay.deliver(VICTIM, page) == relay.answers[VICTIM]
    with busy.node("301").database.transaction() as connection:
        connection.execute("DELETE FROM sealed_answers")
    again = relay.deliver(VICTIM, page)
    answer = open_answer(busy.node(ASKER), relay.lookup_id, find_member(busy, VICTIM), again, LookupAnswer, ANSWER_TYPE)
    assert (answer.outcome, answer.code, answer.children) == (LookupOutcome.REFUSED, "replayed", ())
    assert again is not None
    assert len(again) == len(relay.answers[VICTIM])


def find_member(federation: SmallFederation, member: str) -> Member:
    (found,) = [each for each in list_others(federation.node(ASKER)) if each.id == member]
    return found
