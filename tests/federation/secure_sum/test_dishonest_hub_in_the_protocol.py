"""A dishonest hub, attack by attack: each test bears the attack's name, and says which step stops it.

The hub here is the tests' own hand: it shows each node what it likes. `docs/secure-sums.md` lists these attacks.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from federation.envelope import Envelope, Signature, add_signature, seal_envelope
from federation.secure_sum.bundles import split_bundle
from federation.secure_sum.contributor_store import ShareKind
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumPath, SumQuery, name_survivors, read_attempt, whole_roster
from federation.secure_sum.messages import (
    ATTEMPT_TYPE,
    HELD_TYPE,
    PAIRING_TYPE,
    PREKEY_TYPE,
    SURVIVORS_TYPE,
    Certificate,
    Reveal,
    SumRoster,
    SurvivorSet,
)
from federation.secure_sum.opening import open_sum
from federation.secure_sum.pairing import accept_pairing, pair_up
from federation.secure_sum.prekeys import make_prekey, read_prekey
from federation.secure_sum.reveals import read_shares
from federation.secure_sum.rosters import Floors, check_roster, make_roster, roster_digest
from federation.secure_sum.signing import sign_document
from federation.wire import encode_document
from tests.federation.cast import NOW, make_keys, make_member, make_register
from tests.federation.secure_sum.troupe import EPOCH, TERM, Troupe, make_troupe, register_of

LATER = NOW + timedelta(minutes=11)


def refused(code: str, act: Callable[..., object]) -> None:
    """The act is refused for that reason, in one line."""
    with pytest.raises(SumRefused) as caught:
        act()
    assert caught.value.code == code
    assert "\n" not in caught.value.text


@pytest.fixture
def troupe() -> Troupe:
    """Seven nodes, threshold five, who have dealt slots 1 and 2."""
    troupe = make_troupe(7)
    troupe.deal(1)
    troupe.deal(2)
    return troupe


def contribute_all(troupe: Troupe, query: SumQuery, names: Iterable[str] = ()) -> list[Signature]:
    """Everyone contributes; return their consents."""
    return [troupe.contribute(query, name, [1] * query.facts.cells).consent for name in names or query.roster.members]


def bind(statement: SurvivorSet, signatures: Iterable[Signature]) -> Envelope:
    """A statement with signatures, whoever made them."""
    envelope = seal_envelope(encode_document(statement), SURVIVORS_TYPE)
    for signature in signatures:
        envelope = add_signature(envelope, signature)
    return envelope


def opening(troupe: Troupe, query: SumQuery, survivors: tuple[str, ...], signers: Iterable[str]) -> Envelope:
    """The opening of a smaller set, signed by nodes that were asked to."""
    statement = name_survivors(query.attempt, query.facts, survivors)
    return bind(
        statement,
        [troupe.node(name).sign_survivors(statement, query, troupe.register, NOW) for name in signers],
    )


def reveal(troupe: Troupe, name: str, envelope: Envelope, query: SumQuery) -> Envelope:
    return troupe.node(name).reveal(envelope, query, troupe.register, NOW)


def exact(troupe: Troupe, slot: int = 1, **changes: Any) -> SumQuery:
    """The troupe's question as an exact sum."""
    return troupe.query(slot=slot, path=SumPath.EXACT_SUM, **changes)


# --- Ahead of time ---------------------------------------------------------------------------------------------------


def test_swapped_prekeys() -> None:
    """P2. The hub cannot sign for a node, so keys of its own making are refused."""
    register = register_of(3)
    _, honest = make_prekey(make_keys("node-301"), EPOCH, NOW)
    _, made_up = make_prekey(make_keys("hub"), EPOCH, NOW)
    prekey = msgspec.structs.replace(read_prekey(honest, register, NOW), x25519="A" * 43 + "=")
    refused("signer_unknown", lambda: read_prekey(made_up, register, NOW))
    forged = msgspec.structs.replace(sign_document(prekey, PREKEY_TYPE, make_keys("hub")), signatures=honest.signatures)
    refused("signature_invalid", lambda: read_prekey(forged, register, NOW))


