"""What a node can tell Prometheus of how it does: nothing of children, of questions or of answers but how many."""

from collections.abc import Iterator

from audit.log import read_head
from federation.hub_line import Clock
from federation.metrics import Figure, single
from federation.software import own_version
from node.own_policy import find_trouble
from node.service import Node


def read_metrics(node: Node, clock: Clock) -> Iterator[Figure]:
    """Yield the figures. Raises `RegisterError` or `StateError` without a valid register."""
    connection, snapshot, now = node.database.connection, node.store.current(), clock()
    yield Figure("circe_build_info", "The version that runs.", {(own_version(),): 1}, ("version",))
    if snapshot is not None:
        age = (now - snapshot.created).total_seconds()
        yield single("circe_snapshot_age_seconds", "How long ago what is served was loaded.", age)
    taken = connection.execute("SELECT count(*) AS found FROM manifests").fetchone()["found"]
    yield single("circe_questions_reserved", "Questions that the ledger has.", taken)
    in_force = not find_trouble(node)
    yield single("circe_policy_in_force", "Whether an access policy is in force; else nobody sees anything.", in_force)
    left = (node.register().expires_at - now).total_seconds()
    yield single("circe_register_seconds_left", "How long the register is valid still.", left)
    yield single("circe_log_entries", "Entries of the audit log.", read_head(connection)[1])
