"""A dishonest node, trick by trick: the sum fails cleanly or goes on without it, and the reason names it."""

import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from federation.envelope import Envelope, decode_base64
from federation.secure_sum import dealing
from federation.secure_sum.bundles import check_bundle, split_bundle
from federation.secure_sum.collector import Collector
from federation.secure_sum.contributor import SentContribution
from federation.secure_sum.dealing import accept_parcel, read_complaint, write_complaint
from federation.secure_sum.errors import SumFailed, SumRefused
from federation.secure_sum.facts import SumQuery, whole_roster
from federation.secure_sum.messages import (
    COMPLAINT_TYPE,
    CONTRIBUTION_TYPE,
    DEALING_TYPE,
    REVEAL_TYPE,
    Complaint,
    Contribution,
    Dealing,
    DealingBundle,
    Reveal,
)
from federation.secure_sum.opening import open_list
from federation.secure_sum.pairing import derive_slot_keys
from federation.secure_sum.reveals import write_reveal
from federation.secure_sum.sealed import seal_box
from federation.secure_sum.shamir import PRIME, SHARE_BYTES
from federation.secure_sum.signing import sign_document
from federation.secure_sum.steps import AskReveals, AskSurvivors, Fail, Open, Wait
from federation.secure_sum.vectors import signed_values
from tests.federation.cast import NOW, make_keys
from tests.federation.secure_sum.troupe import EPOCH, Troupe, make_troupe

LIAR = "node-303"
CELLS = 2


@dataclass
class Play:
    """Six nodes, threshold four, of which one is dishonest; everyone's number is one."""

    troupe: Troupe
    query: SumQuery
    collector: Collector
    sent: dict[str, SentContribution]

    def take(self, name: str, sent: SentContribution | None = None, **changes: object) -> None:
        """Hand a contribution to the hub, with some of its parts exchanged."""
        sent = sent or self.sent[name]
        parts = {"envelope": sent.envelope, "vector": sent.masked.data, "consent": sent.consent, **changes}
        self.collector.take_contribution(name, now=NOW, **parts)  # type: ignore[arg-type]

    def honest(self) -> None:
        """Everyone but the liar contributes."""
        for name in self.troupe.names:
            if name != LIAR:
                self.take(name)

    def finish(self) -> list[int] | Fail:
        """Go on with everyone who does as asked, the liar not among them."""
        now = NOW
        while True:
            match step := self.collector.next_step(now):
                case Wait(until):
                    now = until
                case AskSurvivors(statement):
                    for name in set(statement.survivors) - {LIAR}:
                        signature = self.troupe.node(name).sign_survivors(
                            statement, self.query, self.troupe.register, now
                        )
                        self.collector.take_signature(name, signature, now)
                case AskReveals(envelope, survivors):
                    for name in set(survivors) - {LIAR}:
                        reveal = self.troupe.node(name).reveal(envelope, self.query, self.troupe.register, now)
                        self.collector.take_reveal(name, reveal, now)
                case Open():
                    return signed_values(self.collector.open())
                case Fail():
                    return step


@pytest.fixture
def play() -> Play:
    """Everybody has contributed honestly; nothing has reached the hub yet."""
    troupe = make_troupe(6)
    troupe.deal(1)
    query = troupe.query(cells=CELLS)
    sent = {name: troupe.contribute(query, name, [1] * CELLS) for name in troupe.names}
    return Play(troupe, query, troupe.collector(query), sent)


def blamed(code: str, who: str, act: Callable[..., object]) -> None:
    """The act fails for that reason, and names whom."""
    with pytest.raises(SumFailed) as caught:
        act()
    assert (caught.value.code, caught.value.culprits) == (code, (who,))
    assert who in caught.value.text


def altered(play: Play, **changes: object) -> Envelope:
    """The liar's contribution with some fields changed, properly signed."""
    contribution = msgspec.json.decode(play.sent[LIAR].envelope.body, type=Contribution)
    return sign_document(msgspec.structs.replace(contribution, **changes), CONTRIBUTION_TYPE, make_keys(LIAR))


# --- Contributions (S4) ----------------------------------------------------------------------------------------------


