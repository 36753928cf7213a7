"""A request counts for whoever signed it, as it was signed, once and for five minutes."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.http_signatures import (
    COVERED,
    LONGEST_NONCE,
    MAX_AGE,
    TAG,
    RequestUnsigned,
    VerifiedRequest,
    sign_request,
    verify_request,
)
from federation.register import RegisterError
from tests.federation.cast import NOW, make_keys, make_register

FEW = settings(max_examples=50, derandomize=True, deadline=None)
NODE = make_keys("node-203")
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Request:
    """A request as the hub sees it."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]


def find_public(member_id: str) -> bytes:
    return make_register().find(member_id, NOW).public_signing_key


def verify(request: Request, now: datetime = NOW) -> VerifiedRequest:
    return verify_request(request.method, request.url, request.headers, request.body, find_public, now=now)


URL = "https://hub.example:8400/federation/replies?wait=25&last=7"


def make_request(method: str = "POST", url: str = URL, body: bytes = b'{"a":1}', now: datetime = NOW) -> Request:
    return Request(method, url, body, sign_request(method, url, body, NODE, now))


def make_odd_request(keys: Any = NODE, covered: tuple[str, ...] = COVERED, **options: Any) -> Request:
    """A request signed in another way than ours."""
    message = Request("POST", URL, b'{"a":1}', {})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_Private(keys.signing_seed))
    digest = {"body": message.body} if any("content-digest" in part for part in covered) else {}
    usual = {"key_id": "node-203", "created": NOW, "nonce": "a-nonce", "label": TAG, "tag": TAG}
    signer.sign(message, covered_component_ids=covered, **{**usual, **digest, **options})
    return message


def make_twice(old: str, new: str) -> Request:
    """A request whose parameters are changed before it is signed, so that the signature itself is good."""
    request = make_odd_request()
    signed = swap(request.headers["Signature-Input"].removeprefix(f"{TAG}="), old, new)
    digest = request.headers["Content-Digest"]
    values = ("POST", "hub.example:8400", "/federation/replies", "?wait=25&last=7", digest)
    lines = [f'"{name}": {value}' for name, value in zip(COVERED, values, strict=True)]
    signature = NODE.sign("\n".join([*lines, f'"@signature-params": {signed}']).encode())
    written = f"{TAG}=:{base64.b64encode(signature).decode()}:"
    headers = {**request.headers, "Signature-Input": f"{TAG}={signed}", "Signature": written}
    return replace(request, headers=headers)


