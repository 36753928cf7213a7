"""A node's store for secure sums in memory: what a durable one must do, said in the fewest words.

For measurements and tests. A node's own store outlives the process; this one does not, and so must serve no node.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace

from federation.secure_sum.contributor_store import (
    ExactLock,
    KeptContribution,
    RevealClaim,
    SlotUse,
)
from federation.secure_sum.dealing import DealtSlot, KeptParcel, OwnSlot, SlotKey
from federation.secure_sum.messages import DealingBundle
from federation.secure_sum.prekeys import SecretPrekey


class MemoryStore:
    """One node's keys and records, until the process ends."""

    def __init__(self) -> None:
        self.prekeys: dict[str, SecretPrekey] = {}
        self.roots: dict[str, dict[str, bytes]] = {}
        self.own_slots: dict[SlotKey, tuple[str, OwnSlot]] = {}
        self.bundles: dict[SlotKey, tuple[str, DealingBundle]] = {}
        self.parcels: dict[tuple[SlotKey, str], tuple[str, KeptParcel]] = {}
        self.uses: list[SlotUse] = []
        self.contributions: dict[tuple[str, int], KeptContribution] = {}
        self.sets: dict[tuple[str, int], str] = {}
        self.reveals: dict[str, RevealClaim] = {}
        self.aborted: set[tuple[str, int]] = set()
        self.locks: dict[str, ExactLock] = {}

    def copy(self) -> "MemoryStore":
        """Return a store with the same keys and records, which then goes its own way."""
        other = MemoryStore()
        vars(other).update({name: copy(kept) for name, kept in vars(self).items()})
        return other

    def keep_prekey(self, secret: SecretPrekey) -> None:
        """Keep the private half of a prekey; the first one stays."""
        self.prekeys.setdefault(secret.prekey.epoch, secret)

    def find_prekey(self, epoch: str) -> SecretPrekey | None:
        """Return the private half of a prekey."""
        return self.prekeys.get(epoch)

    def keep_roots(self, epoch: str, roots: Mapping[str, bytes]) -> None:
        """Keep roots by peer; one that is there stays."""
        self.roots[epoch] = {**roots, **self.roots.get(epoch, {})}

    def find_roots(self, epoch: str) -> Mapping[str, bytes]:
        """Return the roots of an epoch."""
        return self.roots.get(epoch, {})

    def keep_dealt_slot(self, epoch: str, dealt: DealtSlot) -> bool:
        """Keep a slot of its own, unless it has been dealt or used."""
        where = dealt.own.where
        if where in self.bundles or any(use.where == where for use in self.uses):
            return False
        self.own_slots[where] = epoch, dealt.own
        self.bundles[where] = epoch, dealt.bundle
        self.parcels[where, dealt.own.me] = epoch, dealt.kept
        return True

    def find_bundle(self, where: SlotKey) -> DealingBundle | None:
        """Return what was dealt for a slot."""
        return self.bundles[where][1] if where in self.bundles else None

    def find_own_slot(self, where: SlotKey) -> OwnSlot | None:
        """Return the secrets of an own slot that is not used yet."""
        return self.own_slots[where][1] if where in self.own_slots else None

    def keep_parcel(self, epoch: str, parcel: KeptParcel) -> bool:
        """Keep a parcel; False for a second one that differs."""
        return self.parcels.setdefault((parcel.where, parcel.dealer), (epoch, parcel))[1] == parcel

    def find_parcels(self, where: SlotKey) -> Mapping[str, KeptParcel]:
        """Return the parcels of a slot by dealer."""
        return {dealer: parcel for (slot, dealer), (_, parcel) in self.parcels.items() if slot == where}

    def find_dealers(self, where: SlotKey) -> frozenset[str]:
        """Return whose parcels of a slot are here."""
        return frozenset(self.find_parcels(where))

    def erase_epoch(self, epoch: str) -> None:
        """Erase everything secret of an epoch."""
        self.prekeys.pop(epoch, None)
        self.roots.pop(epoch, None)
        self.own_slots = {where: kept for where, kept in self.own_slots.items() if kept[0] != epoch}
        self.bundles = {where: kept for where, kept in self.bundles.items() if kept[0] != epoch}
        self.parcels = {where: kept for where, kept in self.parcels.items() if kept[0] != epoch}
        for key, kept in self.contributions.items():
            if kept.attempt.epoch == epoch:
                self.contributions[key] = replace(kept, masked=b"")

    def claim_slot(self, use: SlotUse) -> bool:
        """Reserve a slot for one attempt, and an attempt for one slot."""
        if use in self.uses:
            return True
        key = use.manifest_digest, use.attempt
        if any(each.where == use.where or (each.manifest_digest, each.attempt) == key for each in self.uses):
            return False
        self.uses.append(use)
        return True

    def find_uses(self, manifest_digest: str) -> tuple[SlotUse, ...]:
        """Return the attempts at a manifest."""
        return tuple(use for use in self.uses if use.manifest_digest == manifest_digest)

    def record_contribution(self, kept: KeptContribution) -> None:
        """Record what is sent, and erase the own slot."""
        attempt = kept.attempt
        self.contributions.setdefault((attempt.manifest_digest, attempt.number), kept)
        self.own_slots.pop(SlotKey(attempt.roster_digest, attempt.slot), None)

    def find_contribution(self, manifest_digest: str, attempt: int) -> KeptContribution | None:
        """Return what was sent."""
        return self.contributions.get((manifest_digest, attempt))

    def claim_survivors(self, manifest_digest: str, attempt: int, survivors_digest: str) -> bool:
        """Take the one smaller set of an attempt."""
        return self.sets.setdefault((manifest_digest, attempt), survivors_digest) == survivors_digest

    def claim_reveal(self, claim: RevealClaim) -> bool:
        """Take the one set that a manifest is revealed for."""
        known = self.reveals.get(claim.manifest_digest)
        if known is not None:
            return known == claim
        if (claim.manifest_digest, claim.attempt) in self.aborted or self._kind_given(claim):
            return False
        if claim.exact is not None:
            lock = self.locks.get(claim.exact.term, claim.exact)
            if (lock.survivors, lock.snapshot) != (claim.exact.survivors, claim.exact.snapshot):
                return False
            firm = lock.firm or lock.manifest_digest != claim.manifest_digest
            self.locks[claim.exact.term] = replace(lock, firm=firm)
        self.reveals[claim.manifest_digest] = claim
        return True

    def _kind_given(self, claim: RevealClaim) -> bool:
        earlier = [each for each in self.reveals.values() if each.where == claim.where]
        return any(each.kinds[dealer] is not kind for each in earlier for dealer, kind in claim.kinds.items())

    def find_reveal(self, manifest_digest: str) -> RevealClaim | None:
        """Return what a manifest was revealed for."""
        return self.reveals.get(manifest_digest)

    def claim_abort(self, manifest_digest: str, attempt: int) -> bool:
        """Close an attempt, unless it was revealed."""
        known = self.reveals.get(manifest_digest)
        if known is not None and known.attempt == attempt:
            return False
        self.aborted.add((manifest_digest, attempt))
        return True

    def is_aborted(self, manifest_digest: str, attempt: int) -> bool:
        """Return whether an attempt is closed."""
        return (manifest_digest, attempt) in self.aborted

    def find_exact_lock(self, term: str) -> ExactLock | None:
        """Return the lock of a term."""
        return self.locks.get(term)

    def release_exact_lock(self, lock: ExactLock) -> None:
        """Lift a lock that is still the same."""
        if self.locks.get(lock.term) == lock:
            del self.locks[lock.term]
