"""What each end knows of its hand-overs: the offer, the pack for as long as it is needed, and the state.

States go one way, whatever comes in which order or twice:

    given   drafted -> offered -> received -> collected -> accepted | declined
            offered, received -> refused | withdrawn | expired
    come    waiting -> accepted | declined | expired

A pack that is over is deleted at the sender's end in the transaction that says so.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from federation.database import stamp
from federation.envelope import Envelope, read_envelope, write_envelope
from federation.explained import Explained
from federation.handovers import OFFER_TYPE, HandoverOffer, read_offer
from federation.state import StateError
from node.lookups.handover.records import record
from node.people import Person
from node.service import Node

GONE = "there is no such offer that waits: it may have been decided already, or be over"

GIVEN, COME = "handovers_given", "handovers_come"
"""The tables of what we gave, and of what came to us."""

GOOD_FOR = timedelta(days=14)
"""How long an offer waits for the other head."""

DRAFT_GOOD_FOR = timedelta(minutes=5)
"""How long a written offer waits for its signature."""

COPY_KEPT = timedelta(days=366)
"""How long the receiving end keeps the copy of what it accepted."""

LISTED_FOR = timedelta(days=400)
"""How long a hand-over is listed."""


class State(Explained):
    """Where a hand-over stands, at the end that says so, and in plain English."""

    DRAFTED = "drafted", "written, and not signed yet"
    OFFERED = "offered", "sent, and the other node has not confirmed it"
    RECEIVED = "received", "the other node has the offer, which waits for its head"
    COLLECTED = "collected", "the other head accepts, and the record was collected"
    WAITING = "waiting", "waits for our virtual school head"
    ACCEPTED = "accepted", "accepted, and set down there"
    DECLINED = "declined", "not accepted, for the reason given"
    REFUSED = "refused", "the other node does not take the offer, for the reason given"
    WITHDRAWN = "withdrawn", "taken back before it was collected"
    EXPIRED = "expired", "nobody collected it in time: offer it again"


_STATES = {state.value: state for state in State}

BEFORE: Mapping[State, frozenset[State]] = {
    State.OFFERED: frozenset({State.DRAFTED, State.OFFERED}),
    State.RECEIVED: frozenset({State.OFFERED}),
    State.COLLECTED: frozenset({State.OFFERED, State.RECEIVED, State.COLLECTED}),
    State.ACCEPTED: frozenset({State.COLLECTED, State.WAITING}),
    State.DECLINED: frozenset({State.OFFERED, State.RECEIVED, State.COLLECTED, State.WAITING}),
    State.REFUSED: frozenset({State.OFFERED}),
    State.WITHDRAWN: frozenset({State.OFFERED, State.RECEIVED}),
    State.EXPIRED: frozenset({State.OFFERED, State.RECEIVED, State.WAITING}),
}
"""From which states each is come to."""

OVER = frozenset({State.ACCEPTED, State.DECLINED, State.REFUSED, State.WITHDRAWN, State.EXPIRED})
"""States after which nothing of a pack is needed at the sender's end."""


@dataclass(frozen=True, repr=False)
class Handover:
    """One hand-over at one end: given by us, or come to us."""

    offer: HandoverOffer
    envelope: Envelope
    state: State
    code: str
    changed_at: str
    expires_at: str
    child: str
    pack: bytes | None
    decided_by: str = ""
    told: bool = True


def keep_draft(
    connection: sqlite3.Connection, child: str, offer: HandoverOffer, drafted: Envelope, pack: bytes
) -> None:
    """Keep what is offered until it is signed."""
    row = (offer.handover_id, child, write_envelope(drafted), pack, State.DRAFTED, stamp(offer.offered_at))
    connection.execute(
        "INSERT INTO handovers_given (handover_id, child, offer, pack, state, changed_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*row, stamp(offer.expires_at)),
    )


def keep_signed(connection: sqlite3.Connection, handover_id: str, signed: Envelope) -> None:
    """Keep the offer as it was signed."""
    connection.execute(
        "UPDATE handovers_given SET offer = ? WHERE handover_id = ?", (write_envelope(signed), handover_id)
    )


def keep_come(connection: sqlite3.Connection, node: Node, offer: HandoverOffer, signed: Envelope) -> bool:
    """Keep an offer that came; return whether it is new here."""
    row = (offer.handover_id, offer.sender, write_envelope(signed), State.WAITING, stamp(node.clock()))
    done = connection.execute(
        "INSERT INTO handovers_come (handover_id, sender, offer, state, changed_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*row, stamp(offer.expires_at)),
    )
    return done.rowcount == 1


