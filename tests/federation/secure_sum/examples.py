"""One of each document of a secure sum, for the tests of all documents."""

from federation.envelope import Envelope, Signature
from federation.secure_sum.messages import (
    Abort,
    Attempt,
    Certificate,
    Complaint,
    Contribution,
    Dealing,
    DealingBundle,
    Pairing,
    ParcelDelivery,
    ParcelLeaf,
    Prekey,
    Reveal,
    SumRoster,
    SurvivorSet,
)
from federation.wire import Document
from tests.federation.cast import NOW

EPOCH = "2026-w10"
DIGEST = "0" * 64
ENVELOPE = Envelope(payload="e30=", payload_type="application/vnd.circe.sum-dealing+json", signatures=())
ROSTER = SumRoster(epoch=EPOCH, members=("node-203", "node-301"), threshold=2)
LEAF = ParcelLeaf(receiver="node-301", seed_share=DIGEST, unlock_share=DIGEST, slot_key=DIGEST, parcel=DIGEST)

EXAMPLES: tuple[Document, ...] = (
    Prekey(node="node-301", epoch=EPOCH, x25519="AAAA", ml_kem_768="AAAA", valid_from=NOW, valid_to=NOW),
    Pairing(
        sender="node-203",
        receiver="node-301",
        epoch=EPOCH,
        ciphertext="AAAA",
        sender_prekey_digest=DIGEST,
        receiver_prekey_digest=DIGEST,
    ),
    ROSTER,
    LEAF,
    Dealing(
        dealer="node-203",
        epoch=EPOCH,
        roster_digest=DIGEST,
        slot=1,
        seed_commitment=DIGEST,
        unlock_commitment=DIGEST,
        list_digest=DIGEST,
        parcels_root=DIGEST,
    ),
    DealingBundle(header=ENVELOPE, sealed_list="AAAA", leaves=(LEAF,), parcels=("AAAA",)),
    ParcelDelivery(header=ENVELOPE, leaf=LEAF, parcel="AAAA", proof=(DIGEST,)),
    Complaint(node="node-301", dealer="node-203", epoch=EPOCH, roster_digest=DIGEST, slot=1, code="parcel_mismatch"),
    Attempt(manifest_digest=DIGEST, number=1, epoch=EPOCH, roster_digest=DIGEST, slot=1, expires_at=NOW),
    Contribution(
        manifest_digest=DIGEST,
        query_id="Q-0123456789abcdef",
        attempt=1,
        slot=1,
        roster_digest=DIGEST,
        node="node-301",
        authority="301",
        snapshot="202425-summer-0",
        register_version=5,
        vector_digest=DIGEST,
        cells=12,
        answered_at=NOW,
    ),
    SurvivorSet(
        manifest_digest=DIGEST,
        attempt=1,
        slot=1,
        roster_digest=DIGEST,
        exact_term="202425-summer",
        survivors=("node-203", "node-301"),
    ),
    Reveal(
        manifest_digest=DIGEST,
        attempt=1,
        slot=1,
        survivors_digest=DIGEST,
        node="node-301",
        seeds="AAAA",
        unlocks="",
        held=Signature(keyid="node-301", sig="AAAA"),
    ),
    Abort(manifest_digest=DIGEST, attempt=1, slot=1, roster_digest=DIGEST),
    Certificate(roster=ROSTER, survivors=ENVELOPE),
)
