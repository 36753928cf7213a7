"""HTTP message signatures (RFC 9421) on every request that a member makes to the hub.

A request covers its method, authority, path, query and body digest (RFC 9530), carries a nonce and the moment it was
made, and is signed with the member's Ed25519 key under the tag `circe`. The receiver remembers nonces for as long as
the signature would be accepted, which is at most twice `MAX_AGE`, so a recorded request cannot be sent again.
"""

import math
import secrets
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from federation.keys import MemberKeys

TAG = "circe"
COVERED = ("@method", "@authority", "@path", "@query", "content-digest")
MAX_AGE = timedelta(minutes=5)
"""How long after it was made a signed request is accepted; also how far the signer's clock may be ahead."""

LONGEST_NONCE = 64
"""The most characters of a nonce; whoever remembers nonces keeps all of it."""

_NEVER_MIND = timedelta(days=36_500)


class RequestUnsigned(Exception):
    """A request carries no valid signature of a known member. The text is safe to show."""


@dataclass(frozen=True)
class VerifiedRequest:
    """Who signed a request, and the nonce that must not be seen again."""

    member_id: str
    nonce: str


@dataclass
class _Message:
    """The view of a request that the signature library reads and, when signing, writes headers to."""

    method: str
    url: str
    headers: dict[str, str]


class _OneKey:
    """Resolves the signer's own private key, or any member's public key through the register."""

    def __init__(self, private: Any = None, find_public: Callable[[str], bytes] | None = None) -> None:
        self._private, self._find_public = private, find_public

    def resolve_private_key(self, key_id: str) -> Any:
        return self._private

    def resolve_public_key(self, key_id: str) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        assert self._find_public is not None
        return Ed25519PublicKey.from_public_bytes(self._find_public(key_id))


def sign_request(method: str, url: str, body: bytes, keys: "MemberKeys", now: datetime) -> Mapping[str, str]:
    """Return the headers that sign a request: Content-Digest, Signature-Input and Signature."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from http_message_signatures import HTTPMessageSigner, algorithms

    message = _Message(method, url, {})
    private = Ed25519PrivateKey.from_private_bytes(keys.signing_seed)
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(private))
    signer.sign(
        message,
        key_id=keys.member_id,
        created=now,
        nonce=secrets.token_urlsafe(18),
        label=TAG,
        tag=TAG,
        covered_component_ids=COVERED[:-1],
        body=body,
    )
    return message.headers


def verify_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | Callable[[], bytes],
    find_public: Callable[[str], bytes],
    *,
    now: datetime | None = None,
) -> VerifiedRequest:
    """Verify a request's signature, moment and body digest, and return who made it. Raises `RequestUnsigned`.

    `find_public` returns the public key of an active member, and raises for anyone else. A `body` that is a function is
    called once all else has been verified, so that nobody has to take in what a stranger sends. `now` is the present
    when left out.
    """
    from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageVerifier, algorithms

    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(find_public=find_public)
    )
    # The library reads the machine's clock and adds its tolerance to the age too; `_check_moment` does neither.
    verifier.max_clock_skew = _NEVER_MIND
    message = _Message(method, url, dict(headers))
    try:
        (result,) = verifier.verify(message, max_age=None, expect_tag=TAG, require_components=COVERED)
    except (HTTPMessageSignaturesException, ValueError):
        raise _refusal() from None
    _check_moment(result.parameters, now or datetime.now(UTC))
    if not result.nonce or len(result.nonce) > LONGEST_NONCE:
        raise RequestUnsigned(f"the signature carries no nonce of 1 to {LONGEST_NONCE} characters")
    content = body() if callable(body) else body
    try:
        verifier.verify_body(message, [result], content)
    except (HTTPMessageSignaturesException, ValueError):
        raise _refusal() from None
    return VerifiedRequest(str(result.parameters["keyid"]), result.nonce)


def _refusal() -> RequestUnsigned:
    return RequestUnsigned("the request is not signed by an active member, or was altered on the way")


def _check_moment(parameters: Mapping[str, Any], now: datetime) -> None:
    age = now.timestamp() - parameters["created"]
    if abs(age) > MAX_AGE.total_seconds() or now.timestamp() >= parameters.get("expires", math.inf):
        raise RequestUnsigned(
            f"the signature has run out or is {age:.0f} seconds old by this clock: compare the clocks"
        )


class SignatureAuth(httpx.Auth):
    """Signs every request of an `httpx` client with a member's keys."""

    requires_request_body = True

    def __init__(self, keys: "MemberKeys", clock: Callable[[], datetime]) -> None:
        self._keys, self._clock = keys, clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the signature headers; called by `httpx` for each request."""
        signed = sign_request(request.method, str(request.url), request.content, self._keys, self._clock())
        request.headers.update(signed)
        yield request
