"""The node's day: ask the hub what is waiting, deal with it, and ask again.

Everything is safe to do twice, so any failure is answered by waiting a little and asking again. A delivery is taken out
of the inbox only once it has been dealt with, and one that cannot be does not stand in the way of the others. Questions
are put on a desk (`node.desk`), where they are answered beside all else. Lookups come next: their answers are made
ready, all leave at one moment of the fixed schedule, and sums follow. The next poll says what has been dealt with, so
that no delivery needs a request of its own; and the request with which the last is answered, a lookup or this node's
word on a sum, is the next poll as well.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial

from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.hub_line import LONG_POLL_SECONDS, HubRefused, HubUnreachable, spread
from federation.register import RegisterError
from federation.register_changes import adopt_and_record
from federation.sealing import SealedRecords
from federation.service_log import told
from federation.software import write_products
from federation.state import StateError
from federation.transport import HubConnection, answer_door
from node.answering import answer_manifest
from node.attempts import FIRST_PAUSE_SECONDS, attempt, lengthen, send_for_good
from node.budget_statement import StatedBudget
from node.desk import MOST_TOLD, Answer, Desk
from node.lookups.answering import answer_lookup, warm_up
from node.lookups.correspondents import Publication, take_in_keys
from node.questions import is_question, take_decided, take_questions
from node.schedule import LOOKUPS_A_TICK, Schedule, batched
from node.service import Node
from node.snapshots import SnapshotDamaged, SnapshotMissing
from node.sums.deliveries import Doors, deal_with_sum
from node.sums.preparing import erase_what_is_over
from node.witnessing import Witnessing

log = logging.getLogger("circe.node")

OLD_HUB_SECONDS = 1.0
"""How long to leave a hub alone that hands out nothing but what is in hand, as one of the version before does."""

ANSWERED_ONCE = frozenset(
    {DeliveryKind.LOOKUP, DeliveryKind.SUM, DeliveryKind.SURVIVORS, DeliveryKind.OPENING, DeliveryKind.ABORT}
)
"""The deliveries that are answered at one door and with nothing else: a lookup, and those of a sum under way."""

UNSIGNED = 401
"""The status with which a hub says that a request is by no active member, as it is after our keys were rotated."""


class DeliveriesLeft(Exception):
    """Something that was waiting could not be dealt with, and is waiting still."""


FORESEEN = (DeliveriesLeft, HubUnreachable, HubRefused, RegisterError, StateError)
"""What may go wrong between two polls; the texts of these are safe to log."""


def serve_node(node: Node, hub: HubConnection, stop: threading.Event, answer: Answer = answer_manifest) -> None:
    """Serve a node until told to stop, whatever happens to the hub in between; `answer` makes replies of manifests."""
    pause, schedule, desk = FIRST_PAUSE_SECONDS, Schedule(), Desk(answer)
    publication, stated, witnessing = Publication(), StatedBudget(), Witnessing(node.clock())
    inbox: Inbox | None = None
    with closing(hub), closing(node.database), desk.attended(stop):
        with suppress(Exception):  # What is wrong now is told when it is asked for.
            warm_up(node)
        while not stop.is_set():
            try:
                erase_what_is_over(node)
                ensure_register(node, hub)
                hub.products = tell_software(node)
                publication.renew(node, hub)
                stated.renew(node, hub)
                witnessing.renew(node, hub)
                take_decided(node, hub, desk)
                came, inbox = inbox, None
                inbox = poll_once(node, hub, schedule, desk, came)
                pause = FIRST_PAUSE_SECONDS
            except Exception as error:
                # Whatever it is, the node goes on asking. Of what nobody foresaw the kind alone is told, since its text
                # could quote a value.
                foreseen = isinstance(error, FORESEEN)
                reason = str(error) if foreseen else type(error).__name__
                level = logging.WARNING if foreseen else logging.ERROR
                rest = spread(max(pause, error.retry_after if isinstance(error, HubRefused) else 0.0))
                fields = told(member=node.party.member_id, error=type(error).__name__, seconds=round(rest, 1))
                log.log(level, "%s: %s; trying again in %.0f s", node.party.member_id, reason, rest, extra=fields)
                look_for_new_keys(node, hub, error)
                stop.wait(rest)
                pause = lengthen(pause)
            if news := hub.clocks.news():
                log.warning("%s: %s", node.party.member_id, news, extra=told(member=node.party.member_id))


def tell_software(node: Node) -> str:
    """Return what our requests say of us: our software, register and snapshot; nothing of what is in it."""
    try:
        register, snapshot = node.register().version, node.store.current()
    except (RegisterError, StateError, SnapshotDamaged, SnapshotMissing):
        return write_products()
    return write_products(register=register, snapshot=snapshot.id if snapshot else "")


class _Line:
    """The line to the hub for answers to what was waiting: what is answered last waits there for what comes next."""

    def __init__(self, node: Node, hub: HubConnection, inbox: Inbox, desk: Desk) -> None:
        self._node, self._hub, self._desk, self._last = node, hub, desk, _find_last(inbox)
        self.inbox: Inbox | None = None
        self.left = 0

    def for_answer(self, delivery: Delivery) -> "HubConnection | _Line":
        """Return where a delivery is answered: here, if it is the last, and past us if it is any other."""
        return self if delivery is self._last else self._hub

    def attempt(self, delivery: Delivery, act: Callable[[], object]) -> bool:
        """Answer a delivery, and return whether that was done; those that were not are left, and counted."""
        done = attempt(self._node, delivery, act)
        self.left += not done
        return done

    def finish(self, delivery: Delivery, act: Callable[[], object]) -> None:
        """Do the last thing about a delivery, and have the next poll tell of it, unless its answer was that poll."""
        done = self.attempt(delivery, act)
        self._desk.finished.add(delivery, if_done=done and (delivery is not self._last or self.inbox is None))

    def hand_in(self, door: str, body: bytes) -> None:
        """Hand in the last answer, tell of it and of what else has been dealt with, and keep what the hub hands out."""
        assert self._last is not None
        in_hand, told = self._desk.numbers(), self._desk.finished.next_batch()[: MOST_TOLD - 1]
        # What is left is asked for again soon: then nobody waits for more.
        wait, done = 0 if self.left else LONG_POLL_SECONDS, [*told, self._last.delivery_id]
        self.inbox = self._hub.hand_in_and_wait(door, body, wait=wait, done=done, in_hand=in_hand)
        if self.inbox is not None:
            self._desk.finished.forget(told)

    def send_reply(self, reply: bytes) -> None:
        """Hand in a signed refusal, which nothing is waited for after."""
        self._hub.send_reply(reply)


def poll_once(
    node: Node, hub: HubConnection, schedule: Schedule, desk: Desk, came: Inbox | None = None
) -> Inbox | None:
    """Tell the hub what has been dealt with, wait for what comes, unless it `came` already, and deal with that.

    Returns what came with the answer to the last of it, if anything.
    """
    ensure_register(node, hub)
    if came is None:
        # In this order: what is done in between is told as both, and never as neither, which would bring it once more.
        in_hand, told = desk.numbers(), desk.finished.next_batch()
        came = hub.fetch_inbox(wait=LONG_POLL_SECONDS, done=told, in_hand=in_hand)
        desk.finished.forget(told)
    return deal_with(node, hub, came, schedule, desk)


def ensure_register(node: Node, hub: HubConnection) -> None:
    """Fetch the register where the one kept is missing or valid no longer; else the inbox says when there is another.

    Raises `RegisterError` or `StateError` where the hub's is of no use either.
    """
    try:
        node.register()
    except (RegisterError, StateError):
        refresh_register(node, hub)


def look_for_new_keys(node: Node, hub: HubConnection, error: Exception) -> None:
    """Fetch the register where the hub does not know our signature: a newer one may name the keys that wait here."""
    if isinstance(error, HubRefused) and error.problem.status == UNSIGNED:
        with suppress(*FORESEEN):
            refresh_register(node, hub)


def refresh_register(node: Node, hub: HubConnection) -> None:
    """Fetch the register and keep it if it is newer; our log has it first. Keys of ours that it names come into use."""
    adopt_and_record(node.party, node.database, hub.fetch_register(), node.clock())


def deal_with(node: Node, hub: HubConnection, inbox: Inbox, schedule: Schedule, desk: Desk) -> Inbox | None:
    """Deal with everything that was waiting, oldest first; return what came with the answer to the last, if anything.

    Raises `DeliveriesLeft` when something is left.
    """
    if inbox.register_version > node.register().version:
        refresh_register(node, hub)
    take_in_keys(node, inbox.sealing_keys)
    line = _Line(node, hub, inbox, desk)
    has_fresh = take_questions(node, hub, inbox.deliveries, desk)
    others = [delivery for delivery in inbox.deliveries if not is_question(delivery)]
    if inbox.deliveries and not others and not has_fresh:
        desk.await_change(OLD_HUB_SECONDS)
    lookups = [delivery for delivery in others if delivery.kind is DeliveryKind.LOOKUP]
    for some in batched(lookups, LOOKUPS_A_TICK):
        _deal_with_lookups(node, line, some, schedule)
    for delivery in others:
        if delivery.kind is not DeliveryKind.LOOKUP:
            line.finish(delivery, partial(_deal_with_sum, node, line.for_answer(delivery), delivery))
    if line.left:
        raise DeliveriesLeft(f"{line.left} of {len(inbox.deliveries)} deliveries are left for now")
    return line.inbox


def _find_last(inbox: Inbox) -> Delivery | None:
    """Return what is dealt with last, if its answer is a single one: to a lookup, or this node's word on a sum."""
    last = max((each for each in inbox.deliveries if not is_question(each)), key=_place, default=None)
    return last if last is not None and last.kind in ANSWERED_ONCE else None


