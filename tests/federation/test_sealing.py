"""A sealed page opens for its receiver, in its one place in a conversation, and tells nobody else how much is in it."""

import hashlib
import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.keys import MemberKeys
from federation.sealing import (
    MOST_PAGES,
    PAGE_BYTES,
    PUBLIC_KEY_BYTES,
    SEALED_BYTES,
    Direction,
    SealContext,
    SealedRecords,
    SealError,
    check_sealing_key,
    open_records,
    seal_records,
)
from tests.federation.cast import flip_bit, make_keys

FEW = settings(max_examples=50, derandomize=True, deadline=None)
ASKER, ANSWERER = make_keys("node-203"), make_keys("node-301")
ROOM = PAGE_BYTES - 36
UPN = b"A123456789012"
CONTEXT = SealContext("L-" + "0" * 32, "node-203", "node-301", Direction.REQUEST)
SEALED = seal_records(UPN, CONTEXT, ANSWERER.public_sealing_key)

KEM_BYTES = 1088
POINT_BYTES = 32
WHERE = {
    "the first bit": 0,
    "in the ML-KEM ciphertext": KEM_BYTES * 4,
    "the first bit of the X25519 share": KEM_BYTES * 8,
    "the last bit of the X25519 share, which the curve ignores": (KEM_BYTES + POINT_BYTES) * 8 - 1,
    "in the length": (KEM_BYTES + POINT_BYTES) * 8 + 7,
    "in the content": (KEM_BYTES + POINT_BYTES + 10) * 8,
    "in the padding": (SEALED_BYTES - 1000) * 8,
    "the last bit": SEALED_BYTES * 8 - 1,
}


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.binary(max_size=500) | st.integers(0, ROOM).map(lambda size: b"\0" * size))
def test_what_is_sealed_opens_for_its_receiver(content: bytes) -> None:
    """Zeros at the end too, though the padding is zeros."""
    sealed = seal_records(content, CONTEXT, ANSWERER.public_sealing_key)
    assert open_records(sealed, CONTEXT, ANSWERER) == content


@pytest.mark.parametrize("size", [0, 1, 1000, ROOM - 1, ROOM])
def test_every_page_is_of_one_size(size: int) -> None:
    sealed = seal_records(os.urandom(size), CONTEXT, ANSWERER.public_sealing_key)
    assert len(sealed.data) == SEALED_BYTES == 65536 + 1088 + 32 + 16


def test_a_page_is_never_the_same_twice() -> None:
    """Each has a fresh key of its own, so equal answers do not look alike, and no nonce serves twice."""
    pages = {seal_records(UPN, CONTEXT, ANSWERER.public_sealing_key).data for _ in range(20)}
    assert len({page[:KEM_BYTES] for page in pages}) == 20
    assert len({page[KEM_BYTES : KEM_BYTES + POINT_BYTES] for page in pages}) == 20
    assert len({page[-16:] for page in pages}) == 20


def test_content_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SealError, match=f"{ROOM + 1} bytes do not fit in 1 pages, which hold {ROOM}"):
        seal_records(b"\0" * (ROOM + 1), CONTEXT, ANSWERER.public_sealing_key)


# --- Pages that do not open ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit", WHERE.values(), ids=WHERE)
def test_a_page_with_a_bit_flipped_does_not_open(bit: int) -> None:
    with pytest.raises(SealError, match="does not open here"):
        open_records(SealedRecords(flip_bit(SEALED.data, bit)), CONTEXT, ANSWERER)


@FEW
@given(st.integers(0, SEALED_BYTES * 8 - 1))
def test_a_page_with_any_bit_flipped_does_not_open(bit: int) -> None:
    with pytest.raises(SealError, match="does not open here"):
        open_records(SealedRecords(flip_bit(SEALED.data, bit)), CONTEXT, ANSWERER)


@pytest.mark.parametrize("place", [0, KEM_BYTES], ids=["no KEM ciphertext", "a share of low order"])
def test_a_page_made_of_nothing_does_not_open(place: int) -> None:
    page = bytearray(SEALED.data)
    page[place : place + POINT_BYTES] = bytes(POINT_BYTES)
    with pytest.raises(SealError, match="does not open here"):
        open_records(SealedRecords(bytes(page)), CONTEXT, ANSWERER)


OTHER_PLACES = {
    "another lookup": replace(CONTEXT, lookup_id="L-" + "0" * 31 + "1"),
    "another sender": replace(CONTEXT, sender="node-317"),
    "another receiver": replace(CONTEXT, receiver="node-317"),
    "sender and receiver exchanged": replace(CONTEXT, sender="node-301", receiver="node-203"),
    "the other direction": replace(CONTEXT, direction=Direction.ANSWER),
    "a name that begins alike": replace(CONTEXT, sender="node-2033"),
}


