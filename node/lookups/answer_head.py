"""The head that all our answers have: to what, to whom, what came of it, as of when, and whom to call."""

from datetime import datetime
from typing import TypedDict

from federation.lookups import LookupOutcome
from federation.wire import whole_seconds
from node.refusal import Refused
from node.service import Node


class AnswerHead(TypedDict):
    """The members of `NodeAnswer`, to be given to whichever answer is written."""

    lookup_id: str
    sender: str
    receiver: str
    authority: str
    outcome: LookupOutcome
    code: str
    text: str
    as_of: datetime
    contact: str


def head_answer(
    node: Node, lookup_id: str, receiver: str, said: Refused | None = None, *, held: bool = False
) -> AnswerHead:
    """Return the head of an answer, of a refusal with what is `said`, or of word that a request is held."""
    refused = LookupOutcome.HELD if held else LookupOutcome.REFUSED
    return AnswerHead(
        lookup_id=lookup_id,
        sender=node.party.member_id,
        receiver=receiver,
        authority=node.authority,
        outcome=refused if said else LookupOutcome.ANSWERED,
        code=said.code if said else "",
        text=said.text if said else "",
        as_of=whole_seconds(node.clock()),
        contact=node.rules().lookups.contact,
    )