def test_wrong_length(play: Play) -> None:
    """S4. A vector of another length is no answer, and the sum goes on without it."""
    blamed("cells_mismatch", LIAR, lambda: play.take(LIAR, vector=bytes(8)))
    blamed("cells_mismatch", LIAR, lambda: play.take(LIAR, envelope=altered(play, cells=1), vector=bytes(8)))
    blamed("cells_mismatch", LIAR, lambda: play.take(LIAR, envelope=altered(play, cells=1)))
    play.honest()
    assert play.collector.missing == {LIAR: "cells_mismatch"}
    assert play.finish() == [5, 5]


def test_a_mistake_that_is_mended_in_time(play: Play) -> None:
    """S4. A node that sent what cannot be used and then what can is in the sum; a refusal after that says nothing."""
    blamed("cells_mismatch", LIAR, lambda: play.take(LIAR, vector=bytes(8)))
    play.take(LIAR)
    play.collector.take_refusal(LIAR, "held")
    assert play.collector.missing == {}
    play.honest()
    assert play.finish() == [6, 6]


def test_oversize(play: Play) -> None:
    """S4. More bytes than were asked for are refused before anything is made of them."""
    blamed("cells_mismatch", LIAR, lambda: play.take(LIAR, vector=bytes(8 * CELLS + 1)))
    blamed("malformed", LIAR, lambda: play.take(LIAR, envelope=altered(play, cells=10**9)))


def test_vector_other_than_signed(play: Play) -> None:
    """S4. The vector is the one that was signed for."""
    blamed("vector_mismatch", LIAR, lambda: play.take(LIAR, vector=bytes(8 * CELLS)))


def test_bad_signatures(play: Play) -> None:
    """S4. What a node did not sign is not its answer, and its consent must verify too."""
    envelope, consent = play.sent[LIAR].envelope, play.sent[LIAR].consent
    forged = msgspec.structs.replace(envelope, signatures=play.sent["node-301"].envelope.signatures)
    blamed("signature_invalid", LIAR, lambda: play.take(LIAR, envelope=forged))
    broken = msgspec.structs.replace(consent, sig=play.sent["node-301"].consent.sig)
    blamed("signature_invalid", LIAR, lambda: play.take(LIAR, consent=broken))
    play.honest()
    assert play.finish() == [5, 5]


def test_contribution_to_another_attempt(play: Play) -> None:
    """S4. Manifest, query, attempt, slot and roster are the hub's own."""
    for changes in (
        {"manifest_digest": "b" * 64},
        {"query_id": "Q-ffffffffffffffff"},
        {"attempt": 2},
        {"slot": 2},
        {"roster_digest": "b" * 64},
    ):
        blamed("contribution_other", LIAR, lambda it=changes: play.take(LIAR, envelope=altered(play, **it)))


def test_impersonation(play: Play) -> None:
    """S4. Nobody answers, consents, signs, reveals or aborts in another's name."""
    victim, take = play.sent["node-301"], play.collector
    blamed("signature_invalid", LIAR, lambda: play.take(LIAR, victim))
    blamed("impersonation", LIAR, lambda: play.take(LIAR, envelope=altered(play, node="node-301")))
    blamed("impersonation", LIAR, lambda: play.take(LIAR, consent=victim.consent))
    blamed("impersonation", LIAR, lambda: take.take_abort(LIAR, victim.consent, NOW))
    blamed("sender_unknown", "node-999", lambda: play.take("node-999", victim))
    play.honest()
    step = play.collector.next_step(NOW)
    assert isinstance(step, AskSurvivors)
    statement = step.statement
    signature = play.troupe.node("node-301").sign_survivors(statement, play.query, play.troupe.register, NOW)
    blamed("signature_unasked", LIAR, lambda: take.take_signature(LIAR, signature, NOW))
    blamed("impersonation", "node-302", lambda: take.take_signature("node-302", signature, NOW))
    assert play.finish() == [5, 5]


def test_equivocation(play: Play) -> None:
    """S4. The first contribution stays; a second that differs is refused by name, and the same again counts once."""
    play.take(LIAR)
    play.take(LIAR)
    blamed("equivocation", LIAR, lambda: play.take(LIAR, envelope=altered(play, snapshot="another")))
    play.honest()
    assert play.finish() == [6, 6]


