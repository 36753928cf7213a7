"""Telling the receiving node what was given to its people, and what was revoked: so that it knows at once.

Whether it hears decides nothing: home looks up at each reading. What did not arrive is told again with the next, or
when somebody asks for it.
"""

import secrets

from federation.delegations import NOTICE_ANSWER_TYPE, NOTICE_TYPE, DelegationNotice
from federation.lookups import LookupFailed, LookupOutcome, NodeAnswer
from federation.sealing import SealError
from federation.wire import whole_seconds
from node.lookups.asking import Carrier
from node.lookups.delegation.shelf import Given, list_given, renew_signature
from node.lookups.single_page import say_to
from node.service import Node


def list_untold(node: Node, *, anew: bool = False) -> tuple[Given, ...]:
    """Return what another authority's node has not heard of, as far as it is not over by itself.

    What it has heard and did not take is among it if `anew`: its register may be newer by now, or it may have room.
    """
    today = node.clock().date()
    return tuple(
        given
        for given in list_given(node)
        if given.delegation.authority != node.authority
        and not (given.is_taken if anew else given.is_told)
        and today <= given.delegation.valid_until
    )


def tell_receivers(node: Node, hub: Carrier, *, patience: int, anew: bool = False) -> int:
    """Tell every node what it has not heard yet and, if `anew`, did not take; return how many have not heard."""
    left = 0
    for given in list_untold(node, anew=anew):
        try:
            taken = _tell(node, hub, given, patience)
        except (LookupFailed, SealError):
            left += 1
            continue
        with node.database.transaction() as connection:
            # What it was told is no longer news where it was revoked in between: then that is told next.
            told = given.to_be_told if taken.outcome is LookupOutcome.ANSWERED else f"{given.to_be_told}: {taken.code}"
            connection.execute(
                "UPDATE delegations SET told = ? WHERE delegation_id = ?", (told, given.delegation.delegation_id)
            )
    return left


def _tell(node: Node, hub: Carrier, given: Given, patience: int) -> NodeAnswer:
    """Tell one node of one delegation. Raises `LookupFailed` and `SealError`."""
    notice = DelegationNotice(
        lookup_id=f"L-{secrets.token_hex(16)}",
        sender=node.party.member_id,
        receiver=given.delegation.receiver,
        authority=node.authority,
        asked_at=whole_seconds(node.clock()),
        delegation=renew_signature(node, given).envelope,
        revoked=bool(given.revoked_at),
    )
    return say_to(node, hub, notice, (NOTICE_TYPE, NOTICE_ANSWER_TYPE, NodeAnswer), patience)
