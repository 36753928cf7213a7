"""One child's disclosures, gathered from the logs that have them: whole, of nobody else, and for nobody else."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from audit.retention import Periods, delete_due
from federation.disclosures import (
    DISCLOSED_TYPE,
    DISCLOSURES_TYPE,
    MANDATE_TYPE,
    MOST_REFERENCES,
    DisclosuresAnswer,
    DisclosuresRequest,
    Mandate,
    commit_child,
    draft_mandate,
)
from federation.envelope import add_signature, decode_base64, sign_body
from federation.lookups import REQUEST_TYPE, LookupKind
from federation.sealing import SEALED_BYTES
from federation.state import StateError
from federation.transport import encode_records
from federation.wire import encode_document, whole_seconds
from node.disclosures.answering import is_theirs
from node.disclosures.gathering import find_record, list_records, send_gathering, what_is_open
from node.disclosures.mandates import GOOD_FOR, draft_gathering
from node.disclosures.marks import mark_disclosure, read_marks
from node.disclosures.rounds import NOTHING, list_rounds
from node.disclosures.tokens import list_tokens
from node.lookups.answer_pages import pages_of
from node.lookups.asking import open_answer
from node.lookups.correspondents import exchange_keys
from node.lookups.sealed_pages import seal_message
from node.service import Node
from policies.access_policy import MATRIX, AccessDenied
from policies.names import Role
from tests.node.disclosures.gathered import (
    HOME,
    REASON,
    Relay,
    child_hosted_by,
    gather,
    look,
    officer_of,
    sign_by_key,
)
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

HOST, OTHER = "301", "316"
START = datetime(2026, 11, 1, tzinfo=UTC)


def events(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in read_entries(node.database.connection, action=action)]


@pytest.fixture
def child(federation: SmallFederation) -> dict[str, Any]:
    return child_hosted_by(federation, HOST)


# --- What is gathered ------------------------------------------------------------------------------------------------


def test_both_ends_of_every_lookup_are_in_the_record(federation: SmallFederation, child: dict[str, Any]) -> None:
    first, second = look(federation, HOST, child), look(federation, HOST, child, "Before the meeting")
    other = look(federation, HOST, child_hosted_by(federation, HOST, 1))
    relay = Relay(federation)
    record = gather(federation, relay, child["upn"], child["la_child_id"])
    assert [(each.log, each.reference, each.action) for each in record.disclosures] == [
        (HOME, first, "lookup.answered"),
        (HOST, first, "lookup.received"),
        (HOME, second, "lookup.answered"),
        (HOST, second, "lookup.received"),
    ]
    assert other not in str([each.reference for each in record.disclosures])
    theirs = record.disclosures[1]
    assert (theirs.actor, theirs.purpose, theirs.relationship) == (
        "vsh (virtual_school_head)",
        "Planning a review",
        "host",
    )
    assert theirs.fields == record.disclosures[0].fields != ()
    assert (record.unheard, record.reason, record.made_by) == ((), REASON, "ig")
    assert set(relay.requests) == {f"node-{HOST}"}
    text = encode_document(record).decode()
    assert child["upn"] not in text
    assert child["la_child_id"] not in text


def test_a_record_is_as_whole_by_one_number_however_it_is_typed(
    federation: SmallFederation, child: dict[str, Any]
) -> None:
    """Whoever asks may know the pupil number alone, and write it small and in groups."""
    look(federation, HOST, child)
    whole = gather(federation, Relay(federation), child["la_child_id"], child["upn"])
    assert whole.disclosures
    upn = child["upn"]
    for typed in (upn, f"{upn[:4].lower()} {upn[4:8]} {upn[8:]}", child["la_child_id"]):
        record = gather(federation, Relay(federation), typed)
        assert record.disclosures == whole.disclosures, typed
        assert record.unheard == whole.unheard


def test_numbers_of_two_children_are_no_record(federation: SmallFederation, child: dict[str, Any]) -> None:
    """One figure wrong, and a family would be told who looked at another child."""
    node, officer = officer_of(federation)
    other = child_hosted_by(federation, HOST, nth=1)
    with pytest.raises(StateError, match="more than one child"):
        draft_gathering(node, officer, [child["la_child_id"], other["upn"]], REASON)


def test_both_ends_log_it_and_the_hub_sees_a_page_like_any(federation: SmallFederation, child: dict[str, Any]) -> None:
    look(federation, HOST, child)
    relay = Relay(federation)
    record = gather(federation, relay, child["upn"], child["la_child_id"])
    done, begun = events(federation.node(HOME), Action.SUBJECT_GATHERED)
    assert (begun.outcome, begun.subject) == (Outcome.INTENDED, "")
    assert (done.reference, done.actor, done.purpose) == (record.record_id, "ig (ig_officer)", REASON)
    (told,) = events(federation.node(HOST), Action.SUBJECT_TOLD)
    assert (told.actor, told.acting_for, told.purpose) == ("ig (ig_officer)", HOME, REASON)
    assert dict(told.details) == {"references": 1, "told": 1}
    assert child["upn"] not in str(told)
    assert {len(decode_base64(page)) for page in relay.requests.values()} == {SEALED_BYTES}
    node = federation.node(HOST)
    pages = pages_of(node.store.current(), node.authority)
    assert {len(decode_base64(page)) for page in relay.answers.values()} == {pages * SEALED_BYTES}


def test_many_lookups_are_asked_about_in_rounds(federation: SmallFederation, child: dict[str, Any]) -> None:
    for _ in range(MOST_REFERENCES + 2):
        federation.clock.move(timedelta(seconds=1))
        look(federation, HOST, child)
    record = gather(federation, Relay(federation), child["la_child_id"], child["upn"])
    assert len(record.disclosures) == 2 * (MOST_REFERENCES + 2)
    assert len({each.reference for each in record.disclosures}) == MOST_REFERENCES + 2


def test_rounds_ask_each_authority_about_every_lookup_once() -> None:
    shared = {"301": [f"L-{n}" for n in range(23)], "316": ["L-x"]}
    rounds = list(list_rounds(shared))
    assert [set(each) for each in rounds] == [{"301", "316"}, {"301"}, {"301"}]
    assert [name for each in rounds for name in each["301"]] == shared["301"]


def test_who_is_silent_refuses_or_knows_nothing_is_named(federation: SmallFederation, child: dict[str, Any]) -> None:
    look(federation, HOST, child)
    away = Relay(federation, silent=frozenset({f"node-{HOST}"}))
    silent = gather(federation, away, child["upn"], child["la_child_id"])
    assert [(each.authority, each.reason, each.lookups) for each in silent.unheard] == [
        (HOST, "has not answered in time", 1)
    ]
    assert {each.log for each in silent.disclosures} == {HOME}
    own = federation.node(HOST)
    with own.database.transaction() as connection:
        later = own.clock() + timedelta(days=366 * 26)
        delete_due(connection, own.database.log, Periods(), actor="ig", now=later)
    (gone,) = gather(federation, Relay(federation), child["upn"], child["la_child_id"]).unheard
    assert (gone.authority, gone.reason, gone.lookups) == (HOST, NOTHING, 1)
    put_policy(own.party.directory, MATRIX.read_text().replace("p, ig_officer, home, audit, audit_log, allow\n", ""))
    (refused,) = gather(federation, Relay(federation), child["upn"], child["la_child_id"]).unheard
    assert refused.reason.startswith("refused (policy_denied)")


def test_a_child_whom_nobody_looked_at_has_an_empty_record(federation: SmallFederation, child: dict[str, Any]) -> None:
    relay = Relay(federation)
    record = gather(federation, relay, child["la_child_id"])
    assert (record.disclosures, record.unheard, relay.requests) == ((), (), {})


def test_a_number_that_is_nobodys_makes_no_record(federation: SmallFederation, child: dict[str, Any]) -> None:
    """Typed wrong, it would make an empty one, which says that nobody saw anything of the child."""
    with pytest.raises(StateError, match="neither our snapshot nor our log has a child by these numbers"):
        gather(federation, Relay(federation), f"{child['la_child_id']}9")


# --- For whom --------------------------------------------------------------------------------------------------------


def test_nobody_else_gathers(federation: SmallFederation, child: dict[str, Any]) -> None:
    for role in sorted(set(Role) - {Role.IG_OFFICER, Role.DESIGNATED_TEACHER}):
        node, person = officer_of(federation, "somebody", role)
        with pytest.raises(AccessDenied):
            draft_gathering(node, person, [child["upn"]], REASON)


def forge(
    federation: SmallFederation,
    child: dict[str, Any],
    reference: str,
    *,
    signer: str = "ig@la-203",
    change: Callable[[Mandate], Mandate] = lambda mandate: mandate,
    **request: Any,
) -> str:
    """Ask node 301 as home's software could have made it do, and return the code of the answer."""
    node, other = federation.node(HOME), federation.node(HOST)
    salt, numbers = "0" * 64, (child["upn"], child["la_child_id"])
    mandate = Mandate(
        authority=HOME,
        person="ig",
        reason=REASON,
        made_at=whole_seconds(node.clock()),
        child=commit_child(numbers, salt),
        receivers=(other.party.member_id,),
    )
    drafted = draft_mandate(change(mandate))
    signed = add_signature(drafted, sign_body(drafted.body, MANDATE_TYPE, federation.party(signer).keys))
    asked = DisclosuresRequest(
        lookup_id="L-" + "9" * 32,
        sender=node.party.member_id,
        receiver=other.party.member_id,
        authority=HOME,
        person="ig",
        role="ig_officer",
        purpose=REASON,
        asked_at=whole_seconds(node.clock()),
        numbers=numbers,
        salt=salt,
        references=(reference,),
        mandate=signed,
    )
    return ask_301(federation, msgspec.structs.replace(asked, **request))


