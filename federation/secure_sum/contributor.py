"""The node's part of a secure sum: what it checks, records and sends (S2 to S4, S6, S8, S9, S12).

Each act is checked, then recorded, then done: the store's claims are what makes it safe to crash anywhere. Nothing
here believes the hub: what it says is held against the manifest as approved, the register and the node's own records.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from federation.envelope import Envelope, Signature, Signer, sign_body
from federation.register import Register
from federation.secure_sum.aborts import check_aborts, check_lock_failed
from federation.secure_sum.certificates import fixed_survivors
from federation.secure_sum.claims import slot_of, state_claim
from federation.secure_sum.contributions import AnswerFacts, write_contribution
from federation.secure_sum.contributor_store import (
    ContributorStore,
    KeptContribution,
    RevealClaim,
    SlotUse,
)
from federation.secure_sum.dealing import SlotKey, accept_parcel, deal_slot
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery, check_attempt, name_abort, name_survivors, whole_roster
from federation.secure_sum.masking import MaskedTable, mask_vector, restore_masked
from federation.secure_sum.messages import (
    ABORT_TYPE,
    CONTRIBUTION_TYPE,
    HELD_TYPE,
    REVEAL_TYPE,
    SURVIVORS_TYPE,
    Contribution,
    DealingBundle,
    ParcelDelivery,
    SumRoster,
    SurvivorSet,
)
from federation.secure_sum.reveals import write_reveal
from federation.secure_sum.rosters import STANDING_FLOORS, Floors, check_roster, roster_digest
from federation.secure_sum.signing import check_quorum, read_payload, sign_document
from federation.secure_sum.vectors import VectorMalformed
from federation.wire import encode_document

if TYPE_CHECKING:
    from federation.secure_sum.vectors import Vector


@dataclass(frozen=True)
class SentContribution:
    """Trip 1: the signed contribution, the masked vector, and the consent to opening the whole roster."""

    envelope: Envelope
    masked: MaskedTable
    consent: Signature


class Contributor:
    """One node in secure sums, over a store whose methods are durable when they return."""

    def __init__(self, me: str, signer: Signer, store: ContributorStore, floors: Floors = STANDING_FLOORS) -> None:
        self._me = me
        self._signer = signer
        self._store = store
        self._floors = floors

    # --- Ahead of time -----------------------------------------------------------------------------------------------

    def deal(self, roster: SumRoster, slot: int, register: Register, now: datetime) -> DealingBundle:
        """Deal a slot once, and return the same bundle ever after (P4). Raises `SumRefused`."""
        check_roster(roster, register, self._floors, now)
        self._check_member(roster)
        where = SlotKey(roster_digest(roster), slot)
        known = self._store.find_bundle(where)
        if known is None:
            dealt = deal_slot(self._signer, roster, slot, self._store.find_roots(roster.epoch))
            # Where another thread was faster, its bundle is the one that counts.
            self._store.keep_dealt_slot(roster.epoch, dealt)
            known = self._store.find_bundle(where)
        if known is None:
            raise SumRefused("slot_used", f"slot {slot} was dealt and is over")
        return known

    def receive_parcels(self, roster: SumRoster, register: Register, now: datetime) -> Callable[[ParcelDelivery], None]:
        """Check a roster once for all its parcels, and return what checks a dealer's parcel and keeps it (P4).

        Both raise `SumRefused`.
        """
        check_roster(roster, register, self._floors, now)
        self._check_member(roster)
        roots = self._store.find_roots(roster.epoch)

        def keep(delivery: ParcelDelivery) -> None:
            parcel = accept_parcel(delivery, roster, self._me, roots, register, now)
            if not self._store.keep_parcel(roster.epoch, parcel):
                raise SumRefused("parcel_twice", f"{parcel.dealer} has dealt slot {parcel.where.slot} otherwise before")

        return keep

    # --- Trip 1 ------------------------------------------------------------------------------------------------------

    def reserve(self, query: SumQuery, snapshot: str, register: Register, now: datetime) -> None:
        """Check an attempt and reserve its slot, before the plan is run (S2). Raises `SumRefused`.

        1. attempt, roster and manifest belong together, and none is over;
        2. the roster and the threshold keep to the floors under the register as it is now;
        3. an exact sum keeps to the term's one survivor set, and to the snapshot first used;
        4. nothing was revealed for this manifest, and every earlier attempt at it is over;
        5. this node holds every member's parcel of the slot, which has never been used for anything else.
        """
        check_attempt(query, now)
        check_roster(query.roster, register, self._floors, now)
        self._check_member(query.roster)
        self._exact_survivors(query, snapshot, register, now)
        self._check_earlier_attempts(query, register, now)
        where = slot_of(query.attempt)
        if self._store.find_dealers(where) != set(query.roster.members):
            raise SumRefused("slot_incomplete", f"not everyone's parcel of slot {where.slot} is here")
        use = SlotUse(where, query.facts.digest, query.attempt.number, query.attempt.expires_at)
        if not self._store.claim_slot(use):
            raise SumRefused("slot_used", f"slot {where.slot}, or attempt {use.attempt}, was used otherwise before")

    def contribute(
        self, query: SumQuery, values: "Sequence[int] | Vector", answer: AnswerFacts, register: Register, now: datetime
    ) -> SentContribution:
        """Mask a vector and return what goes up in trip 1, the same bytes every time (S3, S4). Raises `SumRefused`."""
        kept = self._store.find_contribution(query.facts.digest, query.attempt.number)
        if kept is None:
            self.reserve(query, answer.snapshot, register, now)
            kept = self._mask(query, values, answer, now)
            self._store.record_contribution(kept)
            # Where another thread was faster, its vector is the one that is sent: one mask never hides two.
            kept = self._store.find_contribution(query.facts.digest, query.attempt.number) or kept
        if kept.attempt != query.attempt:
            raise SumRefused("slot_used", f"attempt {query.attempt.number} was answered in another form before")
        masked = restore_masked(kept.masked, _vector_digest(kept))
        return SentContribution(kept.envelope, masked, kept.consent)

    def _mask(
        self, query: SumQuery, values: "Sequence[int] | Vector", answer: AnswerFacts, now: datetime
    ) -> KeptContribution:
        attempt = query.attempt
        own = self._store.find_own_slot(slot_of(attempt))
        if own is None:
            raise SumRefused("slot_used", f"slot {attempt.slot} was used before")
        if len(values) != query.facts.cells:
            raise SumRefused("cells_mismatch", f"the plan has {query.facts.cells} figures, not {len(values)}")
        try:
            masked = mask_vector(values, own, attempt.manifest_digest, attempt.number)
        except VectorMalformed as error:
            raise SumRefused("cells_mismatch", str(error)) from None
        contribution = write_contribution(query, masked, answer, self._me, now)
        envelope = sign_document(contribution, CONTRIBUTION_TYPE, self._signer)
        consent = sign_body(encode_document(whole_roster(query)), SURVIVORS_TYPE, self._signer)
        return KeptContribution(attempt, answer.snapshot, envelope, masked.data, consent)

    def _check_earlier_attempts(self, query: SumQuery, register: Register, now: datetime) -> None:
        """A new attempt needs t aborts of the one before, or all that this node knows of to be over by its clock."""
        facts, number = query.facts, query.attempt.number
        if self._store.find_reveal(facts.digest) is not None:
            raise SumRefused("revealed", "this manifest was revealed before")
        if self._store.is_aborted(facts.digest, number):
            raise SumRefused("aborted", f"attempt {number} was aborted")
        uses = self._store.find_uses(facts.digest)
        if any(use.attempt > number for use in uses):
            raise SumRefused("attempt_over", f"attempt {number} was followed by another")
        self._check_none_running(query, uses, register, now)

    def _check_none_running(self, query: SumQuery, uses: Sequence[SlotUse], register: Register, now: datetime) -> None:
        """Check that the attempts before this one are over by this node's clock, or that t nodes aborted the last."""
        running = [use for use in uses if use.attempt < query.attempt.number and now < use.expires_at]
        if running and query.aborts is None:
            raise SumRefused("attempt_running", f"attempt {running[-1].attempt} is not over, and nobody aborted it")
        if running and query.aborts is not None:
            check_aborts(query.aborts, query, register, now)

    # --- Trip 2: a smaller set ---------------------------------------------------------------------------------------

    def sign_survivors(self, statement: SurvivorSet, query: SumQuery, register: Register, now: datetime) -> Signature:
        """Sign one smaller survivor set of an attempt, and never a second (S6). Raises `SumRefused`."""
        kept = self._find_sent(query, now)
        self._check_survivors(statement, query, kept, register, now)
        body = encode_document(statement)
        revealed = self._store.find_reveal(query.facts.digest)
        if revealed is not None and revealed.survivors_digest != digest_of(body):
            raise SumRefused("revealed", "this manifest was revealed for another set")
        whole = statement == whole_roster(query)
        if not whole and not self._store.claim_survivors(query.facts.digest, statement.attempt, digest_of(body)):
            raise SumRefused("survivors_twice", f"another set was signed in attempt {statement.attempt}")
        return sign_body(body, SURVIVORS_TYPE, self._signer)

    def _check_survivors(
        self, statement: SurvivorSet, query: SumQuery, kept: KeptContribution, register: Register, now: datetime
    ) -> None:
        """Check a set by itself: of this attempt, within the roster, with this node, large enough (S6)."""
        survivors, facts = statement.survivors, query.facts
        if statement != name_survivors(query.attempt, facts, survivors):
            raise SumRefused("survivors_other", "the survivors are of another attempt")
        if list(survivors) != sorted(set(survivors)) or not set(survivors) <= set(query.roster.members):
            raise SumRefused("survivors_unknown", "the survivors are not members of the roster, each once, in order")
        if self._me not in survivors:
            raise SumRefused("survivors_without", f"{self._me} is not among the survivors")
        certified = self._exact_survivors(query, kept.snapshot, register, now) is not None
        if len(survivors) < facts.fewest_survivors(certified=certified):
            raise SumRefused("survivors_few", f"{len(survivors)} survivors are too few for this manifest")
        if self._store.is_aborted(facts.digest, statement.attempt):
            raise SumRefused("aborted", f"attempt {statement.attempt} was aborted")

    # --- The last trip: the opening ----------------------------------------------------------------------------------

    def reveal(self, envelope: Envelope, query: SumQuery, register: Register, now: datetime) -> Envelope:
        """Reveal this node's shares for one signed survivor set, for good (S8, S9). Raises `SumRefused`.

        1. it contributed in this attempt, which is not over;
        2. the set is of this attempt, large enough, with this node in it;
        3. t of the survivors signed it, as the register is now;
        4. nothing else was or will be revealed for this manifest, nor the other kind of any share of this slot.
        """
        statement = read_payload(envelope, SURVIVORS_TYPE, SurvivorSet)
        kept = self._find_sent(query, now)
        self._check_survivors(statement, query, kept, register, now)
        check_quorum(envelope, statement.survivors, query.roster.threshold, register, now)
        fixed = self._exact_survivors(query, kept.snapshot, register, now) or statement.survivors
        claim = state_claim(statement, query, kept.snapshot, fixed)
        parcels = self._store.find_parcels(claim.where)
        if set(parcels) != set(query.roster.members):
            raise SumRefused("slot_incomplete", f"the shares of slot {claim.where.slot} are erased")
        if not self._store.claim_reveal(claim):
            raise SumRefused("revealed", "this manifest was revealed for another set, or the attempt was aborted")
        held = self._hold(statement, claim)
        return sign_document(write_reveal(claim, parcels, self._me, held), REVEAL_TYPE, self._signer)

    def _hold(self, statement: SurvivorSet, claim: RevealClaim) -> Signature | None:
        """Sign that this node holds a term to these survivors: only now that it does, and not of a region's sum."""
        if claim.exact is None or claim.exact.survivors != statement.survivors:
            return None
        return sign_body(encode_document(statement), HELD_TYPE, self._signer)

    # --- Giving up ---------------------------------------------------------------------------------------------------

    def abort(self, query: SumQuery, register: Register, now: datetime) -> Signature:
        """Sign that nothing was, or ever will be, revealed here in this attempt (S12). Raises `SumRefused`.

        Of an attempt that this node was not asked for it says so only once the ones before are over, as it would have
        begun it then and no sooner (S2): aborts of the second allow the third, and the first may not be open beside it.
        """
        attempt = query.attempt
        self._check_member(query.roster)
        if attempt.roster_digest != roster_digest(query.roster) or attempt.manifest_digest != query.facts.digest:
            raise SumRefused("roster_mismatch", "the attempt is for another roster or manifest")
        uses = self._store.find_uses(attempt.manifest_digest)
        if all(use.attempt < attempt.number for use in uses):
            self._check_none_running(query, uses, register, now)
        if not self._store.claim_abort(attempt.manifest_digest, attempt.number):
            raise SumRefused("revealed", f"attempt {attempt.number} was revealed before")
        return sign_body(encode_document(name_abort(attempt)), ABORT_TYPE, self._signer)

    def release_exact_lock(
        self, term: str, aborts: Envelope, roster: SumRoster, register: Register, now: datetime
    ) -> None:
        """Lift a term's lock when t nodes show that the attempt it comes from can never open. Raises `SumRefused`."""
        lock = self._store.find_exact_lock(term)
        if lock is not None:
            check_lock_failed(lock, aborts, roster, register, now)
            self._store.release_exact_lock(lock)

    # --- What several steps ask --------------------------------------------------------------------------------------

    def _check_member(self, roster: SumRoster) -> None:
        if self._me not in roster.members:
            raise SumRefused("roster_without", f"{self._me} is not of this roster")

    def _find_sent(self, query: SumQuery, now: datetime) -> KeptContribution:
        """Return what this node contributed in an attempt that is not over. Raises `SumRefused`."""
        check_attempt(query, now)
        kept = self._store.find_contribution(query.facts.digest, query.attempt.number)
        if kept is None or kept.attempt != query.attempt:
            raise SumRefused("not_contributed", f"{self._me} contributed nothing to this attempt")
        if any(use.attempt > query.attempt.number for use in self._store.find_uses(query.facts.digest)):
            raise SumRefused("attempt_over", f"attempt {query.attempt.number} was followed by another")
        return kept

    def _exact_survivors(
        self, query: SumQuery, snapshot: str, register: Register, now: datetime
    ) -> tuple[str, ...] | None:
        term = query.facts.exact_term
        lock = self._store.find_exact_lock(term) if term else None
        return fixed_survivors(query, lock, snapshot, self._floors, register, now)


def _vector_digest(kept: KeptContribution) -> str:
    return read_payload(kept.envelope, CONTRIBUTION_TYPE, Contribution).vector_digest
