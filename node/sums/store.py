"""What a node remembers of its sums: which slots it used, what it sent, signed, revealed and gave up.

With the secrets of `epoch_secrets` this keeps the contract of `federation.secure_sum.contributor_store`.
"""

import sqlite3
from array import array
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from federation.database import stamp
from federation.envelope import Envelope, Signature
from federation.secure_sum.contributor_store import ExactLock, KeptContribution, RevealClaim, SlotUse
from federation.secure_sum.dealing import SlotKey
from federation.secure_sum.facts import SumQuery
from federation.secure_sum.messages import Attempt
from federation.wire import decode_document, encode_document
from node.sums.epoch_secrets import EpochSecrets


class SumStore(EpochSecrets):
    """The store of one node."""

    # --- What a node was asked ---------------------------------------------------------------------------------------

    def remember_query(self, query: SumQuery) -> None:
        """Remember an attempt as it was checked, for the trips that follow; the first form of it stays."""
        attempt = query.attempt
        row = (attempt.manifest_digest, attempt.number, attempt.epoch, msgspec.json.encode(query))
        with self.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO sum_attempts (manifest_digest, attempt, epoch, query) VALUES (?, ?, ?, ?)", row
            )

    def find_query(self, manifest_digest: str, attempt: int) -> SumQuery | None:
        """Return an attempt as it was checked."""
        row = self._one(
            "SELECT query FROM sum_attempts WHERE manifest_digest = ? AND attempt = ?", manifest_digest, attempt
        )
        return msgspec.json.decode(row["query"], type=SumQuery) if row else None

    def keep_figures(self, manifest_digest: str, expires_at: datetime, noised: Sequence[int]) -> Sequence[int]:
        """Keep a manifest's figures with their noise, which is drawn once; return those that were kept first."""
        row = (manifest_digest, stamp(expires_at), array("Q", noised).tobytes())
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO sum_figures VALUES (?, ?, ?)", row)
            kept = self.find_figures(manifest_digest)
            assert kept is not None
            return kept

    def find_figures(self, manifest_digest: str) -> Sequence[int] | None:
        """Return a manifest's figures with their noise, if they were drawn."""
        row = self._one("SELECT noised FROM sum_figures WHERE manifest_digest = ?", manifest_digest)
        return array("Q", row["noised"]) if row else None

    def has_figures_over(self, now: datetime) -> bool:
        """Return whether there are figures of manifests that are over."""
        return self._one("SELECT 1 FROM sum_figures WHERE expires_at <= ? LIMIT 1", stamp(now)) is not None

    def erase_figures(self, now: datetime) -> None:
        """Erase the figures of manifests that are over."""
        with self.writing() as connection:
            connection.execute("DELETE FROM sum_figures WHERE expires_at <= ?", (stamp(now),))

    # --- Records -----------------------------------------------------------------------------------------------------

    def claim_slot(self, use: SlotUse) -> bool:
        """Reserve a slot for one attempt at one manifest (S2)."""
        row = (*_key(use.where), use.manifest_digest, use.attempt, stamp(use.expires_at))
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO sum_slots_used VALUES (?, ?, ?, ?, ?)", row)
            return use in self.find_uses(use.manifest_digest)

    def find_uses(self, manifest_digest: str) -> tuple[SlotUse, ...]:
        """Return every attempt at a manifest that this node took a slot for."""
        rows = self._all("SELECT * FROM sum_slots_used WHERE manifest_digest = ? ORDER BY attempt", manifest_digest)
        return tuple(
            SlotUse(_where(row), row["manifest_digest"], row["attempt"], _moment(row["expires_at"])) for row in rows
        )

    def record_contribution(self, kept: KeptContribution) -> None:
        """Record what is about to be sent, and erase the own slot's secrets with it (S4). The first one stays."""
        attempt = kept.attempt
        known = (attempt.manifest_digest, attempt.number, attempt.epoch, msgspec.json.encode({"attempt": attempt}))
        sent = (kept.snapshot, encode_document(kept.envelope), kept.masked, encode_document(kept.consent))
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO sum_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "snapshot = excluded.snapshot, contribution = excluded.contribution, masked = excluded.masked, "
                "consent = excluded.consent WHERE contribution IS NULL",
                (*known, *sent),
            )
            connection.execute(
                "UPDATE sum_own_slots SET seed = NULL, slot_keys = NULL WHERE roster_digest = ? AND slot = ?",
                (attempt.roster_digest, attempt.slot),
            )

    def find_contribution(self, manifest_digest: str, attempt: int) -> KeptContribution | None:
        """Return what was sent in an attempt; None too once its epoch's vectors are erased."""
        row = self._one(
            "SELECT * FROM sum_attempts WHERE manifest_digest = ? AND attempt = ? AND masked IS NOT NULL",
            manifest_digest,
            attempt,
        )
        if row is None:
            return None
        known = msgspec.json.decode(row["query"], type=_AttemptAlone)
        return KeptContribution(
            known.attempt,
            row["snapshot"],
            decode_document(row["contribution"], Envelope),
            row["masked"],
            decode_document(row["consent"], Signature),
        )

    def claim_survivors(self, manifest_digest: str, attempt: int, survivors_digest: str) -> bool:
        """Take one smaller survivor set as the only one of its attempt (S6)."""
        row = (manifest_digest, attempt, survivors_digest)
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO sum_survivors VALUES (?, ?, ?)", row)
            return self.find_survivors(manifest_digest, attempt) == survivors_digest

    def find_survivors(self, manifest_digest: str, attempt: int) -> str | None:
        """Return the digest of the one smaller survivor set that was signed in an attempt."""
        query = "SELECT survivors_digest FROM sum_survivors WHERE manifest_digest = ? AND attempt = ?"
        row = self._one(query, manifest_digest, attempt)
        return row["survivors_digest"] if row else None

    def claim_reveal(self, claim: RevealClaim) -> bool:
        """Take one set as the only one that this manifest is ever revealed for (S8).

        False where the manifest has another claim, the attempt is aborted, one of the dealers' slots has the other
        kind in any claim, or the term's lock names other survivors or another snapshot. Sets the lock where there is
        none, and makes it firm where another manifest set it.
        """
        with self.writing() as connection:
            known = self.find_reveal(claim.manifest_digest)
            if known is not None:
                return known == claim
            if self.is_aborted(claim.manifest_digest, claim.attempt) or self._kind_given(claim):
                return False
            if claim.exact is not None and not self._lock(connection, claim.exact):
                return False
            row = (claim.manifest_digest, msgspec.json.encode(claim))
            connection.execute("INSERT INTO sum_reveals VALUES (?, ?)", row)
            shares = [(*_key(claim.where), dealer, kind) for dealer, kind in claim.kinds.items()]
            connection.executemany("INSERT OR IGNORE INTO sum_shares_given VALUES (?, ?, ?, ?)", shares)
            return True

    def _kind_given(self, claim: RevealClaim) -> bool:
        given = self._all("SELECT * FROM sum_shares_given WHERE roster_digest = ? AND slot = ?", *_key(claim.where))
        return any(claim.kinds.get(row["dealer"], row["kind"]) != row["kind"] for row in given)

    def _lock(self, connection: sqlite3.Connection, exact: ExactLock) -> bool:
        lock = self.find_exact_lock(exact.term) or exact
        if (lock.survivors, lock.snapshot) != (exact.survivors, exact.snapshot):
            return False
        lock = replace(lock, firm=lock.firm or lock.manifest_digest != exact.manifest_digest)
        connection.execute(
            "INSERT OR REPLACE INTO sum_exact_locks VALUES (?, ?)", (lock.term, msgspec.json.encode(lock))
        )
        return True

    def find_reveal(self, manifest_digest: str) -> RevealClaim | None:
        """Return what a manifest was revealed for."""
        row = self._one("SELECT claim FROM sum_reveals WHERE manifest_digest = ?", manifest_digest)
        return msgspec.json.decode(row["claim"], type=RevealClaim) if row else None

    def claim_abort(self, manifest_digest: str, attempt: int) -> bool:
        """Close an attempt to any later reveal (S12); False where it was revealed."""
        with self.writing() as connection:
            revealed = self.find_reveal(manifest_digest)
            if revealed is not None and revealed.attempt == attempt:
                return False
            connection.execute("INSERT OR IGNORE INTO sum_aborts VALUES (?, ?)", (manifest_digest, attempt))
            return True

    def is_aborted(self, manifest_digest: str, attempt: int) -> bool:
        """Return whether this node has closed an attempt."""
        query = "SELECT 1 FROM sum_aborts WHERE manifest_digest = ? AND attempt = ?"
        return self._one(query, manifest_digest, attempt) is not None

    def find_exact_lock(self, term: str) -> ExactLock | None:
        """Return the one survivor set that this node holds a term's exact sums to."""
        row = self._one("SELECT document FROM sum_exact_locks WHERE term = ?", term)
        return msgspec.json.decode(row["document"], type=ExactLock) if row else None

    def release_exact_lock(self, lock: ExactLock) -> None:
        """Lift a lock whose attempt is shown to have failed, if it is still this very one."""
        with self.writing() as connection:
            if self.find_exact_lock(lock.term) == lock:
                connection.execute("DELETE FROM sum_exact_locks WHERE term = ?", (lock.term,))


class _AttemptAlone(msgspec.Struct):
    """The attempt of a stored query, without the rest."""

    attempt: Attempt


def _key(where: SlotKey) -> tuple[str, int]:
    return where.roster_digest, where.slot


def _where(row: sqlite3.Row) -> SlotKey:
    return SlotKey(row["roster_digest"], row["slot"])


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
