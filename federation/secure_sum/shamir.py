"""Secret sharing after Shamir (CACM 1979): any t of n shares give the secret, and fewer say nothing at all.

Arithmetic is over GF(p) with the smallest prime above 2**256, so that every 32 bytes are a secret. The share of
member number i (from 1) is the value at i of a random polynomial of degree t-1 whose value at 0 is the secret.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence

PRIME = 2**256 + 297
SHARE_BYTES = 33

Shares = Mapping[int, int]
"""Values by place; places count from 1."""


def split_secret(
    secret: bytes, threshold: int, count: int, draw: Callable[[int], int] = secrets.randbelow
) -> list[int]:
    """Return `count` shares of a 32-byte secret, any `threshold` of which give it back."""
    if len(secret) != 32 or not 1 <= threshold <= count:
        raise ValueError("a secret is 32 bytes, and its threshold between 1 and the number of shares")
    polynomial = [int.from_bytes(secret, "big"), *(draw(PRIME) for _ in range(threshold - 1))]
    return [_evaluate(polynomial, place) for place in range(1, count + 1)]


def lagrange_coefficients(places: Sequence[int]) -> dict[int, int]:
    """Return what each place's share counts for at 0: worked out once, good for every secret shared alike."""
    coefficients = {}
    for place in places:
        top = bottom = 1
        for other in places:
            if other != place:
                top = top * other % PRIME
                bottom = bottom * (other - place) % PRIME
        coefficients[place] = top * pow(bottom, -1, PRIME) % PRIME
    return coefficients


def join_shares(shares: Shares, coefficients: Mapping[int, int]) -> int:
    """Return the polynomial's value at 0 from the shares at exactly the places of the coefficients."""
    return sum(coefficients[place] * shares[place] for place in coefficients) % PRIME


def _evaluate(polynomial: Sequence[int], place: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = (value * place + coefficient) % PRIME
    return value