def _place(delivery: Delivery) -> tuple[bool, int]:
    """When a delivery is dealt with: lookups first, and the oldest first."""
    return delivery.kind is not DeliveryKind.LOOKUP, delivery.delivery_id


def _deal_with_lookups(node: Node, line: _Line, lookups: Sequence[Delivery], schedule: Schedule) -> None:
    """Answer a few lookups, all at one moment that tells nothing of the work."""
    taken_in = schedule.now()
    ready: list[Callable[[], None]] = []
    answered = [each for each in lookups if line.attempt(each, partial(_prepare, node, line, each, ready))]
    schedule.await_departure(taken_in)
    for delivery, send in zip(answered, ready, strict=True):
        line.finish(delivery, send)


def _prepare(node: Node, line: _Line, delivery: Delivery, ready: list[Callable[[], None]]) -> None:
    """Note what is to be done about a lookup when its moment has come: nothing then depends on what is in it."""
    ready.append(partial(_send, line.for_answer(delivery), delivery, answer_lookup(node, delivery)))


def _send(doors: Doors, delivery: Delivery, sealed: SealedRecords | None) -> None:
    if sealed is not None:
        doors.hand_in(answer_door(delivery.lookup_id), sealed.data)


def _deal_with_sum(node: Node, doors: Doors, delivery: Delivery) -> None:
    send_for_good(node, partial(deal_with_sum, node, doors, delivery))
