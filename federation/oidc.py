"""Signing in at an organisation's own provider: the relying party's half of OpenID Connect, as pure functions.

The authorization code flow with PKCE (RFC 7636, S256), and nothing else. What a provider says of itself and of a person
is checked here, after OpenID Connect Core, section 3.1.3.7; whoever fetches it is elsewhere.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from federation.tls import TlsInvalid, check_protected

D = TypeVar("D")

ALGORITHMS = ("ES256", "PS256", "RS256")
"""By which ID tokens may be signed: never by none, and never by a secret that a client knows."""

CLOCKS_APART = timedelta(minutes=2)
"""How far a provider's clock may be off."""

OLDEST_TOKEN = timedelta(minutes=10)
"""An ID token was made for this sign-in."""

MAX_DOCUMENT = 256 * 1024


class ProviderRefused(Exception):
    """A provider, or what it says of somebody, does not hold; the message has no value of theirs."""


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery); the rest is not used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Tokens(msgspec.Struct, frozen=True):
    """What a provider gives for a code. The access token is used for nothing but to check the other's `at_hash`."""

    id_token: str
    access_token: str = ""


@dataclass(frozen=True)
class Asked:
    """One sign-in, as it was begun: what the provider must give back, or must have been told."""

    issuer: str
    client_id: str
    redirect_uri: str
    state: str
    nonce: str
    verifier: str


def read_metadata(data: bytes, issuer: str) -> Metadata:
    """Return what a provider says of itself. Raises `ProviderRefused` where it is another or could be overheard."""
    found = read_document(data, Metadata, "the description of the provider")
    if found.issuer != issuer:
        raise ProviderRefused("the provider says that it is another issuer")
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        _check_address(address, issuer)
    return found


def _check_address(address: str, issuer: str) -> None:
    """Raise `ProviderRefused` for an address without TLS, unless the provider itself is on this machine without it.

    Else a provider could send us, with our secret, to whatever listens on this machine for nobody else.
    """
    try:
        check_protected(address)
        is_protected = address.startswith("https:") or issuer.startswith("http:")
    except TlsInvalid:
        is_protected = False
    if not is_protected:
        raise ProviderRefused("the provider names an address that is not protected by TLS")


def read_document(data: bytes, kind: type[D], title: str) -> D:
    """Return a provider's JSON document. Raises `ProviderRefused`."""
    try:
        return msgspec.json.decode(data[:MAX_DOCUMENT], type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderRefused(f"{title} cannot be read") from None


def write_address(metadata: Metadata, asked: Asked, scopes: Sequence[str]) -> str:
    """Return the address at the provider where somebody signs in."""
    challenge = hashlib.sha256(asked.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": asked.client_id,
        "redirect_uri": asked.redirect_uri,
        "scope": " ".join(scopes),
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": _encode(challenge),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"


def read_id_token(tokens: Tokens, keys: bytes, asked: Asked, now: datetime) -> Mapping[str, Any]:
    """Return what a provider says of somebody who has just signed in. Raises `ProviderRefused`.

    The steps, each of which refuses alone:

    1. The signature is by one of the provider's keys now, by an algorithm of our list.
    2. It is the issuer that was asked, and the token was made for us and for nobody besides.
    3. It was made minutes ago, and holds now.
    4. It was made for this sign-in: the nonce is ours.
    5. It belongs to the access token beside it.
    """
    claims = _verify_signature(tokens.id_token, keys)  # 1
    _check_parties(claims, asked)  # 2
    _check_times(claims, now)  # 3
    if not _is_same(claims.get("nonce"), asked.nonce):  # 4
        raise ProviderRefused("the ID token was made for another sign-in")
    if "at_hash" in claims and not _is_same(claims["at_hash"], hash_half(tokens.access_token)):  # 5
        raise ProviderRefused("the ID token belongs to another access token")
    return claims


def _verify_signature(token: str, keys: bytes) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    held = read_document(keys, dict[str, Any], "the keys of the provider")
    try:
        return dict(jwt.decode(token, KeySet.import_key_set(held), algorithms=list(ALGORITHMS)).claims)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError):
        raise ProviderRefused("the ID token is not signed by a key of the provider") from None


def _check_parties(claims: Mapping[str, Any], asked: Asked) -> None:
    if not _is_same(claims.get("iss"), asked.issuer):
        raise ProviderRefused("the ID token is by another issuer")
    audience = claims.get("aud")
    if audience not in (asked.client_id, [asked.client_id]):
        raise ProviderRefused("the ID token was made for somebody else")
    if claims.get("azp", asked.client_id) != asked.client_id:
        raise ProviderRefused("the ID token was given to somebody else")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    moment, apart = now.timestamp(), CLOCKS_APART.total_seconds()
    made, ends, begins = (_read_moment(claims, name) for name in ("iat", "exp", "nbf"))
    if made is None or ends is None:
        raise ProviderRefused("the ID token does not say when it was made and when it ends")
    if not (begins or made) - apart <= moment < ends + apart:
        raise ProviderRefused("the ID token does not hold now")
    if not -apart <= moment - made <= OLDEST_TOKEN.total_seconds():
        raise ProviderRefused("the ID token was not made just now")


def _read_moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ProviderRefused("the ID token states a time that is none")


def _is_same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def hash_half(access_token: str) -> str:
    """Return `at_hash` as the three algorithms of our list have it: the left half of a SHA-256, in base64url."""
    return _encode(hashlib.sha256(access_token.encode()).digest()[:16])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
