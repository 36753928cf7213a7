"""The relay of lookups: sealed pages in, sealed pages out, nothing kept.

The hub sees which node asks, which nodes are addressed and the lookup's random id. It logs the id alone, and deletes
every page as soon as the asking node has fetched the answers or the lookup has expired.
"""

from datetime import datetime, timedelta

from audit.event import Action
from federation.envelope import EnvelopeError
from federation.exchange import DeliveryKind, LookupBatch, LookupProgress
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, Register
from federation.sealing import SealedRecords, SealError
from federation.transport import decode_page, encode_page
from hub.service import Hub, stamp

LOOKUP_VALIDITY = timedelta(minutes=10)
"""How long a lookup may take; after that its pages are gone."""


def open_lookup(hub: Hub, asker: Member, batch: LookupBatch) -> None:
    """Take in the sealed requests of a lookup and put each into its receiver's inbox."""
    hub.check_access(MemberKind.NODE, "federation", "answer", "manifest")
    pages = _read_pages(batch)
    expires = hub.clock() + LOOKUP_VALIDITY
    _check_receivers(hub.register(), asker, batch, hub.clock())
    with hub.database.transaction() as connection:
        added = connection.execute(
            "INSERT OR IGNORE INTO lookups VALUES (?, ?, ?)", (batch.lookup_id, asker.id, stamp(expires))
        ).rowcount
        if not added:
            raise ProblemRaised(409, "lookup_repeated", "a lookup of that id has been asked already")
        connection.executemany(
            "INSERT INTO lookup_pages VALUES (?, ?, NULL)", [(batch.lookup_id, node) for node in pages]
        )
        connection.executemany(
            "INSERT INTO deliveries (receiver, kind, lookup_id, sender, body, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (node, DeliveryKind.LOOKUP, batch.lookup_id, asker.id, sealed.page, stamp(expires))
                for node, sealed in pages.items()
            ],
        )
        hub.database.log.append(connection, hub.event(Action.LOOKUP_RELAYED, hub.party.member_id, batch.lookup_id))
    hub.bell.ring()


def _read_pages(batch: LookupBatch) -> dict[str, SealedRecords]:
    try:
        return {node: decode_page(page) for node, page in batch.pages.items()}
    except (EnvelopeError, SealError) as error:
        raise ProblemRaised(400, "page_malformed", str(error)) from None


def _check_receivers(register: Register, asker: Member, batch: LookupBatch, now: datetime) -> None:
    nodes = {member.id for member in register.active(MemberKind.NODE, now)}
    if not batch.pages or not set(batch.pages) <= nodes - {asker.id}:
        raise ProblemRaised(422, "receiver_unknown", "a lookup addresses other active nodes, each once")


def accept_answer(hub: Hub, node: Member, lookup_id: str, page: bytes) -> None:
    """Keep a node's sealed answer until the asker fetches it. The first answer counts."""
    try:
        SealedRecords(page)
    except SealError as error:
        raise ProblemRaised(400, "page_malformed", str(error)) from None
    with hub.database.transaction() as connection:
        connection.execute(
            "UPDATE lookup_pages SET page = ? WHERE lookup_id = ? AND node = ? AND page IS NULL",
            (page, lookup_id, node.id),
        )
        connection.execute(
            "DELETE FROM deliveries WHERE lookup_id = ? AND receiver = ? AND kind = ?",
            (lookup_id, node.id, DeliveryKind.LOOKUP),
        )
    hub.bell.ring()


def read_progress(hub: Hub, asker: Member, lookup_id: str) -> LookupProgress:
    """Return the sealed answers so far to the node that asked. Raises a 404 problem for anyone else."""
    _check_asker(hub, asker, lookup_id)
    rows = hub.database.connection.execute(
        "SELECT node, page FROM lookup_pages WHERE lookup_id = ? ORDER BY node", (lookup_id,)
    ).fetchall()
    return LookupProgress(
        lookup_id=lookup_id,
        answers={row["node"]: encode_page(SealedRecords(row["page"])) for row in rows if row["page"] is not None},
        awaited=tuple(row["node"] for row in rows if row["page"] is None),
    )


def is_complete(hub: Hub, lookup_id: str) -> bool:
    """Whether every addressed node has answered."""
    found = hub.database.connection.execute(
        "SELECT 1 FROM lookup_pages WHERE lookup_id = ? AND page IS NULL LIMIT 1", (lookup_id,)
    )
    return found.fetchone() is None


def close_lookup(hub: Hub, asker: Member, lookup_id: str) -> None:
    """Delete every page of a lookup, answered or not."""
    _check_asker(hub, asker, lookup_id)
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM lookups WHERE lookup_id = ?", (lookup_id,))
        connection.execute("DELETE FROM deliveries WHERE lookup_id = ?", (lookup_id,))


def delete_expired(hub: Hub, now: datetime) -> None:
    """Delete the pages of lookups that were never fetched."""
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM lookups WHERE expires_at <= ?", (stamp(now),))
        connection.execute("DELETE FROM deliveries WHERE expires_at <= ?", (stamp(now),))


def _check_asker(hub: Hub, asker: Member, lookup_id: str) -> None:
    found = hub.database.connection.execute(
        "SELECT 1 FROM lookups WHERE lookup_id = ? AND asker = ? AND expires_at > ?",
        (lookup_id, asker.id, stamp(hub.clock())),
    )
    if found.fetchone() is None:
        raise ProblemRaised(404, "lookup_unknown", "there is no open lookup of that id that you asked")