def ask_301(federation: SmallFederation, request: DisclosuresRequest) -> str:
    node, relay = federation.node(HOME), Relay(federation)
    other = node.register().find(f"node-{HOST}", node.clock())
    exchange_keys(federation.node(HOST), relay)
    exchange_keys(node, relay)
    page = encode_records(seal_message(node, request, DISCLOSURES_TYPE, other))
    sealed = relay.deliver(other.id, page, request.lookup_id)
    answer = open_answer(node, request.lookup_id, other, sealed, DisclosuresAnswer, DISCLOSED_TYPE)
    assert (answer.code == "") == bool(answer.entries)
    return answer.code


def replaced(**members: Any) -> Callable[[Mandate], Mandate]:
    return lambda mandate: msgspec.structs.replace(mandate, **members)


FORGERIES: dict[str, dict[str, Any]] = {
    "signed by an approver of home who is not the person": {"signer": "officer@la-203"},
    "signed by somebody elsewhere": {"signer": "rae@la-316"},
    "in the name of nobody known": {"person": "nobody"},
    "for another reason": {"purpose": "Curiosity"},
    "for another child": {"numbers": ("A800000000012",)},
    "with another salt": {"salt": "1" * 64},
    "for other nodes": {"change": replaced(receivers=("node-316",))},
    "for another authority": {"change": replaced(authority="316")},
    "in another person's name": {"change": replaced(person="vsh")},
    "from yesterday": {"change": lambda each: msgspec.structs.replace(each, made_at=each.made_at - timedelta(days=1))},
    "from tomorrow": {"change": lambda each: msgspec.structs.replace(each, made_at=each.made_at + timedelta(days=1))},
}


