"""What a node signs and reveals after it has contributed: survivors (S6), and its shares (S8, S9).

Each is checked, recorded together with its entry in the log, and only then sent; what is asked for again is sent again
and not logged again. A statement that is refused is answered with nothing: the hub has to do without this node's word.
"""

from collections.abc import Callable
from typing import TypeVar

from audit.event import Action, AuditEvent
from federation.envelope import Envelope, Signature, write_envelope
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery
from federation.secure_sum.messages import SURVIVORS_TYPE, Abort, SurvivorSet
from federation.secure_sum.signing import read_payload
from federation.sums_exchange import StatementSigned
from federation.wire import encode_document
from node.answering import record_unapproved
from node.refusal import Refused
from node.service import Node
from node.sums.other_terms import check_other_terms

T = TypeVar("T")


def sign_survivors(node: Node, statement: Envelope) -> tuple[str, bytes] | None:
    """Return the manifest's digest and this node's signature on a smaller set of survivors (S6); None if refused."""

    def sign() -> tuple[str, bytes]:
        survivors = read_payload(statement, SURVIVORS_TYPE, SurvivorSet)
        query = find_query(node, survivors)

        def act() -> Signature:
            check_other_terms(node, query, survivors.survivors)
            return node.contributor.sign_survivors(survivors, query, node.register(), node.clock())

        signature = record_act(
            node,
            act,
            node.event(
                Action.SUM_AGREED,
                node.party.member_id,
                query.facts.query_id,
                attempt=survivors.attempt,
                survivors=len(survivors.survivors),
                statement=digest_of(statement.body),
            ),
            # Who contributed has agreed to the whole roster then and there.
            known=len(survivors.survivors) == len(query.roster.members)
            or node.sums.find_survivors(query.facts.digest, survivors.attempt) is not None,
        )
        return survivors.manifest_digest, write_signed(statement.body, signature)

    return or_nothing(node, sign)


def reveal_shares(node: Node, opening: Envelope) -> tuple[str, bytes] | None:
    """Return the manifest's digest and this node's shares for one signed set of survivors (S8, S9); None if refused."""

    def reveal() -> tuple[str, bytes]:
        survivors = read_payload(opening, SURVIVORS_TYPE, SurvivorSet)
        query = find_query(node, survivors)
        if query.facts.path.value not in node.rules().paths:
            raise SumRefused("path_barred", f"this authority lets no table leave by {query.facts.path} any more")

        def act() -> Envelope:
            # In the transaction that records what is revealed: another thread may be revealing for another term.
            check_other_terms(node, query, survivors.survivors)
            return node.contributor.reveal(opening, query, node.register(), node.clock())

        revealed = record_act(
            node,
            act,
            node.event(
                Action.SUM_REVEALED,
                node.party.member_id,
                query.facts.query_id,
                attempt=survivors.attempt,
                survivors=len(survivors.survivors),
                statement=digest_of(opening.body),
            ),
            known=node.sums.find_reveal(query.facts.digest) is not None,
        )
        return survivors.manifest_digest, write_envelope(revealed)

    return or_nothing(node, reveal)


def find_query(node: Node, statement: SurvivorSet | Abort) -> SumQuery:
    """Return the attempt that a statement is of, as this node checked it. Raises `SumRefused`."""
    query = node.sums.find_query(statement.manifest_digest, statement.attempt)
    if query is None:
        raise SumRefused("not_contributed", "this node took no part in that attempt")
    return query


def record_act(node: Node, act: Callable[[], T], event: AuditEvent, *, known: bool) -> T:
    """Do what claims something in the store, and log it, in one transaction: nothing is sent before it commits."""
    with node.database.transaction() as connection:
        done = act()
        if not known:
            node.database.log.append(connection, event)
    return done


def or_nothing(node: Node, act: Callable[[], tuple[str, bytes]]) -> tuple[str, bytes] | None:
    """Return what an act answers, or None where it is refused, which is logged."""
    try:
        return act()
    except (SumRefused, Refused) as refused:
        record_unapproved(node, "", refused.code)
        return None


def write_signed(statement: bytes, signature: Signature) -> bytes:
    """Return a node's signature over a statement, as it is handed in."""
    return encode_document(StatementSigned(statement_digest=digest_of(statement), signature=signature))
