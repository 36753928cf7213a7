"""The parts of a secure sum by themselves: known answers, properties, and that nothing secret shows itself."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from disclosure_control.cell_key import record_keys
from federation.envelope import MAX_SIGNATURES, STATEMENTS, EnvelopeError, add_signature, read_envelope, seal_envelope
from federation.secure_sum.dealing import SlotKey, deal_slot
from federation.secure_sum.digests import commit_to, derive_key, expand_key, extract_key, write_context
from federation.secure_sum.epochs import epoch_end, epoch_start, name_epoch
from federation.secure_sum.errors import SumFailed, SumRefused
from federation.secure_sum.facts import name_abort
from federation.secure_sum.masking import KeyStream, MaskedTable, mask_vector, restore_masked
from federation.secure_sum.messages import ABORT_TYPE, HELD_TYPE, LARGEST_ROSTER, SURVIVORS_TYPE
from federation.secure_sum.pairing import derive_slot_keys, pair_up
from federation.secure_sum.prekeys import load_public_keys, make_prekey, read_prekey
from federation.secure_sum.rosters import Floors, check_epoch, check_roster, make_roster, roster_digest
from federation.secure_sum.sealed import BoxClosed, open_box, seal_box
from federation.secure_sum.shamir import PRIME, join_shares, lagrange_coefficients, split_secret
from federation.secure_sum.vectors import VectorMalformed, pack_vector, read_vector, signed_values, write_vector
from federation.wire import encode_document
from tests.federation.cast import NOW, make_keys
from tests.federation.secure_sum.troupe import DIGEST, EPOCH, make_troupe, node_names, register_of

PAIRED = make_troupe(5)
SECRETS = st.binary(min_size=32, max_size=32)

# --- Shamir ----------------------------------------------------------------------------------------------------------


def test_the_prime_is_the_smallest_above_2_to_the_256() -> None:
    """Every 32 bytes are a secret, and nothing smaller would do: each number between has a small divisor or fails."""
    assert all(pow(base, PRIME - 1, PRIME) == 1 for base in (2, 3, 5, 7, 11, 13, 17, 19, 23))
    between = range(2**256, PRIME)
    assert all(number % 2 == 0 or pow(3, number - 1, number) != 1 for number in between)


def test_shares_of_a_known_polynomial() -> None:
    """f(x) = 5 + 7x + 11x² at 1 to 4, and the textbook's coefficients for the places 1, 2, 3."""
    coefficients = iter([7, 11])
    shares = split_secret((5).to_bytes(32, "big"), 3, 4, draw=lambda _below: next(coefficients))
    assert shares == [23, 63, 125, 209]
    assert lagrange_coefficients([1, 2, 3]) == {1: 3, 2: PRIME - 3, 3: 1}
    assert join_shares({1: 23, 2: 63, 3: 125}, lagrange_coefficients([1, 2, 3])) == 5


@given(secret=SECRETS, data=st.data(), count=st.integers(1, 12))
def test_any_t_shares_give_the_secret_and_fewer_fit_every_other(secret: bytes, data: st.DataObject, count: int) -> None:
    threshold = data.draw(st.integers(1, count))
    shares = dict(enumerate(split_secret(secret, threshold, count), start=1))
    chosen = data.draw(st.permutations(range(1, count + 1)))[:threshold]
    assert join_shares(shares, lagrange_coefficients(chosen)) == int.from_bytes(secret, "big")
    # With one share fewer, every secret is as possible as any other: some last share would give it.
    other = data.draw(st.integers(0, PRIME - 1))
    last, coefficients = chosen[-1], lagrange_coefficients(chosen)
    known = sum(coefficients[place] * shares[place] for place in chosen[:-1])
    fitting = (other - known) * pow(coefficients[last], -1, PRIME) % PRIME
    assert join_shares({**shares, last: fitting}, coefficients) == other


@pytest.mark.parametrize(("length", "threshold", "count"), [(31, 2, 3), (33, 2, 3), (32, 0, 3), (32, 4, 3)])
def test_a_sharing_that_makes_no_sense(length: int, threshold: int, count: int) -> None:
    with pytest.raises(ValueError, match="a secret is 32 bytes"):
        split_secret(bytes(length), threshold, count)


# --- Keys and hashes -------------------------------------------------------------------------------------------------


@given(secret=st.binary(min_size=1, max_size=80), label=st.text("abc/1", min_size=1), slot=st.integers(0, 2**31))
def test_keys_are_those_of_hkdf(secret: bytes, label: str, slot: int) -> None:
    """RFC 5869, held against another implementation."""
    info = write_context(label, slot)
    assert derive_key(secret, label, slot) == HKDF(SHA256(), 32, None, info).derive(secret)
    assert expand_key(extract_key(secret), label, slot) == derive_key(secret, label, slot)