def test_a_mandate_that_does_not_hold_is_refused_and_logged(federation: SmallFederation, child: dict[str, Any]) -> None:
    reference = look(federation, HOST, child)
    for number, (what, forgery) in enumerate(FORGERIES.items()):
        asked = {"lookup_id": f"L-{number:032x}", **forgery}
        assert forge(federation, child, reference, **asked) == "mandate_refused", what
    refused = events(federation.node(HOST), Action.SUBJECT_TOLD)
    assert [(each.outcome, each.details["code"]) for each in refused] == [(Outcome.REFUSED, "mandate_refused")] * len(
        FORGERIES
    )
    assert forge(federation, child, reference) == ""


def test_what_else_is_refused(federation: SmallFederation, child: dict[str, Any]) -> None:
    reference = look(federation, HOST, child)
    changes: dict[str, dict[str, Any]] = {
        "policy_denied": {"role": "virtual_school_head"},
        "not_your_authority": {"authority": "316"},
        "not_loggable": {"purpose": "about A800000000012"},
    }
    for code, change in changes.items():
        assert forge(federation, child, reference, **change) == code


def test_a_request_is_taken_in_once(federation: SmallFederation, child: dict[str, Any]) -> None:
    reference = look(federation, HOST, child)
    assert forge(federation, child, reference) == ""
    assert forge(federation, child, reference) == "replayed"


