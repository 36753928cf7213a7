"""When each node was last here, and what it runs: what an operator looks at when an authority does not answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.connection import Connection
from federation.database import stamp
from federation.register import Member, MemberKind
from federation.software import Software, read_products
from hub.service import Hub

AS_OFTEN_AS = timedelta(minutes=1)
"""How far apart two sightings of a node are that are both written down: a node polls all the time."""

REFUSALS_SINCE = timedelta(days=30)


@dataclass(frozen=True)
class Sighting:
    """One active node: when it was last here (None for never), what it runs, and why it refused lately, how often.

    `announced_at` is when it first told of the snapshot that it serves; None where nobody wrote that down.
    """

    node: Member
    authority: str
    seen_at: datetime | None
    software: Software
    refusals: tuple[tuple[str, int], ...]
    announced_at: datetime | None = None


def note_sighting(hub: Hub, node: Member, products: str, now: datetime) -> None:
    """Write down that a node is here, unless that was done within the last minute and it runs what it ran then."""
    told = read_products(products)
    row = (node.id, stamp(now), told.version, told.register, told.snapshot)
    known = hub.database.connection.execute("SELECT * FROM sightings WHERE node = ?", (node.id,)).fetchone()
    if known is not None and tuple(known)[2:] == row[2:] and known["seen_at"] > stamp(now - AS_OFTEN_AS):
        return
    with hub.database.transaction() as connection:
        connection.execute(
            "INSERT INTO sightings VALUES (?, ?, ?, ?, ?) ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at, "
            "version = excluded.version, register = excluded.register, snapshot = excluded.snapshot",
            row,
        )
        if told.snapshot and (known is None or known["snapshot"] != told.snapshot):
            _note_announced(connection, node, told.snapshot, now)


def _note_announced(connection: Connection, node: Member, snapshot: str, now: datetime) -> None:
    """Write down since when a node serves a snapshot; one of which it did not tell for a while is not a new one."""
    connection.execute(
        "INSERT INTO announced_snapshots VALUES (?, ?, ?) ON CONFLICT (node) "
        "DO UPDATE SET snapshot = excluded.snapshot, since = excluded.since "
        "WHERE announced_snapshots.snapshot <> excluded.snapshot",
        (node.id, snapshot, stamp(now)),
    )


def list_sightings(hub: Hub, now: datetime) -> tuple[Sighting, ...]:
    """Return every active node, in the order of their authorities."""
    rows = {row["node"]: row for row in hub.database.connection.execute("SELECT * FROM sightings")}
    announced = {
        (row["node"], row["snapshot"]): datetime.fromisoformat(row["since"])
        for row in hub.database.connection.execute("SELECT * FROM announced_snapshots")
    }
    refusals = _count_refusals(hub, now - REFUSALS_SINCE)

    def describe(node: Member) -> Sighting:
        row = rows.get(node.id)
        seen = None if row is None else datetime.fromisoformat(row["seen_at"])
        software = Software() if row is None else Software(row["version"], row["register"], row["snapshot"])
        since = announced.get((node.id, software.snapshot))
        return Sighting(node, node.authority(now), seen, software, tuple(refusals.get(node.id, ())), since)

    nodes = hub.register().active(MemberKind.NODE, now)
    return tuple(sorted(map(describe, nodes), key=lambda each: (each.authority, each.node.id)))


def _count_refusals(hub: Hub, since: datetime) -> dict[str, list[tuple[str, int]]]:
    rows = hub.database.connection.execute(
        "SELECT node, code, count(*) AS times FROM replies WHERE outcome = 'refused' AND received_at >= ? "
        "GROUP BY node, code ORDER BY times DESC, code",
        (stamp(since),),
    )
    counted: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        counted.setdefault(row["node"], []).append((row["code"], row["times"]))
    return counted
