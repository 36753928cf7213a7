"""Ahead of any sum, part one (P1 to P3): every node's prekey of the week, and what each pair agrees on.

The hub asks for prekeys, hands everybody all of them, and carries what the lower node of each pair has encapsulated to
the upper. It checks what it can, to name at once whoever sends nonsense; the nodes check everything again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from federation.database import stamp
from federation.envelope import Envelope, write_envelope
from federation.exchange import DeliveryKind
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.secure_sum.epochs import epoch_end, name_epoch
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import PAIRING_TYPE, Pairing
from federation.secure_sum.prekeys import read_prekey
from federation.secure_sum.signing import check_signed, read_payload
from federation.sums_exchange import PairingsHandedIn, PairingsOffered, PrekeysOffered, PrekeyWanted
from federation.wire import Document, decode_document, encode_document
from hub.dispatch import deliver, pending_receivers
from hub.service import Hub

PATIENCE = timedelta(minutes=2)
"""How long the others wait for a node that has been asked for something, before they go on without it."""


def ask_prekeys(hub: Hub, now: datetime) -> None:
    """Ask every active node that has published none for its prekey of this week.

    One that was asked and gave none may not be allowed to: it is asked again once in a while.
    """
    epoch = name_epoch(now)
    waiting = pending_receivers(hub, DeliveryKind.PREKEYS_WANTED, epoch, now) | _asked_lately(hub, epoch, now)
    lacking = {node.id for node in hub.register().active(MemberKind.NODE, now)} - publishers(hub, epoch) - waiting
    if lacking:
        asked = _note_asked(hub, epoch, lacking, now)
        hand_out(hub, DeliveryKind.PREKEYS_WANTED, dict.fromkeys(asked, PrekeyWanted(epoch=epoch)), epoch)


def _asked_lately(hub: Hub, epoch: str, now: datetime) -> frozenset[str]:
    rows = hub.database.connection.execute(
        "SELECT node FROM sum_prekeys_asked WHERE epoch = ? AND asked_at > ?", (epoch, stamp(now - PATIENCE))
    )
    return frozenset(row["node"] for row in rows)


def _note_asked(hub: Hub, epoch: str, nodes: Iterable[str], now: datetime) -> tuple[str, ...]:
    """Note that nodes are asked, and return those that no other worker has asked meanwhile."""
    rows = [(epoch, node, stamp(now), stamp(now - PATIENCE)) for node in sorted(nodes)]
    with hub.database.transaction() as connection:
        return tuple(row[1] for row in rows if connection.execute(_ASK, row).rowcount)


_ASK = (
    "INSERT INTO sum_prekeys_asked VALUES (?, ?, ?) ON CONFLICT (epoch, node) "
    "DO UPDATE SET asked_at = excluded.asked_at WHERE sum_prekeys_asked.asked_at <= ?"
)


def keep_prekey(hub: Hub, node: Member, envelope: Envelope) -> None:
    """Keep a node's own prekey. The first of an epoch stays; the same again is no error. Raises a 4xx problem."""
    now = hub.clock()
    with refusing_documents():
        prekey = read_prekey(envelope, hub.register(), now)
    check_own(prekey.node, node)
    with hub.database.transaction() as connection:
        kept = (prekey.epoch, node.id, stamp(now), write_envelope(envelope))
        connection.execute("INSERT INTO sum_prekeys VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", kept)
    end_silence(hub, prekey.epoch, node.id)


def keep_pairings(hub: Hub, node: Member, document: PairingsHandedIn) -> None:
    """Keep what a node has encapsulated to nodes after it. The first for each pair stays. Raises a 4xx problem."""
    rows = []
    for envelope in document.pairings:
        pairing = _read_pairing(hub, node, envelope)
        if pairing.epoch != document.epoch:
            raise ProblemRaised(400, "pairing_mismatch", "a pairing is for another epoch than it was handed in for")
        rows.append((pairing.epoch, pairing.sender, pairing.receiver, write_envelope(envelope)))
    with hub.database.transaction() as connection:
        connection.executemany("INSERT INTO sum_pairings VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING", rows)
    end_silence(hub, document.epoch, node.id)


def _read_pairing(hub: Hub, node: Member, envelope: Envelope) -> Pairing:
    with refusing_documents():
        pairing = read_payload(envelope, PAIRING_TYPE, Pairing)
        check_signed(envelope, pairing.sender, MemberKind.NODE, hub.register(), hub.clock())
    check_own(pairing.sender, node)
    return pairing