def test_a_host_learns_nothing_of_another_authoritys_child(federation: SmallFederation, child: dict[str, Any]) -> None:
    """301 read a child of 203. It cannot have 203 tell it who else did, by calling the child its own."""
    reference = look(federation, HOST, child)
    home = federation.node(HOME)
    (answered,) = events(home, Action.LOOKUP_ANSWERED)
    assert answered.reference == reference
    assert not is_theirs(answered, HOST)
    (received,) = [event for event in events(federation.node(HOST), Action.LOOKUP_RECEIVED) if event.subject]
    assert is_theirs(received, HOME)
    assert not is_theirs(received, OTHER)


def test_of_every_action_only_what_home_told_or_asked_is_theirs() -> None:
    """A new action tells nobody anything until somebody has thought about it."""
    for action in Action:
        told, asked = (
            AuditEvent(
                at=START, actor="x", action=action, acting_for=HOME, relationship=relation, details={"home": HOME}
            )
            for relation in ("host", "home")
        )
        assert is_theirs(told, HOME) == (action is Action.LOOKUP_RECEIVED), action
        offered = AuditEvent(at=START, actor="x", action=action, subject="a" * 32, details={"other": HOME})
        assert is_theirs(offered, HOME) == (action in (Action.HANDOVER_RECEIVED, Action.HANDOVER_DECIDED)), action
        assert not is_theirs(offered, OTHER), action
        assert is_theirs(asked, HOME) == (action in (Action.LOOKUP_ANSWERED, Action.CLAIM_ANSWERED)), action


def test_a_draft_is_sent_once_by_its_officer_in_time(federation: SmallFederation, child: dict[str, Any]) -> None:
    node, officer = officer_of(federation)
    draft = draft_gathering(node, officer, [child["la_child_id"]], REASON)
    wrong = sign_by_key(federation, draft, "officer@la-203")
    with pytest.raises(StateError, match="nothing was sent"):
        send_gathering(node, Relay(federation), officer, draft.draft_id, wrong, patience=1)
    draft = draft_gathering(node, officer, [child["la_child_id"]], REASON)
    signature = sign_by_key(federation, draft)
    send_gathering(node, Relay(federation), officer, draft.draft_id, signature, patience=1)
    with pytest.raises(StateError, match="begin again"):
        send_gathering(node, Relay(federation), officer, draft.draft_id, signature, patience=1)
    late = draft_gathering(node, officer, [child["la_child_id"]], REASON)
    federation.clock.move(GOOD_FOR)
    with pytest.raises(StateError, match="begin again"):
        send_gathering(node, Relay(federation), officer, late.draft_id, sign_by_key(federation, late), patience=1)


