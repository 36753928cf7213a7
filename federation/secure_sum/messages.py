"""The documents of a secure sum: what members sign, and nothing else.

Each signed document has a DSSE type of its own. Two of them, the survivor set and the abort, are statements: every
node signs the same bytes, so that many signatures make one envelope. Bytes stand in base64, digests in hexadecimal.
"""

from typing import Annotated

import msgspec

from federation.envelope import Envelope, Signature
from federation.wire import Code, Digest, Document, Instant, Name

PREKEY_TYPE = "application/vnd.circe.sum-prekey+json"
PAIRING_TYPE = "application/vnd.circe.sum-pairing+json"
DEALING_TYPE = "application/vnd.circe.sum-dealing+json"
COMPLAINT_TYPE = "application/vnd.circe.sum-complaint+json"
ATTEMPT_TYPE = "application/vnd.circe.sum-attempt+json"
CONTRIBUTION_TYPE = "application/vnd.circe.sum-contribution+json"
SURVIVORS_TYPE = "application/vnd.circe.sum-survivors+json"
REVEAL_TYPE = "application/vnd.circe.sum-reveal+json"
HELD_TYPE = "application/vnd.circe.sum-held+json"
"""Of a survivor set that its signers have revealed for, and hold a term's exact sums to."""

ABORT_TYPE = "application/vnd.circe.sum-abort+json"

LARGEST_ROSTER = 400
"""Most nodes of one sum: every two of them share a key, which costs the square of their number."""

LARGEST_VECTOR = 1_000_000
"""Most numbers of one sum."""

Epoch = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-w(0[1-9]|[1-4][0-9]|5[0-3])\Z")]
"""An ISO week, in which one set of pair keys is good: 2026-w48."""

Slot = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
"""One number of one roster: used for one manifest in one attempt, ever."""

AttemptNumber = Annotated[int, msgspec.Meta(ge=1, le=10)]
"""Few are worth trying, and a node logs its word on each: more of one manifest are no attempts at all."""

Members = Annotated[tuple[Name, ...], msgspec.Meta(max_length=LARGEST_ROSTER)]
Bytes = Annotated[str, msgspec.Meta(max_length=64 * 1024, pattern=r"^[A-Za-z0-9+/]*={0,2}\Z")]
"""Bytes in base64; `federation.envelope.decode_base64` takes one spelling only."""

SumQueryId = Annotated[str, msgspec.Meta(pattern=r"^Q-[0-9a-f]{16}\Z")]
ExactTerm = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?\Z")]
"""The term of the snapshots that an exact sum is over, 202425-summer; empty for a noisy sum."""


# --- Ahead of time ---------------------------------------------------------------------------------------------------


class Prekey(Document, frozen=True):
    """P1. A node's public keys of one epoch: X25519 (RFC 7748) and ML-KEM-768 (FIPS 203)."""

    node: Name
    epoch: Epoch
    x25519: Bytes
    ml_kem_768: Bytes
    valid_from: Instant
    valid_to: Instant


class Pairing(Document, frozen=True):
    """P3. What the lower node of a pair sends the upper, so that both can work out the root that they share."""

    sender: Name
    receiver: Name
    epoch: Epoch
    ciphertext: Bytes
    sender_prekey_digest: Digest
    receiver_prekey_digest: Digest


class SumRoster(Document, frozen=True):
    """The nodes of a sum in order of their ids, and how many of them it takes to open one."""

    epoch: Epoch
    members: Members
    threshold: int


class ParcelLeaf(Document, frozen=True):
    """P4. What a dealer commits to for one receiver: hashes of shares, slot key and sealed parcel."""

    receiver: Name
    seed_share: Digest
    unlock_share: Digest
    slot_key: Digest
    parcel: Digest


class Dealing(Document, frozen=True):
    """P4. A dealer's signed word on everything that it deals for one slot."""

    dealer: Name
    epoch: Epoch
    roster_digest: Digest
    slot: Slot
    seed_commitment: Digest
    unlock_commitment: Digest
    list_digest: Digest
    parcels_root: Digest


class DealingBundle(Document, frozen=True):
    """P4. Everything that a dealer hands the hub: leaves and parcels stand in the roster's order."""

    header: Envelope
    sealed_list: Bytes
    leaves: Annotated[tuple[ParcelLeaf, ...], msgspec.Meta(max_length=LARGEST_ROSTER)]
    parcels: Annotated[tuple[Bytes, ...], msgspec.Meta(max_length=LARGEST_ROSTER)]


class ParcelDelivery(Document, frozen=True):
    """P4. One receiver's part of a bundle, with the proof (RFC 6962) that the dealer committed to it."""

    header: Envelope
    leaf: ParcelLeaf
    parcel: Bytes
    proof: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=16)]


class Complaint(Document, frozen=True):
    """P4. A receiver's word that a parcel is not what its dealer committed to; the slot must not be used."""

    node: Name
    dealer: Name
    epoch: Epoch
    roster_digest: Digest
    slot: Slot
    code: Code


# --- A query ---------------------------------------------------------------------------------------------------------


class Attempt(Document, frozen=True):
    """S1. One try at opening one manifest, signed by the hub."""

    manifest_digest: Digest
    number: AttemptNumber
    epoch: Epoch
    roster_digest: Digest
    slot: Slot
    expires_at: Instant


class Contribution(Document, frozen=True):
    """S4. A node's word on its masked vector, which travels beside it as bytes."""

    manifest_digest: Digest
    query_id: SumQueryId
    attempt: AttemptNumber
    slot: Slot
    roster_digest: Digest
    node: Name
    authority: Name
    snapshot: str
    register_version: int
    vector_digest: Digest
    cells: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_VECTOR)]
    answered_at: Instant


class SurvivorSet(Document, frozen=True):
    """S4 to S8, a statement: these nodes' contributions, and no others, are to be opened together.

    For `exact_sum` it names the snapshots' term, and is signed a second time, as `HELD_TYPE`, by whoever reveals: t of
    those signatures make it the certificate of that term's one set. For `noisy_sum` the term is empty.
    """

    manifest_digest: Digest
    attempt: AttemptNumber
    slot: Slot
    roster_digest: Digest
    exact_term: ExactTerm
    survivors: Members


class Reveal(Document, frozen=True):
    """S9. One node's shares for one survivor set, 33 bytes each, joined in the roster's order.

    `seeds` holds the share of each survivor's self-mask seed, `unlocks` that of each other member's unlock key. `held`
    is the node's word, for an exact sum, that it holds the term to this set from now on.
    """

    manifest_digest: Digest
    attempt: AttemptNumber
    slot: Slot
    survivors_digest: Digest
    node: Name
    seeds: Bytes
    unlocks: Bytes
    held: Signature | None


class Abort(Document, frozen=True):
    """S12, a statement: whoever signs it has revealed nothing in this attempt, and never will."""

    manifest_digest: Digest
    attempt: AttemptNumber
    slot: Slot
    roster_digest: Digest


class Certificate(Document, frozen=True):
    """The one survivor set of a term's exact sums, signed by those who revealed for it, and the roster they are of."""

    roster: SumRoster
    survivors: Envelope