def move(connection: sqlite3.Connection, node: Node, table: str, handover_id: str, to: State, code: str = "") -> bool:
    """Bring a hand-over to a state, if it is in one that comes before; return whether it was."""
    before = sorted(BEFORE[to])
    keep = "pack" if to not in OVER or table == COME else "NULL"
    done = connection.execute(
        f"UPDATE {table} SET state = ?, code = ?, changed_at = ?, pack = {keep} "  # noqa: S608 - names of this file
        f"WHERE handover_id = ? AND state IN ({', '.join('?' * len(before))})",
        (to, code, stamp(node.clock()), handover_id, *before),
    )
    return done.rowcount == 1


def note_decided(
    connection: sqlite3.Connection,
    node: Node,
    come: Handover,
    to: State,
    person: Person,
    *,
    code: str = "",
    child: str = "",
    pack: bytes | None = None,
) -> None:
    """Enter what our head decided about an offer that came. Raises `StateError` for one that does not wait."""
    if not move(connection, node, COME, come.offer.handover_id, to, code):
        raise StateError(GONE)
    connection.execute(
        "UPDATE handovers_come SET decided_by = ?, child = ?, pack = ? WHERE handover_id = ?",
        (person.id, child, pack, come.offer.handover_id),
    )


def note_told(connection: sqlite3.Connection, handover_id: str) -> None:
    """Note that the other node has heard what became of its offer."""
    connection.execute("UPDATE handovers_come SET told = 1 WHERE handover_id = ?", (handover_id,))


def find_given(node: Node, handover_id: str) -> Handover | None:
    """One that we gave, as it stands now."""
    return next(_read(node, GIVEN, "handover_id = ?", handover_id), None)


def find_come(node: Node, handover_id: str) -> Handover | None:
    """One that came to us, as it stands now."""
    return next(_read(node, COME, "handover_id = ?", handover_id), None)


def list_given(node: Node) -> tuple[Handover, ...]:
    """What we offered, the newest first; drafts are not listed."""
    oldest = stamp(node.clock() - LISTED_FOR)
    return tuple(_read(node, GIVEN, "state <> 'drafted' AND changed_at > ? ORDER BY changed_at DESC", oldest))


def list_come(node: Node) -> tuple[Handover, ...]:
    """What is offered to us: what waits first, then the newest."""
    oldest = stamp(node.clock() - LISTED_FOR)
    order = "changed_at > ? ORDER BY state <> 'waiting', changed_at DESC"
    return tuple(_read(node, COME, order, oldest))


def count_waiting(connection: sqlite3.Connection, sender: str) -> int:
    """How many offers of one node wait here."""
    (count,) = connection.execute(
        "SELECT count(*) FROM handovers_come WHERE sender = ? AND state = 'waiting'", (sender,)
    ).fetchone()
    return int(count)


def clear(node: Node) -> None:
    """Let what has waited too long expire, and log that; delete drafts and copies that are over."""
    now = stamp(node.clock())
    for table in (GIVEN, COME):
        late = tuple(each for each in _read(node, table, "expires_at <= ?", now) if each.state in BEFORE[State.EXPIRED])
        for each in late:
            with node.database.transaction() as connection:
                if move(connection, node, table, each.offer.handover_id, State.EXPIRED):
                    record(node, connection, each.offer, "expired", child=each.child, given=table == GIVEN)
    unsigned, old = stamp(node.clock() - DRAFT_GOOD_FOR), stamp(node.clock() - COPY_KEPT)
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM handovers_given WHERE state = 'drafted' AND changed_at <= ?", (unsigned,))
        connection.execute("UPDATE handovers_given SET pack = NULL WHERE expires_at <= ?", (now,))
        connection.execute("UPDATE handovers_come SET pack = NULL WHERE changed_at <= ?", (old,))


def _read(node: Node, table: str, condition: str, *values: str) -> Iterator[Handover]:
    rows = node.database.connection.execute(f"SELECT * FROM {table} WHERE {condition}", values)  # noqa: S608
    for row in rows.fetchall():
        envelope, come = read_envelope(bytes(row["offer"]), OFFER_TYPE), table == COME
        yield Handover(
            offer=read_offer(envelope),
            envelope=envelope,
            state=_STATES[row["state"]],
            code=row["code"],
            changed_at=row["changed_at"],
            expires_at=row["expires_at"],
            child=row["child"],
            pack=None if row["pack"] is None else bytes(row["pack"]),
            decided_by=row["decided_by"] if come else "",
            told=bool(row["told"]) if come else True,
        )