class _Private(HTTPSignatureKeyResolver):  # type: ignore[misc]
    """Signs with one key whatever its name."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self._key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        return self._key.public_key()


# --- Good requests ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"x", b"\0" * 100_000], ids=len)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8400/", "http://hub.example", "https://[::1]:1/a%20b?x=%2F"])
def test_a_signed_request_verifies(method: str, url: str, body: bytes) -> None:
    verified = verify(make_request(method, url, body))
    assert verified.member_id == "node-203"
    assert 16 <= len(verified.nonce) <= LONGEST_NONCE


@pytest.mark.parametrize("body", [b"", b"x"], ids=len)
@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:80/", "https://hub.example", "https://[::1]:1/a%20b?x=%2F"])
def test_a_general_library_verifies_what_we_sign(url: str, body: bytes) -> None:
    """What it signs is verified here in every test of another way to sign."""
    request = make_request("POST", url, body)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=_Private(NODE.signing_seed))
    verifier.max_clock_skew = timedelta(days=36_500)
    (result,) = verifier.verify(request, max_age=None, expect_tag=TAG, require_components=COVERED)
    verifier.verify_body(request, [result], body)
    assert (result.parameters["keyid"], result.label) == ("node-203", TAG)


def test_parameters_may_stand_in_any_order() -> None:
    """The RFC leaves the order to the signer; what is verified are the characters as they were sent."""
    request = make_request()
    signed = request.headers["Signature-Input"]
    components, *parameters = signed.removeprefix(f"{TAG}=").split(";")
    turned = ";".join([components, *reversed(parameters)])
    lines = [
        '"@method": POST',
        '"@authority": hub.example:8400',
        '"@path": /federation/replies',
        '"@query": ?wait=25&last=7',
        f'"content-digest": {request.headers["Content-Digest"]}',
        f'"@signature-params": {turned}',
    ]
    signature = base64.b64encode(NODE.sign("\n".join(lines).encode())).decode()
    headers = {**request.headers, "Signature-Input": f"{TAG}={turned}", "Signature": f"{TAG}=:{signature}:"}
    assert verify(replace(request, headers=headers)).member_id == "node-203"


def test_every_request_has_a_nonce_of_its_own() -> None:
    assert len({verify(make_request()).nonce for _ in range(20)}) == 20


def test_whoever_terminates_tls_may_pass_the_request_on_as_http() -> None:
    """The scheme is not covered, since a proxy changes it; host, path and query are."""
    request = make_request(url="https://hub.example/federation/inbox?wait=1")
    verify(replace(request, url="http://hub.example/federation/inbox?wait=1"))


def test_header_names_may_be_in_any_case() -> None:
    request = make_request()
    verify(replace(request, headers={name.lower(): value for name, value in request.headers.items()}))


def test_a_body_is_taken_in_only_from_whoever_has_signed_for_it() -> None:
    """A stranger's body is not read; a member's is, and is compared with the digest that they signed."""
    request, reads = make_request(), []

    def read_body() -> bytes:
        reads.append(request.body)
        return request.body

    def receive(headers: Mapping[str, str], now: datetime = NOW) -> VerifiedRequest:
        return verify_request(request.method, request.url, headers, read_body, find_public, now=now)

    for headers, now in [({}, NOW), (make_odd_request(nonce=None).headers, NOW), (request.headers, NOW + 2 * MAX_AGE)]:
        with pytest.raises(RequestUnsigned):
            receive(headers, now)
    assert reads == []
    assert receive(request.headers).member_id == "node-203"
    assert reads == [request.body]
    with pytest.raises(RequestUnsigned, match="altered on the way"):
        receive(make_request(body=b"other").headers)


# --- Altered requests ------------------------------------------------------------------------------------------------

ALTERED: dict[str, Callable[[Request], Request]] = {
    "method": lambda request: replace(request, method="DELETE"),
    "host": lambda request: replace(request, url=request.url.replace("hub.example", "hub2.example")),
    "port": lambda request: replace(request, url=request.url.replace("8400", "8401")),
    "path": lambda request: replace(request, url=request.url.replace("replies", "lookups")),
    "spelling of the path": lambda request: replace(request, url=request.url.replace("replies", "%72eplies")),
    "query": lambda request: replace(request, url=request.url.replace("wait=25", "wait=26")),
    "order of the query": lambda request: replace(request, url=request.url.split("?")[0] + "?last=7&wait=25"),
    "query, left out": lambda request: replace(request, url=request.url.split("?")[0]),
    "body": lambda request: replace(request, body=request.body + b" "),
    "body, left out": lambda request: replace(request, body=b""),
    "digest": lambda request: with_header(request, "Content-Digest", digest_of(b"other")),
    "body and digest": lambda request: with_header(
        replace(request, body=b"other"), "Content-Digest", digest_of(b"other")
    ),
    "digest, left out": lambda request: without(request, "Content-Digest"),
    "digest, of another kind": lambda request: with_header(request, "Content-Digest", "md5=:AAAA:"),
    "signature": lambda request: with_header(request, "Signature", swap(request.headers["Signature"], "=:", "=:AAAA")),
    "signature, emptied": lambda request: with_header(request, "Signature", f"{TAG}=::"),
    "signature, left out": lambda request: without(request, "Signature"),
    "signature, no structured field": lambda request: with_header(request, "Signature", "é" * 10),
    "input, left out": lambda request: without(request, "Signature-Input"),
    "input, no structured field": lambda request: with_header(request, "Signature-Input", "((((((((((" * 1000),
    "label in one place": lambda request: with_header(
        request, "Signature", request.headers["Signature"].replace(TAG, "other", 1)
    ),
    "key id": lambda request: with_input(request, "node-203", "node-301"),
    "nonce": lambda request: with_input(request, ';nonce="', ';nonce="x'),
    "moment": lambda request: with_input(request, ";created=1", ";created=2"),
    "tag": lambda request: with_input(request, ';tag="circe"', ';tag="other"'),
    "tag, left out": lambda request: with_input(request, ';tag="circe"', ""),
    "algorithm": lambda request: with_input(request, '"ed25519"', '"hmac-sha256"'),
    "a covered part, left out": lambda request: with_input(request, '"@query" ', ""),
    "order of the covered parts": lambda request: with_input(
        request, '"@method" "@authority"', '"@authority" "@method"'
    ),
    "a parameter more": lambda request: with_input(request, ';tag="circe"', ';tag="circe";more=1'),
}


def with_header(request: Request, name: str, value: str) -> Request:
    return replace(request, headers={**request.headers, name: value})


def without(request: Request, name: str) -> Request:
    return replace(request, headers={key: value for key, value in request.headers.items() if key != name})


def with_input(request: Request, old: str, new: str) -> Request:
    return with_header(request, "Signature-Input", swap(request.headers["Signature-Input"], old, new))


def swap(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def digest_of(body: bytes) -> str:
    return sign_request("POST", URL, body, NODE, NOW)["Content-Digest"]


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_a_request_altered_in_one_thing_is_refused(alter: Callable[[Request], Request]) -> None:
    request = make_request()
    verify(request)
    with pytest.raises(RequestUnsigned) as refused:
        verify(alter(request))
    assert refused.value.__cause__ is None


@FEW
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_headers_at_all_are_refused_in_our_own_words(signed: str, signature: str, digest: str) -> None:
    headers = {"Signature-Input": signed, "Signature": signature, "Content-Digest": digest}
    with pytest.raises(RequestUnsigned):
        verify(Request("POST", URL, b"", headers))


@pytest.mark.parametrize(
    "url", ["", "/federation/inbox", "hub.example", "http://", "http://hub.example/ü", "http://h:p/"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(RequestUnsigned):
        verify(replace(make_request(), url=url))


# --- Requests signed in another way ----------------------------------------------------------------------------------

ODD: dict[str, Callable[[], Request]] = {
    "no nonce": lambda: make_odd_request(nonce=None),
    "an empty nonce": lambda: make_odd_request(nonce=""),
    "a nonce that is a page": lambda: make_odd_request(nonce="x" * (LONGEST_NONCE + 1)),
    "no tag": lambda: make_odd_request(tag=None),
    "another tag": lambda: make_odd_request(tag="web-bot-auth"),
    "the key of another": lambda: make_odd_request(make_keys("node-301")),
    "the name of another": lambda: make_odd_request(key_id="node-301"),
    "the name of a stranger": lambda: make_odd_request(make_keys("mallory"), key_id="mallory"),
    "no name": lambda: make_odd_request(key_id=""),
    "a name with a quote in it": lambda: make_odd_request(key_id='node-203";x="'),
    "run out": lambda: make_odd_request(expires=NOW),
    "another algorithm in name": lambda: make_twice(';alg="ed25519"', ';alg="hmac-sha256"'),
    "no algorithm": lambda: make_odd_request(include_alg=False),
    "no moment": lambda: make_twice(f";created={int(NOW.timestamp())}", ""),
    "two moments": lambda: make_twice(";nonce=", f";created={int(NOW.timestamp())};nonce="),
    "two names": lambda: make_twice(";nonce=", ';keyid="node-203";nonce='),
    "a parameter that nobody knows": lambda: make_twice(";nonce=", ';more="x";nonce='),
    "a moment more": lambda: make_twice(";nonce=", ";more=1;nonce="),
    "another label": lambda: make_odd_request(label="sig1"),
    "a part more": lambda: make_odd_request(covered=(*COVERED, "@scheme")),
    "one member of the digest covered": lambda: make_odd_request(
        covered=(*COVERED[:-1], '"content-digest";key="sha-256"')
    ),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_a_request_signed_in_another_way_is_refused(make: Callable[[], Request]) -> None:
    verify(make_odd_request())
    with pytest.raises(RequestUnsigned):
        verify(make())


@pytest.mark.parametrize("part", COVERED)
def test_a_signature_covers_every_part_of_a_request(part: str) -> None:
    with pytest.raises(RequestUnsigned):
        verify(make_odd_request(covered=tuple(each for each in COVERED if each != part)))


def test_a_signature_that_runs_out_later_is_good() -> None:
    assert verify(make_odd_request(expires=NOW + SECOND)).member_id == "node-203"


def test_two_signatures_for_circe_are_refused() -> None:
    """Nobody has to guess which of the two counts."""
    request = make_odd_request()
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519, key_resolver=_Private(make_keys("node-301").signing_seed)
    )
    options = {"created": NOW, "nonce": "another", "label": "second", "tag": TAG, "covered_component_ids": COVERED}
    signer.sign(
        request,
        key_id="node-301",
        append_if_signature_exists=True,
        use_existing_digest=True,
        body=request.body,
        **options,
    )
    assert "second=" in request.headers["Signature"]
    with pytest.raises(RequestUnsigned):
        verify(request)


def test_whoever_the_register_does_not_know_is_refused_alike() -> None:
    """Whatever goes wrong in finding a key, nobody is let in."""

    def fail(_member: str) -> bytes:
        raise RegisterError("node-203 is revoked")

    for find in (fail, lambda _member: b"", lambda _member: bytes(31)):
        request = make_request()
        with pytest.raises(RequestUnsigned, match="not signed by an active member") as refused:
            verify_request(request.method, request.url, request.headers, request.body, find, now=NOW)
        assert "revoked" not in str(refused.value)


# --- Time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "now", [NOW - MAX_AGE, NOW, NOW + MAX_AGE], ids=["by a clock that is behind", "at once", "after five minutes"]
)
def test_a_request_is_good_for_five_minutes_either_way(now: datetime) -> None:
    assert verify(make_request(), now).member_id == "node-203"


@pytest.mark.parametrize(
    "away", [-MAX_AGE - SECOND, MAX_AGE + SECOND, timedelta(days=400), -timedelta(days=400)], ids=str
)
def test_a_request_of_another_time_is_refused(away: timedelta) -> None:
    """So a nonce has to be remembered for no longer than twice five minutes."""
    with pytest.raises(RequestUnsigned, match="compare the clocks"):
        verify(make_request(), NOW + away)


def test_the_present_is_the_machines_when_none_is_given() -> None:
    fresh, old = make_request(now=datetime.now(UTC)), make_request(now=datetime.now(UTC) - MAX_AGE - SECOND)
    assert verify_request(fresh.method, fresh.url, fresh.headers, fresh.body, find_public).member_id == "node-203"
    with pytest.raises(RequestUnsigned, match="compare the clocks"):
        verify_request(old.method, old.url, old.headers, old.body, find_public)


@pytest.mark.parametrize("created", ["999999999999999", "-999999999999999", "1.5", '"1"', "?1"])
def test_a_moment_that_is_none_is_refused(created: str) -> None:
    request = make_request()
    stamp = f";created={int(NOW.timestamp())}"
    with pytest.raises(RequestUnsigned):
        verify(with_input(request, stamp, f";created={created}"))
