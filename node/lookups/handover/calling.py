"""One step of a hand-over, said to the other node, and what it answers."""

import secrets

from federation.envelope import Envelope
from federation.handovers import (
    HANDOVER_ANSWER_TYPE,
    HANDOVER_TYPE,
    HandoverAnswer,
    HandoverOffer,
    HandoverRequest,
    Step,
    check_answer,
)
from federation.wire import whole_seconds
from node.lookups.asking import Carrier
from node.lookups.single_page import say_to
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
    request = HandoverRequest(
        lookup_id=f"L-{secrets.token_hex(16)}",
        step=step,
        sender=node.party.member_id,
        receiver=receiver,
        authority=node.authority,
        asked_at=whole_seconds(node.clock()),
        handover_id=about.handover_id,
        code=code,
        offer=offer,
    )
    answer = say_to(node, hub, request, (HANDOVER_TYPE, HANDOVER_ANSWER_TYPE, HandoverAnswer), patience)
    check_answer(request, answer)
    return answer
