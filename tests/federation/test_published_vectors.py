"""The vectors that others have published: every primitive and every format here is the one that the standards mean."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from federation.envelope import Envelope, EnvelopeError, Signature, pre_authentication_encoding, verify_signature
from tests.federation.cast import make_keys

SHARED = Path(__file__).parents[3] / "shared" / "data" / "vectors"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared vectors are not beside this checkout")

# --- DSSE ------------------------------------------------------------------------------------------------------------


def test_the_example_of_dsse() -> None:
    """The pre-authentication encoding of the specification's own example."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


# --- Ed25519 (RFC 8032) ----------------------------------------------------------------------------------------------

RFC_8032 = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
        "2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a"
        "d9bef1177331a704",
    ),
}
"""Public key, message and signature of RFC 8032, section 7.1."""


def verify_plain(monkeypatch: pytest.MonkeyPatch, key: str, message: str, signature: str) -> None:
    """Verify a signature over a bare message as envelopes are verified: only what it covers is set in its place."""
    monkeypatch.setattr("federation.envelope.pre_authentication_encoding", lambda _kind, body: body)
    envelope = Envelope(
        payload=encode(bytes.fromhex(message)),
        payload_type="",
        signatures=(Signature(keyid="ana@ucl", sig=encode(bytes.fromhex(signature))),),
    )
    verify_signature(envelope, "ana@ucl", bytes.fromhex(key))


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("vector", RFC_8032.values(), ids=RFC_8032)
def test_the_vectors_of_rfc_8032_verify(monkeypatch: pytest.MonkeyPatch, vector: tuple[str, str, str]) -> None:
    key, message, signature = vector
    verify_plain(monkeypatch, key, message, signature)
    with pytest.raises(EnvelopeError):
        verify_plain(monkeypatch, key, message + "00", signature)


def test_the_first_vector_of_rfc_8032_is_signed_alike() -> None:
    """Our own signing makes the published signature of the published seed."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    keys = replace(make_keys("ana@ucl"), signing_seed=seed)
    key, message, signature = RFC_8032["TEST 1"]
    assert keys.public_signing_key.hex() == key
    assert keys.sign(bytes.fromhex(message)).hex() == signature


@needs_shared
def test_wycheproofs_ed25519_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every known way of making a wrong signature pass is refused: high S, small R, truncation, and the rest."""
    groups = read_wycheproof("ed25519")
    vectors = [(group["publicKey"]["pk"], vector) for group in groups for vector in group["tests"]]
    assert len(vectors) == 151
    for key, vector in vectors:
        if vector["result"] == "valid":
            verify_plain(monkeypatch, key, vector["msg"], vector["sig"])
        else:
            with pytest.raises(EnvelopeError):
                verify_plain(monkeypatch, key, vector["msg"], vector["sig"])


def read_wycheproof(name: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = json.loads((SHARED / f"wycheproof-{name}_test.json").read_text())["testGroups"]
    return groups


# --- X25519 (RFC 7748) and HPKE (RFC 9180) ---------------------------------------------------------------------------


@needs_shared
def test_wycheproofs_x25519_vectors() -> None:
    """The classical half of the key exchange: every vector agrees, and a share of low order is refused."""
    vectors = read_wycheproof("x25519")[0]["tests"]
    assert len(vectors) == 518
    for vector in vectors:
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["private"]))
        public = X25519PublicKey.from_public_bytes(bytes.fromhex(vector["public"]))
        if int(vector["shared"], 16):
            assert private.exchange(public).hex() == vector["shared"]
        else:
            with pytest.raises(ValueError, match="shared key"):
                private.exchange(public)


def test_the_first_vector_of_rfc_9180_opens() -> None:
    """Appendix A.1.1, sequence number 0. It has an `aad`, which the library's public call has no room for."""
    private = X25519PrivateKey.from_private_bytes(
        bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    )
    encapsulated = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
    ciphertext = bytes.fromhex(
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    )
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    opened = openssl.hpke._decrypt_with_aad(
        suite, encapsulated + ciphertext, private, b"Ode on a Grecian Urn", b"Count-0"
    )
    assert opened == b"Beauty is truth, truth beauty"


# --- HTTP message signatures (RFC 9421) ------------------------------------------------------------------------------

PUBLISHED = {
    "Host": "example.com",
    "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "Content-Type": "application/json",
    "Content-Length": "18",
    "Signature-Input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"',
    "Signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
}
"""The signed request of RFC 9421, appendix B.2.6."""


@dataclass(frozen=True)
class Request:
    """A request as the library reads it."""

    method: str
    headers: Mapping[str, str]
    url: str = "https://example.com/foo?param=Value&Pet=dog"


class _TestKey(HTTPSignatureKeyResolver):  # type: ignore[misc]
    """The key test-key-ed25519 of appendix B.1.4."""

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        assert key_id == "test-key-ed25519"
        return Ed25519PublicKey.from_public_bytes(
            base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=")
        )

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        assert key_id == "test-key-ed25519"
        return Ed25519PrivateKey.from_private_bytes(
            base64.urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU=")
        )


def test_the_published_request_of_rfc_9421_verifies() -> None:
    """By the library to which `federation.http_signatures` is held, in both directions."""
    message = Request("POST", PUBLISHED)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=_TestKey())
    verifier.max_clock_skew = timedelta(days=36_500)
    (result,) = verifier.verify(message, max_age=None)
    assert result.parameters["keyid"] == "test-key-ed25519"
    with pytest.raises(InvalidSignature):
        verifier.verify(replace(message, method="PUT"), max_age=None)


def test_the_published_request_of_rfc_9421_is_signed_alike() -> None:
    headers = {name: value for name, value in PUBLISHED.items() if not name.startswith("Signature")}
    message = Request("POST", headers)
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_TestKey()).sign(
        message,
        key_id="test-key-ed25519",
        created=datetime.fromtimestamp(1618884473, UTC),
        label="sig-b26",
        include_alg=False,
        covered_component_ids=("date", "@method", "@path", "@authority", "content-type", "content-length"),
    )
    assert message.headers == PUBLISHED
