"""Passkeys' answers: the test vectors of WebAuthn level 3 (section 16), and every way of being wrong, one at a time."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.webauthn import (
    Assertion,
    Ceremony,
    Credential,
    Flags,
    WebAuthnRefused,
    check_signature,
    decode_base64url,
    encode_base64url,
    read_authenticator_data,
    read_registration,
    restate,
    verify_assertion,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "webauthn.json").read_text())
"""Copied from the specification, keys as COSE_Keys; its clientDataJSON as text. Not all have the user verified."""

UNVERIFIED, ELSEWHERE = "not verified its user", "inside another site's page"
REGISTERED = {
    "none.ES256": UNVERIFIED,
    "packed-self.ES256": "",
    "none.ES256.crossOrigin": ELSEWHERE,
    "none.ES256.topOrigin": ELSEWHERE,
    "packed.EdDSA": UNVERIFIED,
}
ASSERTED = {**REGISTERED, "packed-self.ES256": UNVERIFIED, "none.ES256.long-credential-id": ""}
"""What we make of each: we ask for a verified user, in a page of our own, and the specification also shows others."""

FEW = settings(max_examples=150, derandomize=True, deadline=None)


def ceremony(part: dict[str, str]) -> Ceremony:
    return Ceremony("example.org", "https://example.org", bytes.fromhex(part["challenge"]))


def assertion(part: dict[str, str]) -> Assertion:
    return Assertion(
        part["client_data"].encode(), bytes.fromhex(part["authenticator_data"]), bytes.fromhex(part["signature"])
    )


def kept(vector: dict[str, Any]) -> Credential:
    return Credential(bytes(32), bytes.fromhex(vector["public_key"]))


def test_the_tables_name_every_vector() -> None:
    assert set(ASSERTED) == set(VECTORS)
    assert set(REGISTERED) == {name for name, vector in VECTORS.items() if "registration" in vector}


@pytest.mark.parametrize("name", VECTORS)
def test_every_published_signature_verifies(name: str) -> None:
    signed = assertion(VECTORS[name]["assertion"])
    message = signed.authenticator_data + sha256(signed.client_data).digest()
    check_signature(message, signed.signature, kept(VECTORS[name]).public_key)
    with pytest.raises(WebAuthnRefused, match="not this passkey's"):
        check_signature(message + b"\0", signed.signature, kept(VECTORS[name]).public_key)


@pytest.mark.parametrize(("name", "refused"), ASSERTED.items())
def test_published_assertions(name: str, refused: str) -> None:
    vector = VECTORS[name]
    part = vector["assertion"]
    if not refused:
        verify_assertion(assertion(part), kept(vector), ceremony(part))
        return
    with pytest.raises(WebAuthnRefused, match=refused):
        verify_assertion(assertion(part), kept(vector), ceremony(part))


@pytest.mark.parametrize(("name", "refused"), REGISTERED.items())
def test_published_registrations(name: str, refused: str) -> None:
    part = VECTORS[name]["registration"]
    given = (part["client_data"].encode(), bytes.fromhex(part["authenticator_data"]), ceremony(part))
    if refused:
        with pytest.raises(WebAuthnRefused, match=refused):
            read_registration(*given)
        return
    made = read_registration(*given)
    assert made.public_key.hex() == VECTORS[name]["public_key"]
    assert made.id.hex() == "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c"
    assert (made.sign_count, made.backup_eligible, made.backed_up) == (0, True, True)


# --- One thing wrong at a time, under the published keys --------------------------------------------------------------

CHALLENGE = Ceremony("node.example", "https://node.example:8401", b"c" * 32)
USUAL = Flags.USER_PRESENT | Flags.USER_VERIFIED
ES256 = derive_private_key(int(VECTORS["none.ES256"]["private_key"], 16), SECP256R1())
EDDSA = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["packed.EdDSA"]["private_key"]))


def client_data(**changes: object) -> bytes:
    said = {"type": "webauthn.get", "challenge": encode_base64url(CHALLENGE.challenge), "origin": CHALLENGE.origin}
    return json.dumps({**said, "crossOrigin": False, **changes}).encode()


def device_data(domain: str = "node.example", flags: Flags = USUAL, count: int = 7, rest: bytes = b"") -> bytes:
    return sha256(domain.encode()).digest() + bytes([flags]) + count.to_bytes(4) + rest


def sign(kind: str, said: bytes, data: bytes) -> tuple[Credential, Assertion]:
    """Return a credential as kept, and its answer."""
    message = data + sha256(said).digest()
    signature = EDDSA.sign(message) if kind == "packed.EdDSA" else ES256.sign(message, ECDSA(SHA256()))
    return replace(kept(VECTORS[kind]), sign_count=6, backup_eligible=False), Assertion(said, data, signature)


@pytest.mark.parametrize("kind", ["packed.EdDSA", "none.ES256"])
def test_both_kinds_of_key_sign_in(kind: str) -> None:
    credential, answer = sign(kind, client_data(), device_data())
    verify_assertion(answer, credential, CHALLENGE)
    assert restate(credential, answer) == replace(credential, sign_count=7)


WRONG = {
    "another challenge": ({"challenge": encode_base64url(b"d" * 32)}, {}, "another challenge"),
    "a challenge with padding": ({"challenge": "Y2M="}, {}, "another challenge"),
    "another ceremony": ({"type": "webauthn.create"}, {}, "another ceremony"),
    "a payment": ({"type": "payment.get"}, {}, "cannot be read"),
    "another site": ({"origin": "https://node.example.evil"}, {}, "another site"),
    "another port": ({"origin": "https://node.example"}, {}, "another site"),
    "no TLS": ({"origin": "http://node.example:8401"}, {}, "another site"),
    "a frame elsewhere": ({"crossOrigin": True}, {}, ELSEWHERE),
    "a top page elsewhere": ({"topOrigin": "https://evil.example"}, {}, ELSEWHERE),
    "another domain": ({}, {"domain": "example"}, "another domain"),
    "nobody there": ({}, {"flags": Flags.USER_VERIFIED}, UNVERIFIED),
    "nobody verified": ({}, {"flags": Flags.USER_PRESENT}, UNVERIFIED),
    "backed up, and cannot be": ({}, {"flags": USUAL | Flags.BACKED_UP}, "cannot be"),
    "eligible of a sudden": ({}, {"flags": USUAL | Flags.BACKUP_ELIGIBLE}, "has not always said so"),
    "a counter that stands": ({}, {"count": 6}, "has not moved"),
    "a counter gone back to nothing": ({}, {"count": 0}, "has not moved"),
    "a byte more": ({}, {"rest": b"\0"}, "end where they should not"),
    "extensions that are not there": ({}, {"flags": USUAL | Flags.EXTENSIONS}, "end where they should not"),
    "a credential inside": ({}, {"flags": USUAL | Flags.CREDENTIAL, "rest": bytes(60)}, "new credential"),
    "too much said": ({"extraData": "x" * 5000}, {}, "too long"),
}


@pytest.mark.parametrize(("said", "data", "refused"), WRONG.values(), ids=WRONG)
def test_an_answer_that_is_wrong_in_one_thing_is_refused(said: dict[str, Any], data: Any, refused: str) -> None:
    """Each is properly signed: the signature alone would not tell."""
    credential, answer = sign("packed.EdDSA", client_data(**said), device_data(**data))
    with pytest.raises(WebAuthnRefused, match=refused):
        verify_assertion(answer, credential, CHALLENGE)


@pytest.mark.parametrize("kind", ["packed.EdDSA", "none.ES256"])
def test_a_bit_changed_anywhere_is_noticed(kind: str) -> None:
    credential, answer = sign(kind, client_data(), device_data())
    for name in ("client_data", "authenticator_data", "signature"):
        for place in range(len(getattr(answer, name))):
            data = bytearray(getattr(answer, name))
            data[place] ^= 1
            with pytest.raises(WebAuthnRefused):
                verify_assertion(replace(answer, **{name: bytes(data)}), credential, CHALLENGE)


def test_the_signature_of_another_key_is_refused() -> None:
    credential, answer = sign("packed.EdDSA", client_data(), device_data())
    other = replace(credential, public_key=bytes.fromhex(VECTORS["none.ES256"]["public_key"]))
    with pytest.raises(WebAuthnRefused, match="not this passkey's"):
        verify_assertion(answer, other, CHALLENGE)
    with pytest.raises(WebAuthnRefused, match="public key"):
        verify_assertion(answer, replace(credential, public_key=b"key"), CHALLENGE)


def test_devices_without_a_counter_stay_at_nothing() -> None:
    credential, answer = sign("packed.EdDSA", client_data(), device_data(count=0))
    verify_assertion(answer, replace(credential, sign_count=0), CHALLENGE)


def test_what_a_device_adds_unasked_is_left_alone() -> None:
    """Chromium has security keys say how they protect a credential, in CBOR behind the key: {"credProtect": 2}."""
    added = bytes.fromhex("a16b6372656450726f7465637402")
    new = bytes(16) + (16).to_bytes(2) + b"i" * 16 + KEY
    said = client_data(type="webauthn.create")
    for flags, rest in ((Flags(0), new), (Flags.EXTENSIONS, new + added)):
        data = device_data(flags=USUAL | Flags.CREDENTIAL | flags, rest=rest)
        assert read_registration(said, data, CHALLENGE) == Credential(b"i" * 16, KEY, 7, False, False)


KEY = bytes.fromhex(VECTORS["packed.EdDSA"]["public_key"])
NO_CREDENTIAL = {
    "none": (b"", "no credential"),
    "half a head": (bytes(17), "no credential"),
    "an id that is not there": (bytes(16) + b"\x04\0" + bytes(100), "public key"),
    "an id that is too short": (bytes(16) + b"\0\x0f" + bytes(15) + KEY, "16 to 1023"),
    "a key of another kind": (bytes(16) + b"\0\x10" + bytes(16) + b"\xa1" * 60, "public key"),
    "more than a key": (bytes(16) + b"\0\x10" + bytes(16) + KEY + b"\0", "end where they should not"),
}


@pytest.mark.parametrize(("rest", "refused"), NO_CREDENTIAL.values(), ids=NO_CREDENTIAL)
def test_a_registration_without_a_good_credential_is_refused(rest: bytes, refused: str) -> None:
    data = device_data(flags=USUAL | Flags.CREDENTIAL, rest=rest)
    with pytest.raises(WebAuthnRefused, match=refused):
        read_registration(client_data(type="webauthn.create"), data, CHALLENGE)


@FEW
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_our_own_error(data: bytes) -> None:
    credential, answer = sign("packed.EdDSA", client_data(), device_data())
    for wrong in ({"client_data": data}, {"authenticator_data": data}, {"signature": data}):
        with pytest.raises(WebAuthnRefused):
            verify_assertion(replace(answer, **wrong), credential, CHALLENGE)
    for head in (b"", device_data(flags=USUAL | Flags.CREDENTIAL)):
        with pytest.raises(WebAuthnRefused):
            read_registration(client_data(type="webauthn.create"), head + data, CHALLENGE)


def test_nested_client_data_are_refused() -> None:
    with pytest.raises(WebAuthnRefused, match="cannot be read"):
        verify_assertion(
            Assertion(b'{"a":' + b"[" * 4000, device_data(), b""), kept(VECTORS["packed.EdDSA"]), CHALLENGE
        )


@FEW
@given(st.binary(max_size=70))
def test_base64url_has_one_spelling(data: bytes) -> None:
    assert decode_base64url(encode_base64url(data)) == data


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "A+/A", "A A", "é", "AA\n"])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(WebAuthnRefused, match="not base64url"):
        decode_base64url(text)


def test_authenticator_data_of_no_possible_length() -> None:
    for length in (0, 36, 5000):
        with pytest.raises(WebAuthnRefused, match="no possible length"):
            read_authenticator_data(bytes(length))
