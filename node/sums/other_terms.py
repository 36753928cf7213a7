"""Exact sums about one academic year from snapshots of several terms: all of them are over the same survivors.

What two snapshots say of one year differs by little. So an authority that came late, and is among the survivors of one
term and not among those of another, would be what one total has more than the other.
"""

import sqlite3

from federation.manifest import Path
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery
from federation.secure_sum.messages import HELD_TYPE, SurvivorSet
from federation.secure_sum.signing import read_payload
from node.sums.store import SumStore


def check_other_terms(
    connection: sqlite3.Connection, sums: SumStore, query: SumQuery, survivors: tuple[str, ...]
) -> None:
    """Check that an exact sum goes by the survivors of every other term that was asked about the same. (S2, S8)

    `survivors` are those of this sum, where it is the first of its term. A term of which this node was asked and never
    revealed may have been opened without it, for whom it cannot tell. Raises `SumRefused`.
    """
    term, digest = query.facts.exact_term, query.facts.digest
    fixed = _fixed_survivors(sums, query) or survivors
    for other in sorted(_terms_asked(connection, digest) - {term, ""}):
        lock = sums.find_exact_lock(other)
        if lock is None or lock.survivors != fixed:
            raise SumRefused(
                "term_changed", f"exact sums from snapshots of {other} have told of this for other survivors"
            )


def _fixed_survivors(sums: SumStore, query: SumQuery) -> tuple[str, ...] | None:
    """The survivors that an exact term is held to already, by a reveal or by a certificate that was checked."""
    lock = sums.find_exact_lock(query.facts.exact_term)
    if lock is not None:
        return lock.survivors
    if query.certificate is not None:
        return read_payload(query.certificate.survivors, HELD_TYPE, SurvivorSet).survivors
    return None


def _terms_asked(connection: sqlite3.Connection, digest: str) -> set[str]:
    """The terms whose snapshots this node was asked about what a question measures, by exact sums."""
    rows = connection.execute(
        "SELECT DISTINCT snapshot FROM paths_taken AS own JOIN paths_taken AS others USING (measure) "
        "JOIN manifests ON manifests.digest = others.digest WHERE own.digest = ? AND others.path = ?",
        (digest, Path.EXACT_SUM),
    )
    return {row["snapshot"].rpartition("-")[0] for row in rows}
