"""An authority's own policy, put into effect as adopting it does, or taken back, for tests of what it then decides."""

from pathlib import Path

from audit.event import Action
from node.adopted_policy import digest_policy, keep_policy
from node.service import POLICY_FILE, open_node
from policies.access_policy import MATRIX


def put_policy(state: Path, text: str) -> None:
    """Have a node decide by this policy from now on."""
    node, data = open_node(state), text.encode()
    adopted = node.event(Action.POLICY_ADOPTED, node.party.member_id, "", digest=digest_policy(data))
    with node.database.transaction() as connection:
        keep_policy(connection, data)
        node.database.log.append(connection, adopted)
    node.database.close()
    (state / POLICY_FILE).write_bytes(data)


def drop_policy(state: Path) -> None:
    """Have a node decide by the packaged matrix again."""
    put_policy(state, MATRIX.read_text())
