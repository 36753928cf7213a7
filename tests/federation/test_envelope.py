"""A signature covers the exact bytes of one payload and its type, by one signer, and can serve for nothing else."""

import base64
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.envelope import (
    MAX_SIGNATURES,
    Envelope,
    EnvelopeError,
    Signature,
    add_signature,
    check_payload_type,
    decode_base64,
    forget_verified,
    is_signed,
    pre_authentication_encoding,
    read_envelope,
    read_public_key,
    seal_envelope,
    sign_body,
    verify_signature,
    write_envelope,
)
from federation.wire import encode_document
from tests.federation.cast import NOT_BASE64, flip_bit, make_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FEW = settings(max_examples=50, derandomize=True, deadline=None)
LETTER = "application/vnd.circe.letter+json"
BODY = b'{"hello":1}'
ANA, BEN = make_keys("ana@ucl"), make_keys("ben@ucl")


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def make_envelope(body: bytes = BODY, kind: str = LETTER, **signatures: bytes) -> Envelope:
    """An envelope with whatever signatures are given, by whoever they name."""
    signed = tuple(Signature(keyid=keyid.replace("_", "@"), sig=encode(sig)) for keyid, sig in signatures.items())
    return Envelope(payload=encode(body), payload_type=kind, signatures=signed)


# --- DSSE ------------------------------------------------------------------------------------------------------------


def test_lengths_are_counted_in_bytes() -> None:
    assert pre_authentication_encoding("é", "🙂".encode()) == "DSSEv1 2 é 4 🙂".encode()
    assert pre_authentication_encoding("", b"") == b"DSSEv1 0  0 "


@FEW
@given(st.tuples(st.text(max_size=20), st.binary(max_size=20)), st.tuples(st.text(max_size=20), st.binary(max_size=20)))
def test_no_two_payloads_are_encoded_alike(one: tuple[str, bytes], other: tuple[str, bytes]) -> None:
    assert (pre_authentication_encoding(*one) == pre_authentication_encoding(*other)) == (one == other)


def test_the_field_names_are_the_standards() -> None:
    written = json.loads(write_envelope(seal_envelope(BODY, LETTER, ANA)))
    assert set(written) == {"payload", "payloadType", "signatures"}
    assert set(written["signatures"][0]) == {"keyid", "sig"}
    assert base64.b64decode(written["payload"]) == BODY


# --- Signing and verifying -------------------------------------------------------------------------------------------


@FEW
@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_was_signed_verifies_after_its_journey(body: bytes, kind: str) -> None:
    sealed = seal_envelope(body, kind, ANA, BEN)
    envelope = read_envelope(write_envelope(sealed), kind)
    assert envelope == sealed
    assert envelope.body == body
    assert envelope.signers == ("ana@ucl", "ben@ucl")
    verify_signature(envelope, "ana@ucl", ANA.public_signing_key)
    verify_signature(envelope, "ben@ucl", BEN.public_signing_key)


def test_signatures_are_added_one_by_one() -> None:
    """As approvals come in: each signer signs the bytes on their own machine, and earlier signatures stay."""
    envelope = seal_envelope(BODY, LETTER, ANA)
    envelope = add_signature(envelope, sign_body(envelope.body, LETTER, BEN))
    assert envelope == seal_envelope(BODY, LETTER, ANA, BEN)


def test_nobody_signs_twice() -> None:
    envelope = seal_envelope(BODY, LETTER, ANA)
    with pytest.raises(EnvelopeError, match="ana@ucl has signed this already"):
        add_signature(envelope, sign_body(BODY, LETTER, ANA))


def test_an_envelope_holds_so_many_signatures_and_no_more() -> None:
    members = [make_keys(f"member-{n}") for n in range(MAX_SIGNATURES + 1)]
    full = seal_envelope(BODY, LETTER, *members[:-1])
    assert read_envelope(write_envelope(full), LETTER) == full
    one_more = sign_body(BODY, LETTER, members[-1])
    with pytest.raises(EnvelopeError, match="at most 16"):
        add_signature(full, one_more)
    too_full = Envelope(payload=full.payload, payload_type=LETTER, signatures=(*full.signatures, one_more))
    with pytest.raises(EnvelopeError, match="too many signatures"):
        read_envelope(write_envelope(too_full), LETTER)


SIGNED = sign_body(BODY, LETTER, ANA)
SIG = base64.b64decode(SIGNED.sig)

MOVED = {
    "to another payload": make_envelope(BODY + b" ", ana_ucl=SIG),
    "to another type": make_envelope(kind=LETTER + "2", ana_ucl=SIG),
    "to another split of type and payload": make_envelope(b"1" + BODY, LETTER[:-1], ana_ucl=SIG),
    "to another signer": make_envelope(ben_ucl=SIG),
    "nowhere": make_envelope(),
    "twice": Envelope(payload=encode(BODY), payload_type=LETTER, signatures=(SIGNED, SIGNED)),
    "beside a better one": Envelope(
        payload=encode(BODY),
        payload_type=LETTER,
        signatures=(SIGNED, Signature(keyid="ana@ucl", sig=encode(b"0" * 64))),
    ),
    "cut short": make_envelope(ana_ucl=SIG[:-1]),
    "made longer": make_envelope(ana_ucl=SIG + b"\0"),
    "emptied": make_envelope(ana_ucl=b""),
    "over the bare payload": make_envelope(ana_ucl=ANA.sign(BODY)),
    "over the payload in base64": make_envelope(
        ana_ucl=ANA.sign(pre_authentication_encoding(LETTER, encode(BODY).encode()))
    ),
}