def test_swapped_pairing() -> None:
    """P3. A pairing is bound to both prekeys and signed by its sender: neither another's nor an older one will do."""
    register = register_of(3)
    (one, sent), (two, other) = (make_prekey(make_keys(name), EPOCH, NOW) for name in ("node-301", "node-302"))
    below, above = read_prekey(sent, register, NOW), read_prekey(other, register, NOW)
    _, outgoing = pair_up(one, {"node-302": above}, make_keys("node-301"))
    envelope = outgoing["node-302"]
    assert accept_pairing(two, below, envelope, register, NOW)
    renewed, _ = make_prekey(make_keys("node-302"), EPOCH, NOW)
    refused("pairing_mismatch", lambda: accept_pairing(renewed, below, envelope, register, NOW))
    forged = seal_envelope(envelope.body, PAIRING_TYPE, make_keys("hub"))
    refused("signature_invalid", lambda: accept_pairing(two, below, forged, register, NOW))


def test_withheld_parcels() -> None:
    """S2. A node without everyone's parcel could not help to open: it does not contribute at all."""
    troupe = make_troupe(5)
    bundles = {name: troupe.node(name).deal(troupe.roster, 1, troupe.register, NOW) for name in troupe.names}
    for name in troupe.names[:-1]:
        for receiver, delivery in split_bundle(bundles[name]).items():
            troupe.node(receiver).receive_parcels(troupe.roster, troupe.register, NOW)(delivery)
    refused("slot_incomplete", lambda: troupe.contribute(troupe.query(), troupe.names[0], [1, 1, 1]))


# --- Who adds up -----------------------------------------------------------------------------------------------------


def test_invented_members(troupe: Troupe) -> None:
    """S2. Every member of a roster must be an active node of the register, and one operator counts once."""
    names = troupe.names
    for stranger in ("node-999", "hub", "ana@ucl"):
        roster = make_roster(EPOCH, [*names[:-1], stranger])
        refused("roster_unknown", lambda it=roster: check_roster(it, troupe.register, Floors(), NOW))
    puppets = make_register([make_member(name, operator="the-hub-itself", authorities=()) for name in names])
    refused("roster_small", lambda: check_roster(troupe.roster, puppets, Floors(), NOW))
    query = troupe.query(members=(*names, "node-999"))
    refused("roster_mismatch", lambda: troupe.contribute(query, names[0], [1, 1, 1]))


def test_lowered_threshold(troupe: Troupe) -> None:
    """S2. The threshold is the approved one, and no lower than two thirds or the node's own floor."""
    low = msgspec.structs.replace(troupe.roster, threshold=4)
    refused("threshold_low", lambda: check_roster(low, troupe.register, Floors(), NOW))
    refused("threshold_changed", lambda: troupe.contribute(troupe.query(threshold=6), troupe.names[0], [1, 1, 1]))
    query = troupe.query(roster=low)
    refused("threshold_low", lambda: troupe.contribute(query, troupe.names[0], [1, 1, 1]))
    with pytest.raises(ValueError, match="floors are at least"):
        Floors(operators=4)


def test_old_register(troupe: Troupe) -> None:
    """S8. Signatures count under the register as it is now: those of revoked nodes do not."""
    query = troupe.query()
    envelope = bind(whole_roster(query), contribute_all(troupe, query)[:5])
    members = [
        msgspec.structs.replace(member, revoked=member.id == troupe.names[1]) for member in troupe.register.members
    ]
    newer = make_register(members, version=6)
    refused("signer_unknown", lambda: troupe.node(troupe.names[0]).reveal(envelope, query, newer, NOW))
    refused("roster_unknown", lambda: check_roster(troupe.roster, newer, Floors(), NOW))