def test_no_two_contexts_write_the_same_bytes() -> None:
    with pytest.raises(ValueError, match="one word"):
        write_context("label", "two\nparts")
    assert write_context("a", "b", 1) != write_context("a", "b1")
    assert commit_to(b"secret", "one") != commit_to(b"secret", "other")


def test_every_purpose_has_a_label_of_its_own() -> None:
    """Labels are written once each, so that no key or hash made for one thing serves for another."""
    room = Path(__file__).parents[3] / "federation" / "secure_sum"
    found = [label for path in room.glob("*.py") for label in re.findall(r'"(circe/[^"]+)"', path.read_text())]
    labels = {label for label in found if "{" not in label}
    assert labels == {
        "circe/pair-root/1",
        "circe/slot-key/1",
        "circe/parcel/1",
        "circe/slot-list/1",
        "circe/self-mask/1",
        "circe/mask/1",
    }


def test_boxes_open_in_their_own_place_alone() -> None:
    box = seal_box(bytes(32), b"content", b"here")
    assert open_box(bytes(32), box, b"here") == b"content"
    assert seal_box(bytes(32), b"content", b"here") != box
    for key, content, place in ((b"\1" * 32, box, b"here"), (bytes(32), box, b"there"), (bytes(32), box[:5], b"here")):
        with pytest.raises(BoxClosed):
            open_box(key, content, place)


# --- Vectors and masks -----------------------------------------------------------------------------------------------


def test_the_key_stream_is_that_of_aes_256() -> None:
    """AES-256 of sixteen zero bytes under a zero key, as FIPS 197's implementations all have it."""
    vector = pack_vector([0, 0])
    KeyStream(2).add(vector, bytes(32))
    assert write_vector(vector).hex() == "dc95c078a2408989ad48a21492842087"


@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1, max_size=20))
def test_vectors_keep_their_numbers(values: list[int]) -> None:
    vector = pack_vector(values)
    assert [int(value) for value in vector] == [value % 2**64 for value in values]
    again = read_vector(write_vector(vector), len(values))
    assert [value % 2**64 for value in signed_values(again)] == [value % 2**64 for value in values]


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, 1.5, True, "1"], ids=str)
def test_what_is_no_word_is_no_part_of_a_vector(value: object) -> None:
    with pytest.raises(VectorMalformed) as refused:
        pack_vector([value])  # type: ignore[list-item]
    assert str(value) not in str(refused.value)


@pytest.mark.parametrize(("length", "cells"), [(0, 0), (7, 1), (16, 1), (8, 2)])
def test_bytes_of_the_wrong_length_are_no_vector(length: int, cells: int) -> None:
    with pytest.raises(VectorMalformed):
        read_vector(bytes(length), cells)


@given(values=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), attempt=st.integers(1, 9))
def test_masks_differ_by_manifest_attempt_and_slot(values: list[int], attempt: int) -> None:
    """S3. No key stream is ever used for two vectors."""
    troupe = PAIRED
    roots = troupe.stores["node-301"].find_roots(EPOCH)
    own, other = (deal_slot(make_keys("node-301"), troupe.roster, slot, roots).own for slot in (8, 9))
    seen = {
        mask_vector(values, slot, digest, number).data
        for slot in (own, other)
        for digest in (DIGEST, "b" * 64)
        for number in (attempt, attempt + 1)
    }
    assert len(seen) == 8
    assert own.slot_keys != other.slot_keys


def test_only_masking_makes_a_masked_table() -> None:
    with pytest.raises(TypeError, match="mask_vector"):
        MaskedTable(object(), b"")
    with pytest.raises(ValueError, match="not the bytes"):
        restore_masked(b"12345678", hashlib.sha256(b"other").hexdigest())
    with pytest.raises(TypeError, match="travels"):
        restore_masked(b"", hashlib.sha256(b"").hexdigest()).__reduce_ex__(4)