def test_late_contribution(play: Play) -> None:
    """S5. Whoever comes after the survivors were named stays out, and is not kept."""
    play.honest()
    play.collector.take_refusal(LIAR, "held")
    assert isinstance(play.collector.next_step(NOW), AskSurvivors)
    blamed("late", LIAR, lambda: play.take(LIAR))
    assert play.finish() == [5, 5]


# --- Reveals (S9, S10) -----------------------------------------------------------------------------------------------


def revealed(play: Play, **changes: object) -> Envelope:
    """The liar's reveal with some fields changed, properly signed."""
    play.take(LIAR)
    play.honest()
    step = play.collector.next_step(NOW)
    assert isinstance(step, AskReveals)
    honest = play.troupe.node(LIAR).reveal(step.envelope, play.query, play.troupe.register, NOW)
    reveal = msgspec.json.decode(honest.body, type=Reveal)
    if "seeds" in changes:
        flipped = bytearray(decode_base64(reveal.seeds))
        flipped[-1] ^= 1
        changes["seeds"] = {
            "false": b64encode(flipped).decode(),
            "short": reveal.seeds[:44],
            "spelling": "A" * 5,
            "no share": b64encode((PRIME).to_bytes(SHARE_BYTES, "big") * 6).decode(),
        }[str(changes["seeds"])]
    return sign_document(msgspec.structs.replace(reveal, **changes), REVEAL_TYPE, make_keys(LIAR))


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("share_false", {"seeds": "false"}),
        ("reveal_malformed", {"seeds": "short"}),
        ("reveal_malformed", {"seeds": "spelling"}),
        ("reveal_malformed", {"seeds": "no share"}),
        ("reveal_other", {"survivors_digest": "b" * 64}),
        ("reveal_other", {"attempt": 2}),
        ("reveal_other", {"slot": 2}),
        ("impersonation", {"node": "node-301"}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value.items()))[1],
)
def test_shares_that_do_not_match_their_commitments(play: Play, code: str, changes: dict[str, object]) -> None:
    """S10. A false share is found by its dealer's signed hash; the liar is named, and the others open the sum."""
    envelope = revealed(play, **changes)
    blamed(code, LIAR, lambda: play.collector.take_reveal(LIAR, envelope, NOW))
    assert play.finish() == [6, 6]


def test_reveal_nobody_asked_for(play: Play) -> None:
    """S9. A reveal before its time, or by a node that is no survivor, is not taken."""
    envelope = revealed(play)
    early = play.troupe.collector(play.query)
    with pytest.raises(SumFailed) as caught:
        early.take_reveal(LIAR, envelope, NOW)
    assert caught.value.code == "reveal_unasked"


def test_reveal_by_a_node_that_was_left_out(play: Play) -> None:
    """S9. Whoever is no survivor has nothing to reveal, true shares of the right set or not."""
    play.honest()
    play.collector.take_refusal(LIAR, "held")
    step = play.collector.next_step(NOW)
    assert isinstance(step, AskSurvivors)
    for name in step.statement.survivors:
        signature = play.troupe.node(name).sign_survivors(step.statement, play.query, play.troupe.register, NOW)
        play.collector.take_signature(name, signature, NOW)
    step = play.collector.next_step(NOW)
    assert isinstance(step, AskReveals)
    store = play.troupe.stores[LIAR]
    others = play.troupe.node("node-301").reveal(step.envelope, play.query, play.troupe.register, NOW)
    claim = play.troupe.stores["node-301"].find_reveal(play.query.facts.digest)
    assert claim is not None
    own = write_reveal(claim, store.find_parcels(claim.where), LIAR)
    assert own.survivors_digest == msgspec.json.decode(others.body, type=Reveal).survivors_digest
    envelope = sign_document(own, REVEAL_TYPE, make_keys(LIAR))
    blamed("reveal_unasked", LIAR, lambda: play.collector.take_reveal(LIAR, envelope, NOW))
    assert play.collector.revealed == ()