def test_smaller_roster_retry_beside_the_first(troupe: Troupe) -> None:
    """S2. The same manifest is not answered for fewer nodes, whatever slot they have dealt."""
    query = troupe.query()
    contribute_all(troupe, query)
    fewer = make_roster(EPOCH, troupe.names[:-1])
    troupe.deal(1, fewer)
    beside = SumQuery(troupe.query(roster=fewer, number=2).attempt, fewer, query.facts)
    refused("roster_mismatch", lambda: troupe.contribute(beside, troupe.names[0], [1, 1, 1]))


# --- Attempts and slots ----------------------------------------------------------------------------------------------


def test_attempt_by_nobody(troupe: Troupe) -> None:
    """S1. An attempt is signed by a hub of the register."""
    attempt = troupe.query().attempt
    assert read_attempt(sign_document(attempt, ATTEMPT_TYPE, make_keys("hub")), troupe.register, NOW) == attempt
    by_node = sign_document(attempt, ATTEMPT_TYPE, make_keys(troupe.names[0]))
    refused("signer_unknown", lambda: read_attempt(by_node, troupe.register, NOW))
    refused("signature_invalid", lambda: read_attempt(seal_envelope(by_node.body, ATTEMPT_TYPE), troupe.register, NOW))


def test_slot_for_two_manifests(troupe: Troupe) -> None:
    """S2. A slot serves one manifest in one attempt, ever, and an attempt has one slot."""
    first, name = troupe.query(), troupe.names[0]
    troupe.contribute(first, name, [1, 1, 1])
    other = troupe.query(digest="b" * 64)
    refused("slot_used", lambda: troupe.contribute(other, name, [1, 1, 1]))
    refused("slot_used", lambda: troupe.contribute(troupe.query(slot=2), name, [1, 1, 1]))
    # A node that was stopped between its claim and its vector has used the slot all the same.
    reserved = troupe.names[1]
    troupe.node(reserved).reserve(first, f"{TERM}-0", troupe.register, NOW)
    refused("slot_used", lambda: troupe.contribute(other, reserved, [1, 1, 1]))


def test_two_attempts_at_once(troupe: Troupe) -> None:
    """S2. A second attempt waits for t aborts of the first, or for its end by the node's own clock."""
    first, second, name = troupe.query(), troupe.query(slot=2, number=2), troupe.names[0]
    troupe.contribute(first, name, [1, 1, 1])
    refused("attempt_running", lambda: troupe.contribute(second, name, [1, 1, 1]))
    collector = troupe.collector(first)
    for each in troupe.names[1:5]:
        collector.take_abort(each, troupe.node(each).abort(first, troupe.register, NOW), NOW)
    assert collector.aborts() is None
    collector.take_abort(troupe.names[5], troupe.node(troupe.names[5]).abort(first, troupe.register, NOW), NOW)
    aborts = collector.aborts()
    assert aborts is not None
    too_few = msgspec.structs.replace(aborts, signatures=aborts.signatures[:4])
    refused("quorum_missing", lambda: troupe.contribute(replace(second, aborts=too_few), name, [1, 1, 1]))
    other = replace(troupe.query(slot=2, number=3), aborts=aborts)
    refused("aborts_other", lambda: troupe.contribute(other, name, [1, 1, 1]))
    assert troupe.contribute(replace(second, aborts=aborts), name, [1, 1, 1])
    refused(
        "attempt_over", lambda: troupe.node(name).reveal(bind(whole_roster(first), []), first, troupe.register, NOW)
    )


def test_second_attempt_after_the_first_is_over(troupe: Troupe) -> None:
    """S2. Without aborts the node's own clock decides, and the first attempt is then closed for good."""
    first, second, name = troupe.query(), troupe.query(slot=2, number=2), troupe.names[0]
    consents = contribute_all(troupe, first)
    second = replace(second, attempt=msgspec.structs.replace(second.attempt, expires_at=LATER + timedelta(minutes=5)))
    assert troupe.contribute(second, name, [1, 1, 1], now=LATER)
    envelope = bind(whole_roster(first), consents[:5])
    refused("attempt_over", lambda: reveal(troupe, name, envelope, first))


