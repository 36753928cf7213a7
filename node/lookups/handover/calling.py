"""One step of a hand-over, said to the other node: one sealed page there, and its answer, opened and verified."""

import secrets

from federation.envelope import Envelope, EnvelopeError
from federation.exchange import LookupBatch
from federation.handovers import (
    HANDOVER_ANSWER_TYPE,
    HANDOVER_TYPE,
    HandoverAnswer,
    HandoverOffer,
    HandoverRequest,
    Step,
    check_answer,
)
from federation.lookups import LookupFailed
from federation.register import RegisterError
from federation.transport import encode_records
from federation.wire import whole_seconds
from node.lookups.asking import Carrier, open_answer, send_and_wait
from node.lookups.correspondents import exchange_keys
from node.lookups.sealed_pages import seal_message
from node.service import Node


def call(
    node: Node,
    hub: Carrier,
    receiver: str,
    step: Step,
    about: HandoverOffer,
    patience: int,
    *,
    code: str = "",
    offer: Envelope | None = None,
) -> HandoverAnswer:
    """Say one step to one node, waiting `patience` seconds at most, and return its answer.

    Raises `LookupFailed` where there is none that can be read, or it is to something else; `SealError` where nothing
    can be sealed to that node.
    """
    try:
        other = node.register().find(receiver, node.clock())
    except RegisterError:
        raise LookupFailed("is no active member of the federation any more") from None
    exchange_keys(node, hub)
    request = HandoverRequest(
        lookup_id=f"L-{secrets.token_hex(16)}",
        step=step,
        sender=node.party.member_id,
        receiver=other.id,
        authority=node.authority,
        asked_at=whole_seconds(node.clock()),
        handover_id=about.handover_id,
        code=code,
        offer=offer,
    )
    page = encode_records(seal_message(node, request, HANDOVER_TYPE, other))
    sealed = send_and_wait(hub, LookupBatch(lookup_id=request.lookup_id, pages={other.id: page}), patience)
    try:
        answer = open_answer(node, request.lookup_id, other, sealed.get(other.id), HandoverAnswer, HANDOVER_ANSWER_TYPE)
    except EnvelopeError as error:
        raise LookupFailed(str(error)) from None
    check_answer(request, answer)
    return answer