def test_too_many_liars_end_the_attempt(play: Play) -> None:
    """S10. When fewer than t are left who tell the truth, the attempt fails and says on whose account."""
    step = None
    play.take(LIAR)
    play.honest()
    while not isinstance(step, AskReveals):
        step = play.collector.next_step(NOW)
    for name in play.troupe.names[:3]:
        envelope = play.troupe.node(name).reveal(step.envelope, play.query, play.troupe.register, NOW)
        reveal = msgspec.structs.replace(msgspec.json.decode(envelope.body, type=Reveal), seeds="")
        false = sign_document(reveal, REVEAL_TYPE, make_keys(name))
        blamed("reveal_malformed", name, lambda it=false, who=name: play.collector.take_reveal(who, it, NOW))
    step = play.collector.next_step(NOW)
    assert isinstance(step, Fail)
    assert step.culprits == play.troupe.names[:3]


# --- Dealings (P4, S10) ----------------------------------------------------------------------------------------------


def deal_falsely(
    monkeypatch: pytest.MonkeyPatch, name: str, replacement: Callable[..., object]
) -> tuple[Troupe, dict[str, DealingBundle]]:
    """Six nodes deal a slot, the liar with one function of dealing exchanged for another."""
    troupe = make_troupe(6)
    honest = getattr(dealing, name)
    for dealer in troupe.names:
        monkeypatch.setattr(dealing, name, replacement if dealer == LIAR else honest)
        troupe.node(dealer).deal(troupe.roster, 1, troupe.register, NOW)
    monkeypatch.setattr(dealing, name, honest)
    return troupe, troupe.deal(1)


def test_shares_of_no_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """S10. Shares that lie on no polynomial join to something else than was committed to: the dealer is named."""
    troupe, _ = deal_falsely(
        monkeypatch, "split_secret", lambda _secret, _t, count: [secrets.randbelow(PRIME) for _ in range(count)]
    )
    with pytest.raises(SumFailed) as caught:
        troupe.run(troupe.query(), {name: [1, 1, 1] for name in troupe.names})
    assert (caught.value.code, caught.value.culprits) == ("dealing_false", (LIAR,))


def test_shares_of_what_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """S10. A number of the field with more than 32 bytes can be shared, and is nobody's seed: the dealer is named."""
    troupe, _ = deal_falsely(monkeypatch, "split_secret", lambda _secret, _t, count: [2**256 + 1] * count)
    with pytest.raises(SumFailed) as caught:
        troupe.run(troupe.query(), {name: [1, 1, 1] for name in troupe.names})
    assert (caught.value.code, caught.value.culprits) == ("dealing_false", (LIAR,))


def test_a_list_other_than_signed() -> None:
    """S10. A list that another dealer sealed is found by its digest, before anything is done with it."""
    troupe = make_troupe(5)
    bundle, other = (troupe.node(name).deal(troupe.roster, 1, troupe.register, NOW) for name in troupe.names[:2])
    with pytest.raises(SumFailed, match="not the one that it signed"):
        open_list(msgspec.structs.replace(bundle, sealed_list=other.sealed_list), troupe.roster, bytes(32))


@pytest.mark.parametrize("spoiled", [lambda data: bytes(len(data)), lambda data: data[32:] + data[:32]])
def test_lists_that_do_not_match_their_commitments(
    monkeypatch: pytest.MonkeyPatch, spoiled: Callable[[bytes], bytes]
) -> None:
    """S10. A dropped node's list must hold the very keys that it committed to: it is named, and nothing is opened."""
    troupe, _ = deal_falsely(
        monkeypatch, "seal_box", lambda key, data, place: seal_box(key, spoiled(data) if place else data, place)
    )
    values = {name: [1, 1, 1] for name in troupe.names if name != LIAR}
    with pytest.raises(SumFailed) as caught:
        troupe.run(troupe.query(), values)
    assert (caught.value.code, caught.value.culprits) == ("list_false", (LIAR,))