def test_attempt_that_is_over(troupe: Troupe) -> None:
    """S8. Nothing is revealed or signed after an attempt's end, and no attempt outlives its manifest."""
    query, name = troupe.query(), troupe.names[0]
    envelope = bind(whole_roster(query), contribute_all(troupe, query)[:5])
    node = troupe.node(name)
    refused("expired", lambda: node.reveal(envelope, query, troupe.register, LATER))
    refused("expired", lambda: node.sign_survivors(whole_roster(query), query, troupe.register, LATER))
    long = troupe.query(slot=2, number=2, expires_at=NOW + timedelta(minutes=9))
    refused("valid_too_long", lambda: troupe.contribute(long, name, [1, 1, 1]))


def test_replayed_manifest(troupe: Troupe) -> None:
    """S2. Once revealed, a manifest is over: no later attempt at it is answered."""
    query = troupe.query()
    envelope = bind(whole_roster(query), contribute_all(troupe, query)[:5])
    reveal(troupe, troupe.names[0], envelope, query)
    again = troupe.query(slot=2, number=2)
    refused("revealed", lambda: troupe.contribute(again, troupe.names[0], [1, 1, 1], now=NOW))


def test_altered_protection_or_tolerance(troupe: Troupe) -> None:
    """S8. Every signature and mask is bound to the manifest's digest: consent to one is none to another."""
    query = troupe.query()
    consents = contribute_all(troupe, query)
    altered = troupe.query(digest="b" * 64, dropouts=2)
    refused(
        "not_contributed", lambda: reveal(troupe, troupe.names[0], bind(whole_roster(altered), consents[:5]), altered)
    )
    statement = whole_roster(altered)
    refused("survivors_other", lambda: reveal(troupe, troupe.names[0], bind(statement, consents[:5]), query))
    mixed = replace(query, facts=altered.facts)
    refused("manifest_mismatch", lambda: reveal(troupe, troupe.names[0], bind(statement, consents[:5]), mixed))


# --- Survivors -------------------------------------------------------------------------------------------------------


def test_two_survivor_sets(troupe: Troupe) -> None:
    """S6. One smaller set is signed in an attempt; S8. one set is revealed for a manifest, ever."""
    query, names = troupe.query(), troupe.names
    consents = contribute_all(troupe, query)
    smaller = opening(troupe, query, names[:6], names[:5])
    refused("survivors_twice", lambda: opening(troupe, query, names[:5], names[:1]))
    first = reveal(troupe, names[0], smaller, query)
    assert reveal(troupe, names[0], smaller, query) == first
    refused("revealed", lambda: reveal(troupe, names[0], bind(whole_roster(query), consents[:5]), query))
    refused("revealed", lambda: opening(troupe, query, names[:5], names[:1]))
    assert opening(troupe, query, names[:6], names[:1])


def test_too_few_survivors(troupe: Troupe) -> None:
    """S6. A set is no smaller than the manifest's tolerance and the threshold allow, and never leaves the node out."""
    query, names = troupe.query(dropouts=1), troupe.names
    contribute_all(troupe, query)
    refused("survivors_few", lambda: opening(troupe, query, names[:5], names[:1]))
    refused("survivors_without", lambda: opening(troupe, query, names[:6], names[6:]))
    refused("survivors_unknown", lambda: opening(troupe, query, (*names[:6], "node-999"), names[:1]))
    refused("survivors_unknown", lambda: opening(troupe, query, names[6::-1], names[:1]))


