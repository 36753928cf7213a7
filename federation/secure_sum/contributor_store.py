"""What a node must remember for secure sums, and forget: the contract of its store.

Every method is durable when it returns, and atomic: a `claim_*` answers True only when what is claimed now stands,
because it was free or stood already in the very same form, and False when something else stands in its way. A crash
after a claim therefore never leaves room for a second, different one (record, then act).

Records stay; secrets go. `record_contribution` erases the slot's own seed and keys in the same transaction, and
`erase_epoch` erases every prekey, root, slot, share and vector of an epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from federation.envelope import Envelope, Signature
from federation.secure_sum.dealing import DealtSlot, KeptParcel, OwnSlot, SlotKey
from federation.secure_sum.messages import Attempt, DealingBundle
from federation.secure_sum.prekeys import SecretPrekey


class ShareKind(StrEnum):
    """Which of a dealer's two secrets a share is of. One node gives one kind per dealer and slot, ever."""

    SEED = "seed"
    UNLOCK = "unlock"


@dataclass(frozen=True)
class SlotUse:
    """What a slot is used for. Neither a slot nor an attempt at a manifest occurs in two of these."""

    where: SlotKey
    manifest_digest: str
    attempt: int
    expires_at: datetime


@dataclass(frozen=True, repr=False)
class KeptContribution:
    """What a node sent in trip 1, to be sent again in the very same bytes."""

    attempt: Attempt
    snapshot: str
    envelope: Envelope
    masked: bytes
    consent: Signature

    def __repr__(self) -> str:
        return f"KeptContribution(attempt {self.attempt.number}, …)"


@dataclass(frozen=True)
class ExactLock:
    """The one survivor set of a term's exact sums, as this node revealed for it, from which snapshot and in what.

    `firm` once another manifest was revealed under it: then no failed attempt lifts it any more.
    """

    term: str
    survivors: tuple[str, ...]
    snapshot: str
    manifest_digest: str
    attempt: int
    roster_digest: str
    firm: bool = False


@dataclass(frozen=True)
class RevealClaim:
    """What a node is about to reveal: for which one survivor set of a manifest, and which kind of share of whom."""

    manifest_digest: str
    attempt: int
    where: SlotKey
    survivors_digest: str
    kinds: Mapping[str, ShareKind]
    exact: ExactLock | None


class ContributorStore(Protocol):
    """The store of one node."""

    # --- Keys of an epoch, slots and shares --------------------------------------------------------------------------

    def keep_prekey(self, secret: SecretPrekey) -> None:
        """Keep the private half of this node's prekey of an epoch; the first one stays."""

    def find_prekey(self, epoch: str) -> SecretPrekey | None:
        """Return the private half of this node's prekey of an epoch."""

    def keep_roots(self, epoch: str, roots: Mapping[str, bytes]) -> None:
        """Keep roots by peer; one that is there stays as it is."""

    def find_roots(self, epoch: str) -> Mapping[str, bytes]:
        """Return the roots of an epoch by peer."""

    def keep_dealt_slot(self, epoch: str, dealt: DealtSlot) -> bool:
        """Keep a slot of this node's own, its share for itself and the bundle; False where one is there already."""

    def find_bundle(self, where: SlotKey) -> DealingBundle | None:
        """Return what this node dealt for a slot, to be sent again."""

    def find_own_slot(self, where: SlotKey) -> OwnSlot | None:
        """Return the secrets of an own slot; None once it is used."""

    def keep_parcel(self, epoch: str, parcel: KeptParcel) -> bool:
        """Keep a dealer's parcel; False where a different one is there already."""

    def find_parcels(self, where: SlotKey) -> Mapping[str, KeptParcel]:
        """Return the parcels of a slot by dealer, this node's own among them."""

    def find_dealers(self, where: SlotKey) -> frozenset[str]:
        """Return whose parcels of a slot are here, without the secrets in them."""

    def erase_epoch(self, epoch: str) -> None:
        """Erase every prekey, root, own slot, bundle, parcel and masked vector of an epoch."""

    # --- Records -----------------------------------------------------------------------------------------------------

    def claim_slot(self, use: SlotUse) -> bool:
        """Reserve a slot for one attempt at one manifest (S2)."""

    def find_uses(self, manifest_digest: str) -> tuple[SlotUse, ...]:
        """Return every attempt at a manifest that this node took a slot for."""

    def record_contribution(self, kept: KeptContribution) -> None:
        """Record what is about to be sent, and erase the own slot's secrets with it (S4). The first one stays."""

    def find_contribution(self, manifest_digest: str, attempt: int) -> KeptContribution | None:
        """Return what was sent in an attempt."""

    def claim_survivors(self, manifest_digest: str, attempt: int, survivors_digest: str) -> bool:
        """Take one smaller survivor set as the only one of its attempt (S6)."""

    def claim_reveal(self, claim: RevealClaim) -> bool:
        """Take one set as the only one that this manifest is ever revealed for (S8).

        False where the manifest has another claim, the attempt is aborted, one of the dealers' slots has the other
        kind in any claim, or the term's lock names other survivors or another snapshot. Sets the lock where there is
        none, and makes it firm where another manifest set it.
        """

    def find_reveal(self, manifest_digest: str) -> RevealClaim | None:
        """Return what a manifest was revealed for."""

    def claim_abort(self, manifest_digest: str, attempt: int) -> bool:
        """Close an attempt to any later reveal (S12); False where it was revealed."""

    def is_aborted(self, manifest_digest: str, attempt: int) -> bool:
        """Return whether this node has closed an attempt."""

    def find_exact_lock(self, term: str) -> ExactLock | None:
        """Return the one survivor set that this node holds a term's exact sums to."""

    def release_exact_lock(self, lock: ExactLock) -> None:
        """Lift a lock whose attempt is shown to have failed, if it is still this very one."""
