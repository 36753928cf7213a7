"""Dealing (P4): ahead of any question, a node shares out what it takes to open its part of one slot.

Two secrets are shared among the roster: the seed of the dealer's self-mask, needed when the dealer has answered, and
the key that unlocks the sealed list of its slot keys, needed when it has not. Whoever has both can open the dealer's
vector, so no node ever gives both. Hashes of every share, key and parcel stand in a Merkle tree whose root the dealer
signs: what is revealed later can be held against it, and whoever lied has a name.
"""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audit.merkle import ProofError, hash_leaf, hash_tree, verify_inclusion
from federation.envelope import Envelope, Signer
from federation.register import MemberKind, Register
from federation.secure_sum.digests import commit_to, digest_of, expand_key, write_context
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import (
    COMPLAINT_TYPE,
    DEALING_TYPE,
    Complaint,
    Dealing,
    DealingBundle,
    ParcelDelivery,
    ParcelLeaf,
    SumRoster,
)
from federation.secure_sum.pairing import derive_slot_keys
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.sealed import OVERHEAD, BoxClosed, open_box, seal_box
from federation.secure_sum.shamir import PRIME, SHARE_BYTES, split_secret
from federation.secure_sum.signing import check_signed, read_bytes, read_payload, sign_document
from federation.wire import encode_document


@dataclass(frozen=True)
class SlotKey:
    """Which slot: a roster's digest and a number."""

    roster_digest: str
    slot: int


@dataclass(frozen=True, repr=False)
class KeptParcel:
    """What one node keeps of one dealer's slot: a share of the seed and a share of the unlock key."""

    dealer: str
    where: SlotKey
    seed_share: bytes
    unlock_share: bytes

    def __repr__(self) -> str:
        return f"KeptParcel({self.dealer!r}, slot {self.where.slot}, secret)"


@dataclass(frozen=True, repr=False)
class OwnSlot:
    """What a node keeps of a slot of its own until it has used it: the seed of its self-mask and its slot keys."""

    me: str
    where: SlotKey
    seed: bytes
    slot_keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"OwnSlot({self.me!r}, slot {self.where.slot}, secret)"


@dataclass(frozen=True, repr=False)
class DealtSlot:
    """A slot freshly dealt: what the dealer keeps, its share for itself, and what goes to the hub."""

    own: OwnSlot
    kept: KeptParcel
    bundle: DealingBundle

    def __repr__(self) -> str:
        return f"DealtSlot({self.own.me!r}, slot {self.own.where.slot}, secret)"


# --- The dealer ------------------------------------------------------------------------------------------------------


def deal_slot(signer: Signer, roster: SumRoster, slot: int, roots: Mapping[str, bytes]) -> DealtSlot:
    """Deal one slot to everyone in the roster. Raises `SumRefused` where a peer is not paired."""
    me, where = signer.member_id, SlotKey(roster_digest(roster), slot)
    keys = derive_slot_keys(roots, roster, slot, me)
    seed, unlock = secrets.token_bytes(32), secrets.token_bytes(32)
    parcels = _fill_parcels(roster, seed, unlock)
    sealed = tuple(
        _seal_parcel(parcel, me, name, where, roots) for name, parcel in zip(roster.members, parcels, strict=True)
    )
    leaves = tuple(
        _commit_parcel(me, name, where, parcel, keys.get(name, b""), box)
        for name, parcel, box in zip(roster.members, parcels, sealed, strict=True)
    )
    sealed_list = seal_box(unlock, b"".join(keys[name] for name in roster.members if name != me), list_place(me, where))
    header = Dealing(
        dealer=me,
        epoch=roster.epoch,
        roster_digest=where.roster_digest,
        slot=slot,
        seed_commitment=commit_secret("seed", seed, me, where),
        unlock_commitment=commit_secret("unlock", unlock, me, where),
        list_digest=digest_of(sealed_list),
        parcels_root=parcels_root(leaves),
    )
    bundle = DealingBundle(
        header=sign_document(header, DEALING_TYPE, signer),
        sealed_list=b64encode(sealed_list).decode(),
        leaves=leaves,
        parcels=tuple(b64encode(box).decode() for box in sealed),
    )
    kept = KeptParcel(me, where, *_halves(parcels[roster.members.index(me)]))
    return DealtSlot(OwnSlot(me, where, seed, keys), kept, bundle)


