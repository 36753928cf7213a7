"""Proofs that what the hub handed out stands in its log."""

from audit.event import Action
from audit.log import read_entries
from audit.proof import prove_entry
from hub.queries import StoredQuery
from hub.service import Hub
from hub.standing import not_released


def prove_release(hub: Hub, query: StoredQuery) -> str:
    """Return the proof of the entry with which a query's table was released, witnessed as far as it is by now.

    Raises a 404 problem while nothing is released.
    """
    connection = hub.database.connection
    found = read_entries(connection, action=Action.QUERY_RELEASED, reference=query.query_id, limit=1)
    for entry in found:
        return prove_entry(connection, entry).to_text()
    raise not_released(hub, query)
