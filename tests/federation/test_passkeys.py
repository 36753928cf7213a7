"""A passkey is a key by which signatures can be verified, in the one spelling of its kind, or it is refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.passkeys import LONGEST_CREDENTIAL, Passkey, PasskeyError, check_cose_key, check_passkey
from federation.register import public_text
from federation.wire import WireError, decode_document, encode_document
from tests.federation.cast import NOT_BASE64, PASSKEY

FEW = settings(max_examples=200, derandomize=True, deadline=None)
EDDSA, ES256_X, ES256_Y = (bytes.fromhex(text) for text in ("a4010103272006215820", "a5010203262001215820", "225820"))


def make_eddsa() -> bytes:
    return EDDSA + Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def make_es256(curve: SECP256R1 | SECP256K1 | None = None) -> bytes:
    point = generate_private_key(curve or SECP256R1()).public_key().public_numbers()
    return ES256_X + point.x.to_bytes(32, "big") + ES256_Y + point.y.to_bytes(32, "big")


@pytest.mark.parametrize("make", [make_eddsa, make_es256])
def test_keys_of_both_kinds_are_taken(make: type[bytes]) -> None:
    for _ in range(20):
        key = bytes(make())
        check_cose_key(key)
        check_passkey(
            Passkey(relying_party="node.example", credential=public_text(bytes(16)), public_key=public_text(key))
        )


WRONG = {
    "nothing": b"",
    "a bare key": make_eddsa()[len(EDDSA) :],
    "a byte more": make_eddsa() + b"\0",
    "a byte less": make_eddsa()[:-1],
    "no public half": EDDSA,
    "an RSA key": bytes.fromhex("a401030339010020590100") + bytes(256) + bytes.fromhex("2143010001"),
    "EdDSA on Ed448": bytes.fromhex("a4010103272007215839") + bytes(57),
    "ES256 on P-384": bytes.fromhex("a5010203262002215820") + make_es256()[len(ES256_X) :],
    "another algorithm on Ed25519": bytes.fromhex("a4010103262006215820") + make_eddsa()[len(EDDSA) :],
    "members in another order": bytes.fromhex("a4032701012006215820") + make_eddsa()[len(EDDSA) :],
    "a length spelt at length": bytes.fromhex("a401010327200621590020") + make_eddsa()[len(EDDSA) :],
    "a point in compressed form": ES256_X + make_es256()[len(ES256_X) :][:32] + b"\x22\xf5",
    "a member more": b"\xa6" + make_es256()[1:] + bytes.fromhex("0440"),
    "a point off P-256": make_es256()[:-1] + bytes([make_es256()[-1] ^ 1]),
    "a point of another curve": make_es256(SECP256K1()),
    "the point at zero": ES256_X + bytes(32) + ES256_Y + bytes(32),
    "an Ed25519 key of low order": EDDSA + b"\x01" + bytes(31),
    "an Ed25519 key off the curve": EDDSA + b"\x02" + bytes(31),
    "an Ed25519 key beyond the field": EDDSA + b"\xff" * 32,
}


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
def test_a_key_that_is_wrong_is_refused(key: bytes) -> None:
    with pytest.raises(PasskeyError, match="a passkey's public key") as refused:
        check_cose_key(key)
    assert "\n" not in str(refused.value)


@FEW
@given(st.binary(max_size=90))
def test_any_bytes_are_a_key_or_refused(data: bytes) -> None:
    for key in (data, EDDSA + data, ES256_X + data):
        try:
            check_cose_key(key)
        except PasskeyError:
            continue
        assert (len(key), key[: len(EDDSA)]) in ((42, EDDSA), (77, ES256_X))


@pytest.mark.parametrize("length", [0, 15, LONGEST_CREDENTIAL + 1])
def test_a_credential_has_the_length_that_webauthn_gives_it(length: int) -> None:
    passkey = Passkey(
        relying_party="node.example", credential=public_text(bytes(length)), public_key=PASSKEY.public_key
    )
    with pytest.raises(PasskeyError, match="credential id has 16 to 1023 bytes"):
        check_passkey(passkey)


@pytest.mark.parametrize("text", NOT_BASE64, ids=ascii)
def test_a_key_or_credential_in_another_spelling_is_refused(text: str) -> None:
    for fields in ({"public_key": text}, {"credential": text}):
        passkey = Passkey(
            **{"credential": PASSKEY.credential, "public_key": PASSKEY.public_key, **fields}, relying_party="a.b"
        )
        with pytest.raises(PasskeyError):
            check_passkey(passkey)


@pytest.mark.parametrize(
    "domain", ["", ".", "Node.example", "https://node.example", "node.example.", "-a.b", "a b", "a\n"]
)
def test_a_relying_party_is_a_domain(domain: str) -> None:
    data = encode_document(PASSKEY).replace(PASSKEY.relying_party.encode(), domain.encode())
    with pytest.raises(WireError):
        decode_document(data, Passkey)
