"""Emergency access: by the person's own passkey over the exact bytes, for one child, and in both officers' notices."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.event import Action, Outcome
from federation.approvals import challenge_of
from federation.emergencies import EMERGENCY_TYPE, draft_envelope, sign_emergency, verify_person
from federation.envelope import EnvelopeError, add_signature, sign_body, write_envelope
from federation.lookups import (
    ANSWER_TYPE,
    ChildSought,
    LookupAnswer,
    LookupKind,
    LookupOutcome,
    LookupRequest,
    sign_message,
)
from federation.passkeys import Passkey
from federation.register import public_text
from federation.state import StateError
from federation.transport import encode_records
from federation.webauthn import Assertion, Flags, encode_base64url
from federation.wire import encode_document, whole_seconds
from node.lookups.asking import list_others, open_answer
from node.lookups.emergency_asking import Draft, draft_emergency, send_emergency
from node.lookups.errand import LookupResult
from node.lookups.notices import NoticeKind, list_notices, review_notice
from node.lookups.sealed_pages import seal_signed
from node.people import Person
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import AccessDenied
from tests.node.lookups.test_lookups import ASKER, PaperRelay, events
from tests.node.lookups.test_matrix_at_the_asked_node import ask_forged
from tests.node.lookups.test_one_child import HOME, child_elsewhere
from tests.small_federation import SmallFederation

REASON = "Found alone at night and hurt"
ORIGIN, DOMAIN, PLACE = "http://localhost:8401", "localhost", "localhost:8401"
HEAD_OF_KEY = bytes.fromhex("a4010103272006215820")


@dataclass
class Device:
    """A passkey in software."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: bytes = b"sixteen bytes ok"
    flags: Flags = Flags.USER_PRESENT | Flags.USER_VERIFIED

    def passkey(self) -> Passkey:
        public = HEAD_OF_KEY + self.key.public_key().public_bytes_raw()
        return Passkey(relying_party=PLACE, credential=public_text(self.id), public_key=public_text(public))

    def answer(self, challenge: bytes, origin: str = ORIGIN, domain: str = DOMAIN) -> Assertion:
        said = {
            "type": "webauthn.get",
            "challenge": encode_base64url(challenge),
            "origin": origin,
            "crossOrigin": False,
        }
        client_data = json.dumps(said).encode()
        data = sha256(domain.encode()).digest() + bytes([self.flags]) + (1).to_bytes(4)
        return Assertion(client_data, data, self.key.sign(data + sha256(client_data).digest()))


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def urgent(federation: SmallFederation, device: Device, monkeypatch: pytest.MonkeyPatch) -> SmallFederation:
    """The asking authority's head is the register's `officer@la-203`, who has the passkey of a device."""
    enter_person(federation.directory / f"node-{ASKER}", "officer", "virtual_school_head", "Head")
    give_passkeys(federation, monkeypatch, {f"officer@la-{ASKER}": (device.passkey(),)})
    return federation


def give_passkeys(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch, passkeys: dict[str, tuple[Passkey, ...]]
) -> None:
    """Have the register name these passkeys, as it would after an enrolment."""
    register = federation.register
    members = tuple(
        msgspec.structs.replace(member, passkeys=passkeys.get(member.id, member.passkeys))
        for member in register.members
    )
    known = msgspec.structs.replace(register, members=members)
    monkeypatch.setattr(Node, "register", lambda _: known)


def asker_of(federation: SmallFederation, person: str = "officer") -> tuple[Node, Person]:
    node = federation.node(ASKER)
    return node, node.find_person(person)


def sought_of(federation: SmallFederation) -> ChildSought:
    """A child of the home authority who is nothing to the asker: educated elsewhere, and named to nobody."""
    child = child_elsewhere(federation)
    return ChildSought(upn=child["upn"], date_of_birth=child["dob"])


def draft(federation: SmallFederation, sought: ChildSought | None = None, person: str = "officer") -> Draft:
    node, asker = asker_of(federation, person)
    return draft_emergency(node, asker, REASON, sought or sought_of(federation), HOME)


