"""The vectors that others have published: every primitive and every format here is the one that the standards mean."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from federation.envelope import Envelope, EnvelopeError, Signature, pre_authentication_encoding, verify_signature
from federation.http_signatures import RequestUnsigned, _signature_base, _verify_signature, sign_request
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.signing import check_statement
from tests.federation.cast import NOW, make_keys, make_member, make_register
from tests.federation.published import WYCHEPROOF

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


def refuses(refusal: type[Exception], act: Callable[..., object], *given: object) -> bool:
    """Whether an act is refused; it may raise nothing else."""
    try:
        act(*given)
    except refusal:
        return True
    return False


def verify_statement(key: str, message: str, signature: str) -> None:
    """Verify a signature as those of a secure sum are: many on one statement, each by the key in the register."""
    member = msgspec.structs.replace(make_member("node-301"), signing_key=encode(bytes.fromhex(key)))
    now, register = NOW, make_register([make_member("hub"), make_member("ana@ucl"), member])
    check_statement(bytes.fromhex(message), "node-301", encode(bytes.fromhex(signature)), register, now)


def verify_header(key: str, message: str, signature: str) -> None:
    """Verify a signature as a request's is."""
    header = f"circe=:{encode(bytes.fromhex(signature))}:"
    _verify_signature(bytes.fromhex(message), header, "node-301", lambda _: bytes.fromhex(key))


def test_wycheproofs_ed25519_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 151. Every known way of making a wrong signature pass is refused, by each of the calls that verify one."""
    vectors = WYCHEPROOF["ed25519"]
    assert len(vectors) == 151
    for vector in vectors:
        given, wrong = (vector["pk"], vector["msg"], vector["sig"]), vector["result"] != "valid"
        assert refuses(EnvelopeError, verify_plain, monkeypatch, *given) is wrong
        assert refuses(SumRefused, verify_statement, *given) is wrong
        assert refuses(RequestUnsigned, verify_header, *given) is wrong


# --- HPKE (RFC 9180) -------------------------------------------------------------------------------------------------


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


PUBLISHED_BASE = """"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")\
;created=1618884473;keyid="test-key-ed25519\""""
"""The signature base of the same request, as the RFC prints it."""


def test_our_own_lines_of_the_published_request_carry_its_signature() -> None:
    """Method, path and authority as `federation.http_signatures` writes them, among the RFC's headers, and verified by
    it; one of the lines changed, it refuses.
    """
    own = _signature_base("POST", "https://example.com/foo?param=Value&Pet=dog", "", "").decode().split("\n")
    ours = {line.split(":")[0]: line for line in own}
    base = "\n".join(ours.get(line.split(":")[0], line) for line in PUBLISHED_BASE.split("\n")[:-1])
    base += "\n" + PUBLISHED_BASE.split("\n")[-1]
    header = PUBLISHED["Signature"].replace("sig-b26", "circe")
    public = _TestKey().resolve_public_key("test-key-ed25519").public_bytes_raw()
    _verify_signature(base.encode(), header, "test-key-ed25519", lambda _: public)
    with pytest.raises(RequestUnsigned):
        _verify_signature(base.replace("POST", "PUT").encode(), header, "test-key-ed25519", lambda _: public)


DERIVED = {
    "2.2.1": ("@method", "POST", "https://www.example.com/path?param=value", "POST"),
    "2.2.3": ("@authority", "POST", "https://www.example.com/path?param=value", "www.example.com"),
    "2.2.6": ("@path", "POST", "https://www.example.com/path?param=value", "/path"),
    "2.2.7": (
        "@query",
        "POST",
        "https://www.example.com/path?param=value&foo=bar&baz=batman",
        "?param=value&foo=bar&baz=batman",
    ),
    "2.2.7, one word": ("@query", "POST", "https://www.example.com/path?queryString", "?queryString"),
    "2.2.7, none": ("@query", "POST", "https://www.example.com/path", "?"),
}
"""What RFC 9421 derives from its example requests, by section."""


@pytest.mark.parametrize(("name", "method", "url", "value"), DERIVED.values(), ids=DERIVED)
def test_the_derived_components_of_rfc_9421(name: str, method: str, url: str, value: str) -> None:
    assert f'"{name}": {value}' in _signature_base(method, url, "", "").decode().split("\n")


def test_the_content_digest_of_the_example_request() -> None:
    """RFC 9421's and RFC 9530's own body."""
    headers = sign_request("POST", "https://example.com/foo", b'{"hello": "world"}', make_keys("ana@ucl"), NOW)
    assert headers["Content-Digest"] == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
