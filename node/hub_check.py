"""Looking at the connection to the hub, for whoever sets a node up or wonders why it does not answer."""

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from federation.exchange import Inbox
from federation.register_changes import adopt_and_record
from federation.transport import HubConnection, connect_party
from node.service import Node, open_node


@dataclass(frozen=True)
class HubSeen:
    """What one look at the hub has shown."""

    hub: str
    trust: str
    register_here: int
    register_there: int
    register_until: str
    waiting: int
    clock_seconds_ahead: float
    clocks: str

    def to_text(self) -> str:
        """Return it in a few lines."""
        behind = "" if self.register_here >= self.register_there else f"; the hub has {self.register_there}"
        return "\n".join(
            [
                f"{self.hub} answers ({self.trust}) and knows this node",
                f"  register version {self.register_here}, good until {self.register_until}{behind}",
                f"  {self.waiting} deliveries are waiting for this node",
                f"  {self.clocks}",
            ]
        )


def check_hub(directory: Path, form: str) -> str:
    """Ask the hub once, signed, and return what it shows, as text or JSON. Takes nothing out of the inbox.

    A node that has joined and never served takes in the register first, under the root that it pinned.

    Raises `StateError`, `RegisterError`, `HubUnreachable` or `HubRefused` with what is wrong.
    """
    node = open_node(directory)
    with closing(connect_party(node.party, clock=node.clock)) as hub, closing(node.database):
        if not node.party.has_joined:
            adopt_and_record(node.party, node.database, hub.fetch_register(), node.clock())
        seen = _look(node, hub, hub.fetch_inbox(wait=0))
    return json.dumps(asdict(seen)) if form == "json" else seen.to_text()


def _look(node: Node, hub: HubConnection, inbox: Inbox) -> HubSeen:
    register, profile, ahead = node.register(), node.party.profile, hub.clocks.ahead
    if not profile.hub.startswith("https:"):
        trust = "without TLS, on this machine alone"
    else:
        trust = f"TLS 1.3, trusted by {profile.hub_ca}" if profile.hub_ca else "TLS 1.3, trusted publicly"
    return HubSeen(
        hub=profile.hub,
        trust=trust,
        register_here=register.version,
        register_there=inbox.register_version,
        register_until=f"{register.expires_at:%Y-%m-%d %H:%M} UTC",
        waiting=len(inbox.deliveries),
        clock_seconds_ahead=round(ahead.total_seconds(), 1) if ahead is not None else 0.0,
        clocks=hub.clocks.describe(),
    )
