"""Our seal is the published one: RFC 9180's key schedule, and the hybrid KEM of draft-ietf-hpke-pq (X-Wing).

The library seals with randomness of its own, and has no call for a vector's. So vectors are opened by it; and for the
one combination in use here that no vector has (AES-256-GCM under the hybrid KEM), the key schedule of RFC 9180 is
written out below, held to the published keys, and what it encrypts is opened by the library as a page of ours.
"""

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from federation.keys import MemberKeys
from federation.sealing import Direction, SealContext, SealedRecords, open_records, split_content
from tests.federation.cast import make_keys

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors" / "hpke.json").read_text())["vectors"]
HYBRID, CLASSICAL = 0x647A, 0x0020
AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
(PUBLISHED,) = (vector for vector in VECTORS if vector["kem_id"] == HYBRID)


def name_of(vector: dict[str, Any]) -> str:
    return f"kem {vector['kem_id']:#06x}, aead {vector['aead_id']}"


def keys_of(seed: str) -> MemberKeys:
    """The keys whose 32-byte seed is published: X-Wing makes of it the seeds that our key file holds."""
    return replace(make_keys("node-301"), sealing_seed=hashlib.shake_256(bytes.fromhex(seed)).digest(96))


def private_key(vector: dict[str, Any]) -> Any:
    if vector["kem_id"] == HYBRID:
        return keys_of(vector["skRm"]).sealing_key
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["skRm"]))


def test_every_vector_is_there() -> None:
    found = {(vector["kem_id"], vector["aead_id"]) for vector in VECTORS}
    assert found == {(HYBRID, 3), (CLASSICAL, 1), (CLASSICAL, 2), (CLASSICAL, 3)}


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_a_published_message_opens(vector: dict[str, Any]) -> None:
    """The first of each sequence. It has an `aad`, which the library's public call has no room for."""
    suite = Suite(
        KEM.MLKEM768_X25519 if vector["kem_id"] == HYBRID else KEM.X25519, KDF.HKDF_SHA256, AEADS[vector["aead_id"]]
    )
    first = {name: bytes.fromhex(text) for name, text in vector["encryptions"][0].items()}
    sealed = bytes.fromhex(vector["enc"]) + first["ct"]
    info = bytes.fromhex(vector["info"])
    assert openssl.hpke._decrypt_with_aad(suite, sealed, private_key(vector), info, first["aad"]) == first["pt"]


def test_our_public_key_is_the_published_one() -> None:
    """ML-KEM-768 first, then X25519, of seeds in the same order: 64 bytes, then 32."""
    assert keys_of(PUBLISHED["skRm"]).public_sealing_key.hex() == PUBLISHED["pkRm"]


# --- The key schedule of RFC 9180, section 5.1, for base mode and HKDF-SHA256 -----------------------------------------


def extract(suite: bytes, label: bytes, keying: bytes) -> bytes:
    return hmac.digest(bytes(32), b"HPKE-v1" + suite + label + keying, "sha256")


def expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """One block of HKDF-Expand, which is as much as any of these is long."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]


def schedule_keys(vector: dict[str, Any], aead: int, info: bytes) -> tuple[bytes, bytes]:
    """Return the key and the first nonce that a vector's shared secret gives under an AEAD."""
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (vector["kem_id"], vector["kdf_id"], aead))
    context = b"\0" + extract(suite, b"psk_id_hash", b"") + extract(suite, b"info_hash", info)
    shared = bytes.fromhex(vector["shared_secret"])
    secret = hmac.digest(shared, b"HPKE-v1" + suite + b"secret", "sha256")
    length = 16 if aead == 1 else 32
    return expand(suite, secret, b"key", context, length), expand(suite, secret, b"base_nonce", context, 12)


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_the_key_schedule_gives_the_published_keys(vector: dict[str, Any]) -> None:
    key, nonce = schedule_keys(vector, vector["aead_id"], bytes.fromhex(vector["info"]))
    assert (key.hex(), nonce.hex()) == (vector["key"], vector["base_nonce"])


def test_a_page_sealed_by_the_standards_alone_opens_as_ours() -> None:
    """The published encapsulation and shared secret, the schedule above, and AES-256-GCM: `open_records` reads it."""
    context = SealContext("L-" + "0" * 32, "node-203", "node-301", Direction.ANSWER)
    key, nonce = schedule_keys(PUBLISHED, 2, context.info(1, 1))
    (page,) = split_content(b"Beauty is truth, truth beauty", 1)
    sealed = SealedRecords(bytes.fromhex(PUBLISHED["enc"]) + AESGCM(key).encrypt(nonce, page, None))
    assert open_records(sealed, context, keys_of(PUBLISHED["skRm"])) == b"Beauty is truth, truth beauty"
