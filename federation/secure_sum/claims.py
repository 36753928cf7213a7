"""Claims: what a node writes down before it acts, so that nothing it does later can contradict it (S2, S8)."""

from federation.secure_sum.contributor_store import ExactLock, RevealClaim, ShareKind
from federation.secure_sum.dealing import SlotKey
from federation.secure_sum.digests import digest_of
from federation.secure_sum.facts import SumQuery
from federation.secure_sum.messages import Attempt, SurvivorSet
from federation.wire import encode_document


def slot_of(attempt: Attempt) -> SlotKey:
    """Return the slot that an attempt is in."""
    return SlotKey(attempt.roster_digest, attempt.slot)


def state_claim(statement: SurvivorSet, query: SumQuery, snapshot: str, fixed: tuple[str, ...]) -> RevealClaim:
    """Return what a node is about to reveal: for which set, of which dealers which kind of share, and under which lock.

    `fixed` are the survivors that an exact sum's term is held to from now on: those of this set, or, of a region's sum,
    all that are certified.
    """
    facts, digest = query.facts, digest_of(encode_document(statement))
    lock = ExactLock(facts.exact_term, fixed, snapshot, facts.digest, statement.attempt, statement.roster_digest)
    kinds = {
        dealer: ShareKind.SEED if dealer in statement.survivors else ShareKind.UNLOCK for dealer in query.roster.members
    }
    where, exact = slot_of(query.attempt), lock if facts.exact_term else None
    return RevealClaim(facts.digest, statement.attempt, where, digest, kinds, exact)
