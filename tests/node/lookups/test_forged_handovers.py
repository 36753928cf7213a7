"""Hand-overs from a sender who is not honest, by a hub that looks: nothing forged or altered gets anywhere."""

import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from audit.event import Action
from federation.envelope import seal_envelope
from federation.handover_packs import MOST_PACKED, PackUnusable, digest_pack, read_pack, write_pack
from federation.handovers import (
    HANDOVER_ANSWER_TYPE,
    HANDOVER_TYPE,
    OFFER_TYPE,
    HandoverAnswer,
    HandoverOffer,
    HandoverRequest,
    Step,
)
from federation.lookups import sign_message
from federation.sealing import SEALED_BYTES, Direction, SealContext, seal_records
from federation.state import StateError
from federation.transport import encode_records
from federation.wire import encode_document, whole_seconds
from node.lookups.asking import open_answer
from node.lookups.handover.deciding import accept, find_place
from node.lookups.handover.offering import send_offer, sign_with_key
from node.lookups.handover.shelf import State, find_given, list_come
from node.tracking.newcomers import list_newcomers
from tests.node.lookups.test_handovers import (
    HOME,
    OTHER,
    THIRD,
    come_state,
    give,
    head_of,
    logged,
    parties,
    relay,
    take,
    write,
)
from tests.small_federation import SmallFederation

__all__ = ["parties"]


def forged(
    federation: SmallFederation, offer: HandoverOffer, signers: tuple[str, ...], **changes: Any
) -> HandoverRequest:
    """An offer that home's node sends as no honest software would: changed, or signed by others."""
    changed = msgspec.structs.replace(offer, **changes)
    keys = [federation.party(member).keys for member in signers]
    envelope = seal_envelope(encode_document(changed), OFFER_TYPE, *keys)
    return HandoverRequest(
        lookup_id="L-" + digest_pack(envelope.payload.encode() + "".join(signers).encode())[:32],
        step=Step.OFFER,
        sender=f"node-{HOME}",
        receiver=f"node-{OTHER}",
        authority=HOME,
        asked_at=whole_seconds(federation.clock()),
        handover_id=changed.handover_id,
        offer=envelope,
    )


def send_forged(federation: SmallFederation, request: HandoverRequest) -> HandoverAnswer:
    node = federation.node(HOME)
    context = SealContext(request.lookup_id, request.sender, request.receiver, Direction.REQUEST)
    message = sign_message(request, HANDOVER_TYPE, node.party.keys)
    page = encode_records(seal_records(message, context, federation.party(request.receiver).keys.public_sealing_key))
    answered = relay(federation, HOME).deliver(request.receiver, page, request.lookup_id)
    (other,) = [member for member in federation.register.members if member.id == request.receiver]
    return open_answer(node, request.lookup_id, other, answered, HandoverAnswer, HANDOVER_ANSWER_TYPE)


OFFICER, NODE = f"officer@la-{HOME}", f"node-{HOME}"
FORGERIES: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "by the node alone": ((NODE,), {}, "offer_refused"),
    "by the head alone": ((OFFICER,), {}, "offer_refused"),
    "by another person": (("deputy@la-203", NODE), {}, "offer_refused"),
    "by somebody of another organisation": (("officer@dfe", NODE), {"person": "officer"}, "offer_refused"),
    "in another node's name": ((OFFICER, NODE), {"sender": f"node-{THIRD}"}, "offer_refused"),
    "of another authority's child": ((OFFICER, NODE), {"home": THIRD}, "offer_misplaced"),
    "for another authority": ((OFFICER, NODE), {"authority": THIRD}, "offer_misplaced"),
    "for another node": ((OFFICER, NODE), {"receiver": f"node-{THIRD}"}, "offer_misplaced"),
    "with a pupil number in its purpose": ((OFFICER, NODE), {"purpose": "B801200005001"}, "not_loggable"),
    "from the future": ((OFFICER, NODE), {"offered_at": None}, "handover_over"),
}


def test_no_forged_offer_waits_for_our_head(parties: SmallFederation) -> None:
    offer, later = write(parties), whole_seconds(parties.clock()) + timedelta(days=2)
    for name, (signers, changes, code) in FORGERIES.items():
        told = {**changes, "offered_at": later} if "offered_at" in changes else changes
        assert send_forged(parties, forged(parties, offer, signers, **told)).code == code, name
    assert not list_come(parties.node(OTHER))
    assert len([e for e in logged(parties, OTHER) if e.action is Action.HANDOVER_REFUSED]) == len(FORGERIES)


