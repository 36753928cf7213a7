"""Giving up (S12): a node's word that it revealed nothing in an attempt, and never will.

The whole roster is asked, since those who contributed can be too few to call an attempt off. A node that was away has
not seen it: it reads the approved manifest first, and its word stands against the attempt when that comes after all.
"""

from dataclasses import replace

from audit.event import Action
from federation.manifest import SUM_PATHS, ApprovalError, read_manifest
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery, check_attempt, name_abort, read_attempt
from federation.sums_exchange import AbortWanted
from federation.wire import encode_document
from node.checklist import check_door, derive_plan, open_manifest
from node.service import Node
from node.sums.contributing import read_query
from node.sums.statements import or_nothing, record_act, write_signed


def sign_abort(node: Node, wanted: AbortWanted) -> tuple[str, bytes] | None:
    """Return the manifest's digest and this node's signature on an abort (S12); None if refused."""

    def abort() -> tuple[str, bytes]:
        query = _find_attempt(node, wanted)
        digest, number = query.facts.digest, query.attempt.number
        signature = record_act(
            node,
            lambda: node.contributor.abort(query, node.register(), node.clock()),
            node.event(Action.SUM_ABORTED, node.party.member_id, query.facts.query_id, attempt=number),
            known=node.sums.is_aborted(digest, number),
        )
        return digest, write_signed(encode_document(name_abort(query.attempt)), signature)

    return or_nothing(node, abort)


def _find_attempt(node: Node, wanted: AbortWanted) -> SumQuery:
    """Return the attempt as this node checked it, or as it is checked now. Raises `SumRefused` and `Refused`."""
    attempt = read_attempt(wanted.attempt, node.register(), node.clock())
    known = node.sums.find_query(attempt.manifest_digest, attempt.number)
    if known is None:
        return _read_unseen(node, wanted)
    if known.attempt != attempt:
        raise SumRefused("aborts_other", "the abort is of another slot or roster")
    return known


def _read_unseen(node: Node, wanted: AbortWanted) -> SumQuery:
    """Read an attempt that this node took no part in: of a manifest that was approved, and not over."""
    try:
        manifest = read_manifest(wanted.manifest)
    except ApprovalError as error:
        raise SumRefused(error.code, error.text) from None
    check_door(manifest, SUM_PATHS)
    approved = open_manifest(node, wanted.manifest, manifest, wanted.template)
    query = read_query(wanted.attempt, approved, derive_plan(manifest), node.clock())
    check_attempt(query, node.clock())
    return replace(query, aborts=wanted.aborts)