def test_dropped_refusals(troupe: Troupe) -> None:
    """S10. A hub that hides a refusal and claims that everybody answered opens nothing: the masks do not cancel."""
    query, names = troupe.query(cells=1), troupe.names
    consents = contribute_all(troupe, query, names[:6])
    envelope = bind(whole_roster(query), consents[:5])
    collector = troupe.collector(query)
    for name in names[:6]:
        sent = troupe.contribute(query, name, [1])
        collector.take_contribution(name, sent.envelope, sent.masked.data, sent.consent, NOW)
    reveals = [reveal(troupe, name, envelope, query) for name in names[:5]]
    missing = {name: troupe.contribute(query, name, [1]).masked.data for name in names[:6]} | {names[6]: bytes(8)}
    assert int(forced_open(troupe, query, whole_roster(query), missing, reveals)[0]) not in range(2**20)


def test_forged_quorum(troupe: Troupe) -> None:
    """S8. t different survivors must have signed, and every signature must be good."""
    query, names = troupe.query(), troupe.names
    consents = contribute_all(troupe, query)
    whole = whole_roster(query)
    refused("quorum_missing", lambda: reveal(troupe, names[0], bind(whole, consents[:4]), query))
    made_up = [*consents[:4], replace_signature(consents[0], names[4])]
    refused("signature_invalid", lambda: reveal(troupe, names[0], bind(whole, made_up), query))
    by_hub = seal_envelope(encode_document(whole), SURVIVORS_TYPE, *map(make_keys, (*names[:4], "hub")))
    refused("signer_unknown", lambda: reveal(troupe, names[0], by_hub, query))
    twice = msgspec.structs.replace(bind(whole, consents[:4]), signatures=(*consents[:4], consents[0]))
    refused("signer_unknown", lambda: reveal(troupe, names[0], twice, query))
    smaller = bind(name_survivors(query.attempt, query.facts, names[:6]), consents[:5])
    refused("signature_invalid", lambda: reveal(troupe, names[0], smaller, query))


def test_late_input_unmasking(troupe: Troupe) -> None:
    """S8. What a node sends after it was declared dropped stays closed: nobody gives the share that would open it."""
    query, names = troupe.query(), troupe.names
    late = names[6]
    contribute_all(troupe, query)
    envelope = opening(troupe, query, names[:6], names[:5])
    for name in names[:6]:
        reveal(troupe, name, envelope, query)
    kinds = [troupe.stores[name].reveals[query.facts.digest].kinds[late] for name in names[:6]]
    assert set(kinds) == {ShareKind.UNLOCK}
    for name in names[:6]:
        claim = troupe.stores[name].reveals[query.facts.digest]
        other = replace(claim, manifest_digest="b" * 64, kinds=dict.fromkeys(claim.kinds, ShareKind.SEED))
        assert not troupe.stores[name].claim_reveal(other)
    refused("survivors_without", lambda: reveal(troupe, late, envelope, query))


def test_reveal_after_abort_and_abort_after_reveal(troupe: Troupe) -> None:
    """S12. Whoever has aborted never reveals in that attempt, and whoever has revealed never aborts."""
    query, names = troupe.query(), troupe.names
    envelope = bind(whole_roster(query), contribute_all(troupe, query)[:5])
    reveal(troupe, names[0], envelope, query)
    refused("revealed", lambda: troupe.node(names[0]).abort(query, troupe.register, NOW))
    troupe.node(names[1]).abort(query, troupe.register, NOW)
    refused("aborted", lambda: reveal(troupe, names[1], envelope, query))
    refused("aborted", lambda: opening(troupe, query, names[:6], names[1:2]))


def test_contribution_after_an_abort(troupe: Troupe) -> None:
    """S2. Whoever gave its word on an attempt that it had not seen takes no part in it, and does in the next."""
    first, second, name = troupe.query(), troupe.query(slot=2, number=2), troupe.names[0]
    troupe.node(name).abort(first, troupe.register, NOW)
    refused("aborted", lambda: troupe.contribute(first, name, [1, 1, 1]))
    assert troupe.stores[name].find_uses(first.facts.digest) == ()
    assert troupe.contribute(second, name, [1, 1, 1])


# --- Exact sums ------------------------------------------------------------------------------------------------------


