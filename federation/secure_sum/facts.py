"""What a secure sum has to know of a manifest; whoever owns the manifest makes this from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from federation.envelope import Envelope
from federation.register import MemberKind, Register
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import ATTEMPT_TYPE, Abort, Attempt, Certificate, SumRoster, SurvivorSet
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.signing import check_signed, read_payload


class SumPath(StrEnum):
    """The paths on which only a sum can be opened."""

    NOISY_SUM = "noisy_sum"
    EXACT_SUM = "exact_sum"


@dataclass(frozen=True)
class ManifestFacts:
    """The terms of one approved manifest. `regions` tells each node's region, for exact sums over one of them."""

    digest: str
    query_id: str
    path: SumPath
    members: tuple[str, ...]
    threshold: int
    dropouts: int
    cells: int
    gather_seconds: int
    expires_at: datetime
    snapshot_term: str
    regions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `ValueError` for an exact sum of no term, which no certificate could bind."""
        if self.path is SumPath.EXACT_SUM and not self.snapshot_term:
            raise ValueError("an exact sum names the term of its snapshots")

    @property
    def exact_term(self) -> str:
        """The term whose one survivor set binds this manifest; empty for a noisy sum."""
        return self.snapshot_term if self.path is SumPath.EXACT_SUM else ""

    def fewest_survivors(self, *, certified: bool) -> int:
        """Return how many nodes an opening must cover: noise allows so many dropouts, a certificate none."""
        if certified:
            return len(self.members)
        if self.path is SumPath.NOISY_SUM:
            return max(self.threshold, len(self.members) - self.dropouts)
        return self.threshold


@dataclass(frozen=True)
class SumQuery:
    """One attempt at one manifest, as a node was handed it: nothing of it is believed before it is checked."""

    attempt: Attempt
    roster: SumRoster
    facts: ManifestFacts
    certificate: Certificate | None = None
    earlier: tuple[Certificate, ...] = ()
    aborts: Envelope | None = None


def read_attempt(envelope: Envelope, register: Register, now: datetime) -> Attempt:
    """Read an attempt that an active hub of the register signed (S1). Raises `SumRefused`."""
    attempt = read_payload(envelope, ATTEMPT_TYPE, Attempt)
    check_signed(envelope, next(iter(envelope.signers), ""), MemberKind.HUB, register, now)
    return attempt


def check_attempt(query: SumQuery, now: datetime) -> None:
    """Check that attempt, roster and manifest belong together and are not over (S2). Raises `SumRefused`."""
    attempt, roster, facts = query.attempt, query.roster, query.facts
    if attempt.manifest_digest != facts.digest:
        raise SumRefused("manifest_mismatch", "the attempt is for another manifest")
    if (attempt.roster_digest, attempt.epoch) != (roster_digest(roster), roster.epoch):
        raise SumRefused("roster_mismatch", "the attempt is for another roster")
    if roster.members != facts.members:
        raise SumRefused("roster_mismatch", "the roster is not the one that was approved")
    if roster.threshold != facts.threshold:
        raise SumRefused("threshold_changed", f"the threshold approved is {facts.threshold}, not {roster.threshold}")
    if attempt.expires_at > facts.expires_at:
        raise SumRefused("valid_too_long", "the attempt would outlive the manifest")
    if now >= attempt.expires_at:
        raise SumRefused("expired", f"attempt {attempt.number} is over")


def whole_roster(query: SumQuery) -> SurvivorSet:
    """Return the statement that everyone answered: what each node consents to when it contributes (S4)."""
    return name_survivors(query.attempt, query.facts, query.roster.members)


def name_survivors(attempt: Attempt, facts: ManifestFacts, survivors: tuple[str, ...]) -> SurvivorSet:
    """Return the statement that these nodes' contributions are to be opened together."""
    return SurvivorSet(
        manifest_digest=attempt.manifest_digest,
        attempt=attempt.number,
        slot=attempt.slot,
        roster_digest=attempt.roster_digest,
        exact_term=facts.exact_term,
        survivors=survivors,
    )


def name_abort(attempt: Attempt) -> Abort:
    """Return the statement that nothing was, or ever will be, revealed in an attempt (S12)."""
    return Abort(
        manifest_digest=attempt.manifest_digest,
        attempt=attempt.number,
        slot=attempt.slot,
        roster_digest=attempt.roster_digest,
    )