def send(
    federation: SmallFederation,
    written: Draft,
    device: Device,
    relay: PaperRelay | None = None,
    answer: Assertion | None = None,
    person: str = "officer",
) -> LookupResult:
    node, asker = asker_of(federation, person)
    signed = answer or device.answer(written.challenge)
    hub = relay or PaperRelay(federation)
    return send_emergency(node, hub, asker, written.draft_id, device.id, signed, patience=1)


def kinds_of(node: Node) -> list[NoticeKind]:
    return [notice.kind for notice in list_notices(node)]


# --- As it should go -------------------------------------------------------------------------------------------------


def test_one_child_is_read_and_both_officers_have_notice_at_once(urgent: SmallFederation, device: Device) -> None:
    sought, relay = sought_of(urgent), PaperRelay(urgent)
    (answer,) = send(urgent, draft(urgent), device, relay).answers
    assert set(relay.requests) == {f"node-{HOME}"}
    (file,) = answer.files
    assert (file.upn, file.sdq_score, file.pep_on_time) == (sought.upn, None, None)
    assert file.legal_status is not None
    asking, asked = urgent.node(ASKER), urgent.node(HOME)
    assert kinds_of(asking) == [NoticeKind.EMERGENCY_BY_US]
    assert kinds_of(asked) == [NoticeKind.EMERGENCY_HERE]
    seen = [event for event in events(asking, Action.LOOKUP_RECEIVED) if event.subject]
    told = [event for event in events(asked, Action.LOOKUP_ANSWERED) if event.subject]
    assert [event.relationship for event in seen + told] == ["emergency", "emergency"]
    assert {event.purpose for event in seen + told} == {REASON}
    assert {event.reference for event in seen + told} == {list_notices(asked)[0].reference}


def test_each_officer_reviews_it_afterwards(urgent: SmallFederation, device: Device) -> None:
    send(urgent, draft(urgent), device)
    enter_person(urgent.directory / f"node-{HOME}", "ig", "ig_officer", "Officer")
    node = urgent.node(HOME)
    (notice,) = list_notices(node)
    review_notice(node, node.find_person("ig"), notice.notice_id, "taken_further", "Told the council")
    assert list_notices(node)[0].outcome == "taken_further"


def test_a_child_whom_nobody_knows_is_an_emergency_all_the_same(urgent: SmallFederation, device: Device) -> None:
    nobody = ChildSought(upn="A823456789012", date_of_birth=date(2012, 1, 1))
    (answer,) = send(urgent, draft(urgent, nobody), device).answers
    assert (answer.outcome, answer.files) == (LookupOutcome.ANSWERED, ())
    assert kinds_of(urgent.node(HOME)) == [NoticeKind.EMERGENCY_HERE]


# --- At the asking end -----------------------------------------------------------------------------------------------


def test_a_request_is_sent_once_soon_and_by_whoever_wrote_it(urgent: SmallFederation, device: Device) -> None:
    enter_person(urgent.directory / f"node-{ASKER}", "deputy", "virtual_school_head", "Deputy")
    written = draft(urgent)
    with pytest.raises(StateError):
        send(urgent, written, device, person="deputy")
    assert send(urgent, written, device).answers
    with pytest.raises(StateError, match="write it again"):
        send(urgent, written, device)
    late = draft(urgent)
    urgent.clock.move(timedelta(minutes=6))
    with pytest.raises(StateError, match="write it again"):
        send(urgent, late, device)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda device, challenge: Device().answer(challenge),
        lambda device, challenge: device.answer(bytes(32)),
        lambda device, challenge: device.answer(challenge, origin="https://elsewhere.example"),
        lambda device, challenge: device.answer(challenge, domain="elsewhere.example"),
        lambda device, challenge: replace(device, flags=Flags.USER_PRESENT).answer(challenge),
    ],
    ids=["another key", "another request", "another page", "another domain", "nobody verified"],
)
def test_what_the_passkey_did_not_sign_is_not_sent(
    urgent: SmallFederation, device: Device, spoil: Callable[[Device, bytes], Assertion]
) -> None:
    written, relay = draft(urgent), PaperRelay(urgent)
    with pytest.raises(StateError, match="nothing was sent"):
        send(urgent, written, device, relay, spoil(device, written.challenge))
    assert relay.requests == {}