def open_exactly(troupe: Troupe, dropped: int = 1) -> tuple[SumQuery, Certificate]:
    """Open a first exact sum over all but the last few; return its certificate."""
    query, survivors = exact(troupe), troupe.names[: len(troupe.names) - dropped]
    contribute_all(troupe, query, survivors)
    envelope = opening(troupe, query, survivors, survivors[: troupe.roster.threshold])
    return query, hold(troupe, query, envelope, survivors)


def hold(troupe: Troupe, query: SumQuery, envelope: Envelope, names: Iterable[str]) -> Certificate:
    """Have these nodes reveal for an opening; return their word that they hold to it."""
    statement = msgspec.json.decode(envelope.body, type=SurvivorSet)
    reveals = [msgspec.json.decode(reveal(troupe, name, envelope, query).body, type=Reveal) for name in names]
    signatures = tuple(each.held for each in reveals if each.held is not None)
    unsigned = seal_envelope(encode_document(statement), HELD_TYPE)
    return Certificate(roster=query.roster, survivors=msgspec.structs.replace(unsigned, signatures=signatures))


def exact_among(troupe: Troupe, names: Iterable[str], certificate: Certificate | None, **changes: Any) -> SumQuery:
    """A later exact question to some nodes, who have dealt a slot for it."""
    roster = make_roster(EPOCH, names)
    if (roster_digest(roster), 3) not in troupe.bundles:
        troupe.deal(3, roster)
    query = exact(troupe, slot=3, roster=roster, digest="c" * 64, **changes)
    return replace(query, certificate=certificate)


def test_roster_families_that_subtract_to_one_authority() -> None:
    """S2. After the first exact sum only its survivors are asked, all of them, whatever certificate is shown."""
    troupe = make_troupe(9)
    troupe.deal(1)
    _, certificate = open_exactly(troupe)
    names = troupe.names
    for fewer in (names[:7], names):
        for shown in (certificate, None):
            query = exact_among(troupe, fewer, shown)
            refused("roster_uncertified", lambda it=query: troupe.contribute(it, names[0], [1, 1, 1]))
    query = exact_among(troupe, names[:8], certificate)
    contribute_all(troupe, query)
    refused("survivors_few", lambda: opening(troupe, query, names[:7], names[:1]))


def test_regions_that_leave_one_to_subtraction() -> None:
    """S2. Regional exact sums are of all survivors in a region, and of none while one region has too few operators."""
    troupe = make_troupe(12)
    troupe.deal(1)
    _, certificate = open_exactly(troupe, dropped=0)
    names = troupe.names
    halves = {name: "north" if place < 6 else "south" for place, name in enumerate(names)}
    north = exact_among(troupe, names[:6], certificate, regions=halves)
    assert troupe.contribute(north, names[0], [1, 1, 1])
    part = exact_among(troupe, names[:5], certificate, regions=halves)
    refused("roster_uncertified", lambda: troupe.contribute(part, names[1], [1, 1, 1]))
    unknown = exact_among(troupe, names[:6], certificate, regions=dict.fromkeys(names[6:], "south"))
    refused("roster_uncertified", lambda: troupe.contribute(unknown, names[1], [1, 1, 1]))
    lopsided = {**halves, **dict.fromkeys(names[6:8], "west"), names[6]: "west"}
    sliver = exact_among(troupe, names[:6], certificate, regions=lopsided)
    refused("region_small", lambda: troupe.contribute(sliver, names[1], [1, 1, 1]))


def test_narrow_first_exact_sum() -> None:
    """S2. A term's first exact sum is over the widest roster, so that no part of it sets the term's survivors."""
    troupe = make_troupe(12)
    query = exact_among(troupe, troupe.names[:7], None)
    refused("roster_narrow", lambda: troupe.contribute(query, troupe.names[0], [1, 1, 1]))


