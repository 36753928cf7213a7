"""The hub, while a page waits for what it carries to other nodes and back."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from federation.hub_line import HubRefused, HubUnreachable
from federation.problems import ProblemRaised
from federation.transport import HubConnection, connect_party
from node.polling import refresh_register
from node.service import Node

PATIENCE = 20
"""Seconds that a page waits for the other nodes' answers."""


@contextmanager
def reach_hub(node: Node, instead: str = "try again") -> Iterator[HubConnection]:
    """Connect to the hub under its newest register.

    Raises a 503 problem that says what to do `instead` where the hub cannot be reached or refuses.
    """
    try:
        with closing(connect_party(node.party, clock=node.clock)) as hub:
            refresh_register(node, hub)
            yield hub
    except (HubUnreachable, HubRefused) as error:
        raise ProblemRaised(503, "hub_away", f"the hub could not carry the question ({error}): {instead}") from None
