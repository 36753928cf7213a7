"""Attempts: what is done about a delivery may fail, and then is left for another time, in the way of nothing else."""

import logging
from collections.abc import Callable

from federation.exchange import Delivery
from federation.hub_line import NO_REASON, HubRefused, HubUnreachable
from federation.service_log import told
from node.service import Node

log = logging.getLogger("circe.node")

FIRST_PAUSE_SECONDS = 0.25
"""How long after a failure something is attempted again; twice as long after each further one."""

LONGEST_PAUSE_SECONDS = 15.0

FINAL = frozenset({400, 403, 404, 409, 413, 422})
"""Statuses with which a hub says that it will not take a reply, now or later."""


def lengthen(pause: float) -> float:
    """Return how long after one more failure something is attempted again, which `pause` was before; 0 for never."""
    return min(max(FIRST_PAUSE_SECONDS, 2 * pause), LONGEST_PAUSE_SECONDS)


class NotAnswered(Exception):
    """The process that answers questions ended before it had, or could not; the text is safe to log."""


def attempt(node: Node, delivery: Delivery, act: Callable[[], object]) -> bool:
    """Do something about a delivery, and return whether that was done. Raises `HubUnreachable` alone."""
    try:
        act()
    except HubUnreachable:
        raise
    except Exception as error:
        # The hub's own words may be shown, and a worker's; an unforeseen error's could quote a value.
        reason = str(error) if isinstance(error, HubRefused | NotAnswered) else type(error).__name__
        fields = told(member=node.party.member_id, delivery=delivery.delivery_id, error=type(error).__name__)
        log.warning("%s: delivery %d is left: %s", node.party.member_id, delivery.delivery_id, reason, extra=fields)
        return False
    return True


def send_for_good(node: Node, send: Callable[[], object]) -> None:
    """Send something that the hub takes, or says that it never will."""
    try:
        send()
    except HubRefused as refused:
        # A reason that is not the hub's own may be that of a proxy in between, which knows nothing of the reply.
        if refused.problem.status not in FINAL or refused.problem.code == NO_REASON:
            raise
        log.warning("%s: the hub does not take what was sent: %s", node.party.member_id, refused)