@pytest.mark.parametrize(
    "sought", [ChildSought(upn="A823456789012"), ChildSought(la_child_id="7")], ids=["no date", "no number"]
)
def test_a_child_who_is_not_exactly_identified_is_not_asked_after(urgent: SmallFederation, sought: ChildSought) -> None:
    with pytest.raises(StateError):
        draft(urgent, sought)


def test_whoever_is_not_in_the_register_or_not_a_head_asks_nothing(urgent: SmallFederation) -> None:
    with pytest.raises(StateError, match="register"):
        draft(urgent, person="vsh")
    enter_person(urgent.directory / f"node-{ASKER}", "officer", "virtual_school_staff", "Staff")
    with pytest.raises(AccessDenied):
        draft(urgent)
    assert events(urgent.node(ASKER), Action.LOOKUP_ASKED)[0].outcome is Outcome.REFUSED


def test_few_are_sent_in_a_day_and_the_officer_sees_the_one_too_many(urgent: SmallFederation, device: Device) -> None:
    urgent.change_rule(ASKER, "most_emergencies_a_day = 3", "most_emergencies_a_day = 1")
    assert send(urgent, draft(urgent), device).answers
    relay = PaperRelay(urgent)
    with pytest.raises(StateError, match="nothing was sent"):
        send(urgent, draft(urgent), device, relay)
    assert relay.requests == {}
    assert kinds_of(urgent.node(ASKER)) == [NoticeKind.EMERGENCY_BY_US] * 2


# --- At the asked node, whatever the asking node's software does -----------------------------------------------------


def written_by(federation: SmallFederation, **changes: Any) -> LookupRequest:
    request = LookupRequest(
        lookup_id="L-" + "7" * 32,
        kind=LookupKind.EMERGENCY,
        sender=f"node-{ASKER}",
        receiver=f"node-{HOME}",
        authority=ASKER,
        person="officer",
        role="virtual_school_head",
        purpose=REASON,
        asked_at=whole_seconds(federation.clock()),
        sought=sought_of(federation),
    )
    return msgspec.structs.replace(request, **changes)


def ask_anyhow(federation: SmallFederation, written: LookupRequest, signed: bytes) -> LookupAnswer:
    """Send an emergency that our own software would not, and open what comes back."""
    node = federation.node(ASKER)
    (other,) = [each for each in list_others(node) if each.id == f"node-{HOME}"]
    sealed = seal_signed(node, signed, written.lookup_id, other)
    back = PaperRelay(federation).deliver(other.id, encode_records(sealed), written.lookup_id)
    return open_answer(node, written.lookup_id, other, back, LookupAnswer, ANSWER_TYPE)


def sign_anyhow(
    federation: SmallFederation,
    written: LookupRequest,
    device: Device,
    member: str = f"officer@la-{ASKER}",
    credential: bytes = b"",
    answer: Assertion | None = None,
) -> bytes:
    draft = draft_envelope(written)
    answer = answer or device.answer(challenge_of(draft))
    keys = federation.node(ASKER).party.keys
    return sign_emergency(draft, member, credential or device.id, answer, keys)


def sign_by_key_file(federation: SmallFederation, written: LookupRequest) -> bytes:
    """The person's key file in the place of their passkey."""
    by_file = sign_body(encode_document(written), EMERGENCY_TYPE, federation.party(f"officer@la-{ASKER}").keys)
    by_node = sign_body(encode_document(written), EMERGENCY_TYPE, federation.node(ASKER).party.keys)
    return write_envelope(add_signature(add_signature(draft_envelope(written), by_file), by_node))


def other_answer(federation: SmallFederation, device: Device) -> Assertion:
    """The passkey's answer to another request: another reason."""
    return device.answer(challenge_of(draft_envelope(written_by(federation, purpose="Just looking"))))