def offer_prekeys(hub: Hub, members: Iterable[str], epoch: str) -> None:
    """Hand every member all prekeys of the epoch that are there, for each to verify."""
    rows = hub.database.connection.execute("SELECT envelope FROM sum_prekeys WHERE epoch = ? ORDER BY node", (epoch,))
    offered = PrekeysOffered(epoch=epoch, prekeys=tuple(decode_document(row["envelope"], Envelope) for row in rows))
    hand_out(hub, DeliveryKind.PREKEYS, dict.fromkeys(members, offered), epoch)


def offer_pairings(hub: Hub, members: Collection[str], epoch: str) -> None:
    """Hand each member what all members before it have encapsulated to it, once that is complete."""
    waiting = "SELECT 1 FROM sum_pairings WHERE epoch = ? AND offered = 0 LIMIT 1"
    if hub.database.connection.execute(waiting, (epoch,)).fetchone() is None:
        return
    rows = hub.database.connection.execute(
        "SELECT receiver, count(*) AS found, sum(1 - offered) AS fresh FROM sum_pairings "
        "WHERE epoch = ? GROUP BY receiver",
        (epoch,),
    ).fetchall()
    before = {node: place for place, node in enumerate(sorted(members))}
    for row in rows:
        if row["fresh"] and row["found"] >= before.get(row["receiver"], len(before)):
            _offer_to(hub, row["receiver"], epoch)


def _offer_to(hub: Hub, receiver: str, epoch: str) -> None:
    here = (epoch, receiver)
    rows = hub.database.connection.execute(
        "SELECT envelope FROM sum_pairings WHERE epoch = ? AND receiver = ? ORDER BY sender", here
    )
    offered = PairingsOffered(epoch=epoch, pairings=tuple(decode_document(row[0], Envelope) for row in rows))
    hand_out(hub, DeliveryKind.PAIRINGS, {receiver: offered}, epoch)
    with hub.database.transaction() as connection:
        connection.execute("UPDATE sum_pairings SET offered = 1 WHERE epoch = ? AND receiver = ?", here)


def count_pairs(hub: Hub, members: Collection[str], epoch: str) -> int:
    """Return how many pairs of these members have agreed, and been told so."""
    rows = hub.database.connection.execute(
        "SELECT sender, receiver FROM sum_pairings WHERE epoch = ? AND offered = 1", (epoch,)
    )
    wanted = frozenset(members)
    return sum(row["sender"] in wanted and row["receiver"] in wanted for row in rows)


def publishers(hub: Hub, epoch: str) -> frozenset[str]:
    """Return the nodes whose prekeys of an epoch are there; asked every second, so no prekey is read for it."""
    rows = hub.database.connection.execute("SELECT node FROM sum_prekeys WHERE epoch = ?", (epoch,))
    return frozenset(row["node"] for row in rows)


def hand_out(hub: Hub, kind: DeliveryKind, documents: Mapping[str, Document], epoch: str, about: str = "") -> None:
    """Put a document into the inbox of each receiver, to stay there until the epoch is over."""
    if not documents:
        return
    bodies = {receiver: encode_document(document) for receiver, document in documents.items()}
    with hub.database.transaction() as connection:
        deliver(connection, kind, bodies, reference=about or epoch, expires_at=epoch_end(epoch))
    hub.bell.ring(*bodies)


@contextmanager
def refusing_documents() -> Iterator[None]:
    """Make a 400 problem, with the reason, of what is no document of a sum's or not signed by who it says."""
    try:
        yield
    except SumRefused as refused:
        raise ProblemRaised(400, refused.code, refused.text) from None


def check_own(named: str, node: Member) -> None:
    """Raise a 403 problem unless a document speaks for the node that hands it in."""
    if named != node.id:
        raise ProblemRaised(403, "impersonation", f"this is signed by {named}, and you are {node.id}")


# --- Nodes that others do not wait for -------------------------------------------------------------------------------


def note_silence(hub: Hub, epoch: str, nodes: Iterable[str]) -> None:
    """Go on without these nodes, until they do something."""
    with hub.database.transaction() as connection:
        connection.executemany(
            "INSERT INTO sum_silences VALUES (?, ?) ON CONFLICT DO NOTHING", [(epoch, node) for node in nodes]
        )


def end_silence(hub: Hub, epoch: str, node: str) -> None:
    """A node has done something: it can be counted on again."""
    if node in silent(hub, epoch):
        with hub.database.transaction() as connection:
            connection.execute("DELETE FROM sum_silences WHERE epoch = ? AND node = ?", (epoch, node))


def silent(hub: Hub, epoch: str) -> frozenset[str]:
    """Return the nodes that did not do their part in time in an epoch, and have done nothing since."""
    rows = hub.database.connection.execute("SELECT node FROM sum_silences WHERE epoch = ?", (epoch,))
    return frozenset(row["node"] for row in rows)
