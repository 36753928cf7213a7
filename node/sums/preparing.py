"""What a node does ahead of any question (P1 to P4): prekeys, pairs, slots, parcels; in the background, for a week.

Every act is kept before anything of it is sent, and what was made once is sent again in the very same bytes. Others'
prekeys, pairings and parcels are verified under the register, whoever carried them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from audit.event import Action
from federation.envelope import Envelope, write_envelope
from federation.secure_sum.dealing import write_complaint
from federation.secure_sum.epochs import epoch_end
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import (
    COMPLAINT_TYPE,
    DEALING_TYPE,
    PAIRING_TYPE,
    PREKEY_TYPE,
    Complaint,
    Dealing,
    Pairing,
    ParcelDelivery,
    Prekey,
    SumRoster,
)
from federation.secure_sum.pairing import accept_pairing, pair_up
from federation.secure_sum.prekeys import SecretPrekey, make_prekey, read_prekey
from federation.secure_sum.rosters import check_epoch, check_roster, roster_digest
from federation.secure_sum.signing import read_payload, sign_document
from federation.sums_exchange import (
    DealingsHandedIn,
    DealWanted,
    PairingsHandedIn,
    PairingsOffered,
    ParcelsOffered,
    PrekeysOffered,
    PrekeyWanted,
)
from federation.wire import WireError, decode_document, encode_document
from node.service import Node

log = logging.getLogger("circe.node")

PARCELS_AT_ONCE = 512
"""Parcels that are checked and kept in one transaction."""

MOST_OWN_SLOTS = 512
"""Slots that a node deals in one week at most: whoever asks for more is filling its disk."""


def publish_prekey(node: Node, wanted: PrekeyWanted) -> bytes:
    """Return this node's signed prekey of an epoch, made when it is first asked for (P1). Raises `SumRefused`."""
    check_epoch(wanted.epoch, node.clock())
    if node.sums.find_prekey(wanted.epoch) is None:
        secret, _ = make_prekey(node.party.keys, wanted.epoch, node.clock())
        with node.database.transaction() as connection:
            node.sums.keep_prekey(secret)
            event = node.event(Action.SUM_PREPARED, node.party.member_id, wanted.epoch)
            node.database.log.append(connection, event)
    return write_envelope(sign_document(_own_prekey(node, wanted.epoch).prekey, PREKEY_TYPE, node.party.keys))


def pair_with_all(node: Node, offered: PrekeysOffered) -> bytes:
    """Verify everybody's prekeys, pair with the nodes after this one, and return what is for them (P2, P3).

    A prekey that does not hold is left out: its node cannot be in a roster with this one. Raises `SumRefused`.
    """
    own, register, now = _own_prekey(node, offered.epoch), node.register(), node.clock()
    found: dict[str, Prekey] = {}
    for envelope in offered.prekeys:
        try:
            prekey = read_prekey(envelope, register, now)
        except SumRefused as refused:
            log.warning("%s: a prekey of %s is left out: %s", node.party.member_id, offered.epoch, refused)
            continue
        if prekey.epoch == offered.epoch and prekey.node != node.party.member_id:
            found[prekey.node] = prekey
    node.sums.keep_peer_prekeys(found)
    known, paired = node.sums.find_peer_prekeys(offered.epoch), node.sums.find_roots(offered.epoch)
    roots, outgoing = pair_up(own, {name: known[name] for name in found if name not in paired}, node.party.keys)
    node.sums.keep_pairings(offered.epoch, roots, outgoing)
    return encode_document(PairingsHandedIn(epoch=offered.epoch, pairings=node.sums.find_pairings(offered.epoch)))


def accept_pairings(node: Node, offered: PairingsOffered) -> None:
    """Work out the roots shared with nodes before this one, from the pairings that they signed (P3).

    Raises `SumRefused` for an epoch of which this node has no prekey.
    """
    own, register, now = _own_prekey(node, offered.epoch), node.register(), node.clock()
    prekeys = node.sums.find_peer_prekeys(offered.epoch)
    roots: dict[str, bytes] = {}
    for envelope in offered.pairings:
        try:
            sender = read_payload(envelope, PAIRING_TYPE, Pairing).sender
            if sender not in prekeys:
                raise SumRefused("prekey_missing", f"no prekey of {sender} is here")  # noqa: TRY301 - one reason of many
            roots[sender] = accept_pairing(own, prekeys[sender], envelope, register, now)
        except SumRefused as refused:
            log.warning("%s: a pairing of %s is left out: %s", node.party.member_id, offered.epoch, refused)
    node.sums.keep_roots(offered.epoch, roots)


