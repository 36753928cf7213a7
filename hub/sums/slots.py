"""Ahead of any sum, part two (P4): a stock of slots, dealt for each roster.

Slots are dealt by all members of a roster for all of them; one is ready when everybody has accepted what was dealt. A
node that does not deal in time, or deals what another cannot accept, is done without: the rosters are formed anew.

A node deals one slot at a time. Dealing for 153 nodes is 23,000 parcels for each slot: asked for a whole stock at once,
the nodes and the hub would have so much before them that honest nodes seem silent. For the same reason a stock is not
made up while a sum is under way, as long as anything is left of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from audit.connection import Connection
from federation.database import stamp
from federation.exchange import DeliveryKind, QueryState
from federation.problems import ProblemRaised
from federation.register import Member
from federation.secure_sum.bundles import KeptBundle, check_bundle, reread_bundle, split_bundle
from federation.secure_sum.dealing import read_header
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import DealingBundle, SumRoster
from federation.standing_rosters import ENGLAND
from federation.sums_exchange import DealingsHandedIn, DealWanted, ParcelsOffered
from federation.wire import WireError, decode_document, encode_document
from hub.dispatch import pending_receivers, withdraw
from hub.service import Hub
from hub.sums.prekeys import (
    PATIENCE,
    ask_prekeys,
    check_own,
    count_pairs,
    end_silence,
    hand_out,
    note_silence,
    offer_pairings,
    refusing_documents,
)
from hub.sums.rosters import ASKED, FormedRoster, current_rosters, find_roster, form_standing_rosters

STOCK = 4
"""Slots of a roster that are dealt and not yet used, at least, once it has had time to deal."""


class SlotState(StrEnum):
    """The life of a slot at the hub."""

    DEALING = "dealing"
    """Every member was asked to deal it."""
    OFFERED = "offered"
    """Everybody has dealt, and everybody is looking at what they were dealt."""
    READY = "ready"
    """Everybody has accepted what they were dealt."""
    USED = "used"
    """Taken for one attempt at one manifest, and for nothing else ever."""
    SPOILED = "spoiled"
    """Something dealt did not hold, or came too late: nobody uses it."""


UNDER_WAY = (SlotState.DEALING, SlotState.OFFERED)
"""The states of a slot that its roster is at work on."""


def prepare(hub: Hub, now: datetime) -> None:
    """Take whatever step is next, of everything that is done ahead of questions."""
    ask_prekeys(hub, now)
    form_standing_rosters(hub, now)
    epoch = name_epoch(now)
    rosters = current_rosters(hub, epoch)
    give_up_slots(hub, epoch, rosters)
    for formed in rosters:
        if formed.name in (ENGLAND, ASKED):
            offer_pairings(hub, formed.roster.members, epoch)
        settle_slots(hub, formed, now)
    _deal_next(hub, rosters, now)


def _deal_next(hub: Hub, rosters: Iterable[FormedRoster], now: datetime) -> None:
    """Have rosters deal that lack slots, those with the smallest stock first, no node for two of them at once."""
    stock = {formed: len(_slots(hub, formed.digest, SlotState.READY)) for formed in rosters}
    busy = {node for formed in stock if _slots(hub, formed.digest, *UNDER_WAY) for node in formed.roster.members}
    summing = _is_summing(hub)
    for formed in sorted(stock, key=lambda each: stock[each]):
        has_enough = stock[formed] >= STOCK or (summing and stock[formed] > 0)
        if not has_enough and busy.isdisjoint(formed.roster.members) and ask_deals(hub, formed, now):
            busy |= set(formed.roster.members)


def ask_deals(hub: Hub, formed: FormedRoster, now: datetime) -> bool:
    """Ask every member to deal one slot more, once every two of them have agreed; say whether they are asked."""
    roster, slot = formed.roster, 1 + _last_slot(hub, formed.digest)
    pairs = len(roster.members) * (len(roster.members) - 1) // 2
    if slot == 1 and count_pairs(hub, roster.members, roster.epoch) < pairs:
        _lose_patience(hub, roster, formed.formed_at, _unpaired(hub, roster), now)
        return False
    with hub.database.transaction() as connection:
        row = (formed.digest, slot, SlotState.DEALING, stamp(now))
        if not connection.execute("INSERT INTO sum_slots VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount:
            return True  # Another worker asks for this very slot.
    wanted = DealWanted(epoch=roster.epoch, members=roster.members, threshold=roster.threshold, slots=(slot,))
    about = _name_slot(formed.digest, slot)
    hand_out(hub, DeliveryKind.DEAL, dict.fromkeys(roster.members, wanted), roster.epoch, about)
    return True


def _is_summing(hub: Hub) -> bool:
    found = hub.database.connection.execute(
        "SELECT 1 FROM sum_attempts AS attempts JOIN queries USING (digest) "
        "WHERE attempts.state = 'open' AND queries.state = ?",
        (QueryState.RUNNING,),
    )
    return found.fetchone() is not None


def _last_slot(hub: Hub, digest: str) -> int:
    row = hub.database.connection.execute(
        "SELECT coalesce(max(slot), 0) AS last FROM sum_slots WHERE roster = ?", (digest,)
    ).fetchone()
    return int(row["last"])


def give_up_slots(hub: Hub, epoch: str, rosters: Iterable[FormedRoster]) -> None:
    """Have nobody go on with slots of rosters that have been formed anew since."""
    current = {formed.digest for formed in rosters}
    rows = hub.database.connection.execute(
        "SELECT roster, slot FROM sum_slots JOIN sum_rosters USING (roster) WHERE epoch = ? AND state IN (?, ?)",
        (epoch, *UNDER_WAY),
    ).fetchall()
    for row in rows:
        if row["roster"] not in current:
            _abandon_slot(hub, row["roster"], row["slot"])


def _unpaired(hub: Hub, roster: SumRoster) -> Iterator[str]:
    """The members that have not encapsulated to all members after them."""
    rows = hub.database.connection.execute(
        "SELECT sender, receiver FROM sum_pairings WHERE epoch = ?", (roster.epoch,)
    ).fetchall()
    pairs = {(row["sender"], row["receiver"]) for row in rows}
    for place, node in enumerate(roster.members):
        if any((node, other) not in pairs for other in roster.members[place + 1 :]):
            yield node


def _lose_patience(hub: Hub, roster: SumRoster, since: str, missing: Iterable[str], now: datetime) -> bool:
    """Go on without those that are missing, if the others have waited for long enough."""
    if since > stamp(now - PATIENCE):
        return False
    note_silence(hub, roster.epoch, missing)
    return True


def keep_dealings(hub: Hub, node: Member, document: DealingsHandedIn) -> None:
    """Keep what a node has dealt, and offer the parcels of each slot that is now complete. Raises a 4xx problem."""
    roster = find_roster(hub, document.roster_digest)
    for data in document.bundles:
        try:
            with refusing_documents():
                header = check_bundle(decode_document(data, DealingBundle), roster, hub.register(), hub.clock())
        except WireError as error:
            raise ProblemRaised(400, "malformed", str(error)) from None
        check_own(header.dealer, node)
        _keep_bundle(hub, document.roster_digest, header.slot, node.id, data)
        _offer_parcels(hub, document.roster_digest, roster, header.slot)
    end_silence(hub, roster.epoch, node.id)


def _keep_bundle(hub: Hub, digest: str, slot: int, dealer: str, data: bytes) -> None:
    with hub.database.transaction() as connection:
        asked = connection.execute(
            "SELECT state FROM sum_slots WHERE roster = ? AND slot = ?", (digest, slot)
        ).fetchone()
        kept = connection.execute(
            "SELECT bundle FROM sum_dealings WHERE roster = ? AND slot = ? AND dealer = ?", (digest, slot, dealer)
        ).fetchone()
        if asked is None or (kept is not None and kept["bundle"] != data):
            raise ProblemRaised(409, "dealt_otherwise", "this slot was not asked for, or you dealt it otherwise before")
        if kept is None and asked["state"] == SlotState.DEALING:
            connection.execute("INSERT INTO sum_dealings VALUES (?, ?, ?, ?)", (digest, slot, dealer, data))


def _offer_parcels(hub: Hub, digest: str, roster: SumRoster, slot: int) -> None:
    """Hand each member its part of every dealing of a slot, once all have dealt."""
    if len(_dealers(hub, digest, slot)) < len(roster.members) or not _move_slot(
        hub, digest, slot, SlotState.DEALING, SlotState.OFFERED
    ):
        return
    bundles = dict(_find_bundles(hub, digest, slot))
    parts = [split_bundle(decode_document(bundles[dealer], DealingBundle)) for dealer in roster.members]
    offered = {
        receiver: ParcelsOffered(
            epoch=roster.epoch,
            roster_digest=digest,
            parcels=tuple(encode_document(part[receiver]) for part in parts if receiver in part),
        )
        for receiver in roster.members
    }
    hand_out(hub, DeliveryKind.PARCELS, offered, roster.epoch, _name_slot(digest, slot))


def settle_slots(hub: Hub, formed: FormedRoster, now: datetime) -> None:
    """Call slots ready that everybody has accepted; give up those that somebody keeps waiting."""
    roster, digest = formed.roster, formed.digest
    for slot, since in _slots(hub, digest, SlotState.OFFERED).items():
        waiting = pending_receivers(hub, DeliveryKind.PARCELS, _name_slot(digest, slot), now)
        if not waiting and not _still_holds(hub, digest, roster, slot, now):
            _abandon_slot(hub, digest, slot)
        elif not waiting:
            _move_slot(hub, digest, slot, SlotState.OFFERED, SlotState.READY)
        elif _lose_patience(hub, roster, since, waiting, now):
            _abandon_slot(hub, digest, slot)
    for slot, since in _slots(hub, digest, SlotState.DEALING).items():
        if _lose_patience(hub, roster, since, set(roster.members) - _dealers(hub, digest, slot), now):
            _abandon_slot(hub, digest, slot)


def _still_holds(hub: Hub, digest: str, roster: SumRoster, slot: int, now: datetime) -> bool:
    """Whether every dealer's signature is good now: who rotated a key may have had parcels refused."""
    register = hub.register()
    try:
        for bundle in read_bundles(hub, digest, slot).values():
            read_header(bundle.header, roster, register, now)
    except SumRefused:
        return False
    return True