@pytest.mark.parametrize("place", OTHER_PLACES.values(), ids=OTHER_PLACES)
def test_a_page_moved_to_another_place_does_not_open(place: SealContext) -> None:
    with pytest.raises(SealError, match="does not open here"):
        open_records(SEALED, place, ANSWERER)


@pytest.mark.parametrize(
    "keys",
    [
        ASKER,
        make_keys("hub"),
        replace(ANSWERER, sealing_seed=ANSWERER.sealing_seed[:64] + ASKER.sealing_seed[64:]),
        replace(ANSWERER, sealing_seed=ASKER.sealing_seed[:64] + ANSWERER.sealing_seed[64:]),
    ],
    ids=["the sender's own key", "the hub's", "half a key, the post-quantum one", "half a key, the classical one"],
)
def test_a_page_opens_with_no_other_key(keys: MemberKeys) -> None:
    """Whoever breaks one of the two key exchanges, and not the other, has nothing."""
    with pytest.raises(SealError, match="does not open here"):
        open_records(SEALED, CONTEXT, keys)


@pytest.mark.parametrize("size", [0, 1, SEALED_BYTES - 1, SEALED_BYTES + 1, (MOST_PAGES + 1) * SEALED_BYTES])
def test_a_page_of_another_size_is_none(size: int) -> None:
    with pytest.raises(SealError, match=f"{SEALED_BYTES} bytes long each, 1 to {MOST_PAGES}"):
        SealedRecords(bytes(size))


DIGEST = hashlib.sha256(b"x").digest()
MALFORMED = {
    "longer than the page": (DIGEST + (ROOM + 1).to_bytes(4, "big") + bytes(ROOM), "not padded"),
    "much longer": (DIGEST + b"\xff" * 4 + bytes(ROOM), "not padded"),
    "with something in its padding": (DIGEST + (1).to_bytes(4, "big") + b"x" + bytes(ROOM - 2) + b"y", "not padded"),
    "with the digest of another content": (DIGEST + (1).to_bytes(4, "big") + b"y" + bytes(ROOM - 1), "not those of"),
    "with content that its length leaves out": (DIGEST + (0).to_bytes(4, "big") + b"x" + bytes(ROOM - 1), "not padded"),
}


