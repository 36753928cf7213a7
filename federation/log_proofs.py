"""Proofs of entries of members' logs, held against the register: whose log, and whose cosignatures count.

A release is proven by the entry with which the hub let it go. That entry has the digest of the release document in it,
so a hub that handed another document to somebody else would have to have logged it, where every node that witnesses its
log could have it shown.

When it was released is the hub's word as well, and is held from both sides: it cannot be before what the nodes signed
(`federation.releases`), nor after its entry and what most of the witnesses say of when they cosigned that.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from statistics import median_low

import msgspec

from audit.checkpoint import VerifierKey
from audit.event import Action
from audit.proof import ProofInvalid, ProvenEntry, name_origin, parse_proof, verify_proof
from federation.exchange import ReleaseDocument
from federation.http_signatures import MAX_AGE
from federation.members import Member
from federation.register import Register, RegisterError
from federation.wire import encode_document
from federation.witnessing import find_quorum, list_witnesses, witness_key

LONGEST_RELEASING = timedelta(days=1)
"""A hub of the version before states when it began to put a release together; it was attacked, and then logged."""


def digest_release(document: ReleaseDocument) -> str:
    """Return the digest by which the hub's log names a release document.

    It is of the document without its checkpoint, which covers the entry that has the digest in it.
    """
    return sha256(encode_document(msgspec.structs.replace(document, checkpoint=""))).hexdigest()


def verify_log_proof(data: str | bytes, register: Register, at: datetime, quorum: int | None = None) -> ProvenEntry:
    """Return the entry that a proof shows to be in a member's log, witnessed as the register asks at a moment.

    `quorum` asks for fewer cosignatures than the register's rule. Raises ProofInvalid.
    """
    proof = parse_proof(data)
    member = _find_member(register, name_origin(proof), at)
    witnesses = [witness_key(witness) for witness in list_witnesses(register, member.id, at)]
    least = find_quorum(register, member.id, at) if quorum is None else quorum
    return verify_proof(proof, VerifierKey(member.id, member.public_log_key), witnesses, least)


def _find_member(register: Register, origin: str, at: datetime) -> Member:
    try:
        return register.find(origin, at)
    except RegisterError as error:
        raise ProofInvalid(f"the proof is of no log that the register knows ({error})") from None


def verify_release_proof(
    data: str | bytes, document: ReleaseDocument, register: Register, at: datetime, quorum: int | None = None
) -> ProvenEntry:
    """Return the entry with which the hub let go exactly this release document. Raises ProofInvalid."""
    proven = verify_log_proof(data, register, at, quorum)
    said = (proven.event.action, proven.event.reference, proven.event.details.get("document"))
    if said != (Action.QUERY_RELEASED, document.query_id, digest_release(document)):
        raise ProofInvalid("the entry that is proven is not that of this release: the two do not belong together")
    _check_moment(document.released_at, proven)
    return proven


def _check_moment(released_at: datetime, proven: ProvenEntry) -> None:
    """Check when a release says it was made against its entry and the witnesses of that. Raises ProofInvalid."""
    if not -MAX_AGE <= proven.event.at - released_at <= LONGEST_RELEASING:
        raise ProofInvalid(
            f"the release is of {_say(released_at)} by its own word, and of {_say(proven.event.at)} by the log"
        )
    if proven.witnesses:
        # The middle one: a single witness whose clock is wrong decides nothing.
        witnessed = datetime.fromtimestamp(median_low(proven.witnesses.values()), UTC)
        if released_at - witnessed > MAX_AGE:
            raise ProofInvalid(f"the release is of {_say(released_at)} by its own word, and was witnessed before that")


def _say(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