def test_a_list_that_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """S10. A list sealed under another key than the one that was shared out."""
    troupe, _ = deal_falsely(
        monkeypatch, "seal_box", lambda key, data, place: seal_box(bytes(32) if place else key, data, place)
    )
    with pytest.raises(SumFailed) as caught:
        troupe.run(troupe.query(), {name: [1, 1, 1] for name in troupe.names if name != LIAR})
    assert (caught.value.code, caught.value.culprits) == ("list_false", (LIAR,))


PARCEL_TRICKS: dict[str, tuple[str, Callable[[Callable[..., bytes]], Callable[..., object]]]] = {
    "another key": ("seal_box", lambda seal: lambda key, data, place: seal(bytes(32), data, place)),
    "other shares": ("seal_box", lambda seal: lambda key, data, place: seal(key, data[::-1], place)),
    "too long": ("seal_box", lambda seal: lambda key, data, place: seal(key, data + b"\0", place)),
    "no shares": ("seal_box", lambda seal: lambda key, data, place: seal(key, b"\xff" * len(data), place)),
}


@pytest.mark.parametrize("trick", PARCEL_TRICKS)
def test_parcels_that_do_not_match_their_commitments(monkeypatch: pytest.MonkeyPatch, trick: str) -> None:
    """P4. The receiver finds out at once, long before any question, and complains by name under its signature."""
    troupe = make_troupe(5)
    name, make = PARCEL_TRICKS[trick]
    monkeypatch.setattr(dealing, name, make(getattr(dealing, name)))
    bundle = troupe.node(LIAR).deal(troupe.roster, 1, troupe.register, NOW)
    monkeypatch.undo()
    delivery = split_bundle(bundle)["node-301"]
    with pytest.raises(SumRefused) as caught:
        troupe.node("node-301").receive_parcels(troupe.roster, troupe.register, NOW)(delivery)
    assert caught.value.code == "parcel_mismatch"
    complaint = write_complaint(caught.value, delivery, make_keys("node-301"))
    assert complaint is not None
    told = read_complaint(complaint, troupe.register, NOW)
    assert (told.node, told.dealer, told.slot, told.code) == ("node-301", LIAR, 1, "parcel_mismatch")


def test_slot_keys_that_do_not_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """P4. A dealer that commits to another slot key than the pair's is found by its peer."""
    monkeypatch.setattr(dealing, "derive_slot_keys", lambda *terms: dict.fromkeys(derive_slot_keys(*terms), bytes(32)))
    troupe = make_troupe(5)
    bundle = troupe.node(LIAR).deal(troupe.roster, 1, troupe.register, NOW)
    with pytest.raises(SumRefused) as caught:
        accept_from(troupe, bundle, "node-301")
    assert caught.value.code == "slot_key_mismatch"


def accept_from(troupe: Troupe, bundle: DealingBundle, me: str, **changes: object) -> None:
    """One receiver takes its parcel, with some parts of the delivery exchanged."""
    delivery = msgspec.structs.replace(split_bundle(bundle)[me], **changes)
    roots = troupe.stores[me].find_roots(EPOCH)
    accept_parcel(delivery, troupe.roster, me, roots, troupe.register, NOW)


def test_parcels_spoiled_on_their_way() -> None:
    """P4. What the hub or the wire has spoiled is refused, and no complaint is made of it: the dealer may be honest."""
    troupe = make_troupe(5)
    bundles = {name: troupe.node(name).deal(troupe.roster, 1, troupe.register, NOW) for name in troupe.names}
    one, other = split_bundle(bundles[LIAR]), split_bundle(bundles["node-302"])
    for code, changes in (
        ("parcel_astray", {"parcel": other["node-301"].parcel}),
        ("parcel_astray", {"leaf": one["node-304"].leaf}),
        ("parcel_unproven", {"leaf": other["node-301"].leaf, "parcel": other["node-301"].parcel}),
        ("parcel_unproven", {"proof": ()}),
        ("signature_invalid", {"header": msgspec.structs.replace(one["node-301"].header, signatures=())}),
        ("malformed", {"parcel": "A"}),
    ):
        with pytest.raises(SumRefused) as caught:
            accept_from(troupe, bundles[LIAR], "node-301", **changes)
        assert caught.value.code == code
        assert write_complaint(caught.value, one["node-301"], make_keys("node-301")) is None


