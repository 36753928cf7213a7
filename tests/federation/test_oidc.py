"""What a provider says of somebody counts for one sign-in here, signed by a key of its own, and now."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from federation.oidc import (
    ALGORITHMS,
    Asked,
    ProviderRefused,
    Tokens,
    hash_half,
    read_id_token,
    read_metadata,
    write_address,
)

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())
ISSUER = "https://login.example/v2.0"
ASKED = Asked(ISSUER, "circe-301", "https://node.example/sign-in/with/dfe/back", "state", "nonce", "v" * 43)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, private=True)
KEYS = json.dumps(KeySet([RSA, EC]).as_dict(private=False)).encode()
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "circe-301",
    "sub": "s-1",
    "iat": SECOND,
    "exp": SECOND + 300,
    "nonce": "nonce",
}


def sign(claims: dict[str, Any], algorithm: str = "RS256", key: Any = RSA) -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


def read(claims: dict[str, Any], access_token: str = "access") -> Any:
    return read_id_token(Tokens(sign(claims), access_token), KEYS, ASKED, NOW)


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("PS256", RSA), ("ES256", EC)])
def test_a_token_of_each_algorithm_of_the_list_is_read(algorithm: str, key: Any) -> None:
    assert algorithm in ALGORITHMS
    found = read_id_token(Tokens(sign(CLAIMS, algorithm, key)), KEYS, ASKED, NOW)
    assert found["sub"] == "s-1"


ALSO_GOOD = [{"aud": ["circe-301"]}, {"azp": "circe-301"}, {"nbf": SECOND}, {"at_hash": hash_half("access")}]


@pytest.mark.parametrize("changed", ALSO_GOOD)
def test_other_forms_of_a_good_token(changed: dict[str, Any]) -> None:
    assert read(CLAIMS | changed)["sub"] == "s-1"


WRONG = {
    "another issuer": {"iss": "https://login.example/v2.0/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "circe-302"},
    "us and another": {"aud": ["circe-301", "circe-302"]},
    "nobody": {"aud": []},
    "given to another": {"azp": "circe-302"},
    "another nonce": {"nonce": "nonce2"},
    "no nonce": {"nonce": None},
    "over": {"exp": SECOND - 300},
    "no end": {"exp": None},
    "an end that is no time": {"exp": "tomorrow"},
    "an end that is true": {"exp": True},
    "not yet": {"nbf": SECOND + 600},
    "made long ago": {"iat": SECOND - 3600},
    "made tomorrow": {"iat": SECOND + 86400, "exp": SECOND + 90000},
    "no beginning": {"iat": None},
    "another access token": {"at_hash": hash_half("another")},
    "no access token": {"at_hash": None},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG)
def test_a_token_that_is_wrong_in_one_thing_is_refused(changed: dict[str, Any]) -> None:
    """Each is properly signed by the provider."""
    with pytest.raises(ProviderRefused):
        read(CLAIMS | changed)


def test_a_token_that_nobody_of_the_providers_signed_is_refused() -> None:
    head, body, signature = sign(CLAIMS).split(".")
    other = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
    public = OctKey.import_key(json.dumps(RSA.as_dict(private=False)).encode() + bytes(32), {"kid": "rsa"})
    forged = {
        "another key of that name": sign(CLAIMS, key=other),
        "no signature": f"{head}.{body}.",
        "the algorithm none": f"eyJhbGciOiJub25lIn0.{body}.",
        "the public key as a secret": sign(CLAIMS, "HS256", public),
        "another body": f"{head}.{body[:-2]}AA.{signature}",
        "no token": "",
    }
    for token in forged.values():
        with pytest.raises(ProviderRefused, match="not signed by a key"):
            read_id_token(Tokens(token), KEYS, ASKED, NOW)


def test_a_secret_among_the_keys_signs_nothing() -> None:
    """A provider's list of keys may hold anything; what a client could know is by no algorithm of ours."""
    secret = OctKey.generate_key(256, {"kid": "oct"})
    keys = json.dumps(KeySet([secret]).as_dict(private=True)).encode()
    with pytest.raises(ProviderRefused):
        read_id_token(Tokens(sign(CLAIMS, "HS256", secret)), keys, ASKED, NOW)


@given(st.one_of(st.binary(max_size=80), st.sampled_from([b"{}", b'{"keys": []}', b'{"keys": [{"kty": "RSA"}]}'])))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_any_keys_and_tokens_are_refused_with_our_own_error(data: bytes) -> None:
    for token, keys in ((sign(CLAIMS), data), (data.decode("latin-1"), KEYS)):
        with pytest.raises(ProviderRefused):
            read_id_token(Tokens(token), keys, ASKED, NOW)


GOOD = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize?x=1",
    "token_endpoint": "https://login.example/token",
    "jwks_uri": "https://login.example/keys",
}


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"token_endpoint": "http://login.example/token"}, "not protected"),
        ({"jwks_uri": "http://login.example/keys"}, "not protected"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "not protected"),
        ({"jwks_uri": "file://localhost/srv/circe/keys.json"}, "not protected"),
        ({"token_endpoint": "http://localhost:5432/"}, "not protected"),
        ({"jwks_uri": "http://127.0.0.1/latest/meta-data"}, "not protected"),
        ({"token_endpoint": 1}, "cannot be read"),
    ],
)
def test_a_provider_that_describes_itself_otherwise_is_refused(changed: dict[str, Any], refused: str) -> None:
    read_metadata(json.dumps(GOOD).encode(), ISSUER)
    with pytest.raises(ProviderRefused, match=refused):
        read_metadata(json.dumps(GOOD | changed).encode(), ISSUER)


def test_the_address_carries_no_secret_and_the_proof_of_one() -> None:
    """The challenge of PKCE, of RFC 7636's own example; the verifier stays here."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    asked = Asked(ISSUER, "circe-301", "https://node.example/back", "s", "n", verifier)
    address = write_address(read_metadata(json.dumps(GOOD).encode(), ISSUER), asked, ("openid",))
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert query["code_challenge"] == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert (query["x"], query["state"], query["nonce"], query["response_type"]) == ("1", "s", "n", "code")
    assert asked.verifier not in address


def test_clocks_may_be_two_minutes_apart() -> None:
    for apart in (-110, 110):
        later = NOW + timedelta(seconds=apart)
        read_id_token(Tokens(sign(CLAIMS | {"exp": SECOND + 5})), KEYS, ASKED, later)
