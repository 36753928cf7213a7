"""Aborts (S12): what t nodes' word that they never revealed, and never will, allows afterwards.

Opening the attempt would take t reveals, and t nodes of the same roster will give none: fewer than t are left.
"""

from datetime import datetime

from federation.envelope import Envelope
from federation.register import Register
from federation.secure_sum.contributor_store import ExactLock
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery
from federation.secure_sum.messages import ABORT_TYPE, Abort, SumRoster
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.signing import check_quorum, read_payload


def check_aborts(aborts: Envelope, query: SumQuery, register: Register, now: datetime) -> None:
    """Check that t nodes aborted the attempt before this one (S2). Raises `SumRefused`."""
    abort = read_payload(aborts, ABORT_TYPE, Abort)
    if (abort.manifest_digest, abort.attempt) != (query.facts.digest, query.attempt.number - 1):
        raise SumRefused("aborts_other", "the aborts are of another attempt")
    check_quorum(aborts, query.facts.members, query.facts.threshold, register, now)


def check_lock_failed(lock: ExactLock, aborts: Envelope, roster: SumRoster, register: Register, now: datetime) -> None:
    """Check that the one attempt that a lock comes from can never be opened. Raises `SumRefused`.

    `roster` is the one that the attempt was for. A lock under which another manifest was revealed since is firm.
    """
    abort = read_payload(aborts, ABORT_TYPE, Abort)
    if lock.firm:
        raise SumRefused("lock_firm", f"more than one exact sum of {lock.term} was revealed for these survivors")
    if (abort.manifest_digest, abort.attempt) != (lock.manifest_digest, lock.attempt):
        raise SumRefused("aborts_other", "the aborts are of another attempt")
    if abort.roster_digest != lock.roster_digest or lock.roster_digest != roster_digest(roster):
        raise SumRefused("aborts_other", "the aborts are of another roster")
    check_quorum(aborts, roster.members, roster.threshold, register, now)