@given(
    keys=st.lists(st.lists(st.integers(0, 2**40), min_size=3, max_size=3), min_size=2, max_size=9),
    key_range=st.sampled_from([256, 4096]),
)
def test_record_keys_open_as_their_sum_alone(keys: list[list[int]], key_range: int) -> None:
    """Nothing but the sum modulo the range is left in the word, so there is nothing else that could be opened."""
    total = pack_vector([0, 0, 0])
    for node in keys:
        total += pack_vector(record_keys.scale_record_keys(node, key_range))
    assert record_keys.read_record_keys(signed_values(total), key_range) == [
        sum(column) % key_range for column in zip(*keys, strict=True)
    ]
    assert all(int(word) % (2**64 // key_range) == 0 for word in total)


def test_a_negative_record_key_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not negative"):
        record_keys.scale_record_keys([-1], 256)


# --- Epochs and rosters ----------------------------------------------------------------------------------------------


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_every_moment_falls_in_its_epoch(moment: datetime) -> None:
    epoch = name_epoch(moment)
    assert epoch_start(epoch) <= moment < epoch_end(epoch) - timedelta(days=1)
    check_epoch(epoch, moment)


@pytest.mark.parametrize(
    ("epoch", "code"), [("2026-w53", "epoch_over"), ("2027-w53", "epoch_unknown"), ("2026-w01", "epoch_over")]
)
def test_an_epoch_that_is_not_now(epoch: str, code: str) -> None:
    with pytest.raises(SumRefused) as refused:
        check_epoch(epoch, NOW)
    assert refused.value.code == code


def test_rosters_are_in_order_of_bounded_size_and_open_at_two_thirds() -> None:
    register = register_of(7)
    for count, threshold in ((5, 4), (6, 4), (7, 5), (153, 102), (400, 267)):
        assert make_roster(EPOCH, node_names(count)).threshold == threshold
    roster = make_roster(EPOCH, reversed(node_names(7)))
    assert roster.members == node_names(7)
    check_roster(roster, register, Floors(), NOW)
    malformed: dict[str, dict[str, Any]] = {
        "roster_malformed": {"members": roster.members[::-1]},
        "roster_large": {"members": node_names(LARGEST_ROSTER + 1)},
        "threshold_low": {"threshold": 8},
    }
    for code, changes in malformed.items():
        with pytest.raises(SumRefused) as refused:
            check_roster(msgspec.structs.replace(roster, **changes), register, Floors(), NOW)
        assert refused.value.code == code
    with pytest.raises(SumRefused) as refused:
        check_roster(roster, register, Floors(operators=8), NOW)
    assert refused.value.code == "roster_small"
    with pytest.raises(SumRefused) as refused:
        check_roster(roster, register, Floors(threshold_share=Fraction(9, 10)), NOW)
    assert refused.value.code == "threshold_low"


# --- Prekeys ---------------------------------------------------------------------------------------------------------


def test_a_prekey_outside_its_week_or_for_longer() -> None:
    """P1. A prekey is good from when it was made to the end of its epoch, and no node makes it good for longer."""
    register = register_of(3)
    secret, envelope = make_prekey(make_keys("node-301"), EPOCH, NOW)
    assert read_prekey(envelope, register, NOW) == secret.prekey
    for changes in (
        {"valid_from": NOW + timedelta(hours=1)},
        {"valid_to": NOW},
        {"valid_to": epoch_end(EPOCH) + timedelta(seconds=1)},
    ):
        altered = encode_document(msgspec.structs.replace(secret.prekey, **changes))
        signed = seal_envelope(altered, envelope.payload_type, make_keys("node-301"))
        with pytest.raises(SumRefused) as refused:
            read_prekey(signed, register, NOW)
        assert refused.value.code == "prekey_over"
    with pytest.raises(SumRefused):
        read_prekey(envelope, register, epoch_end(EPOCH))


def test_keys_that_are_none() -> None:
    """A low-order point, with which anybody could work out the classical secret, and bytes of the wrong length."""
    own, _ = make_prekey(make_keys("node-301"), EPOCH, NOW)
    peer, _ = make_prekey(make_keys("node-302"), EPOCH, NOW)
    low = msgspec.structs.replace(peer.prekey, x25519="A" * 43 + "=")
    with pytest.raises(SumRefused, match="not a usable public key"):
        pair_up(own, {"node-302": low}, make_keys("node-301"))
    with pytest.raises(SumRefused, match="expected 32 bytes"):
        load_public_keys(msgspec.structs.replace(peer.prekey, x25519="AAAA"))
    with pytest.raises(SumRefused, match="expected 1184 bytes"):
        load_public_keys(msgspec.structs.replace(peer.prekey, ml_kem_768="AAAA"))
    with pytest.raises(SumRefused, match="not a public key"):
        load_public_keys(msgspec.structs.replace(peer.prekey, ml_kem_768=b64encode(b"\xff" * 1184).decode()))
    with pytest.raises(SumRefused, match="two epochs"):
        pair_up(own, {"node-302": msgspec.structs.replace(peer.prekey, epoch="2026-w11")}, make_keys("node-301"))


def test_a_slot_needs_every_pair() -> None:
    with pytest.raises(SumRefused, match="not paired with node-302"):
        derive_slot_keys({}, make_roster(EPOCH, node_names(5)), 1, "node-301")


# --- Nothing shows, and what is over is gone -------------------------------------------------------------------------


def test_nothing_secret_shows_itself() -> None:
    """Neither keys, seeds, shares nor vectors stand in any repr."""
    troupe = make_troupe(5)
    troupe.deal(1)
    store, where = troupe.stores["node-301"], SlotKey(roster_digest(troupe.roster), 1)
    own = store.own_slots[where][1]
    parcel = store.parcels[where, "node-302"][1]
    dealt_slot = deal_slot(make_keys("node-301"), troupe.roster, 2, store.find_roots(EPOCH))
    sent = troupe.contribute(troupe.query(), "node-301", [424242, 1, 1])
    kept = store.contributions[DIGEST, 1]
    shown = " ".join(map(repr, (store.prekeys[EPOCH], own, parcel, dealt_slot, sent, kept, sent.masked)))
    for secret in (own.seed, *own.slot_keys.values(), parcel.seed_share, store.prekeys[EPOCH].x25519_seed):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
    assert "424242" not in shown
    assert repr(sent.masked.data)[2:20] not in shown


def test_a_used_slot_keeps_no_secret_and_an_epoch_over_keeps_nothing() -> None:
    """After trip 1 the node itself could not unmask what it sent; after the epoch nobody can."""
    troupe = make_troupe(5)
    troupe.deal(1)
    troupe.deal(2)
    store = troupe.stores["node-301"]
    troupe.contribute(troupe.query(), "node-301", [1, 1, 1])
    assert [where.slot for where in store.own_slots] == [2]
    records = (store.uses, store.reveals, store.aborted)
    store.erase_epoch(EPOCH)
    left = (store.prekeys, store.roots, store.own_slots, store.bundles, store.parcels)
    assert not any(left)
    assert [kept.masked for kept in store.contributions.values()] == [b""]
    assert (store.uses, store.reveals, store.aborted) == records
    assert store.uses


def test_two_threads_never_send_two_vectors_under_one_mask() -> None:
    """S4. The vector recorded first is the one that both of them send."""
    troupe = make_troupe(5)
    troupe.deal(1)
    query, store = troupe.query(), troupe.stores["node-301"]
    first = troupe.contribute(query, "node-301", [1, 1, 1])
    again = troupe.contribute(query, "node-301", [2, 2, 2])
    assert again == first
    store.record_contribution(replace(store.contributions[DIGEST, 1], masked=b"other"))
    assert troupe.contribute(query, "node-301", [3, 3, 3]) == first


def test_the_same_slot_is_dealt_once() -> None:
    troupe = make_troupe(5)
    node = troupe.node("node-301")
    assert node.deal(troupe.roster, 1, troupe.register, NOW) == node.deal(troupe.roster, 1, troupe.register, NOW)


def test_a_node_outside_the_roster_has_no_part_in_it() -> None:
    troupe = make_troupe(6)
    roster = make_roster(EPOCH, troupe.names[:5])
    for act in (
        lambda node: node.deal(roster, 1, troupe.register, NOW),
        lambda node: node.abort(troupe.query(roster=roster), troupe.register, NOW),
    ):
        refusing: Callable[..., object] = act
        with pytest.raises(SumRefused) as refused:
            refusing(troupe.node("node-306"))
        assert refused.value.code == "roster_without"


def test_values_must_be_as_many_as_the_plan_says() -> None:
    troupe = make_troupe(5)
    troupe.deal(1)
    with pytest.raises(SumRefused) as refused:
        troupe.contribute(troupe.query(), "node-301", [1])
    assert refused.value.code == "cells_mismatch"
    with pytest.raises(SumRefused, match="64 bits"):
        troupe.contribute(troupe.query(), "node-301", [1, 2**65, 1])


# --- Many signatures on one statement --------------------------------------------------------------------------------


def test_statements_hold_a_signature_of_every_node() -> None:
    """The longest rosters fit in one envelope, and no other document may have so many signatures."""
    assert dict.fromkeys((SURVIVORS_TYPE, HELD_TYPE, ABORT_TYPE), LARGEST_ROSTER) == STATEMENTS
    body = encode_document(name_abort(PAIRED.query().attempt))
    envelope = seal_envelope(body, ABORT_TYPE, *map(make_keys, node_names(20)))
    assert len(envelope.signatures) == 20
    assert read_envelope(msgspec.json.encode(envelope), ABORT_TYPE) == envelope
    other = "application/vnd.circe.sum-attempt+json"
    crowded = msgspec.structs.replace(envelope, payload_type=other)
    with pytest.raises(EnvelopeError):
        read_envelope(msgspec.json.encode(crowded), other)
    few = msgspec.structs.replace(crowded, signatures=crowded.signatures[:MAX_SIGNATURES])
    with pytest.raises(EnvelopeError):
        add_signature(few, envelope.signatures[-1])


def test_reasons_travel_with_their_names() -> None:
    failed = SumFailed("late", "node-301 was late", ("node-301",))
    assert (failed.code, failed.text, failed.culprits, str(failed)) == (
        "late",
        "node-301 was late",
        ("node-301",),
        "node-301 was late",
    )
