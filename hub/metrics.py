"""What a hub can tell Prometheus of how it does."""

from collections.abc import Iterator

from audit.log import read_head
from federation.exchange import QueryState
from federation.hub_line import Clock
from federation.metrics import Figure, single
from federation.software import own_version
from hub.service import Hub
from hub.sightings import list_sightings
from hub.sums.readiness import list_readiness


def read_metrics(hub: Hub, clock: Clock) -> Iterator[Figure]:
    """Yield the figures. Raises `RegisterError` or `StateError` without a valid register."""
    connection, register, now = hub.database.connection, hub.register(), clock()
    yield Figure("circe_build_info", "The version that runs.", {(own_version(),): 1}, ("version",))
    found = connection.execute("SELECT state, count(*) AS queries FROM queries GROUP BY state")
    by_state = {(state.value,): 0.0 for state in QueryState} | {(row["state"],): row["queries"] for row in found}
    yield Figure("circe_queries", "Queries by where they stand.", by_state, ("state",))
    waiting = connection.execute("SELECT count(*) AS found FROM deliveries").fetchone()["found"]
    yield single("circe_deliveries_waiting", "What waits in the inboxes of nodes.", waiting)
    checks = connection.execute("SELECT count(*) AS found FROM checks").fetchone()["found"]
    yield single("circe_checks_waiting", "Releases that wait for an output checker.", checks)
    ago: dict[tuple[str, ...], float] = {}
    for each in list_sightings(hub, now):
        if each.seen_at is not None:
            ago[each.node.id,] = (now - each.seen_at).total_seconds()
    yield Figure("circe_node_seen_seconds_ago", "How long ago each node was last here.", ago, ("node",))
    ready: dict[tuple[str, ...], float] = {(each.name,): float(each.slots) for each in list_readiness(hub, now)}
    yield Figure("circe_sums_ready", "Secure sums that are prepared, by roster.", ready, ("roster",))
    left = (register.expires_at - now).total_seconds()
    yield single("circe_register_seconds_left", "How long the register is valid still.", left)
    yield single("circe_log_entries", "Entries of the audit log.", read_head(connection)[1])
