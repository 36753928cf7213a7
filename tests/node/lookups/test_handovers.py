"""Hand-overs: one child's record, sealed, from the home's head to another authority's, and every way it can go wrong.

The relay is the adversary: it sees pages of one size, and may lose, repeat, alter and misplace them.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from audit.event import Action, AuditEvent, Outcome
from federation.exchange import Delivery, DeliveryKind, LookupProgress
from federation.handovers import (
    HandoverAnswer,
    HandoverOffer,
    Step,
)
from federation.lookups import LookupFailed, LookupOutcome
from federation.state import StateError
from federation.transport import decode_records, encode_records
from node.lookups.answering import answer_lookup
from node.lookups.correspondents import exchange_keys
from node.lookups.handover import calling
from node.lookups.handover.calling import call
from node.lookups.handover.deciding import Place, accept, decline, find_place, read_copy, tell_others
from node.lookups.handover.offering import (
    Wish,
    send_offer,
    sign_with_key,
    sign_with_passkey,
    withdraw_offer,
    write_offer,
)
from node.lookups.handover.shelf import GOOD_FOR, Handover, State, clear, find_come, find_given, list_come, list_given
from node.people import Person
from node.service import Node
from node.setting_up import enter_person
from node.tracking.facts import Attendance, Fact, Plan, Target
from node.tracking.facts import Step as Conversation
from node.tracking.newcomers import list_newcomers
from node.tracking.record import RecordMoved
from node.tracking.store import add_entries, read_record
from node.tracking.visit import begin_visit
from policies.access_policy import MATRIX, AccessDenied
from policies.names import FieldGroup
from tests.node.lookups.test_emergencies import Device, give_passkeys
from tests.node.lookups.test_lookups import PaperRelay, events
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

HOME, OTHER, THIRD = "203", "301", "316"
WHY = "Moved to foster carers across the river"
TERM = "202425-summer"
PLAN = Plan(term=TERM, meeting_date=date(2025, 5, 1), completed_date=None, quality="good", sdq_strategies=None)
TARGET = Target(term=TERM, subject="english", target="6", expected=None)
ATTENDED = Attendance(term=TERM, possible=100, authorised=4, unauthorised=1)
TALK = Conversation(
    topic="ambition", on=date(2025, 5, 2), step="challenged", owner="school", due=date(2025, 5, 9), note="SECRET"
)


@dataclass
class TwoWayRelay(PaperRelay):
    """Carries pages whichever way, and counts them; `lost` are the steps whose answers it loses."""

    sender: str = HOME
    seen: list[tuple[str, str, int]] = field(default_factory=list)
    drops_answer: bool = False

    def deliver(self, node: str, page: str, lookup_id: str | None = None) -> str | None:
        delivery = Delivery(
            delivery_id=1,
            kind=DeliveryKind.LOOKUP,
            lookup_id=lookup_id or self.lookup_id,
            sender=f"node-{self.sender}",
            body=page,
        )
        sealed = answer_lookup(self.federation.node(node.removeprefix("node-")), delivery)
        self.seen.append((self.sender, node.removeprefix("node-"), len(decode_records(page).data)))
        return encode_records(sealed) if sealed is not None else None

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        self.answers = {}
        progress = super().fetch_lookup(lookup_id, wait=wait, done=done)
        return msgspec.structs.replace(progress, answers={}) if self.drops_answer else progress


@pytest.fixture
def parties(federation: SmallFederation) -> SmallFederation:
    """The head of 203, whom the register has; and a record of one of its children."""
    prepare(federation)
    return federation


def prepare(federation: SmallFederation) -> None:
    """Enter the head, and set the record down."""
    enter_person(federation.directory / f"node-{HOME}", "officer", "virtual_school_head", "Head")
    node, child = federation.node(HOME), child_of(federation)
    facts = (PLAN, TARGET, ATTENDED, TALK)
    with node.database.transaction() as connection:
        told = {"by": "officer", "role": "virtual_school_head", "reason": "Agreed at the PEP", "at": node.clock()}
        add_entries(connection, child, 0, facts, **told)  # type: ignore[arg-type]


def child_of(federation: SmallFederation) -> str:
    """A child of 203 with a pupil number, by row token."""
    visit = begin_visit(federation.node(HOME), "vsh", "To find somebody")
    return next(child.token for child in visit.children if child.upn and len(child.upn) == 13)


def head_of(federation: SmallFederation, authority: str = HOME) -> tuple[Node, Person]:
    node = federation.node(authority)
    return node, node.find_person("officer" if authority == HOME else "vsh")


def relay(federation: SmallFederation, sender: str, **more: Any) -> TwoWayRelay:
    return TwoWayRelay(federation, sender=sender, **more)


def write(federation: SmallFederation, occasion: str = "new_home", **changes: Any) -> HandoverOffer:
    node, head = head_of(federation)
    wish = Wish(child_of(federation), OTHER, occasion, WHY)
    return write_offer(node, head, replace(wish, **changes)).offer


def give(federation: SmallFederation, occasion: str = "new_home", **changes: Any) -> HandoverOffer:
    """Write, sign by key file, and send."""
    offer, (node, head) = write(federation, occasion, **changes), head_of(federation)
    sign_with_key(node, head, offer.handover_id, federation.party(f"officer@la-{HOME}"))
    assert send_offer(node, relay(federation, HOME), head, offer.handover_id, patience=1).state is State.RECEIVED
    return offer


def take(federation: SmallFederation, offer: HandoverOffer, number: str = "990009", **more: Any) -> Handover:
    node, head = head_of(federation, OTHER)
    place = find_place(node, offer, number)
    return accept(node, relay(federation, OTHER, **more), head, offer.handover_id, place, patience=1)


def given_state(federation: SmallFederation, offer: HandoverOffer) -> State:
    found = find_given(federation.node(HOME), offer.handover_id)
    assert found is not None
    return found.state


def come_state(federation: SmallFederation, offer: HandoverOffer) -> State:
    found = find_come(federation.node(OTHER), offer.handover_id)
    assert found is not None
    return found.state


def logged(federation: SmallFederation, authority: str) -> list[AuditEvent]:
    found = [event for action in Action if "handover" in action for event in events(federation.node(authority), action)]
    return sorted(found, key=lambda event: event.at)


# --- As it should go -------------------------------------------------------------------------------------------------


def test_a_record_is_offered_collected_and_set_down_as_history(parties: SmallFederation) -> None:
    """Plans, targets and attendance go with their history; the conversation with a school, and names, stay."""
    offer = give(parties)
    assert (come_state(parties, offer), given_state(parties, offer)) == (State.WAITING, State.RECEIVED)
    done = take(parties, offer)
    assert (done.state, given_state(parties, offer)) == (State.ACCEPTED, State.ACCEPTED)
    record = read_record(parties.node(OTHER).database.connection, done.child)
    assert record.all(Plan) == (PLAN,)
    assert record.all(Target) == (TARGET,)
    assert record.all(Attendance) == (ATTENDED,)
    assert not record.all(Conversation)
    assert {(each.told_by, each.by, each.role, each.reason) for each in record.entries} == {
        (HOME, f"authority {HOME}", "virtual_school_head", "Agreed at the PEP")
    }
    visit = begin_visit(parties.node(OTHER), "vsh", "Termly review")
    child = visit.find(done.child)
    assert (child.number, child.upn, child.is_newcomer) == ("990009", offer.child.upn, True)


def test_both_logs_have_the_child_each_by_its_own_token(parties: SmallFederation) -> None:
    offer = give(parties)
    done = take(parties, offer)
    home, other = logged(parties, HOME), logged(parties, OTHER)
    assert [(e.action, e.outcome) for e in home] == [
        (Action.HANDOVER_OFFERED, Outcome.INTENDED),
        (Action.HANDOVER_COLLECTED, Outcome.DONE),
        (Action.HANDOVER_DECIDED, Outcome.DONE),
    ]
    assert [e.action for e in other] == [Action.HANDOVER_RECEIVED, Action.HANDOVER_DECIDED]
    assert {e.reference for e in (*home, *other)} == {offer.handover_id}
    assert {e.subject for e in home} == {parties.node(HOME).party.keys.log_token(child_of(parties))}
    assert other[-1].subject == parties.node(OTHER).party.keys.log_token(done.child)
    assert {e.fields for e in (*home, *other)} == {tuple(sorted(offer.groups))}


def test_a_new_host_reads_a_copy_without_health_and_sets_nothing_down(parties: SmallFederation) -> None:
    offer = give(parties, "new_host")
    assert FieldGroup.HEALTH not in offer.groups
    done = take(parties, offer, number="")
    assert (done.state, done.child) == (State.ACCEPTED, "")
    copy = read_copy(done)
    assert copy is not None
    assert [entry.kind for entry in copy.entries] == ["pep", "target", "attendance"]
    assert copy.file.sdq_score is None
    assert not list_newcomers(parties.node(OTHER))


def test_groups_that_stay_are_left_out(parties: SmallFederation) -> None:
    offer = give(parties, withheld=("plan_pep", "care"))
    copy = read_copy(take(parties, offer))
    assert copy is not None
    assert [entry.kind for entry in copy.entries] == ["attendance"]
    assert copy.file.care_start is None


def test_a_head_signs_by_passkey_too(parties: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device()
    give_passkeys(parties, monkeypatch, {f"officer@la-{HOME}": (device.passkey(),)})
    node, head = head_of(parties)
    written = write_offer(node, head, Wish(child_of(parties), OTHER, "new_home", WHY))
    handover_id = written.offer.handover_id
    with pytest.raises(StateError, match="nothing was sent"):
        sign_with_passkey(node, head, handover_id, device.id, device.answer(b"something else"))
    sign_with_passkey(node, head, handover_id, device.id, device.answer(written.challenge))
    assert send_offer(node, relay(parties, HOME), head, handover_id, patience=1).state is State.RECEIVED


def test_a_decline_is_told_with_its_reason_and_the_pack_is_gone(parties: SmallFederation) -> None:
    offer = give(parties)
    node, head = head_of(parties, OTHER)
    with pytest.raises(StateError, match="not_ours"):
        decline(node, relay(parties, OTHER), head, offer.handover_id, "because", patience=1)
    decline(node, relay(parties, OTHER), head, offer.handover_id, "not_ours", patience=1)
    given = find_given(parties.node(HOME), offer.handover_id)
    assert given is not None
    assert (given.state, given.code, given.pack) == (State.DECLINED, "not_ours", None)
    with pytest.raises(StateError):
        take(parties, offer)


# --- What is there already -------------------------------------------------------------------------------------------


def test_what_was_set_down_here_stands_and_two_packs_lose_nothing(parties: SmallFederation) -> None:
    first = give(parties)
    child = take(parties, first).child
    node, ours = parties.node(OTHER), replace(TARGET, target="7")
    with node.database.transaction() as connection:
        version = read_record(connection, child).version
        add_entries(connection, child, version, [ours], by="vsh", role="head", reason="Higher", at=node.clock())
    home, origin, more = parties.node(HOME), child_of(parties), replace(PLAN, term="202526-autumn")
    parties.clock.move(timedelta(minutes=3))
    with home.database.transaction() as connection:
        version = read_record(connection, origin).version
        facts: list[Fact] = [more, replace(TARGET, target="4")]
        add_entries(connection, origin, version, facts, by="x", role="head", reason="Later", at=home.clock())
    assert take(parties, give(parties)).child == child
    record = read_record(node.database.connection, child)
    assert record.all(Target) == (ours,)
    assert set(record.all(Plan)) == {PLAN, more}
    assert len(record.entries) == 3 + 1 + 2


def test_a_record_that_moved_on_is_not_touched_and_can_be_tried_again(parties: SmallFederation) -> None:
    first = give(parties)
    child = take(parties, first).child
    offer, (node, head) = give(parties), head_of(parties, OTHER)
    place = find_place(node, offer)
    assert place == Place(child, 3)
    with node.database.transaction() as connection:
        add_entries(connection, child, 3, [PLAN], by="vsh", role="head", reason="First", at=node.clock())
    with pytest.raises(RecordMoved):
        accept(node, relay(parties, OTHER), head, offer.handover_id, place, patience=1)
    assert (come_state(parties, offer), given_state(parties, offer)) == (State.WAITING, State.COLLECTED)
    assert take(parties, offer).state is State.ACCEPTED
    assert given_state(parties, offer) is State.ACCEPTED


def test_a_number_that_is_another_childs_is_refused(parties: SmallFederation) -> None:
    offer, known = give(parties), begin_visit(parties.node(OTHER), "vsh", "To find somebody").children[0]
    with pytest.raises(StateError, match="another day"):
        find_place(parties.node(OTHER), offer, str(known.number))


# --- Every way it can go wrong ---------------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(parties: SmallFederation) -> None:
    """To the offer, to the collection, and to what became of it."""
    offer, (node, head) = write(parties), head_of(parties)
    sign_with_key(node, head, offer.handover_id, parties.party(f"officer@la-{HOME}"))
    with pytest.raises(StateError, match="again"):
        send_offer(node, relay(parties, HOME, drops_answer=True), head, offer.handover_id, patience=1)
    assert (come_state(parties, offer), given_state(parties, offer)) == (State.WAITING, State.OFFERED)
    send_offer(node, relay(parties, HOME), head, offer.handover_id, patience=1)
    assert len(list_come(parties.node(OTHER))) == 1
    with pytest.raises(StateError, match="again"):
        take(parties, offer, drops_answer=True)
    assert (come_state(parties, offer), given_state(parties, offer)) == (State.WAITING, State.COLLECTED)
    done = take(parties, offer)
    assert len(read_record(parties.node(OTHER).database.connection, done.child).entries) == 3
    assert [event.action for event in logged(parties, OTHER)] == [Action.HANDOVER_RECEIVED, Action.HANDOVER_DECIDED]


def test_a_word_that_did_not_arrive_is_said_again(parties: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    offer, (node, head) = give(parties), head_of(parties, OTHER)
    real = calling.call

    def silent(*arguments: Any, **more: Any) -> HandoverAnswer:
        if arguments[3] is Step.ACCEPT:
            raise LookupFailed("has not answered in time")
        return real(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr("node.lookups.handover.deciding.call", silent)
        accept(node, relay(parties, OTHER), head, offer.handover_id, find_place(node, offer, "990009"), patience=1)
    assert given_state(parties, offer) is State.COLLECTED
    parties.clock.move(GOOD_FOR + timedelta(days=1))
    for each in (HOME, OTHER):
        clear(parties.node(each))
    hub = relay(parties, OTHER)
    for each in (OTHER, HOME):  # Their sealing keys have been renewed since.
        exchange_keys(parties.node(each), hub)
    assert tell_others(node, hub, patience=1) == 0
    assert given_state(parties, offer) is State.ACCEPTED
    assert tell_others(node, relay(parties, OTHER), patience=1) == 0


def test_an_offer_that_nobody_collects_expires_at_both_ends(parties: SmallFederation) -> None:
    offer = give(parties)
    parties.clock.move(GOOD_FOR)
    with pytest.raises(StateError):
        take(parties, offer)
    clear(parties.node(HOME))
    given = find_given(parties.node(HOME), offer.handover_id)
    assert given is not None
    assert (given.state, given.pack, come_state(parties, offer)) == (State.EXPIRED, None, State.EXPIRED)
    assert [e.details["what"] for e in logged(parties, HOME)][-1] == "expired"


def test_an_offer_is_taken_back_until_it_is_collected(parties: SmallFederation) -> None:
    offer, (node, head) = give(parties), head_of(parties)
    withdraw_offer(node, head, offer.handover_id)
    with pytest.raises(StateError, match="is over"):
        take(parties, offer)
    another = give(parties)
    take(parties, another)
    with pytest.raises(StateError):
        withdraw_offer(node, head, another.handover_id)


def test_only_the_node_that_it_is_for_can_collect(parties: SmallFederation) -> None:
    """Another is told no more than of an offer that never was."""
    offer, third = give(parties), parties.node(THIRD)
    unknown = msgspec.structs.replace(offer, handover_id="P-" + "0" * 32)
    answers = [
        call(
            third,
            relay(parties, THIRD),
            f"node-{HOME}",
            step,
            about,
            1,
            code="not_ours" if step is Step.DECLINE else "",
        )
        for step in (Step.COLLECT, Step.ACCEPT, Step.DECLINE)
        for about in (offer, unknown)
    ]
    assert {(answer.outcome, answer.code, answer.pack) for answer in answers} == {
        (LookupOutcome.REFUSED, "handover_unknown", "")
    }
    assert given_state(parties, offer) is State.RECEIVED


def test_steps_out_of_turn_change_nothing(parties: SmallFederation) -> None:
    """Accepting what was not collected, and anything after the end."""
    offer, node = give(parties), parties.node(OTHER)

    def said(step: Step, code: str = "") -> HandoverAnswer:
        return call(node, relay(parties, OTHER), f"node-{HOME}", step, offer, 1, code=code)

    assert said(Step.ACCEPT).code == "handover_over"
    assert said(Step.DECLINE, "not_ours").outcome is LookupOutcome.ANSWERED
    assert said(Step.DECLINE, "not_ours").outcome is LookupOutcome.ANSWERED
    assert {said(Step.ACCEPT).code, said(Step.COLLECT).code} == {"handover_over"}
    assert given_state(parties, offer) is State.DECLINED


def test_a_policy_that_changed_meanwhile_keeps_the_record_here(parties: SmallFederation) -> None:
    offer = give(parties)
    put_policy(
        parties.directory / f"node-{HOME}",
        MATRIX.read_text().replace("p, virtual_school_head, home, export, health, allow\n", ""),
    )
    with pytest.raises(StateError, match="does not let the record go"):
        take(parties, offer)
    assert given_state(parties, offer) is State.RECEIVED


def test_who_may_offer_and_who_may_take(parties: SmallFederation) -> None:
    for authority in (HOME, OTHER):
        enter_person(parties.directory / f"node-{authority}", "staff", "virtual_school_staff", "Staff")
    node = parties.node(HOME)
    staff = node.find_person("staff")
    with pytest.raises(AccessDenied):
        write_offer(node, staff, Wish(child_of(parties), OTHER, "new_home", WHY))
    enter_person(node.party.directory, "unknown", "virtual_school_head", "Head whom the register does not have")
    with pytest.raises(StateError, match="register"):
        write_offer(node, node.find_person("unknown"), Wish(child_of(parties), OTHER, "new_home", WHY))
    offer, other = give(parties), parties.node(OTHER)
    hub, place = relay(parties, OTHER), find_place(other, offer, "9")
    with pytest.raises(AccessDenied):
        accept(other, hub, staff, offer.handover_id, place, patience=1)
    with pytest.raises(AccessDenied):
        decline(other, hub, staff, offer.handover_id, "not_ours", patience=1)


NOT_OFFERED: list[tuple[dict[str, Any], str]] = [
    ({"authority": "999"}, "no other node"),
    ({"authority": HOME}, "not our own"),
    ({"authority": ""}, "three figures"),
    ({"child": "0" * 32}, "no child in our care"),
    ({"occasion": "other"}, "new_home"),
    ({"purpose": ""}, "say in a line"),
    ({"purpose": "about B801200005001"}, "cannot be logged"),
    ({"withheld": ("identity",)}, "nothing would be"),
    ({"withheld": ("care", "education", "health", "plan", "plan_pep")}, "nothing would be"),
]


def test_what_cannot_be_offered_is_not(parties: SmallFederation) -> None:
    for changes, told in NOT_OFFERED:
        with pytest.raises(StateError, match=told):
            write(parties, **changes)
    assert not list_given(parties.node(HOME))