def test_bundles_that_contradict_themselves() -> None:
    """P4. The hub refuses a bundle whose parts are not those that its dealer signed for."""
    troupe = make_troupe(5)
    bundle, other = (troupe.node(name).deal(troupe.roster, 1, troupe.register, NOW) for name in troupe.names[:2])
    false_leaf = msgspec.structs.replace(bundle.leaves[0], seed_share="0" * 64)
    spoiled = {
        "bundle_mismatch": [
            msgspec.structs.replace(bundle, leaves=other.leaves),
            msgspec.structs.replace(bundle, leaves=bundle.leaves[::-1]),
            msgspec.structs.replace(bundle, leaves=(false_leaf, *bundle.leaves[1:])),
            msgspec.structs.replace(bundle, parcels=bundle.parcels[1:]),
            msgspec.structs.replace(bundle, parcels=other.parcels),
            msgspec.structs.replace(bundle, sealed_list=other.sealed_list),
        ],
        "malformed": [msgspec.structs.replace(bundle, sealed_list="AAAA")],
    }
    for code, bundles in spoiled.items():
        for each in bundles:
            with pytest.raises(SumRefused) as caught:
                check_bundle(each, troupe.roster, troupe.register, NOW)
            assert caught.value.code == code
    header = msgspec.json.decode(bundle.header.body, type=Dealing)
    for wrong in (bundle.leaves[::-1], bundle.leaves[1:]):
        signed = sign_document(
            msgspec.structs.replace(header, parcels_root=dealing.parcels_root(wrong)),
            DEALING_TYPE,
            make_keys(header.dealer),
        )
        with pytest.raises(SumRefused, match="not one parcel for each member"):
            check_bundle(
                msgspec.structs.replace(bundle, header=signed, leaves=wrong), troupe.roster, troupe.register, NOW
            )
    smaller = make_troupe(6)
    with pytest.raises(SumRefused) as caught:
        check_bundle(bundle, smaller.roster, smaller.register, NOW)
    assert caught.value.code == "roster_mismatch"


def test_a_dealing_by_a_stranger() -> None:
    """P4. Only a member of the roster deals, and only in its own name."""
    troupe, larger = make_troupe(5), make_troupe(6)
    header = larger.node("node-306").deal(larger.roster, 1, larger.register, NOW).header
    with pytest.raises(SumRefused) as caught:
        dealing.read_header(header, troupe.roster, larger.register, NOW)
    assert caught.value.code == "dealer_unknown"
    own = msgspec.json.decode(header.body, type=Dealing)
    framed = sign_document(msgspec.structs.replace(own, dealer="node-301"), DEALING_TYPE, make_keys("node-306"))
    with pytest.raises(SumRefused) as caught:
        dealing.read_header(framed, larger.roster, larger.register, NOW)
    assert caught.value.code == "signature_invalid"


def test_a_complaint_in_anothers_name() -> None:
    """P4. A complaint is signed by the node that makes it."""
    troupe = make_troupe(5)
    complaint = Complaint(
        node="node-301", dealer="node-302", epoch=EPOCH, roster_digest="0" * 64, slot=1, code="parcel_mismatch"
    )
    forged = sign_document(complaint, COMPLAINT_TYPE, make_keys(LIAR))
    with pytest.raises(SumRefused) as caught:
        read_complaint(forged, troupe.register, NOW)
    assert caught.value.code == "signature_invalid"


def test_a_second_dealing_of_one_slot(play: Play) -> None:
    """P4. Receivers keep the first parcel of a dealer for a slot; another one is refused."""
    again = make_troupe(6)
    again.stores = {name: store.copy() for name, store in play.troupe.stores.items()}
    again.stores[LIAR].bundles.clear()
    again.stores[LIAR].uses.clear()
    bundle = again.node(LIAR).deal(again.roster, 1, again.register, NOW)
    with pytest.raises(SumRefused) as caught:
        again.node("node-301").receive_parcels(again.roster, again.register, NOW)(split_bundle(bundle)["node-301"])
    assert caught.value.code == "parcel_twice"
    assert whole_roster(play.query).survivors == again.names
