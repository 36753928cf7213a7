"""What a witness does: it signs a tree of another party's log only if that tree continues the last one it signed.

An offer is the request body of C2SP tlog-witness, `add-checkpoint`:

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
    jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe...

The size up to which the witness has signed, a proof that the log has only grown since (RFC 9162, 2.1.4), and the newest
checkpoint. Everything here is pure; audit/witness_store.py keeps what was signed before the signature leaves.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from audit.checkpoint import (
    MAX_NOTE,
    Checkpoint,
    CheckpointError,
    decode_base64,
    encode_base64,
    verify_checkpoint,
)
from audit.merkle import HASH_SIZE, ProofError, verify_consistency

MOST_HASHES = 63
"""The longest proof that is read."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class Refusal(StrEnum):
    """Why a witness does not sign."""

    UNSIGNED = "unsigned"
    """It is no checkpoint signed by the log: nothing is known of the log by it."""
    STALE = "stale"
    """The offer starts from another size than the one signed last: it is made again from there."""
    SMALLER = "smaller"
    """The log signed it, and it has fewer entries than what was signed before: the log was cut back."""
    SPLIT = "split"
    """The log signed two different trees of one size."""
    UNPROVEN = "unproven"
    """The log signed it, and nothing shows that it continues what was signed before."""


DISPUTES = frozenset({Refusal.SMALLER, Refusal.SPLIT, Refusal.UNPROVEN})
"""What an honest log that was never put back from a copy does not come to: both notes are kept."""


class WitnessRefused(Exception):
    """The witness does not sign; `reason` says why."""

    def __init__(self, reason: Refusal, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Offer:
    """A checkpoint to cosign, and the proof that it continues the tree of `old_size` entries."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str

    def to_text(self) -> str:
        """Return the body of the request."""
        hashes = "".join(f"{encode_base64(digest)}\n" for digest in self.proof)
        return f"old {self.old_size}\n{hashes}\n{self.note}"


def parse_offer(text: str) -> Offer:
    """Read an offer; its note is yet to be verified. Raises CheckpointError unless it is in its one encoding."""
    if len(text) > 2 * MAX_NOTE:
        raise CheckpointError("the offer is too long")
    head, gap, note = text.partition("\n\n")
    first, *hashes = head.split("\n")
    old = _OLD.fullmatch(first)
    if not gap or old is None:
        raise CheckpointError("an offer is an old size, a proof, a blank line and a note")
    if len(hashes) > MOST_HASHES:
        raise CheckpointError(f"the proof has more than {MOST_HASHES} hashes")
    return Offer(int(old[1]), tuple(map(read_hash, hashes)), note)


def read_hash(line: str) -> bytes:
    """Read one hash of a proof. Raises CheckpointError."""
    digest = decode_base64(line, "a hash of the proof")
    if len(digest) != HASH_SIZE:
        raise CheckpointError(f"a hash of the proof is not {HASH_SIZE} bytes")
    return digest


def judge_offer(kept: Checkpoint | None, offer: Offer, origin: str, public_key: bytes) -> Checkpoint:
    """Return the checkpoint that a witness may sign now and keep in place of the one that it `kept`.

    In order, and each step ends in WitnessRefused where it does not hold:

    1. the log's own key signed the note, for a log of this origin;
    2. its tree is not smaller than the one signed last;
    3. a tree of the same size is the same tree;
    4. the offer starts from the size signed last, or from nothing where nothing was;
    5. the proof leads from the tree signed last to this one. The empty tree is continued by every other.
    """
    try:
        offered = verify_checkpoint(offer.note, origin, public_key)
    except CheckpointError as error:
        raise WitnessRefused(Refusal.UNSIGNED, str(error)) from None
    if kept is None or kept.size == 0:
        _check_start(0, offer)
        return offered
    if offered.size < kept.size:
        raise WitnessRefused(
            Refusal.SMALLER, f"the log shows {offered.size} entries, and {kept.size} of it were signed before"
        )
    if offered.size == kept.size and offered.root != kept.root:
        raise WitnessRefused(Refusal.SPLIT, f"the log shows another tree of {kept.size} entries than was signed before")
    _check_start(kept.size, offer)
    try:
        verify_consistency(kept.size, offered.size, kept.root, offered.root, offer.proof)
    except ProofError as error:
        raise WitnessRefused(Refusal.UNPROVEN, f"the log is not shown to continue what was signed: {error}") from None
    return offered


def _check_start(size: int, offer: Offer) -> None:
    if offer.old_size != size or (size == 0 and offer.proof):
        raise WitnessRefused(Refusal.STALE, f"the offer starts at {offer.old_size} entries, and {size} were signed")


def verify_evidence(kept: str | bytes, offered: str | bytes, origin: str, public_key: bytes) -> Refusal:
    """Return what two notes of one log show to whoever holds its public key, and nothing else.

    SPLIT is proof: the log signed two histories. For two sizes there is none in the notes themselves: UNPROVEN says
    that the log owes a proof that the larger continues the smaller, which an honest one can always give, and SMALLER
    that it was shown again as it had been before. Raises CheckpointError where the log signed not both, or both are one
    tree.
    """
    one, other = (verify_checkpoint(note, origin, public_key) for note in (kept, offered))
    if one == other:
        raise CheckpointError("both notes are of one tree: they show nothing")
    if one.size == other.size:
        return Refusal.SPLIT
    return Refusal.SMALLER if other.size < one.size else Refusal.UNPROVEN
