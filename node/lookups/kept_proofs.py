"""What another node's log has of an answer to us: a proof that came with the answer, held against it, and kept.

It shows, offline and for as long as it is kept, that the answering node had logged at that moment who asked, for what
purpose and which fields left. Its log has to keep that entry ever after, or be found out by its witnesses.
"""

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta

from audit.event import Action, Outcome
from audit.proof import ProofInvalid
from federation.database import stamp
from federation.log_proofs import verify_log_proof
from federation.lookups import LookupAnswer, LookupFailed, LookupOutcome, LookupRequest
from federation.state import StateError
from node.service import Node

KEPT_FOR = timedelta(days=25 * 366)
"""How long a proof is kept: as long as the entry about the child at either end."""


def check_proof(node: Node, request: LookupRequest, answer: LookupAnswer) -> None:
    """Raise `LookupFailed` where the proof in an answer is not of the entry that the answer must have.

    1. The entry is in the answering node's own log, under that log's signature.
    2. It says that this lookup was answered, to this person of ours, for this purpose, with these fields or nobody.

    An answer may come without a proof, as a refusal does.
    """
    if not answer.proof:
        return
    try:
        proven = verify_log_proof(answer.proof, node.register(), node.clock(), quorum=0)  # 1
    except ProofInvalid:
        raise LookupFailed("sent a proof of its log that does not hold") from None
    event = proven.event
    said = (event.action, event.outcome, event.reference, event.actor, event.acting_for, event.purpose)
    actor = f"{request.person} ({request.role})"
    meant = (Action.LOOKUP_ANSWERED, Outcome.DONE, request.lookup_id, actor, request.authority, request.purpose)
    told = bool(answer.children or answer.files)
    fields = answer.fields if told else ()
    if proven.checkpoint.origin != answer.sender or said != meant or event.fields != fields:  # 2
        raise LookupFailed("sent a proof of another entry of its log than that of the answer")
    if answer.outcome is not LookupOutcome.ANSWERED:
        raise LookupFailed("sent a proof of an answer that it did not give")


def keep_proofs(connection: sqlite3.Connection, lookup_id: str, answers: Iterable[LookupAnswer], now: datetime) -> None:
    """Keep what came with answers, inside the transaction that logs them."""
    connection.execute("DELETE FROM lookup_proofs WHERE kept_at <= ?", (stamp(now - KEPT_FOR),))
    rows = [(lookup_id, answer.authority, answer.proof, stamp(now)) for answer in answers if answer.proof]
    connection.executemany("INSERT OR IGNORE INTO lookup_proofs VALUES (?, ?, ?, ?)", rows)


def find_proof(node: Node, lookup_id: str, authority: str) -> str:
    """Return the proof that came with an authority's answer. Raises `StateError` where none did."""
    row = node.database.connection.execute(
        "SELECT proof FROM lookup_proofs WHERE lookup_id = ? AND authority = ?", (lookup_id, authority)
    ).fetchone()
    if row is None:
        raise StateError("no proof is kept of that authority's answer: it may not have answered that lookup")
    return str(row["proof"])