def test_forged_certificate() -> None:
    """S2. A certificate is of the term, by t of its own survivors, and no noisy sum's statement passes for one."""
    troupe = make_troupe(9)
    troupe.deal(1)
    _, certificate = open_exactly(troupe)
    names, stranger = troupe.names, troupe.names[8]
    for code, forged in {
        "certificate_other": certify(troupe, certificate, exact_term=""),
        "certificate_malformed": certify(troupe, certificate, survivors=(*names[:7], "node-999")),
        "threshold_low": certify(troupe, certificate, survivors=names[:5]),
        "quorum_missing": msgspec.structs.replace(
            certificate, survivors=msgspec.structs.replace(certificate.survivors, signatures=())
        ),
    }.items():
        query = exact_among(troupe, names, forged)
        refused(code, lambda it=query: troupe.contribute(it, stranger, [1, 1, 1]))
    clique = make_roster(EPOCH, names[4:])
    few = certify(
        troupe,
        Certificate(roster=clique, survivors=certificate.survivors),
        roster_digest=roster_digest(clique),
        survivors=clique.members,
    )
    refused("roster_narrow", lambda: troupe.contribute(exact_among(troupe, names[4:], few), stranger, [1, 1, 1]))
    low = SumRoster(epoch=EPOCH, members=names, threshold=3)
    loose = certify(troupe, Certificate(roster=low, survivors=certificate.survivors), roster_digest=roster_digest(low))
    refused("threshold_low", lambda: troupe.contribute(exact_among(troupe, names, loose), stranger, [1, 1, 1]))
    other_term = replace(exact_among(troupe, names[:8], certificate), facts=exact_among(troupe, names[:8], None).facts)
    other_term = replace(other_term, facts=replace(other_term.facts, snapshot_term="202526-autumn"))
    refused("certificate_other", lambda: troupe.contribute(other_term, names[0], [1, 1, 1]))


def test_another_certificate_beside_the_first() -> None:
    """S2. A node holds to what it revealed for, though t signatures stand under another set."""
    troupe = make_troupe(9)
    troupe.deal(1)
    first, _ = open_exactly(troupe)
    everyone = seal_envelope(encode_document(whole_roster(first)), HELD_TYPE, *map(make_keys, troupe.names[:6]))
    query = exact_among(troupe, troupe.names, Certificate(roster=troupe.roster, survivors=everyone))
    refused("certificate_other", lambda: troupe.contribute(query, troupe.names[0], [1, 1, 1]))


@pytest.mark.parametrize("shown", ["consents", "signatures on a smaller set", "of an attempt that was aborted"])
def test_certificate_of_a_set_that_was_not_opened(shown: str) -> None:
    """S2. What t nodes signed before anything was revealed certifies nothing: there can be two such sets of a term.

    England is opened without one node by those outside its region, who are held to that; then its region is asked with
    the consents of everybody for a certificate. England less the other regions is the region less that node.
    """
    troupe = make_troupe(9)
    troupe.deal(1)
    query, names = exact(troupe), troupe.names
    consents = contribute_all(troupe, query)
    if shown == "consents":
        statement, signatures = whole_roster(query), consents
    elif shown == "signatures on a smaller set":
        smaller = opening(troupe, query, names[1:], names[1:])
        statement, signatures = name_survivors(query.attempt, query.facts, names[1:]), list(smaller.signatures)
    else:
        for name in names:
            troupe.node(name).abort(query, troupe.register, NOW)
        statement, signatures = whole_roster(query), consents
    kinds = [bind(statement, signatures)]
    kinds.append(msgspec.structs.replace(kinds[0], payload_type=HELD_TYPE))
    for envelope, code in zip(kinds, ("malformed", "quorum_missing"), strict=True):
        later = exact_among(troupe, statement.survivors, Certificate(roster=troupe.roster, survivors=envelope))
        refused(code, lambda it=later: troupe.contribute(it, names[1], [1, 1, 1]))