@pytest.mark.parametrize("envelope", MOVED.values(), ids=MOVED)
def test_a_signature_that_was_moved_does_not_verify(envelope: Envelope) -> None:
    for keys in (ANA, BEN):
        with pytest.raises(EnvelopeError):
            verify_signature(envelope, keys.member_id, keys.public_signing_key)


@FEW
@given(st.integers(0, 64 * 8 - 1))
def test_a_signature_with_any_bit_flipped_does_not_verify(bit: int) -> None:
    with pytest.raises(EnvelopeError, match="does not verify"):
        verify_signature(make_envelope(ana_ucl=flip_bit(SIG, bit)), "ana@ucl", ANA.public_signing_key)


def test_a_signature_that_verified_is_known_again_and_counts_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that share a process are handed the same consents; each is verified once there."""
    signature, asked = ANA.sign(b"known again"), list[bytes]()
    read = read_public_key

    def count(raw: bytes) -> "Ed25519PublicKey":
        asked.append(raw)
        return read(raw)

    monkeypatch.setattr("federation.envelope.read_public_key", count)
    assert all(is_signed(b"known again", signature, ANA.public_signing_key) for _ in range(3))
    assert asked == [ANA.public_signing_key]
    assert not is_signed(b"known agait", signature, ANA.public_signing_key)
    assert not is_signed(b"known again", flip_bit(signature, 9), ANA.public_signing_key)
    assert not is_signed(b"known again", signature, BEN.public_signing_key)
    assert not is_signed(b"g" + b"known again", signature[:-1], ANA.public_signing_key)
    assert len(asked) == 5
    forget_verified()
    assert is_signed(b"known again", signature, ANA.public_signing_key)
    assert len(asked) == 6


def test_what_did_not_verify_is_not_remembered_and_no_more_than_a_bound_is(monkeypatch: pytest.MonkeyPatch) -> None:
    known = set[bytes]()
    monkeypatch.setattr("federation.envelope._VERIFIED", known)
    monkeypatch.setattr("federation.envelope.MOST_VERIFIED", 3)
    for number in range(8):
        message = b"%d" % number
        assert not is_signed(message, bytes(64), ANA.public_signing_key)
        assert is_signed(message, ANA.sign(message), ANA.public_signing_key)
        assert len(known) == 1 + number % 3


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33), b"\xff" * 32], ids=repr)
def test_a_key_that_is_none_verifies_nothing(key: bytes) -> None:
    with pytest.raises(EnvelopeError, match="does not verify"):
        verify_signature(make_envelope(ana_ucl=SIG), "ana@ucl", key)


# --- Reading ---------------------------------------------------------------------------------------------------------


@FEW
@given(st.binary(max_size=200))
def test_any_bytes_give_an_envelope_or_our_own_error(data: bytes) -> None:
    with pytest.raises(EnvelopeError):
        read_envelope(data, LETTER)


def test_an_envelope_of_another_type_is_refused_without_repeating_it() -> None:
    envelope = seal_envelope(BODY, "application/vnd.A123456789012", ANA)
    for refuse in (
        lambda: read_envelope(write_envelope(envelope), LETTER),
        lambda: check_payload_type(envelope, LETTER),
    ):
        with pytest.raises(EnvelopeError, match=r"expected an envelope of type .*, got another type") as refused:
            refuse()
        assert "A123456789012" not in str(refused.value)


def test_two_signatures_by_one_signer_are_refused_at_the_door() -> None:
    with pytest.raises(EnvelopeError, match="two by one signer"):
        read_envelope(write_envelope(MOVED["beside a better one"]), LETTER)


@pytest.mark.parametrize("keyid", ["", "Ana", "ana@ucl\n", "ana ucl", "x" * 65, "\x1b[2J"], ids=repr)
def test_whoever_signs_has_a_members_name(keyid: str) -> None:
    """The name is repeated in refusals, logs and pages, so nothing else may stand there."""
    envelope = Envelope(payload=encode(BODY), payload_type=LETTER, signatures=(Signature(keyid=keyid, sig=""),))
    with pytest.raises(EnvelopeError, match=r"wrong value at \$\.signatures\[0\]\.keyid"):
        read_envelope(encode_document(envelope), LETTER)


@pytest.mark.parametrize("text", [spelling for spelling in NOT_BASE64 if spelling], ids=ascii)
def test_a_second_spelling_of_base64_is_refused(text: str) -> None:
    with pytest.raises(EnvelopeError, match="base64"):
        decode_base64(text)
    with pytest.raises(EnvelopeError, match="base64"):
        _ = Envelope(payload=text, payload_type=LETTER).body
    envelope = Envelope(payload=encode(BODY), payload_type=LETTER, signatures=(Signature(keyid="ana@ucl", sig=text),))
    with pytest.raises(EnvelopeError):
        verify_signature(envelope, "ana@ucl", ANA.public_signing_key)


@FEW
@given(st.binary(max_size=100))
def test_base64_comes_back(data: bytes) -> None:
    assert decode_base64(encode(data)) == data


# --- One key for everything ------------------------------------------------------------------------------------------


@FEW
@given(st.text(st.characters(codec="ascii"), max_size=30), st.binary(max_size=30))
def test_nothing_signed_for_one_use_serves_for_another(kind: str, body: bytes) -> None:
    """A member has one signing key: what an envelope, a request and a log's checkpoint sign begin differently."""
    envelope = pre_authentication_encoding(kind, body)
    checkpoint = f"{ANA.member_id}\n1\n".encode()
    request = b'"@method": POST\n'
    assert len({text[:1] for text in (envelope, checkpoint, request)}) == 3
    assert envelope.startswith(b"DSSEv1 ")
