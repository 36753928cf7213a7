"""Every kind of lookup, and every step of a hand-over, through the real hub: what it sees of them is one and the same.

Its view is everything that comes in at its doors and goes out, by whom, in which order and how long; and all that is in
its files and its log. Which nodes take part it does see (`docs/trust.md`): a question to all of them looks like any
other to all, and one to a single node like any other of these.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from audit.event import Action
from audit.log import read_entries
from federation.exchange import LookupProgress
from federation.lines import Answer, Bounds
from federation.lookups import ChildSought
from federation.state import Party
from federation.transport import HubConnection
from node.desk import Desk
from node.lookups.asking import Carrier, ask_lookup, ask_placed_here
from node.lookups.class_list import read_class
from node.lookups.correspondents import exchange_keys
from node.lookups.delegation.giving import revoke_delegation
from node.lookups.delegation.shelf import list_come, list_given
from node.lookups.delegation.telling import tell_receivers
from node.lookups.emergency_asking import draft_emergency, send_emergency
from node.lookups.handover.deciding import accept, decline, find_place
from node.lookups.handover.offering import send_offer, sign_with_key
from node.lookups.handover.shelf import State, find_given
from node.lookups.named_children import NAMED_TO_US
from node.lookups.one_child import ask_one_child
from node.people import Person
from node.polling import poll_once
from node.schedule import Schedule
from node.service import Node
from node.setting_up import enter_person
from node.tracking.facts import Plan
from node.tracking.store import read_record
from tests.end_to_end.one_process import OneProcess, ShortLines, answering_at_once
from tests.node.lookups.test_class_list import SCHOOL, send_to_school, some_numbers
from tests.node.lookups.test_delegations import give as give_delegation
from tests.node.lookups.test_emergencies import Device, give_passkeys
from tests.node.lookups.test_handovers import head_of, parties, write
from tests.node.lookups.test_one_child import child_elsewhere, child_placed_here, rows_of
from tests.node.lookups.watched_relay import WorkingClock
from tests.small_federation import SmallFederation

__all__ = ["parties"]

ASKER, ASKED = "203", "301"
WHY = "Termly review"
View = list[tuple[str, str, str, int, int]]


class WatchedLines(ShortLines):
    """Lines at whose hub's end somebody notes all that passes."""

    def __init__(self, process: "Watched", member: str) -> None:
        super().__init__(process.app)
        self._process, self._member = process, member

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], bounds: Bounds) -> Answer:
        answer = super().send(method, path, body, headers, bounds)
        door = re.sub(r"\d+(?=&|,|$)", "#", re.sub(r"L-[0-9a-f]{32}", "L-...", path))
        # Deliveries are numbered through: how many figures a number has tells how many came before.
        length = len(re.sub(rb'"delivery_id":\d+', b'"delivery_id":#', answer.body))
        self._process.seen.append((self._member, method, door, len(body), length))
        self._process.carried += [body, answer.body]
        return answer


class Watched(OneProcess):
    """A federation in one process, and what its hub sees."""

    def __init__(self, federation: SmallFederation) -> None:
        super().__init__(federation)
        self.seen: View = []
        self.carried: list[bytes] = []

    def connect(self, party: Party) -> HubConnection:
        connection = super().connect(party)
        connection._lines = WatchedLines(self, party.member_id)
        return connection

    def answer(self, *authorities: str) -> None:
        """Let nodes ask what is waiting and answer it, in a world in which waiting takes no time."""
        for code in authorities:
            clock, hub, desk = WorkingClock(), self.connect(self.nodes[code].party), Desk()
            for _ in range(2):
                poll_once(self.nodes[code], hub, Schedule(now=clock, wait=clock.run), desk)
                desk.answer_due()
            hub.close()

    def carrier(self, asker: str) -> Carrier:
        """The asker's connection: whenever they wait for answers, the other nodes poll."""
        return Attentive(self, asker)

    def view(self, act: Callable[[], object], asker: str) -> View:
        """What the hub sees of something, with whoever asks and whoever is asked called just that."""
        self.seen.clear()
        act()
        return [("asker" if who == f"node-{asker}" else "asked", *rest) for who, *rest in self.seen]  # type: ignore[misc]


