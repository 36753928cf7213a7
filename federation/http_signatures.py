"""HTTP message signatures (RFC 9421) on every request that a member makes to the hub.

A request covers its method, authority, path, query and body digest (RFC 9530), carries a nonce and the moment it was
made, and is signed with the member's Ed25519 key under the tag `circe`. The receiver remembers nonces for as long as
the signature would be accepted, which is at most twice `MAX_AGE`, so a recorded request cannot be sent again.

The RFC leaves it to each application what is signed and how it is written, and this file knows that one form alone:

    Content-Digest: sha-256=:<base64>:
    Signature-Input: circe=("@method" "@authority" "@path" "@query" "content-digest")
        ;created=1772442000;keyid="node-203";alg="ed25519";nonce="-UD0X2wa...";tag="circe"
    Signature: circe=:<base64>:

so that there is nothing to negotiate, and what is verified are the very characters that were sent. The tests hold it
to a general library in both directions.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from federation.envelope import read_public_key
from federation.register import RegisterError

if TYPE_CHECKING:
    from federation.keys import MemberKeys

TAG = "circe"
COVERED = ("@method", "@authority", "@path", "@query", "content-digest")
MAX_AGE = timedelta(minutes=5)
"""How long after it was made a signed request is accepted; also how far the signer's clock may be ahead."""

LONGEST_NONCE = 64
"""The most characters of a nonce; whoever remembers nonces keeps all of it."""

_COMPONENTS = "(" + " ".join(f'"{name}"' for name in COVERED) + ")"
_PARAMETER = r';([a-z]+)=(?:([0-9]{1,15})|"([ !#-\[\]-~]*)")'
_INPUT = re.compile(rf"{TAG}=({re.escape(_COMPONENTS)}((?:{_PARAMETER})*))")
_SIGNATURE = re.compile(rf"{TAG}=:([A-Za-z0-9+/]{{86}}==):")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!\"$->@-~]*)?(?P<query>\?[!\"$-~]*)?"
)
_METHOD = re.compile(r"[A-Z]{1,20}")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class RequestUnsigned(Exception):
    """A request carries no valid signature of a known member. The text is safe to show."""


class ClocksApart(RequestUnsigned):
    """A request is signed, but was made too long ago or in the future by the receiver's clock."""


@dataclass(frozen=True)
class VerifiedRequest:
    """Who signed a request, and the nonce that must not be seen again."""

    member_id: str
    nonce: str


@dataclass(frozen=True)
class _Claims:
    """What a `Signature-Input` says: its parameters, and the text of which the signature is part of the proof."""

    text: str
    created: int
    expires: int | None
    member_id: str
    nonce: str


def sign_request(method: str, url: str, body: bytes, keys: "MemberKeys", now: datetime) -> Mapping[str, str]:
    """Return the headers that sign a request: Content-Digest, Signature-Input and Signature."""
    digest = _digest(body)
    created, nonce = int(now.timestamp()), secrets.token_urlsafe(18)
    signed = f'{_COMPONENTS};created={created};keyid="{keys.member_id}";alg="ed25519";nonce="{nonce}";tag="{TAG}"'
    signature = keys.sign(_signature_base(method, url, digest, signed))
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{TAG}={signed}",
        "Signature": f"{TAG}=:{base64.b64encode(signature).decode()}:",
    }


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

    `find_public` returns the public key of an active member, and raises `RegisterError` for anyone else. A `body` that
    is a function is called once all else has been verified, so that nobody has to take in what a stranger sends. `now`
    is the present when left out.
    """
    given = {name.lower(): value for name, value in headers.items()}
    digest = given.get("content-digest", "")
    claims = _read_claims(given.get("signature-input", ""))
    base = _signature_base(method, url, digest, claims.text)
    _verify_signature(base, given.get("signature", ""), claims.member_id, find_public)
    _check_moment(claims, now or datetime.now(UTC))
    content = body() if callable(body) else body
    if digest != _digest(content):
        raise _refusal()
    return VerifiedRequest(claims.member_id, claims.nonce)


def _read_claims(header: str) -> _Claims:
    """Read a `Signature-Input` with our one signature, whose parameters may stand in any order."""
    whole = _INPUT.fullmatch(header)
    if whole is None:
        raise _refusal()
    found = re.findall(_PARAMETER, whole[2])
    numbers = {name: int(number) for name, number, _ in found if number}
    texts = {name: text for name, number, text in found if not number}
    if len(numbers) + len(texts) != len(found) or not numbers.keys() <= {"created", "expires"}:
        raise _refusal()
    if texts.keys() != {"keyid", "alg", "nonce", "tag"} or (texts["alg"], texts["tag"]) != ("ed25519", TAG):
        raise _refusal()
    if "created" not in numbers or not 1 <= len(texts["nonce"]) <= LONGEST_NONCE:
        raise RequestUnsigned(f"the signature carries no moment, or no nonce of 1 to {LONGEST_NONCE} characters")
    return _Claims(whole[1], numbers["created"], numbers.get("expires"), texts["keyid"], texts["nonce"])


def _signature_base(method: str, url: str, digest: str, signed: str) -> bytes:
    """Return the bytes that are signed (RFC 9421, section 2.5)."""
    place = _URL.fullmatch(url)
    if place is None or _METHOD.fullmatch(method) is None or not digest.isascii():
        raise _refusal()
    port = place["port"]
    authority = place["host"].lower()
    if port and port != _DEFAULT_PORTS[place["scheme"]]:
        authority += f":{port}"
    values = (method, authority, place["path"] or "/", place["query"] or "?", digest)
    lines = [f'"{name}": {value}' for name, value in zip(COVERED, values, strict=True)]
    return "\n".join([*lines, f'"@signature-params": {signed}']).encode("ascii")


def _verify_signature(base: bytes, header: str, signer: str, find_public: Callable[[str], bytes]) -> None:
    from cryptography.exceptions import InvalidSignature

    written = _SIGNATURE.fullmatch(header)
    if written is None:
        raise _refusal()
    try:
        read_public_key(find_public(signer)).verify(base64.b64decode(written[1]), base)
    except (InvalidSignature, RegisterError, ValueError):
        raise _refusal() from None


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _refusal() -> RequestUnsigned:
    return RequestUnsigned("the request is not signed by an active member, or was altered on the way")


def _check_moment(claims: _Claims, now: datetime) -> None:
    age = now.timestamp() - claims.created
    if abs(age) > MAX_AGE.total_seconds():
        apart = f"{abs(age):.0f} seconds {'old' if age > 0 else 'ahead'}"
        raise ClocksApart(
            f"the request is {apart} by this clock, and at most {MAX_AGE.total_seconds():.0f} are allowed: compare the "
            "clocks"
        )
    if claims.expires is not None and now.timestamp() >= claims.expires:
        raise RequestUnsigned("the signature has run out")
