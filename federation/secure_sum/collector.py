"""The hub's part of a secure sum: what has come in, and what to ask next (S5, S7, S9 to S12).

Pure: the hub feeds it what arrives and does what it answers. It takes nothing that its sender did not sign and nothing
twice; a node that sends what cannot be used counts as not having answered, and its name goes with the reason.
Contributions, signatures and aborts may be stored and fed again after a crash. Reveals live here alone, in memory, and
are asked for again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from federation.envelope import Envelope, Signature
from federation.register import MemberKind, Register
from federation.secure_sum.bundles import Dealt
from federation.secure_sum.contributions import check_contribution
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumFailed, SumRefused
from federation.secure_sum.facts import ManifestFacts, name_abort, name_survivors
from federation.secure_sum.messages import (
    ABORT_TYPE,
    CONTRIBUTION_TYPE,
    HELD_TYPE,
    REVEAL_TYPE,
    SURVIVORS_TYPE,
    Attempt,
    Certificate,
    Contribution,
    Reveal,
    SumRoster,
    SurvivorSet,
)
from federation.secure_sum.opening import open_sum
from federation.secure_sum.reveals import RevealedShares, read_shares
from federation.secure_sum.signed_statements import Statement
from federation.secure_sum.signing import check_signed, read_payload
from federation.secure_sum.steps import AskReveals, AskSurvivors, Fail, Open, Step, Wait
from federation.wire import D

if TYPE_CHECKING:
    from federation.secure_sum.vectors import Vector


class Collector:
    """One attempt at the hub.

    An exact sum after its term's first is `certified`, and one that goes by the survivors of another term is `bound`:
    either takes all of its roster. `proposed` is the smaller survivor set stored before a restart, if there was one.
    """

    def __init__(
        self,
        attempt: Attempt,
        roster: SumRoster,
        facts: ManifestFacts,
        bundles: Mapping[str, Dealt],
        register: Register,
        started_at: datetime,
        *,
        certified: bool = False,
        bound: bool = False,
        proposed: SurvivorSet | None = None,
    ) -> None:
        self.attempt = attempt
        self.roster = roster
        self.facts = facts
        self.register = register
        self._bundles = bundles
        self._closes_at = started_at + timedelta(seconds=facts.gather_seconds)
        self._certified = certified
        self._fewest = facts.fewest_survivors(certified=certified or bound)
        self._missing: dict[str, str] = {}
        self._contributions: dict[str, str] = {}
        self._vectors: dict[str, bytes] = {}
        self._shares: dict[str, RevealedShares] = {}
        self._liars: set[str] = set()
        whole = self._name_whole()
        self._whole = Statement(whole, SURVIVORS_TYPE)
        self._survivors: SurvivorSet | None = proposed
        smaller = proposed is not None and proposed != whole
        self._statement = Statement(proposed, SURVIVORS_TYPE) if proposed and smaller else self._whole
        self._held: Statement | None = None
        self._aborts = Statement(name_abort(attempt), ABORT_TYPE)

    # --- What comes in -----------------------------------------------------------------------------------------------

    def take_contribution(
        self, sender: str, envelope: Envelope, vector: bytes, consent: Signature, now: datetime
    ) -> None:
        """Take a contribution with its vector and consent (S4). Raises `SumFailed`, naming the sender.

        What its sender did sign but cannot be used counts as no answer, at once; what it did not sign counts for
        nothing at all, since anybody could have sent it.
        """
        contribution = self._read(envelope, CONTRIBUTION_TYPE, Contribution, sender, now)
        digest = digest_of(envelope.body)
        if sender in self._contributions and self._contributions[sender] != digest:
            raise SumFailed("equivocation", f"{sender} contributed twice, and not the same", (sender,))
        if sender in self._contributions:
            return
        if self._survivors is not None and sender not in self._survivors.survivors:
            raise SumFailed("late", f"{sender} contributed after the survivors were named", (sender,))
        try:
            check_contribution(contribution, vector, sender, self.attempt, self.facts)
            self._take_consent(sender, consent, now)
        except SumFailed as failed:
            self._missing.setdefault(sender, failed.code)
            raise
        self._missing.pop(sender, None)
        self._contributions[sender] = digest
        self._vectors[sender] = vector

    def take_refusal(self, sender: str, code: str) -> None:
        """Note that a node will not take part: it counts as missing at once (S4)."""
        self._check_known(sender)
        if sender not in self._contributions:
            self._missing.setdefault(sender, code)

    def take_signature(self, sender: str, signature: Signature, now: datetime) -> None:
        """Take a survivor's signature on the smaller set (S6). Raises `SumFailed`."""
        if self._survivors is None or sender not in self._survivors.survivors:
            raise SumFailed("signature_unasked", f"{sender} was not asked to sign survivors", (sender,))
        if signature.keyid != sender:
            raise SumFailed("impersonation", f"{sender} sent a signature in another's name", (sender,))
        self._statement.take(signature, self.register, now)

    def take_reveal(self, sender: str, envelope: Envelope, now: datetime) -> None:
        """Take a node's reveal (S9), held against what was dealt (S10). Raises `SumFailed`, naming the sender."""
        reveal = self._read(envelope, REVEAL_TYPE, Reveal, sender, now)
        if reveal.node != sender:
            raise SumFailed("impersonation", f"{sender} revealed in another's name", (sender,))
        statement = self._opened()
        attempt, digest = self.attempt, digest_of(self._statement.body)
        expected = attempt.manifest_digest, attempt.number, attempt.slot, digest
        if (reveal.manifest_digest, reveal.attempt, reveal.slot, reveal.survivors_digest) != expected:
            raise SumFailed("reveal_other", f"{sender} revealed for another attempt or set", (sender,))
        if sender not in statement.survivors:
            raise SumFailed("reveal_unasked", f"{sender} is not among the survivors", (sender,))
        try:
            shares = read_shares(reveal, self.roster, statement, self._bundles)
            self._take_held(sender, reveal, statement, now)
        except SumFailed:
            self._liars.add(sender)
            raise
        self._shares.setdefault(sender, shares)

    def take_abort(self, sender: str, signature: Signature, now: datetime) -> None:
        """Take a node's abort (S12). Raises `SumFailed`."""
        self._check_known(sender)
        if signature.keyid != sender:
            raise SumFailed("impersonation", f"{sender} aborted in another's name", (sender,))
        self._aborts.take(signature, self.register, now)

    # --- What to do next ---------------------------------------------------------------------------------------------

    def next_step(self, now: datetime) -> Step:
        """Return what to do next (S5, S7, S10)."""
        if now >= self.attempt.expires_at:
            return Fail("expired", f"attempt {self.attempt.number} is over", self._absent())
        if self._survivors is None:
            return self._gather(now)
        return self._gather_reveals(self._survivors)

    def open(self) -> "Vector":
        """Return the opened sum (S10), and forget reveals and vectors. Raises `SumFailed`, naming who lied."""
        try:
            return open_sum(self.roster, self._opened(), self._vectors, self._bundles, self._shares)
        finally:
            self.erase()

    def erase(self) -> None:
        """Forget every reveal and vector (S11)."""
        self._shares.clear()
        self._vectors.clear()

    def aborts(self) -> Envelope | None:
        """Return t signed aborts, which allow the next attempt, once there are so many."""
        if len(self._aborts.signatures) < self.roster.threshold:
            return None
        return self._aborts.envelope(self.roster.threshold)

    def certificate(self) -> Certificate:
        """Return what fixes an exact term's survivors: the word of all who revealed, since signers may leave (S9).

        Raises `SumFailed` before anybody did.
        """
        if self._held is None:
            raise SumFailed("reveals_missing", "nobody holds the term to these survivors yet")
        return Certificate(roster=self.roster, survivors=self._held.envelope(len(self.roster.members)))

    @property
    def survivors(self) -> tuple[str, ...]:
        """Whose contributions are to be opened together. Raises `SumFailed` before that is known."""
        return self._opened().survivors

    @property
    def opening(self) -> Envelope:
        """The statement of the survivors with t signatures: what opened the sum, and for exact sums the certificate."""
        return self._statement.envelope(self.roster.threshold)

    @property
    def hopeless(self) -> bool:
        """Whether so many will not take part that no further attempt can succeed either."""
        return len(self.roster.members) - len(self._missing) < self._fewest

    @property
    def contributors(self) -> tuple[str, ...]:
        """Who has contributed so far, in the roster's order."""
        return tuple(name for name in self.roster.members if name in self._contributions)

    @property
    def arrived(self) -> tuple[str, ...]:
        """Who has contributed so far, the quickest first."""
        return tuple(self._contributions)

    @property
    def revealed(self) -> tuple[str, ...]:
        """Whose reveals are here."""
        return tuple(self._shares)

    @property
    def missing(self) -> Mapping[str, str]:
        """Why each node that answered without contributing did not, in a word."""
        return dict(self._missing)

    def _gather(self, now: datetime) -> Step:
        here, everyone = len(self._contributions), len(self.roster.members)
        if here == everyone:
            self._survivors = self._name_whole()
            return self._gather_reveals(self._survivors)
        if everyone - len(self._missing) < self._fewest:
            return Fail("too_many_missing", f"{self._fewest} of {everyone} must answer", tuple(sorted(self._missing)))
        if here + len(self._missing) < everyone and now < self._closes_at:
            return Wait(min(self._closes_at, self.attempt.expires_at))
        if here < self._fewest:
            return Fail("too_many_missing", f"{here} of {everyone} answered; {self._fewest} must", self._absent())
        self._survivors = name_survivors(self.attempt, self.facts, self.contributors)
        self._statement = Statement(self._survivors, SURVIVORS_TYPE)
        return AskSurvivors(self._survivors)

    def _gather_reveals(self, survivors: SurvivorSet) -> Step:
        threshold = self.roster.threshold
        if any(name not in self._vectors for name in survivors.survivors):
            return Wait(self.attempt.expires_at)  # After a restart, until the contributions are fed again.
        closed = self._aborts.signatures.keys() | self._liars
        if len([name for name in survivors.survivors if name not in closed]) < threshold:
            return Fail("too_many_missing", "too few survivors are left to open the sum", tuple(sorted(closed)))
        if len(self._statement.signatures) < threshold:
            return AskSurvivors(survivors)
        if len(self._shares) < threshold:
            return AskReveals(self._statement.envelope(threshold), survivors.survivors)
        return Open(survivors.survivors)

    # --- Checks ------------------------------------------------------------------------------------------------------

    def _check_known(self, sender: str) -> None:
        if sender not in self.roster.members:
            raise SumFailed("sender_unknown", f"{sender} is not of this roster", (sender,))

    def _read(self, envelope: Envelope, payload_type: str, kind: type[D], sender: str, now: datetime) -> D:
        self._check_known(sender)
        try:
            document = read_payload(envelope, payload_type, kind)
            check_signed(envelope, sender, MemberKind.NODE, self.register, now)
        except SumRefused as refused:
            raise SumFailed(refused.code, f"{sender}: {refused.text}", (sender,)) from None
        return document

    def _take_consent(self, sender: str, consent: Signature, now: datetime) -> None:
        if consent.keyid != sender:
            raise SumFailed("impersonation", f"{sender} sent a consent in another's name", (sender,))
        self._whole.take(consent, self.register, now)

    def _take_held(self, sender: str, reveal: Reveal, statement: SurvivorSet, now: datetime) -> None:
        """Take a node's word that it holds a term to these survivors; a first exact sum needs it."""
        first = bool(self.facts.exact_term) and not self._certified
        if reveal.held is None and first:
            raise SumFailed("held_missing", f"{sender} does not say that it holds to these survivors", (sender,))
        if reveal.held is None:
            return
        if reveal.held.keyid != sender:
            raise SumFailed("impersonation", f"{sender} holds to survivors in another's name", (sender,))
        self._held = self._held or Statement(statement, HELD_TYPE)
        self._held.take(reveal.held, self.register, now)

    def _opened(self) -> SurvivorSet:
        if self._survivors is None and len(self._contributions) == len(self.roster.members):
            self._survivors = self._name_whole()  # Everybody consented to that in advance: reveals may come at once.
        if self._survivors is None:
            raise SumFailed("reveal_unasked", "nothing was asked to be revealed yet")
        return self._survivors

    def _name_whole(self) -> SurvivorSet:
        return name_survivors(self.attempt, self.facts, self.roster.members)

    def _absent(self) -> tuple[str, ...]:
        return tuple(name for name in self.roster.members if name not in self._contributions)