Forge = Callable[[SmallFederation, LookupRequest, Device], bytes]
FORGED: dict[str, Forge] = {
    "another request's answer": lambda f, w, d: sign_anyhow(f, w, d, answer=other_answer(f, d)),
    "another device": lambda f, w, d: sign_anyhow(f, w, Device()),
    "another page's origin": lambda f, w, d: sign_anyhow(
        f, w, d, answer=d.answer(challenge_of(draft_envelope(w)), origin="https://elsewhere.example")
    ),
    "another member": lambda f, w, d: sign_anyhow(f, w, d, member=f"deputy@la-{ASKER}"),
    "a member of another organisation": lambda f, w, d: sign_anyhow(f, w, d, member="officer@dfe"),
    "nobody": lambda f, w, d: sign_anyhow(f, w, d, member="nobody"),
    "an unknown passkey": lambda f, w, d: sign_anyhow(f, w, d, credential=b"another passkey!"),
    "a key file": lambda f, w, d: sign_by_key_file(f, w),
    "nobody verified": lambda f, w, d: sign_anyhow(f, w, replace(d, flags=Flags.USER_PRESENT)),
    "the node alone": lambda f, w, d: sign_message(w, EMERGENCY_TYPE, f.node(ASKER).party.keys),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_emergency_is_refused_and_our_officer_has_notice(
    urgent: SmallFederation, device: Device, case: str
) -> None:
    written = written_by(urgent)
    answer = ask_anyhow(urgent, written, FORGED[case](urgent, written, device))
    assert (answer.outcome, answer.code, answer.files) == (LookupOutcome.REFUSED, "passkey_refused", ())
    assert kinds_of(urgent.node(HOME)) == [NoticeKind.EMERGENCY_HERE]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"person": "deputy"}, "passkey_refused"),
        ({"role": "virtual_school_staff"}, "policy_denied"),
        ({"role": "social_worker"}, "policy_denied"),
        ({"authority": "316"}, "not_your_authority"),
        ({"sought": ChildSought(upn="A823456789012")}, "identifiers_missing"),
    ],
    ids=str,
)
def test_one_who_may_not_ask_so_is_refused_though_the_passkey_is_theirs(
    urgent: SmallFederation, device: Device, change: dict[str, Any], code: str
) -> None:
    written = written_by(urgent, **change)
    answer = ask_anyhow(urgent, written, sign_anyhow(urgent, written, device))
    assert (answer.outcome, answer.code, answer.files) == (LookupOutcome.REFUSED, code, ())


def test_an_emergency_without_a_passkey_is_refused(urgent: SmallFederation) -> None:
    """It comes as any other lookup does, well signed by a node: that is not enough."""
    answer = ask_forged(urgent, 7, LookupKind.EMERGENCY, person="officer", sought=sought_of(urgent))
    assert (answer.code, answer.files) == ("passkey_missing", ())


def test_another_kind_of_lookup_does_not_come_as_an_emergency(urgent: SmallFederation, device: Device) -> None:
    written = written_by(urgent, kind=LookupKind.ONE_CHILD)
    assert ask_anyhow(urgent, written, sign_anyhow(urgent, written, device)).code == "unreadable"


def test_few_are_answered_in_a_day(urgent: SmallFederation, device: Device) -> None:
    urgent.change_rule(HOME, "most_emergencies_a_day = 3", "most_emergencies_a_day = 1")
    codes = [answer.code for _ in range(2) for answer in send(urgent, draft(urgent), device).answers]
    assert codes == ["", "too_many_emergencies"]


def test_an_authority_may_bar_or_hold_them(urgent: SmallFederation, device: Device) -> None:
    urgent.change_rule(HOME, 'one_child = "answer"', 'emergency = "hold"')
    assert send(urgent, draft(urgent), device).answers[0].outcome is LookupOutcome.HELD
    urgent.change_rule(HOME, "emergencies = true", "emergencies = false")
    assert send(urgent, draft(urgent), device).answers[0].code == "emergencies_barred"


def test_the_passkey_is_that_of_an_approver_of_the_asking_organisation(urgent: SmallFederation, device: Device) -> None:
    """As `verify_person` sees it: right for the person and their node, wrong for anybody else's."""
    register = urgent.node(ASKER).register()
    signed = sign_anyhow(urgent, written_by(urgent), device)
    signer, sender = (register.find(name, urgent.clock()) for name in (f"officer@la-{ASKER}", f"node-{ASKER}"))
    verify_person(signed, "officer", signer, sender)
    elsewhere = register.find("node-316", urgent.clock())
    for person, wrong, node in (("officer", signer, elsewhere), ("officer", sender, sender), ("vsh", signer, sender)):
        with pytest.raises(EnvelopeError):
            verify_person(signed, person, wrong, node)
