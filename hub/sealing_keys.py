"""The nodes' sealing keys, carried: each node's newest, as it signed it, for others to seal to.

What is kept here is verified again by whoever seals to it. The hub looks at it so that it carries nothing for nobody;
whoever replays a node's older publication is stopped by the request's own signature and nonce.
"""

from collections.abc import Collection

from federation.database import stamp
from federation.envelope import Envelope, EnvelopeError, read_envelope, write_envelope
from federation.exchange import SealingKeyList
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.sealing import SealError
from federation.sealing_keys import SEALING_KEY_TYPE, read_sealing_key
from hub.service import Hub


def publish_key(hub: Hub, node: Member, data: bytes) -> None:
    """Keep a node's sealing key in the place of the one before. Raises a 400 problem for one that is not good now."""
    try:
        envelope = read_envelope(data, SEALING_KEY_TYPE)
        key = read_sealing_key(envelope, node, hub.clock())
    except (EnvelopeError, SealError) as error:
        raise ProblemRaised(400, "sealing_key_malformed", str(error)) from None
    with hub.database.transaction() as connection:
        # Its own node says which is the newest, under keys of its own that are registered now.
        connection.execute("DELETE FROM sealing_keys WHERE member = ?", (node.id,))
        connection.execute(
            "INSERT INTO sealing_keys (member, valid_to, envelope) VALUES (?, ?, ?)",
            (node.id, stamp(key.valid_to), write_envelope(envelope)),
        )


def list_keys(hub: Hub) -> SealingKeyList:
    """Return the newest sealing key of each active node, unless it has ended."""
    active = {member.id for member in hub.register().active(MemberKind.NODE, hub.clock())}
    return SealingKeyList(keys=read_keys(hub, active))


def read_keys(hub: Hub, members: Collection[str]) -> tuple[Envelope, ...]:
    """Return the newest sealing keys of these members, without those that have ended."""
    if not members:
        return ()
    rows = hub.database.connection.execute(
        "SELECT member, envelope FROM sealing_keys WHERE valid_to > ? ORDER BY member", (stamp(hub.clock()),)
    ).fetchall()
    return tuple(read_envelope(row["envelope"], SEALING_KEY_TYPE) for row in rows if row["member"] in members)
