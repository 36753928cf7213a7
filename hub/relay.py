"""The relay of lookups: sealed pages in, sealed pages out, nothing kept.

The hub sees which node asks, which nodes are addressed and the lookup's random id. It logs the id alone. Answers are
numbered in the order in which they come in; the asking node says up to which number it has them, and those are deleted
at once, from the file too: what is recorded today may be opened in a later decade. Until then they are handed out as
often as they are asked for, so that neither side's crash loses any; after ten minutes everything is gone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from audit.connection import Connection
from audit.event import Action
from federation.database import stamp
from federation.envelope import EnvelopeError
from federation.exchange import DeliveryKind, LookupBatch, LookupProgress
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, Register
from federation.sealing import SEALED_BYTES, SealedRecords, SealError
from federation.transport import decode_records, encode_records
from hub.service import Hub

LOOKUP_VALIDITY = timedelta(minutes=10)
"""How long a lookup may take; after that its pages are gone."""

MOST_OPEN = 16
"""How many lookups of one node may be open at a time; each holds a page for every node that it asks."""

PAGES_AT_ONCE = 200
"""How many pages of answers are handed out at a time: with them a document is well below its bound."""


def open_lookup(hub: Hub, asker: Member, batch: LookupBatch) -> None:
    """Take in the sealed requests of a lookup and put each into its receiver's inbox.

    Raises a problem for a page or receiver that is none, for a lookup asked already, and for too many open at a time.
    """
    hub.check_access(MemberKind.NODE, "federation", "answer", "manifest")
    pages = _read_pages(batch)
    expires = hub.clock() + LOOKUP_VALIDITY
    _check_receivers(hub.register(), asker, batch, hub.clock())
    with hub.database.transaction() as connection:
        _check_open(connection, asker, stamp(hub.clock()))
        added = connection.execute(
            "INSERT INTO lookups VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (batch.lookup_id, asker.id, stamp(expires))
        ).rowcount
        if not added:
            raise ProblemRaised(409, "lookup_repeated", "a lookup of that id has been asked already")
        connection.executemany(
            "INSERT INTO lookup_answers VALUES (?, ?, NULL, NULL)", [(batch.lookup_id, node) for node in pages]
        )
        connection.executemany(
            "INSERT INTO deliveries (receiver, kind, lookup_id, sender, body, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (node, DeliveryKind.LOOKUP, batch.lookup_id, asker.id, sealed.data, stamp(expires))
                for node, sealed in pages.items()
            ],
        )
        hub.database.log.append(connection, hub.event(Action.LOOKUP_RELAYED, hub.party.member_id, batch.lookup_id))
    hub.bell.ring(*pages)


def _check_open(connection: Connection, asker: Member, now: str) -> None:
    (count,) = connection.execute(
        "SELECT count(*) FROM lookups WHERE asker = ? AND expires_at > ?", (asker.id, now)
    ).fetchone()
    if count >= MOST_OPEN:
        raise ProblemRaised(429, "lookups_open", f"{count} of your lookups are open: finish them first")


def _read_pages(batch: LookupBatch) -> dict[str, SealedRecords]:
    try:
        pages = {node: decode_records(page) for node, page in batch.pages.items()}
    except (EnvelopeError, SealError) as error:
        raise ProblemRaised(400, "page_malformed", str(error)) from None
    if any(len(sealed.data) != SEALED_BYTES for sealed in pages.values()):
        raise ProblemRaised(400, "page_malformed", "a request is one page for each node")
    return pages


def _check_receivers(register: Register, asker: Member, batch: LookupBatch, now: datetime) -> None:
    nodes = {member.id for member in register.active(MemberKind.NODE, now)}
    if not batch.pages or not set(batch.pages) <= nodes - {asker.id}:
        raise ProblemRaised(422, "receiver_unknown", "a lookup addresses other active nodes, each once")


def accept_answer(hub: Hub, node: Member, lookup_id: str, pages: bytes) -> None:
    """Keep a node's sealed answer until the asker has it. The first answer counts, and another is no error.

    Raises a 404 problem unless an open lookup of that id addresses this node.
    """
    try:
        SealedRecords(pages)
    except SealError as error:
        raise ProblemRaised(400, "page_malformed", str(error)) from None
    addressed = (lookup_id, node.id)
    # Undone by a power cut, the request is in the node's inbox again, and the node answers as it did before.
    with hub.database.transaction(durable=False) as connection:
        found = connection.execute(
            "SELECT 1 FROM lookup_answers JOIN lookups USING (lookup_id) WHERE lookup_id = ? AND node = ? "
            "AND expires_at > ?",
            (*addressed, stamp(hub.clock())),
        )
        if found.fetchone() is None:
            raise ProblemRaised(404, "lookup_unknown", "there is no open lookup of that id that was sent to you")
        connection.execute(
            "UPDATE lookup_answers SET pages = ?, "
            "number = (SELECT count(*) + 1 FROM lookup_answers WHERE lookup_id = ? AND number IS NOT NULL) "
            "WHERE lookup_id = ? AND node = ? AND number IS NULL",
            (pages, lookup_id, *addressed),
        )
        connection.execute("DELETE FROM deliveries WHERE lookup_id = ? AND receiver = ?", addressed)
    if is_ready(hub, lookup_id):  # Whoever asked is not woken by every answer, only to find that others are awaited.
        hub.bell.ring(lookup_id)


def acknowledge_answers(hub: Hub, asker: Member, lookup_id: str, last: int) -> None:
    """Delete the answers up to number `last`, which the node that asked has. Raises a 404 problem for anyone else."""
    check_asker(hub, asker, lookup_id)
    with hub.database.transaction() as connection:
        deleted = connection.execute(
            "UPDATE lookup_answers SET pages = NULL WHERE lookup_id = ? AND number <= ? AND pages IS NOT NULL",
            (lookup_id, last),
        ).rowcount
    if deleted:
        hub.database.erase_deleted()


def read_progress(hub: Hub, asker: Member, lookup_id: str) -> LookupProgress:
    """Return the sealed answers that the node that asked does not have yet. Raises a 404 problem for anyone else."""
    check_asker(hub, asker, lookup_id)
    rows = hub.database.connection.execute(
        "SELECT node, number, pages IS NULL AS deleted, length(pages) / ? AS pages FROM lookup_answers "
        "WHERE lookup_id = ? ORDER BY number, node",
        (SEALED_BYTES, lookup_id),
    ).fetchall()
    waiting = [row for row in rows if not row["deleted"]]
    handed_out = waiting[: _count_fitting([row["pages"] for row in waiting])]
    return LookupProgress(
        lookup_id=lookup_id,
        answers={row["node"]: _read_answer(hub, lookup_id, row["node"]) for row in handed_out},
        awaited=tuple(row["node"] for row in rows if row["number"] is None),
        last=handed_out[-1]["number"] if handed_out else 0,
        more=len(handed_out) < len(waiting),
    )


def _count_fitting(pages: Sequence[int]) -> int:
    """How many of these answers, in their order, are handed out at once: always one, if there is any."""
    return max(1, sum(total <= PAGES_AT_ONCE for total in accumulate(pages)))


def _read_answer(hub: Hub, lookup_id: str, node: str) -> str:
    (pages,) = hub.database.connection.execute(
        "SELECT pages FROM lookup_answers WHERE lookup_id = ? AND node = ?", (lookup_id, node)
    ).fetchone()
    return encode_records(SealedRecords(pages))


def is_ready(hub: Hub, lookup_id: str) -> bool:
    """Whether there is nothing to wait for: every addressed node has answered, or as much is here as is handed out."""
    awaited, pages = hub.database.connection.execute(
        "SELECT count(*) - count(number), coalesce(sum(length(pages)), 0) / ? FROM lookup_answers WHERE lookup_id = ?",
        (SEALED_BYTES, lookup_id),
    ).fetchone()
    return not awaited or pages >= PAGES_AT_ONCE


def close_lookup(hub: Hub, asker: Member, lookup_id: str) -> None:
    """Delete every page of a lookup, answered or not. Raises a 404 problem for anyone but the node that asked."""
    check_asker(hub, asker, lookup_id)
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM lookups WHERE lookup_id = ?", (lookup_id,))
        connection.execute("DELETE FROM deliveries WHERE lookup_id = ?", (lookup_id,))
    hub.database.erase_deleted()
    hub.bell.ring(lookup_id)


def delete_expired(hub: Hub, now: datetime) -> None:
    """Delete the pages of lookups that were never fetched, and what nodes never took out of their inboxes."""
    expired = {"now": stamp(now)}
    found = hub.database.connection.execute(
        "SELECT EXISTS (SELECT 1 FROM lookups WHERE expires_at <= :now) "
        "OR EXISTS (SELECT 1 FROM deliveries WHERE expires_at <= :now)",
        expired,
    )
    # Every poll comes by here, and there is mostly nothing to delete: no poll need wait for its turn to write.
    if not found.fetchone()[0]:
        return
    with hub.database.transaction() as connection:
        connection.execute("DELETE FROM lookups WHERE expires_at <= :now", expired)
        connection.execute("DELETE FROM deliveries WHERE expires_at <= :now", expired)
    hub.database.erase_deleted()


def check_asker(hub: Hub, asker: Member, lookup_id: str) -> None:
    """Raise a 404 problem unless an open lookup of that id was asked by this node."""
    found = hub.database.connection.execute(
        "SELECT 1 FROM lookups WHERE lookup_id = ? AND asker = ? AND expires_at > ?",
        (lookup_id, asker.id, stamp(hub.clock())),
    )
    if found.fetchone() is None:
        raise ProblemRaised(404, "lookup_unknown", "there is no open lookup of that id that you asked")