def _fill_parcels(roster: SumRoster, seed: bytes, unlock: bytes) -> list[bytes]:
    count = len(roster.members)
    seeds, unlocks = (split_secret(secret, roster.threshold, count) for secret in (seed, unlock))
    return [
        one.to_bytes(SHARE_BYTES, "big") + other.to_bytes(SHARE_BYTES, "big")
        for one, other in zip(seeds, unlocks, strict=True)
    ]


def _seal_parcel(parcel: bytes, dealer: str, receiver: str, where: SlotKey, roots: Mapping[str, bytes]) -> bytes:
    if receiver == dealer:
        return b""
    return seal_box(_parcel_key(roots[receiver], dealer, receiver, where), parcel, b"")


def _parcel_key(root: bytes, dealer: str, receiver: str, where: SlotKey) -> bytes:
    return expand_key(root, "circe/parcel/1", where.roster_digest, where.slot, dealer, receiver)


def _commit_parcel(
    dealer: str, receiver: str, where: SlotKey, parcel: bytes, slot_key: bytes, box: bytes
) -> ParcelLeaf:
    seed_share, unlock_share = _halves(parcel)
    return ParcelLeaf(
        receiver=receiver,
        seed_share=commit_secret("seed-share", seed_share, dealer, where, receiver),
        unlock_share=commit_secret("unlock-share", unlock_share, dealer, where, receiver),
        slot_key=commit_secret("slot-key", slot_key, dealer, where, receiver),
        parcel=digest_of(box),
    )


def _halves(parcel: bytes) -> tuple[bytes, bytes]:
    return parcel[:SHARE_BYTES], parcel[SHARE_BYTES:]


# --- What both sides work out ----------------------------------------------------------------------------------------


def commit_secret(what: str, secret: bytes, dealer: str, where: SlotKey, *receiver: str) -> str:
    """Return the hash that commits a dealer to one of a slot's secrets."""
    return commit_to(secret, f"circe/commit/{what}/1", where.roster_digest, where.slot, dealer, *receiver)


def list_place(dealer: str, where: SlotKey) -> bytes:
    """Return what a sealed list is bound to."""
    return write_context("circe/slot-list/1", where.roster_digest, where.slot, dealer)


def parcels_root(leaves: tuple[ParcelLeaf, ...]) -> str:
    """Return the Merkle root over the leaves in the roster's order (RFC 6962)."""
    return hash_tree(hash_leaf(encode_document(leaf)) for leaf in leaves).hex()


def read_header(envelope: Envelope, roster: SumRoster, register: Register, now: datetime) -> Dealing:
    """Read a dealing's header, signed by a member of this roster as the register has it. Raises `SumRefused`."""
    header = read_payload(envelope, DEALING_TYPE, Dealing)
    check_signed(envelope, header.dealer, MemberKind.NODE, register, now)
    if header.dealer not in roster.members:
        raise SumRefused("dealer_unknown", f"{header.dealer} is not of this roster")
    if (header.epoch, header.roster_digest) != (roster.epoch, roster_digest(roster)):
        raise SumRefused("roster_mismatch", f"the dealing by {header.dealer} is for another roster")
    return header


# --- The receiver ----------------------------------------------------------------------------------------------------