def deal_slots(node: Node, wanted: DealWanted) -> tuple[bytes | None, tuple[Envelope, ...]]:
    """Deal slots of a roster (P4): return what is for the hub, and complaints about members with whom nothing can be.

    Raises `SumRefused` for a roster under this node's floors, and for more slots than a week needs.
    """
    roster = SumRoster(epoch=wanted.epoch, members=wanted.members, threshold=wanted.threshold)
    check_roster(roster, node.register(), node.rules().sums.floors, node.clock())
    if unpaired := set(roster.members) - node.sums.find_roots(roster.epoch).keys() - {node.party.member_id}:
        return None, tuple(_complain_of_pair(node, roster, wanted.slots[0], each) for each in sorted(unpaired))
    if node.sums.count_own_slots(wanted.epoch) + len(wanted.slots) > MOST_OWN_SLOTS:
        raise SumRefused("slots_used", f"this node deals at most {MOST_OWN_SLOTS} slots of {wanted.epoch}")
    node.sums.keep_roster(roster)
    register, now = node.register(), node.clock()
    bundles = [encode_document(node.contributor.deal(roster, slot, register, now)) for slot in wanted.slots]
    dealt = DealingsHandedIn(epoch=roster.epoch, roster_digest=roster_digest(roster), bundles=tuple(bundles))
    return encode_document(dealt), ()


def keep_parcels(node: Node, offered: ParcelsOffered) -> tuple[Envelope, ...]:
    """Check and keep this node's parcels (P4); return complaints about dealers whose parcel is not what they signed.

    Parcels of slots that this node has not dealt itself are left out: nothing could be done with them. Raises
    `SumRefused` for a roster that this node was never asked to deal for, or would not be in now.
    """
    roster = node.sums.find_roster(offered.roster_digest)
    if roster is None:
        raise SumRefused("roster_unknown", "parcels came for a roster that this node has not dealt for")
    dealt, complaints = node.sums.find_dealt(offered.roster_digest), list[Envelope]()
    keep = node.contributor.receive_parcels(roster, node.register(), node.clock())
    for start in range(0, len(offered.parcels), PARCELS_AT_ONCE):
        # Others who write wait meanwhile, so it is not for long.
        with node.sums.writing():
            for data in offered.parcels[start : start + PARCELS_AT_ONCE]:
                complaints += _keep_one(node, keep, dealt, data)
    return tuple(complaints)


def _keep_one(
    node: Node, keep: Callable[[ParcelDelivery], None], dealt: frozenset[int], data: bytes
) -> Iterator[Envelope]:
    try:
        delivery = decode_document(data, ParcelDelivery)
        slot = read_payload(delivery.header, DEALING_TYPE, Dealing).slot
    except (WireError, SumRefused) as error:
        log.warning("%s: a parcel is left out: %s", node.party.member_id, error)
        return
    if slot not in dealt:
        return
    try:
        keep(delivery)
    except SumRefused as refused:
        log.warning("%s: a parcel is left out: %s", node.party.member_id, refused)
        if (complaint := write_complaint(refused, delivery, node.party.keys)) is not None:
            yield complaint


def record_complaints(node: Node, complaints: Sequence[Envelope]) -> None:
    """Log that this node complains of others, once for all that it says at one time."""
    if complaints:
        said, number = read_payload(complaints[0], COMPLAINT_TYPE, Complaint), len(complaints)
        node.record(
            node.event(
                Action.SUM_COMPLAINED,
                node.party.member_id,
                said.epoch,
                about=said.dealer,
                code=said.code,
                complaints=number,
            )
        )


def erase_what_is_over(node: Node) -> None:
    """Erase every key and share of the weeks that are over, and the noised figures of manifests that are (S11)."""
    now = node.clock()
    over = [epoch for epoch in node.sums.epochs() if now >= epoch_end(epoch)]
    if over or node.sums.has_figures_over(now):
        erase_epochs(node, over)


def erase_epochs(node: Node, epochs: Iterable[str]) -> None:
    """Erase every key and share of some weeks, and figures that are over, from the database's every file."""
    with node.database.transaction() as connection:
        node.sums.erase_figures(node.clock())
        for epoch in epochs:
            node.sums.erase_epoch(epoch)
            node.database.log.append(connection, node.event(Action.SUM_ERASED, node.party.member_id, epoch))
    node.database.erase_deleted()


def _own_prekey(node: Node, epoch: str) -> SecretPrekey:
    secret = node.sums.find_prekey(epoch)
    if secret is None:
        raise SumRefused("prekey_missing", f"this node has made no prekey of {epoch}")
    return secret


def _complain_of_pair(node: Node, roster: SumRoster, slot: int, peer: str) -> Envelope:
    complaint = Complaint(
        node=node.party.member_id,
        dealer=peer,
        epoch=roster.epoch,
        roster_digest=roster_digest(roster),
        slot=slot,
        code="root_missing",
    )
    return sign_document(complaint, COMPLAINT_TYPE, node.party.keys)
