"""One sealed page to one node, and its answer, opened and verified: a step that is no lookup and looks like one."""

from typing import TypeVar

from federation.delegations import DelegationNotice
from federation.envelope import EnvelopeError
from federation.exchange import LookupBatch
from federation.handovers import HandoverRequest
from federation.lookups import LookupFailed, NodeAnswer
from federation.register import RegisterError
from federation.transport import encode_records
from node.lookups.asking import Carrier, open_answer, send_and_wait
from node.lookups.correspondents import exchange_keys
from node.lookups.sealed_pages import seal_message
from node.service import Node

A = TypeVar("A", bound=NodeAnswer)


def say_to(
    node: Node,
    hub: Carrier,
    message: HandoverRequest | DelegationNotice,
    kinds: tuple[str, str, type[A]],
    patience: int,
) -> A:
    """Say a message to its receiver alone, wait for the answer, and return it.

    `kinds` are the types of message and answer. Raises `LookupFailed` where there is no answer that can be read, and
    `SealError` where nothing can be sealed to that node.
    """
    try:
        other = node.register().find(message.receiver, node.clock())
    except RegisterError:
        raise LookupFailed("is no active member of the federation any more") from None
    said, answered, kind = kinds
    exchange_keys(node, hub)
    page = encode_records(seal_message(node, message, said, other))
    sealed = send_and_wait(hub, LookupBatch(lookup_id=message.lookup_id, pages={other.id: page}), patience)
    try:
        return open_answer(node, message.lookup_id, other, sealed.get(other.id), kind, answered)
    except EnvelopeError as error:
        raise LookupFailed(str(error)) from None
