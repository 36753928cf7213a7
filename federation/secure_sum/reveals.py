"""Reveals (S9): how a node's shares travel, and how the hub takes them apart again.

Shares are joined in the roster's order: of the seed for each survivor, of the unlock key for everyone else. What is of
whom follows from the survivor set, so a reveal for one set cannot be read as one for another.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from federation.envelope import EnvelopeError, Signature, decode_base64
from federation.secure_sum.bundles import Dealt
from federation.secure_sum.contributor_store import RevealClaim, ShareKind
from federation.secure_sum.dealing import KeptParcel, SlotKey, commit_secret
from federation.secure_sum.errors import SumFailed
from federation.secure_sum.messages import Reveal, SumRoster, SurvivorSet
from federation.secure_sum.shamir import PRIME, SHARE_BYTES

RevealedShares = Mapping[str, bytes]
"""One node's shares by dealer: of the seed for a survivor, of the unlock key for everyone else."""


def write_reveal(
    claim: RevealClaim, parcels: Mapping[str, KeptParcel], me: str, held: Signature | None = None
) -> Reveal:
    """Return the document that gives exactly the shares of a claim, and the same one every time."""
    ordered = [parcels[dealer] for dealer in sorted(claim.kinds)]
    seeds = [parcel.seed_share for parcel in ordered if claim.kinds[parcel.dealer] is ShareKind.SEED]
    unlocks = [parcel.unlock_share for parcel in ordered if claim.kinds[parcel.dealer] is ShareKind.UNLOCK]
    return Reveal(
        manifest_digest=claim.manifest_digest,
        attempt=claim.attempt,
        slot=claim.where.slot,
        survivors_digest=claim.survivors_digest,
        node=me,
        seeds=b64encode(b"".join(seeds)).decode(),
        unlocks=b64encode(b"".join(unlocks)).decode(),
        held=held,
    )


def read_shares(
    reveal: Reveal, roster: SumRoster, statement: SurvivorSet, bundles: Mapping[str, Dealt]
) -> RevealedShares:
    """Return a node's shares by dealer, each held against what its dealer committed to (S10). Raises `SumFailed`."""
    survivors = frozenset(statement.survivors)
    seeds = _cut(reveal.seeds, statement.survivors, reveal.node)
    unlocks = _cut(reveal.unlocks, [name for name in roster.members if name not in survivors], reveal.node)
    where, place = SlotKey(statement.roster_digest, statement.slot), roster.members.index(reveal.node)
    for dealer, share in seeds.items():
        committed = bundles[dealer].leaves[place].seed_share
        _check_share(commit_secret("seed-share", share, dealer, where, reveal.node), committed, dealer, reveal.node)
    for dealer, share in unlocks.items():
        committed = bundles[dealer].leaves[place].unlock_share
        _check_share(commit_secret("unlock-share", share, dealer, where, reveal.node), committed, dealer, reveal.node)
    return seeds | unlocks


def _check_share(revealed: str, committed: str, dealer: str, node: str) -> None:
    if revealed != committed:
        raise SumFailed("share_false", f"{node} revealed a share that {dealer} did not deal", (node,))


def _cut(text: str, dealers: Sequence[str], node: str) -> dict[str, bytes]:
    try:
        data = decode_base64(text)
    except EnvelopeError:
        data = b""
    if len(data) != SHARE_BYTES * len(dealers):
        raise SumFailed("reveal_malformed", f"{node} revealed the wrong number of shares", (node,))
    shares = {dealer: data[SHARE_BYTES * i : SHARE_BYTES * (i + 1)] for i, dealer in enumerate(dealers)}
    if any(int.from_bytes(share, "big") >= PRIME for share in shares.values()):
        raise SumFailed("reveal_malformed", f"{node} revealed what is no share", (node,))
    return shares
