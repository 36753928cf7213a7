"""Opening (S10): what the hub works out from t reveals. It holds everything against what was signed beforehand.

The sum of the survivors' vectors, less their self-masks, less what the dropped shared with them, is the sum of their
numbers. Every seed and unlock key that is put together must be the one its dealer committed to, and every slot key of a
dropped node likewise, so a wrong share, list or dealing stops the opening and says whose it was.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from federation.envelope import decode_base64
from federation.secure_sum.bundles import Dealt
from federation.secure_sum.dealing import SlotKey, commit_secret, list_place
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumFailed
from federation.secure_sum.masking import KeyStream, pair_mask_key, self_mask_key
from federation.secure_sum.messages import (
    DEALING_TYPE,
    Dealing,
    SumRoster,
    SurvivorSet,
)
from federation.secure_sum.reveals import RevealedShares
from federation.secure_sum.sealed import BoxClosed, open_box
from federation.secure_sum.shamir import join_shares, lagrange_coefficients
from federation.secure_sum.signing import read_payload
from federation.secure_sum.vectors import read_vector

if TYPE_CHECKING:
    from federation.secure_sum.vectors import Vector


def open_sum(
    roster: SumRoster,
    statement: SurvivorSet,
    vectors: Mapping[str, bytes],
    bundles: Mapping[str, Dealt],
    shares: Mapping[str, RevealedShares],
) -> "Vector":
    """Return the sum of the survivors' vectors from the shares of exactly t good reveals, as `read_shares` took them.

    Raises `SumFailed`, naming who lied.
    """
    import numpy as np

    if len(shares) < roster.threshold:
        raise SumFailed("reveals_missing", f"{roster.threshold} reveals are needed, and there are {len(shares)}")
    shares = dict(list(shares.items())[: roster.threshold])
    cells = len(vectors[statement.survivors[0]]) // 8
    total = np.zeros(cells, dtype="<u8")
    for node in statement.survivors:
        total += read_vector(vectors[node], cells)
    secrets = _join_secrets(roster, statement, bundles, shares)
    stream = KeyStream(cells)
    for dealer, secret in secrets.items():
        if dealer in statement.survivors:
            key = self_mask_key(secret, statement.manifest_digest, statement.attempt)
            stream.apply(total, key, add=False)
        else:
            _take_out(total, stream, dealer, open_list(bundles[dealer], roster, secret), statement)
    return total


def open_list(bundle: Dealt, roster: SumRoster, unlock: bytes) -> dict[str, bytes]:
    """Return a dropped dealer's slot keys by peer, each as committed to. Raises `SumFailed`, naming the dealer."""
    header = read_payload(bundle.header, DEALING_TYPE, Dealing)
    dealer, where = header.dealer, SlotKey(header.roster_digest, header.slot)
    box = decode_base64(bundle.sealed_list)
    if digest_of(box) != header.list_digest:
        raise SumFailed("list_false", f"the list of {dealer} is not the one that it signed", (dealer,))
    try:
        listed = open_box(unlock, box, list_place(dealer, where))
    except BoxClosed:
        raise SumFailed("list_false", f"the list that {dealer} sealed does not open", (dealer,)) from None
    others = [name for name in roster.members if name != dealer]
    keys = {name: listed[32 * index : 32 * index + 32] for index, name in enumerate(others)}
    for name, leaf in zip(roster.members, bundle.leaves, strict=True):
        if name != dealer and commit_secret("slot-key", keys[name], dealer, where, name) != leaf.slot_key:
            raise SumFailed("list_false", f"{dealer} listed another key than it committed to for {name}", (dealer,))
    return keys


def _join_secrets(
    roster: SumRoster,
    statement: SurvivorSet,
    bundles: Mapping[str, Dealt],
    shares: Mapping[str, RevealedShares],
) -> dict[str, bytes]:
    """Put together each survivor's seed and each other member's unlock key."""
    places = {name: place for place, name in enumerate(roster.members, start=1)}
    coefficients = lagrange_coefficients([places[name] for name in shares])
    survivors, where = frozenset(statement.survivors), SlotKey(statement.roster_digest, statement.slot)
    joined = {}
    for dealer in roster.members:
        values = {places[name]: int.from_bytes(held[dealer], "big") for name, held in shares.items()}
        secret = join_shares(values, coefficients)
        header = read_payload(bundles[dealer].header, DEALING_TYPE, Dealing)
        what = "seed" if dealer in survivors else "unlock"
        expected = header.seed_commitment if what == "seed" else header.unlock_commitment
        if secret >= 2**256 or commit_secret(what, secret.to_bytes(32, "big"), dealer, where) != expected:
            raise SumFailed("dealing_false", f"the shares that {dealer} dealt are not of one secret", (dealer,))
        joined[dealer] = secret.to_bytes(32, "big")
    return joined


def _take_out(
    total: "Vector", stream: KeyStream, dropped: str, keys: Mapping[str, bytes], statement: SurvivorSet
) -> None:
    """Take out what each survivor added for a dropped peer above it, or took away for one below."""
    for node in statement.survivors:
        key = pair_mask_key(keys[node], statement.manifest_digest, statement.attempt)
        stream.apply(total, key, add=dropped < node)
