"""Bundles (P4): what the hub makes of a dealing. It checks all that it can see, and hands each receiver its part."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from audit.merkle import hash_leaf, hash_tree, prove_inclusion
from federation.envelope import Envelope
from federation.register import Register
from federation.secure_sum.dealing import parcels_root, read_header
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import Dealing, DealingBundle, ParcelDelivery, SumRoster
from federation.secure_sum.sealed import OVERHEAD
from federation.secure_sum.signing import read_bytes
from federation.wire import encode_document, reread_kept


class Committed(Protocol):
    """What a dealer committed to for one receiver, as far as it is opened."""

    @property
    def seed_share(self) -> str:
        """The hash of the share of its seed."""

    @property
    def unlock_share(self) -> str:
        """The hash of the share of its unlock key."""

    @property
    def slot_key(self) -> str:
        """The hash of the key that the two agree on for the slot."""


class Dealt(Protocol):
    """As much of a bundle as it takes to open a sum."""

    @property
    def header(self) -> Envelope:
        """The dealer's signed word."""

    @property
    def sealed_list(self) -> str:
        """Its slot keys, under its unlock key."""

    @property
    def leaves(self) -> Sequence[Committed]:
        """What it committed to, in the roster's order."""


class _KeptLeaf(msgspec.Struct, frozen=True):
    seed_share: str
    unlock_share: str
    slot_key: str


class KeptBundle(msgspec.Struct, frozen=True):
    """A bundle that was read strictly and checked on its way in, as the hub reads it again: without the parcels."""

    header: Envelope
    sealed_list: str
    leaves: tuple[_KeptLeaf, ...]


def reread_bundle(data: bytes) -> KeptBundle:
    """Read what was kept of a checked bundle. To read it strictly again takes ten times as long, for every sum."""
    return reread_kept(data, KeptBundle)


def check_bundle(bundle: DealingBundle, roster: SumRoster, register: Register, now: datetime) -> Dealing:
    """Check a bundle on its way in and return its header. Raises `SumRefused`.

    1. the header is signed by an active member of this roster, for this roster;
    2. leaves and parcels are one for each member, in order, under the signed root;
    3. the sealed list is the one signed for, and of the right length.
    """
    header = read_header(bundle.header, roster, register, now)
    receivers = tuple(leaf.receiver for leaf in bundle.leaves)
    if receivers != roster.members or len(bundle.parcels) != len(roster.members):
        raise SumRefused("bundle_mismatch", f"the bundle by {header.dealer} is not one parcel for each member")
    if parcels_root(bundle.leaves) != header.parcels_root:
        raise SumRefused("bundle_mismatch", f"{header.dealer} signed other parcels")
    for leaf, parcel in zip(bundle.leaves, bundle.parcels, strict=True):
        if digest_of(read_bytes(parcel, f"parcel by {header.dealer}")) != leaf.parcel:
            raise SumRefused("bundle_mismatch", f"{header.dealer} signed another parcel for {leaf.receiver}")
    length = 32 * (len(roster.members) - 1) + OVERHEAD
    if digest_of(read_bytes(bundle.sealed_list, f"list by {header.dealer}", length)) != header.list_digest:
        raise SumRefused("bundle_mismatch", f"{header.dealer} signed another list")
    return header


def split_bundle(bundle: DealingBundle) -> dict[str, ParcelDelivery]:
    """Return what each receiver gets of a checked bundle; the dealer itself, whose parcel is empty, gets nothing."""
    hashes = [hash_leaf(encode_document(leaf)) for leaf in bundle.leaves]
    proofs = _prove_all(hashes)
    return {
        leaf.receiver: ParcelDelivery(
            header=bundle.header, leaf=leaf, parcel=parcel, proof=tuple(step.hex() for step in proof)
        )
        for leaf, parcel, proof in zip(bundle.leaves, bundle.parcels, proofs, strict=True)
        if parcel
    }


def _prove_all(hashes: list[bytes]) -> list[list[bytes]]:
    known: dict[tuple[int, int], bytes] = {}

    def subtree(level: int, position: int) -> bytes:
        if (level, position) not in known:
            known[level, position] = hash_tree(hashes[position << level : (position + 1) << level])
        return known[level, position]

    return [prove_inclusion(index, len(hashes), subtree) for index in range(len(hashes))]
