"""What secure sums are made of is what the standards mean: every published vector goes through our own calls.

The vectors are Wycheproof's, of the sizes of keys and nonces that are in use here, but for those of RFC 5869.
"""

import hmac
from base64 import b64encode
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from federation.secure_sum import digests
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.masking import KeyStream
from federation.secure_sum.messages import Prekey
from federation.secure_sum.pairing import CIPHERTEXT_BYTES, agree
from federation.secure_sum.prekeys import SecretPrekey, load_public_keys, make_prekey
from federation.secure_sum.sealed import BoxClosed, open_box
from federation.secure_sum.signing import read_bytes
from federation.secure_sum.vectors import pack_vector, write_vector
from tests.federation.cast import NOW, make_keys
from tests.federation.published import WYCHEPROOF, needs_shared, read_whole, unhex
from tests.federation.secure_sum.troupe import EPOCH


def test_every_vector_is_there() -> None:
    counts = {name: len(vectors) for name, vectors in WYCHEPROOF.items() if name != "source"}
    assert counts == {
        "hkdf_sha256": 65,
        "aes_256_gcm": 66,
        "ml_kem_768": 14,
        "ml_kem_768_public_keys": 12,
        "ed25519": 151,
        "x25519": 123,
    }


# --- HKDF (RFC 5869) -------------------------------------------------------------------------------------------------

RFC_5869 = {
    "A.1": (
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
    ),
    "A.2": (
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        bytes(range(0xB0, 0x100)).hex(),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
    ),
    "A.3": (
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
    ),
}
"""Pseudorandom key, info and the first 32 bytes of the output, by appendix."""


def use_info(monkeypatch: pytest.MonkeyPatch, info: bytes) -> None:
    """Have a key belong to bytes that no label and context of ours could be."""
    monkeypatch.setattr(digests, "write_context", lambda _label, *_context: info)


@pytest.mark.parametrize(("key", "info", "output"), RFC_5869.values(), ids=RFC_5869)
def test_the_vectors_of_rfc_5869(monkeypatch: pytest.MonkeyPatch, key: str, info: str, output: str) -> None:
    use_info(monkeypatch, bytes.fromhex(info))
    assert digests.expand_key(bytes.fromhex(key), "").hex() == output


def test_the_third_vector_of_rfc_5869_is_extracted_without_salt() -> None:
    assert digests.extract_key(b"\x0b" * 22).hex() == RFC_5869["A.3"][0]
    assert digests.derive_key(b"\x0b" * 22, "").hex() == RFC_5869["A.3"][2]


def test_wycheproofs_hkdf_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours extracts without salt: what has one is extracted here, and expanded by us."""
    for vector in WYCHEPROOF["hkdf_sha256"]:
        secret, salt, info, output = unhex(vector, "ikm", "salt", "info", "okm")
        use_info(monkeypatch, info)
        if salt:
            assert digests.expand_key(hmac.digest(salt, secret, "sha256"), "") == output
        else:
            assert digests.derive_key(secret, "") == output


# --- AES-256 (boxes and key streams) ---------------------------------------------------------------------------------


def test_wycheproofs_gcm_vectors() -> None:
    """Every box opens as published, and every false tag keeps it closed."""
    results = []
    for vector in WYCHEPROOF["aes_256_gcm"]:
        key, nonce, place, content, sealed, tag = unhex(vector, "key", "iv", "aad", "msg", "ct", "tag")
        results.append(vector["result"])
        if vector["result"] == "valid":
            assert open_box(key, nonce + sealed + tag, place) == content
        else:
            with pytest.raises(BoxClosed):
                open_box(key, nonce + sealed + tag, place)
    assert (results.count("valid"), results.count("invalid")) == (39, 27)


def test_a_key_stream_counts_from_zero() -> None:
    """Counter mode of NIST SP 800-38A: the blocks 0, 1, 2, each under AES-256 by itself, and the last one cut short."""
    key, stream = bytes(range(32)), pack_vector([0] * 5)
    KeyStream(5).add(stream, key)
    blocks = b"".join(number.to_bytes(16, "big") for number in range(3))
    assert write_vector(stream) == Cipher(AES(key), ECB()).encryptor().update(blocks)[:40]


# --- X25519 (RFC 7748) and ML-KEM-768 (FIPS 203) ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def secret() -> SecretPrekey:
    return make_prekey(make_keys("node-301"), EPOCH, NOW)[0]


def publish(secret: SecretPrekey, **keys: bytes) -> Prekey:
    """A prekey with some of its keys exchanged for published ones."""
    return msgspec.structs.replace(secret.prekey, **{name: b64encode(key).decode() for name, key in keys.items()})


def assert_agreed(secret: SecretPrekey, vectors: list[dict[str, str]]) -> int:
    """Two nodes agree on what each vector says; returns how many were refused, with which anybody could agree."""
    refused = 0
    for vector in vectors:
        private, public, shared = unhex(vector, "private", "public", "shared")
        own, peer = replace(secret, x25519_seed=private), publish(secret, x25519=public)
        if any(shared):
            assert agree(own, peer) == shared
        else:
            refused += 1
            with pytest.raises(SumRefused, match="not a usable public key"):
                agree(own, peer)
    return refused


def test_two_nodes_agree_as_wycheproofs_x25519_vectors_do(secret: SecretPrekey) -> None:
    """By the call that pairs two nodes: all that are of low order, and some of every other kind."""
    assert assert_agreed(secret, WYCHEPROOF["x25519"]) == 31


@needs_shared
def test_all_of_wycheproofs_x25519_vectors(secret: SecretPrekey) -> None:
    vectors = read_whole("x25519")[0]["tests"]
    assert (len(vectors), assert_agreed(secret, vectors)) == (518, 31)


def test_wycheproofs_ml_kem_vectors(secret: SecretPrekey) -> None:
    """Our private key of a published seed has the published public key, and opens what was encapsulated to it.

    A ciphertext that was altered gives another secret, as FIPS 203 says, and one of another length is refused.
    """
    for vector in WYCHEPROOF["ml_kem_768"]:
        seed, ciphertext, shared = unhex(vector, "seed", "c", "K")
        private = replace(secret, ml_kem_seed=seed).ml_kem
        assert digests.digest_of(private.public_key().public_bytes_raw()) == vector["ek_sha256"]
        if vector["result"] == "valid":
            assert private.decapsulate(ciphertext) == shared
        else:
            with pytest.raises(SumRefused, match="bytes"):
                read_bytes(b64encode(ciphertext).decode(), "pairing", CIPHERTEXT_BYTES)


def test_public_keys_that_are_none(secret: SecretPrekey) -> None:
    """Coefficients beyond the modulus, keys that are too short or too long: refused as P2 reads a prekey."""
    for vector in WYCHEPROOF["ml_kem_768_public_keys"]:
        (key,) = unhex(vector, "ek")
        with pytest.raises(SumRefused, match="prekey of node-301"):
            load_public_keys(publish(secret, ml_kem_768=key))
