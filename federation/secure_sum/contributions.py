"""Contributions (S4): the node's word on its masked vector, and what the hub holds it to."""

from dataclasses import dataclass
from datetime import datetime

from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumFailed
from federation.secure_sum.facts import ManifestFacts, SumQuery
from federation.secure_sum.masking import MaskedTable
from federation.secure_sum.messages import Attempt, Contribution
from federation.secure_sum.vectors import WORD
from federation.wire import whole_seconds


@dataclass(frozen=True)
class AnswerFacts:
    """What a contribution says of where it comes from."""

    authority: str
    snapshot: str
    register_version: int


def write_contribution(
    query: SumQuery, masked: MaskedTable, answer: AnswerFacts, me: str, now: datetime
) -> Contribution:
    """Return the document that a node signs beside its masked vector."""
    attempt = query.attempt
    return Contribution(
        manifest_digest=attempt.manifest_digest,
        query_id=query.facts.query_id,
        attempt=attempt.number,
        slot=attempt.slot,
        roster_digest=attempt.roster_digest,
        node=me,
        authority=answer.authority,
        snapshot=answer.snapshot,
        register_version=answer.register_version,
        vector_digest=masked.digest,
        cells=masked.cells,
        answered_at=whole_seconds(now),
    )


def check_contribution(
    contribution: Contribution, vector: bytes, sender: str, attempt: Attempt, facts: ManifestFacts
) -> None:
    """Check a contribution, signed by its sender, and the vector beside it. Raises `SumFailed`, naming the sender."""
    if contribution.node != sender:
        raise SumFailed("impersonation", f"{sender} contributed in another's name", (sender,))
    told = (contribution.manifest_digest, contribution.query_id, contribution.attempt, contribution.slot)
    expected = (attempt.manifest_digest, facts.query_id, attempt.number, attempt.slot)
    if told != expected or contribution.roster_digest != attempt.roster_digest:
        raise SumFailed("contribution_other", f"{sender} contributed to another attempt", (sender,))
    if contribution.cells != facts.cells or len(vector) != WORD * facts.cells:
        raise SumFailed("cells_mismatch", f"{sender} sent a vector of the wrong length", (sender,))
    if contribution.vector_digest != digest_of(vector):
        raise SumFailed("vector_mismatch", f"{sender} signed another vector", (sender,))