def test_what_cannot_be_gathered_is_said(federation: SmallFederation) -> None:
    node, officer = officer_of(federation)
    wrong = [
        ([], REASON),
        (["  "], REASON),
        (["7"], " "),
        (["7"], "of A800000000012"),
        (["7" * 41], REASON),
        (["7"], "a\nb"),
    ]
    for numbers, reason in wrong:
        with pytest.raises(StateError):
            draft_gathering(node, officer, numbers, reason)


# --- What is held back -----------------------------------------------------------------------------------------------


def test_what_was_marked_at_either_end_is_held_back_until_reviewed(
    federation: SmallFederation, child: dict[str, Any]
) -> None:
    first, second = look(federation, HOST, child), look(federation, HOST, child)
    mark_disclosure(federation.node(HOST), officer_of(federation)[1], first, "sealed", reason="a safeguarding inquiry")
    record = gather(federation, Relay(federation), child["upn"], child["la_child_id"])
    node, officer = officer_of(federation)
    given, held = what_is_open(node, record)
    assert {each.reference for each in held} == {first}
    assert {each.log for each in held} == {HOME, HOST}
    assert {each.reference for each in given} == {second}
    tomorrow = node.clock().date() + timedelta(days=1)
    mark_disclosure(node, officer, first, "delayed", reason="until the hearing", until=tomorrow)
    assert {each.reference for each in what_is_open(node, record)[1]} == {first}
    federation.clock.move(timedelta(days=1))
    assert what_is_open(node, record)[1] == ()
    mark_disclosure(node, officer, second, "sealed", reason="told us today")
    assert {each.reference for each in what_is_open(node, record)[1]} == {second}
    mark_disclosure(node, officer, second, "open", reason="reviewed")
    assert what_is_open(node, record)[1] == ()


def test_emergency_access_is_held_back_by_itself(federation: SmallFederation, child: dict[str, Any]) -> None:
    node, officer = officer_of(federation)
    subject = list_tokens(node, [child["la_child_id"]])[0]
    node.record(
        node.event(
            Action.LOOKUP_ANSWERED,
            "vsh (virtual_school_head)",
            "L-" + "e" * 32,
            acting_for="999",
            subject=subject,
            relationship="emergency",
        )
    )
    record = gather(federation, Relay(federation), child["la_child_id"])
    given, held = what_is_open(node, record)
    assert (len(given), len(held)) == (0, 1)
    assert record.unheard[0].reason == "no node serves this authority now"
    mark_disclosure(node, officer, "L-" + "e" * 32, "open", reason="reviewed: nobody is at risk")
    assert len(what_is_open(node, record)[0]) == 1


def test_a_mark_has_its_form(federation: SmallFederation) -> None:
    node, officer = officer_of(federation)
    wrong: list[tuple[str, str, str, date | None]] = [
        ("L-1", "hidden", "x", None),
        ("L-1", "delayed", "x", None),
        ("L-1", "sealed", "x", date(2027, 1, 1)),
        (" ", "sealed", "x", None),
        ("L-1", "sealed", " ", None),
        ("L-1", "sealed", "about A800000000012", None),
    ]
    for name, standing, reason, until in wrong:
        with pytest.raises(StateError):
            mark_disclosure(node, officer, name, standing, reason=reason, until=until)
    assert read_marks(node.database.connection) == {}


def test_records_are_kept_for_three_months(federation: SmallFederation, child: dict[str, Any]) -> None:
    node, _ = officer_of(federation)
    record = gather(federation, Relay(federation), child["la_child_id"])
    assert list_records(node) == (record,)
    assert find_record(node, record.record_id) == record
    federation.clock.move(timedelta(days=93))
    with pytest.raises(StateError, match="gather it again"):
        find_record(node, record.record_id)


def test_a_request_as_a_lookup_is_none(federation: SmallFederation) -> None:
    """What one message is signed as, another is not: the types differ."""
    assert len({DISCLOSURES_TYPE, MANDATE_TYPE, REQUEST_TYPE}) == 3
    assert "disclosures" not in set(LookupKind)