def accept_parcel(
    delivery: ParcelDelivery, roster: SumRoster, me: str, roots: Mapping[str, bytes], register: Register, now: datetime
) -> KeptParcel:
    """Check one dealer's parcel against what the dealer signed, and return what to keep (P4).

    1. the header is signed by an active member of this very roster;
    2. the leaf is this node's, at its own place in the tree that the dealer signed;
    3. the slot key committed to is the one that this node derives for itself;
    4. the parcel is the one committed to, opens, and holds the two shares committed to.

    Raises `SumRefused`; from 3 on it is the dealer that lied, and `write_complaint` says so.
    """
    header = read_header(delivery.header, roster, register, now)
    dealer, where = header.dealer, SlotKey(header.roster_digest, header.slot)
    if delivery.leaf.receiver != me or dealer == me:
        raise SumRefused("parcel_astray", f"the parcel by {dealer} is not for {me}")
    _check_place(delivery, header, roster)
    if dealer not in roots:
        raise SumRefused("root_missing", f"not paired with {dealer} in {roster.epoch}")
    slot_key = expand_key(roots[dealer], "circe/slot-key/1", where.roster_digest, where.slot)
    if delivery.leaf.slot_key != commit_secret("slot-key", slot_key, dealer, where, me):
        raise SumRefused("slot_key_mismatch", f"{dealer} committed to another slot key than the one shared with {me}")
    seed_share, unlock_share = _halves(_open_parcel(delivery, dealer, me, where, roots[dealer]))
    if delivery.leaf != _commit_parcel(
        dealer, me, where, seed_share + unlock_share, slot_key, read_bytes(delivery.parcel, f"parcel by {dealer}")
    ):
        raise SumRefused("parcel_mismatch", f"the parcel by {dealer} is not what it committed to")
    return KeptParcel(dealer, where, seed_share, unlock_share)


def _check_place(delivery: ParcelDelivery, header: Dealing, roster: SumRoster) -> None:
    index, size = roster.members.index(delivery.leaf.receiver), len(roster.members)
    leaf, root = hash_leaf(encode_document(delivery.leaf)), bytes.fromhex(header.parcels_root)
    try:
        verify_inclusion(index, size, leaf, root, [bytes.fromhex(each) for each in delivery.proof])
    except ProofError as error:
        raise SumRefused("parcel_unproven", f"parcel by {header.dealer}: {error}") from None


def _open_parcel(delivery: ParcelDelivery, dealer: str, me: str, where: SlotKey, root: bytes) -> bytes:
    box = read_bytes(delivery.parcel, f"parcel by {dealer}")
    if digest_of(box) != delivery.leaf.parcel:
        raise SumRefused("parcel_astray", f"the parcel by {dealer} was exchanged on its way")
    if len(box) != 2 * SHARE_BYTES + OVERHEAD:
        raise SumRefused("parcel_mismatch", f"the parcel by {dealer} has the wrong length")
    try:
        parcel = open_box(_parcel_key(root, dealer, me, where), box, b"")
    except BoxClosed:
        raise SumRefused("parcel_mismatch", f"the parcel by {dealer} does not open") from None
    if any(int.from_bytes(half, "big") >= PRIME for half in _halves(parcel)):
        raise SumRefused("parcel_mismatch", f"the parcel by {dealer} holds no shares")
    return parcel


DEALERS_FAULT = frozenset({"slot_key_mismatch", "parcel_mismatch"})
"""Refusals that a dealer alone can have brought about, since it signed what it did not keep to."""


def write_complaint(refusal: SumRefused, delivery: ParcelDelivery, signer: Signer) -> Envelope | None:
    """Return this node's signed complaint, or nothing where the dealer need not be to blame."""
    if refusal.code not in DEALERS_FAULT:
        return None
    header = read_payload(delivery.header, DEALING_TYPE, Dealing)
    complaint = Complaint(
        node=signer.member_id,
        dealer=header.dealer,
        epoch=header.epoch,
        roster_digest=header.roster_digest,
        slot=header.slot,
        code=refusal.code,
    )
    return sign_document(complaint, COMPLAINT_TYPE, signer)


def read_complaint(envelope: Envelope, register: Register, now: datetime) -> Complaint:
    """Read a complaint, signed by the node that complains. Raises `SumRefused`."""
    complaint = read_payload(envelope, COMPLAINT_TYPE, Complaint)
    check_signed(envelope, complaint.node, MemberKind.NODE, register, now)
    return complaint