def spoil_slot(hub: Hub, digest: str, slot: int) -> None:
    """Have nobody use a slot, unless somebody does already. What was dealt is looked at still: others may complain."""
    with hub.database.transaction() as connection:
        spoilt = connection.execute(
            "UPDATE sum_slots SET state = ? WHERE roster = ? AND slot = ? AND state IN (?, ?, ?)",
            (SlotState.SPOILED, digest, slot, *UNDER_WAY, SlotState.READY),
        )
        if spoilt.rowcount:
            connection.execute("DELETE FROM sum_dealings WHERE roster = ? AND slot = ?", (digest, slot))


def _abandon_slot(hub: Hub, digest: str, slot: int) -> None:
    """Have nobody use a slot, nor deal it, nor look at what was dealt."""
    spoil_slot(hub, digest, slot)
    with hub.database.transaction() as connection:
        withdraw(connection, _name_slot(digest, slot))


def take_slot(connection: Connection, digest: str) -> int | None:
    """Take the next ready slot of a roster, inside the caller's transaction; None where none is ready."""
    row = connection.execute(
        "SELECT min(slot) AS slot FROM sum_slots WHERE roster = ? AND state = ?", (digest, SlotState.READY)
    ).fetchone()
    if row["slot"] is None:
        return None
    connection.execute(
        "UPDATE sum_slots SET state = ? WHERE roster = ? AND slot = ?", (SlotState.USED, digest, row["slot"])
    )
    slot: int = row["slot"]
    return slot