class Attentive:
    def __init__(self, process: Watched, asker: str) -> None:
        self._process, self._asker = process, asker
        self._hub = process.connect(process.nodes[asker].party)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hub, name)

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        self._process.answer(*(code for code in self._process.nodes if code != self._asker))
        return self._hub.fetch_lookup(lookup_id, wait=wait, done=done)


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def together(parties: SmallFederation, device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """Nodes that have published their sealing keys; a teacher, a delegation and a child for each kind of lookup."""
    enter_person(parties.directory / f"node-{ASKER}", "teacher", "designated_teacher", "Teacher", SCHOOL)
    send_to_school(parties.node(ASKED), ASKER, {some_numbers(parties.node(ASKED), 1)[0]: SCHOOL})
    give_delegation(parties, field_groups=("education",))
    process = Watched(parties)
    give_passkeys(parties, monkeypatch, {f"officer@la-{ASKER}": (device.passkey(),)})
    with answering_at_once():
        for node in process.nodes.values():
            exchange_keys(node, process.connect(node.party))
        process.answer(*process.nodes)
        yield process
    process.close()


def person_of(together: Watched, person: str, authority: str = ASKER) -> tuple[Node, Person]:
    node = together.nodes[authority]
    return node, node.find_person(person)


def look_up(together: Watched, sought: ChildSought, asker: str = ASKER, asked: str = ASKED) -> View:
    node, head = person_of(together, "vsh", asker)
    hub = together.carrier(asker)
    return together.view(
        lambda: ask_one_child(node, hub, head, WHY, sought, whose="theirs", at=asked, patience=1), asker
    )


def test_questions_to_one_node_look_alike_whatever_they_ask_and_find(together: Watched, device: Device) -> None:
    """One child, found or not; children named by delegation; an emergency; an offer of a record."""
    federation = together.federation
    sought, elsewhere = child_placed_here(federation)["upn"], child_elsewhere(federation)
    found = look_up(together, ChildSought(upn=sought))
    assert [door for _, _, door, _, _ in found if "lookups" in door]
    node, head = person_of(together, "officer")
    views = {"nobody": look_up(together, ChildSought(upn="Z999999999999"))}
    vsh, hub = person_of(together, "vsh")[1], together.carrier(ASKER)
    views["named"] = together.view(lambda: ask_lookup(node, hub, vsh, WHY, NAMED_TO_US, at=ASKED, patience=1), ASKER)
    urgent = ChildSought(upn=elsewhere["upn"], date_of_birth=elsewhere["dob"])
    drafted = draft_emergency(node, head, WHY, urgent, ASKED)
    answer = device.answer(drafted.challenge)
    views["emergency"] = together.view(
        lambda: send_emergency(node, hub, head, drafted.draft_id, device.id, answer, patience=1), ASKER
    )
    offer = write(federation)
    sign_with_key(node, head, offer.handover_id, federation.party(f"officer@la-{ASKER}"))
    views["offer"] = together.view(lambda: send_offer(node, hub, head, offer.handover_id, patience=1), ASKER)
    assert {name: view for name, view in views.items() if view != found} == {}


def test_telling_of_a_delegation_given_and_revoked_looks_like_looking_somebody_up(together: Watched) -> None:
    home, head = person_of(together, "vsh", ASKED)
    looked = look_up(together, ChildSought(upn="Z999999999999"), ASKED, ASKER)
    hub, (given, *_) = together.carrier(ASKED), list_given(home)
    told = together.view(lambda: tell_receivers(home, hub, patience=1), ASKED)
    revoke_delegation(home, head, given.delegation.delegation_id)
    ended = together.view(lambda: tell_receivers(home, hub, patience=1), ASKED)
    assert [bool(come.revoked_at) for come in list_come(together.nodes[ASKER])] == [True]
    assert told == ended == looked


def test_two_lookups_about_one_child_are_not_told_from_lookups_about_two(together: Watched) -> None:
    """The hub compares all that it carried: whatever two about one child have in common, those about two have as well.

    Keys, names and forms are the same each time. Whatever is made of the child alone, a token, a hash or the same page
    once more, would be in the first two and not in the third.
    """
    where = f"host_authority = '{ASKER}' AND care_end IS NULL AND academic_year = 202425 AND length(upn) = 13"
    one, other = dict.fromkeys(row["upn"] for row in rows_of(together.nodes[ASKED], "children", where)[:2])

    def carry(upn: str) -> tuple[bytes, ...]:
        together.carried.clear()
        look_up(together, ChildSought(upn=upn))
        return tuple(together.carried)

    first, again, another = carry(one), carry(one), carry(other)
    assert len(cut(first)) > 10_000, "little was carried, or the comparison proves nothing"
    assert in_common(first, again, but_not=another) == in_common(first, another, but_not=again) == frozenset()


def in_common(one: Iterable[bytes], other: Iterable[bytes], *, but_not: Iterable[bytes]) -> frozenset[bytes]:
    """The stretches that two have and a third has not.

    One that begins or ends with what the third has as well is the edge of something that is always there, and a few
    characters after or before it that may agree by chance; a token of 32 figures has stretches that are not.
    """
    known = cut(but_not, EDGE)
    return frozenset(
        piece for piece in (cut(one) & cut(other)) - cut(but_not) if not known & {piece[:EDGE], piece[-EDGE:]}
    )


STRETCH, EDGE = 24, 16
"""Bytes of a stretch, and of so much of it that none agrees by chance."""


def cut(carried: Iterable[bytes], length: int = STRETCH) -> frozenset[bytes]:
    """Every stretch of so many bytes."""
    return frozenset(each[place : place + length] for each in carried for place in range(len(each) - length + 1))


def test_questions_to_all_look_alike(together: Watched) -> None:
    node, head = person_of(together, "vsh")
    teacher, hub = person_of(together, "teacher")[1], together.carrier(ASKER)
    placed = together.view(lambda: ask_placed_here(node, hub, head, WHY, patience=1), ASKER)
    listed = together.view(lambda: read_class(node, hub, teacher, WHY, patience=1), ASKER)
    assert placed == listed
    assert len({who for who, *_ in placed}) == 2


def test_a_record_goes_from_node_to_node_and_the_hub_knows_nothing_of_it(together: Watched) -> None:
    """End to end: offered, collected, accepted; then another, declined. Collecting looks like looking somebody up."""
    federation = together.federation
    node, head = person_of(together, "officer")
    other, taker = head_of(federation, ASKED)
    other = together.nodes[ASKED]
    states, views = [], []
    for act in ("accept", "decline"):
        offer = write(federation)
        sign_with_key(node, head, offer.handover_id, federation.party(f"officer@la-{ASKER}"))
        send_offer(node, together.carrier(ASKER), head, offer.handover_id, patience=1)
        hub, number = together.carrier(ASKED), "990009"
        if act == "accept":
            place = find_place(other, offer, number)
            views = together.view(lambda: accept(other, hub, taker, offer.handover_id, place, patience=1), ASKED)  # noqa: B023
            child = place.token if place else ""
        else:
            decline(other, hub, taker, offer.handover_id, "held_already", patience=1)
        given = find_given(node, offer.handover_id)
        assert given is not None
        states.append((given.state, given.code, given.pack))
    assert states == [(State.ACCEPTED, "", None), (State.DECLINED, "held_already", None)]
    assert read_record(other.database.connection, child).all(Plan)
    # To collect it and to say that it is set down are two lookups; so are two searches for nobody.
    nobody = ChildSought(upn="Z999999999999")
    assert views == [*look_up(together, nobody, ASKED, ASKER), *look_up(together, nobody, ASKED, ASKER)]
    relayed = [
        entry.to_event() for entry in read_entries(together.hub.database.connection, action=Action.LOOKUP_RELAYED)
    ]
    assert {(event.subject, event.purpose, event.fields) for event in relayed} == {("", "", ())}
    kept = b"".join(path.read_bytes() for path in federation.directory.joinpath("hub").rglob("*") if path.is_file())
    secrets = (offer.child.number, offer.child.upn, offer.child.name, offer.handover_id, "Agreed at the PEP", "990009")
    told = [word for word in secrets if word and (word.encode() in kept or word.encode() in b"".join(together.carried))]
    assert told == []