def test_certificate_of_a_region() -> None:
    """S9. Whoever reveals for a region's sum holds to the whole set still, and signs nothing of the region alone."""
    troupe = make_troupe(12)
    troupe.deal(1)
    query, names = exact(troupe), troupe.names
    whole = bind(whole_roster(query), contribute_all(troupe, query))
    certificate = hold(troupe, query, whole, names)
    assert certificate.survivors.signers == names
    halves = {name: "north" if place < 6 else "south" for place, name in enumerate(names)}
    north = exact_among(troupe, names[:6], certificate, regions=halves)
    consents = contribute_all(troupe, north)
    assert hold(troupe, north, bind(whole_roster(north), consents), names[:6]).survivors.signers == ()


def test_two_snapshots_of_one_term() -> None:
    """S2. Exact sums of a term go on from one snapshot: two would tell what one authority corrected."""
    troupe = make_troupe(9)
    troupe.deal(1)
    _, certificate = open_exactly(troupe)
    query = exact_among(troupe, troupe.names[:8], certificate)
    node = troupe.node(troupe.names[0])
    refused("snapshot_changed", lambda: node.reserve(query, f"{TERM}-1", troupe.register, NOW))


def test_lock_lifted_by_aborts_of_another_sum() -> None:
    """S12. A term's survivors change only if the attempt that fixed them is aborted by t, and nothing else revealed."""
    troupe = make_troupe(9)
    troupe.deal(1)
    query, names = exact(troupe), troupe.names
    contribute_all(troupe, query)
    envelope = opening(troupe, query, names[:8], names[:6])
    reveal(troupe, names[0], envelope, query)
    collector, node = troupe.collector(query), troupe.node(names[0])
    for name in names[1:7]:
        collector.take_abort(name, troupe.node(name).abort(query, troupe.register, NOW), NOW)
    aborts = collector.aborts()
    assert aborts is not None
    lock = troupe.stores[names[0]].locks[TERM]
    refused(
        "aborts_other",
        lambda: node.release_exact_lock(TERM, aborts, make_roster(EPOCH, names[:7]), troupe.register, NOW),
    )
    certified = exact_among(troupe, names[:8], None)
    consents = contribute_all(troupe, certified)
    firm = bind(whole_roster(certified), consents[:6])
    other = troupe.stores[names[0]].copy()
    node.release_exact_lock(TERM, aborts, troupe.roster, troupe.register, NOW)
    assert TERM not in troupe.stores[names[0]].locks
    troupe.stores[names[0]] = other
    reveal(troupe, names[0], firm, certified)
    assert replace(lock, firm=True) == other.locks[TERM]
    node = troupe.node(names[0])
    refused("lock_firm", lambda: node.release_exact_lock(TERM, aborts, troupe.roster, troupe.register, NOW))


# --- By hand ---------------------------------------------------------------------------------------------------------


def replace_signature(signature: Signature, name: str) -> Signature:
    """One node's signature under another's name."""
    return msgspec.structs.replace(signature, keyid=name)


def certify(troupe: Troupe, certificate: Certificate, **changes: object) -> Certificate:
    """A certificate with a statement altered and signed afresh by those it names."""
    statement = msgspec.json.decode(certificate.survivors.body, type=SurvivorSet)
    altered = msgspec.structs.replace(statement, **changes)
    signers = [name for name in altered.survivors if name in troupe.names][: troupe.roster.threshold]
    return msgspec.structs.replace(
        certificate, survivors=seal_envelope(encode_document(altered), HELD_TYPE, *map(make_keys, signers))
    )


def forced_open(
    troupe: Troupe, query: SumQuery, statement: SurvivorSet, vectors: dict[str, bytes], reveals: list[Envelope]
) -> list[int]:
    """What a hub without scruples gets out of what it has."""
    bundles = troupe.bundles[query.attempt.roster_digest, query.attempt.slot]
    read = [msgspec.json.decode(each.body, type=Reveal) for each in reveals]
    shares = {each.node: read_shares(each, query.roster, statement, bundles) for each in read}
    return [int(value) for value in open_sum(query.roster, statement, vectors, bundles, shares)]