@pytest.mark.parametrize(("page", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_page_padded_in_another_way_is_refused(page: bytes, reason: str) -> None:
    """Its own sender made it so: padding is one more place where a message must have one encoding."""
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    by_hand = suite.encrypt(page, ANSWERER.sealing_key.public_key(), info=CONTEXT.info(1, 1))
    with pytest.raises(SealError, match=reason):
        open_records(SealedRecords(by_hand), CONTEXT, ANSWERER)


# --- Several pages ---------------------------------------------------------------------------------------------------

LONG, OTHER = os.urandom(2 * ROOM + 7), os.urandom(2 * ROOM + 7)
THREE = seal_records(LONG, CONTEXT, ANSWERER.public_sealing_key, 3)
AGAIN = seal_records(LONG, CONTEXT, ANSWERER.public_sealing_key, 3)
THREE_OTHERS = seal_records(OTHER, CONTEXT, ANSWERER.public_sealing_key, 3)
A, B, C = THREE.pages


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(1, 4), st.data())
def test_a_message_fills_as_many_pages_as_it_is_given(pages: int, data: st.DataObject) -> None:
    """However short it is, and up to the last byte; and it opens whole."""
    size = data.draw(st.sampled_from([0, 1, ROOM - 1, ROOM, pages * ROOM - 1, pages * ROOM]) | st.integers(0, ROOM))
    content = os.urandom(min(size, pages * ROOM))
    sealed = seal_records(content, CONTEXT, ANSWERER.public_sealing_key, pages)
    assert len(sealed.data) == pages * SEALED_BYTES
    assert b"".join(sealed.pages) == sealed.data
    assert open_records(sealed, CONTEXT, ANSWERER) == content


@pytest.mark.parametrize("pages", [0, -1, MOST_PAGES + 1])
def test_a_message_has_some_pages_and_not_too_many(pages: int) -> None:
    with pytest.raises(SealError, match=f"1 to {MOST_PAGES} pages, not {pages}"):
        seal_records(UPN, CONTEXT, ANSWERER.public_sealing_key, pages)


DISORDERS: dict[str, list[bytes]] = {
    "the last is missing": [A, B],
    "the first is missing": [B, C],
    "one alone": [A],
    "one is there twice, instead of another": [A, A, C],
    "one is there twice, beside all": [A, B, C, C],
    "two are exchanged": [B, A, C],
    "all are reversed": [C, B, A],
    "one of another message from the same place": [A, B, THREE_OTHERS.pages[2]],
    "one of a shorter message": [seal_records(UPN, CONTEXT, ANSWERER.public_sealing_key).data, B, C],
    "one of another lookup": [
        A,
        B,
        seal_records(LONG, replace(CONTEXT, lookup_id="L-" + "1" * 32), ANSWERER.public_sealing_key, 3).pages[2],
    ],
    "one sealed for another": [A, B, seal_records(LONG, CONTEXT, ASKER.public_sealing_key, 3).pages[2]],
}


@pytest.mark.parametrize("pages", DISORDERS.values(), ids=DISORDERS)
def test_pages_that_are_not_one_message_do_not_open(pages: list[bytes]) -> None:
    """Missing, repeated, out of order or mixed: nothing of it is read, not even the pages that are right."""
    with pytest.raises(SealError, match=r"does not open here|not those of one message"):
        open_records(SealedRecords(b"".join(pages)), CONTEXT, ANSWERER)


@FEW
@given(st.lists(st.sampled_from([*THREE.pages, *THREE_OTHERS.pages]), min_size=1, max_size=5))
def test_only_the_whole_message_in_its_order_opens(pages: list[bytes]) -> None:
    if tuple(pages) in (THREE.pages, THREE_OTHERS.pages):
        return
    with pytest.raises(SealError):
        open_records(SealedRecords(b"".join(pages)), CONTEXT, ANSWERER)


def test_the_same_message_sealed_twice_has_pages_that_serve_each_other() -> None:
    """They say the same, in the same place: nobody learns or loses anything by that."""
    mixed = SealedRecords(A + AGAIN.pages[1] + C)
    assert open_records(mixed, CONTEXT, ANSWERER) == LONG


def test_the_place_of_a_page_among_the_others_is_in_its_info() -> None:
    assert {CONTEXT.info(1, 2), CONTEXT.info(2, 2), CONTEXT.info(1, 3), CONTEXT.info(12, 3)} == {
        CONTEXT.info(1, 1)[: -len("1/1")] + place for place in (b"1/2", b"2/2", b"1/3", b"12/3")
    }


# --- Keys and places that are none -----------------------------------------------------------------------------------

LATTICE, POINT = ANSWERER.public_sealing_key[:1184], ANSWERER.public_sealing_key[1184:]
BAD_KEYS = {
    "nothing": b"",
    "a byte short": LATTICE + POINT[:-1],
    "a byte long": LATTICE + POINT + b"\0",
    "a signing key": ANSWERER.public_signing_key,
    "halves exchanged": POINT + LATTICE,
    "off the lattice": b"\xff" * 1184 + POINT,
    "a point of low order, zero": LATTICE + bytes(32),
    "a point of low order, one": LATTICE + b"\x01" + bytes(31),
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_nothing_is_sealed_to_a_key_that_is_none(key: bytes) -> None:
    with pytest.raises(SealError, match="public sealing key is malformed"):
        seal_records(UPN, CONTEXT, key)
    with pytest.raises(SealError, match="public sealing key is malformed"):
        check_sealing_key(key)


def test_a_key_that_pages_can_be_sealed_to_is_accepted() -> None:
    check_sealing_key(ANSWERER.public_sealing_key)
    assert len(ANSWERER.public_sealing_key) == PUBLIC_KEY_BYTES


@pytest.mark.parametrize("part", ["lookup_id", "sender", "receiver"])
def test_no_part_of_a_place_passes_for_two(part: str) -> None:
    """The lookup's id comes from the hub: with a line break in it, it could be another id and another sender."""
    parts = {"lookup_id": "L-1", "sender": "a", "receiver": "b", part: "x\ny"}
    with pytest.raises(SealError, match="one word each"):
        SealContext(**parts, direction=Direction.REQUEST)


def test_the_place_is_bound_as_it_is_written_down() -> None:
    assert CONTEXT.info(1, 2) == b"circe/sealed/2\nL-" + b"0" * 32 + b"\nnode-203\nnode-301\nrequest\n1/2"


def test_no_repr_shows_a_page() -> None:
    assert repr(SEALED) == f"{SEALED}" == "SealedRecords(…)"


# --- RFC 9180 --------------------------------------------------------------------------------------------------------


def test_a_page_is_hpke_as_the_library_has_it() -> None:
    """Base mode, X25519 + ML-KEM-768, HKDF-SHA256 and AES-256-GCM, the place as `info`: no framing of our own."""
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    assert KEM.MLKEM768_X25519.enc_length() == KEM_BYTES + POINT_BYTES
    page = hashlib.sha256(UPN).digest() + len(UPN).to_bytes(4, "big") + UPN.ljust(ROOM, b"\0")
    assert suite.decrypt(SEALED.data, ANSWERER.sealing_key, info=CONTEXT.info(1, 1)) == page
    by_hand = SealedRecords(suite.encrypt(page, ANSWERER.sealing_key.public_key(), info=CONTEXT.info(1, 1)))
    assert open_records(by_hand, CONTEXT, ANSWERER) == UPN