def test_a_second_offer_under_one_number_and_a_replay_are_refused(parties: SmallFederation) -> None:
    offer = give(parties)
    assert send_forged(parties, forged(parties, offer, (OFFICER, NODE), purpose="Another")).code == "offer_differs"
    request = forged(parties, offer, (OFFICER, NODE))
    send_forged(parties, request)
    assert send_forged(parties, request).code == "replayed"


def test_authorities_that_take_no_offers_say_so(parties: SmallFederation) -> None:
    parties.change_rule(OTHER, "handovers = true", "handovers = false")
    offer, (node, head) = write(parties), head_of(parties)
    sign_with_key(node, head, offer.handover_id, parties.party(OFFICER))
    sent = send_offer(node, relay(parties, HOME), head, offer.handover_id, patience=1)
    assert (sent.state, sent.code, sent.pack) == (State.REFUSED, "handovers_barred", None)


def altered(pack: bytes) -> bytes:
    return zlib.compress(zlib.decompress(pack).replace(b"2025-05-01", b"2025-06-01"), 9)


@pytest.mark.parametrize(
    "change", [altered, lambda _: b"", lambda pack: pack[:-1]], ids=["altered", "empty", "cut off"]
)
def test_a_pack_that_is_not_the_one_offered_is_put_aside(
    parties: SmallFederation, change: Callable[[bytes], bytes]
) -> None:
    offer, node = give(parties), parties.node(HOME)
    given = find_given(node, offer.handover_id)
    assert given is not None
    assert given.pack is not None
    with node.database.transaction() as connection:
        connection.execute("UPDATE handovers_given SET pack = ?", (change(given.pack),))
    with pytest.raises(StateError):
        take(parties, offer)
    assert come_state(parties, offer) is State.WAITING
    assert not list_newcomers(parties.node(OTHER))


def test_a_pack_is_read_within_bounds_and_for_its_own_offer_alone(parties: SmallFederation) -> None:
    offer = write(parties)
    given = find_given(parties.node(HOME), offer.handover_id)
    assert given is not None
    assert given.pack is not None
    pack = read_pack(given.pack, offer)
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)
    other_child = msgspec.structs.replace(offer.child, number="1")
    for wrong, about in (
        (bomb, msgspec.structs.replace(offer, pack_digest=digest_pack(bomb))),
        (given.pack, msgspec.structs.replace(offer, child=other_child)),
        (given.pack + b"x", msgspec.structs.replace(offer, pack_digest=digest_pack(given.pack + b"x"))),
    ):
        with pytest.raises(PackUnusable):
            read_pack(wrong, about)
    childhood = msgspec.structs.replace(
        pack, entries=tuple(msgspec.structs.replace(pack.entries[n % 3], reason=f"Meeting {n}") for n in range(1500))
    )
    assert len(write_pack(childhood)) < MOST_PACKED
    noise = tuple(
        msgspec.structs.replace(pack.entries[0], reason=digest_pack(bytes([n % 256, n // 256]))) for n in range(1500)
    )
    with pytest.raises(PackUnusable, match="leave a group out"):
        write_pack(msgspec.structs.replace(pack, entries=noise))


def test_the_hub_sees_pages_of_one_size_whatever_is_handed_over(parties: SmallFederation) -> None:
    """Offer, collection and word alike are one page; nothing of the child is in any of them."""
    hub = relay(parties, HOME)
    offer, (node, head) = write(parties), head_of(parties)
    sign_with_key(node, head, offer.handover_id, parties.party(OFFICER))
    send_offer(node, hub, head, offer.handover_id, patience=1)
    hub.sender = OTHER
    other, taker = head_of(parties, OTHER)
    accept(other, hub, taker, offer.handover_id, find_place(other, offer, "990009"), patience=1)
    assert hub.seen == [
        (HOME, OTHER, SEALED_BYTES),
        (OTHER, HOME, SEALED_BYTES),
        (OTHER, HOME, SEALED_BYTES),
    ]