def read_bundles(hub: Hub, digest: str, slot: int) -> Mapping[str, KeptBundle]:
    """Return what was dealt for a slot so far, by dealer, as it takes to open a sum."""
    return {dealer: reread_bundle(data) for dealer, data in _find_bundles(hub, digest, slot)}


def _find_bundles(hub: Hub, digest: str, slot: int) -> Iterator[tuple[str, bytes]]:
    rows = hub.database.connection.execute(
        "SELECT dealer, bundle FROM sum_dealings WHERE roster = ? AND slot = ?", (digest, slot)
    )
    return ((row["dealer"], bytes(row["bundle"])) for row in rows)


def _dealers(hub: Hub, digest: str, slot: int) -> frozenset[str]:
    rows = hub.database.connection.execute(
        "SELECT dealer FROM sum_dealings WHERE roster = ? AND slot = ?", (digest, slot)
    )
    return frozenset(row["dealer"] for row in rows)


def _slots(hub: Hub, digest: str, *states: SlotState) -> Mapping[int, str]:
    """The slots of a roster in one of these states, and since when they are."""
    marks = ", ".join("?" * len(states))
    rows = hub.database.connection.execute(
        f"SELECT slot, since FROM sum_slots WHERE roster = ? AND state IN ({marks})",  # noqa: S608 - question marks
        (digest, *states),
    )
    return {row["slot"]: row["since"] for row in rows}


def _move_slot(hub: Hub, digest: str, slot: int, before: SlotState, after: SlotState) -> bool:
    with hub.database.transaction() as connection:
        moved = connection.execute(
            "UPDATE sum_slots SET state = ?, since = ? WHERE roster = ? AND slot = ? AND state = ?",
            (after, stamp(hub.clock()), digest, slot, before),
        )
        return bool(moved.rowcount == 1)


def _name_slot(digest: str, slot: int) -> str:
    return f"{digest}/{slot}"
