"""One child: over one's own records or at one other node, never fanned out, logged even where nobody is found."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import duckdb
import msgspec
import pytest

from audit.event import Action, Outcome
from federation.envelope import decode_base64
from federation.lookups import ChildFile, ChildSought, LookupAnswer, LookupOutcome, LookupRequest
from federation.sealing import SEALED_BYTES
from federation.state import StateError
from node.lookups import answering
from node.lookups.answer_pages import pages_of
from node.lookups.errand import LookupResult
from node.lookups.holding import decide, list_held
from node.lookups.notices import NoticeKind, list_notices, review_notice
from node.lookups.one_child import ask_one_child, find_own_child
from node.lookups.own_children import FIELDS, list_own_children
from node.lookups.purpose import PurposeMissing
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import MATRIX, AccessDenied
from tests.node.lookups.test_lookups import ASKER, PURPOSE, PaperRelay, events
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

HOME = "301"
Row = dict[str, Any]


def rows_of(node: Node, table: str, where: str) -> list[Row]:
    """Read the vault without any of our code."""
    snapshot = node.store.current()
    assert snapshot is not None
    found = duckdb.sql(f"SELECT * FROM read_parquet('{snapshot.identified[table]}') WHERE {where}")
    assert found is not None
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


IN_CARE = "care_start IS NOT NULL AND care_end IS NULL AND academic_year = 202425"


def child_placed_here(federation: SmallFederation) -> Row:
    """A child of 301, with a pupil number, who is educated in 203."""
    where = f"host_authority = '{ASKER}' AND {IN_CARE} AND length(upn) = 13"
    return rows_of(federation.node(HOME), "children", where)[0]


def child_elsewhere(federation: SmallFederation) -> Row:
    where = f"host_authority <> '{ASKER}' AND {IN_CARE} AND length(upn) = 13"
    return rows_of(federation.node(HOME), "children", where)[0]


def child_on_their_roll(federation: SmallFederation) -> Row:
    """A pupil at a school of 301 who is not in its care: as far as it knows, it may be the child of whoever asks."""
    theirs = federation.node(HOME)
    in_care = {row["upn"] for row in rows_of(theirs, "children", IN_CARE)}
    pupils = rows_of(theirs, "pupils", "academic_year = 202425 AND length(upn) = 13")
    return next(pupil for pupil in pupils if pupil["upn"] not in in_care)


def ask(
    federation: SmallFederation, relay: PaperRelay, sought: ChildSought, whose: str = "theirs", person: str = "vsh"
) -> LookupResult:
    node = federation.node(ASKER)
    asker = node.find_person(person)
    return ask_one_child(node, relay, asker, PURPOSE, sought, whose=whose, at=HOME, patience=1)


# --- At one addressed node -------------------------------------------------------------------------------------------


def test_a_child_of_theirs_educated_here_is_found_and_nobody_else_is_asked(federation: SmallFederation) -> None:
    child, relay = child_placed_here(federation), PaperRelay(federation)
    (answer,) = ask(federation, relay, ChildSought(upn=child["upn"])).answers
    assert set(relay.requests) == {f"node-{HOME}"}
    (file,) = answer.files
    assert (file.la_child_id, file.date_of_birth) == (child["la_child_id"], child["dob"].isoformat())
    assert file.legal_status == child["legal_status"] is not None
    assert file.sdq_score is None
    assert "sdq_score" not in answer.fields
    received = [event for event in events(federation.node(ASKER), Action.LOOKUP_RECEIVED) if event.subject]
    answered = [event for event in events(federation.node(HOME), Action.LOOKUP_ANSWERED) if event.subject]
    assert [event.reference for event in received] == [event.reference for event in answered] == [relay.lookup_id]
    assert received[0].fields == answered[0].fields == answer.fields


@pytest.mark.parametrize("whom", ["nobody", "a child who is educated elsewhere"])
def test_of_a_child_who_is_not_here_no_more_is_told_than_of_nobody(federation: SmallFederation, whom: str) -> None:
    """The two answers are the same; both ends have the search in their logs all the same."""
    upn = "A823456789012" if whom == "nobody" else child_elsewhere(federation)["upn"]
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn=upn)).answers
    assert (answer.outcome, answer.files) == (LookupOutcome.ANSWERED, ())
    assert answer.fields == answer_of_nobody(federation).fields
    assert [event.details["children"] for event in events(federation.node(HOME), Action.LOOKUP_ANSWERED)] == [0, 0]
    asker = federation.node(ASKER)
    assert {event.outcome for event in events(asker, Action.LOOKUP_ASKED)} == {Outcome.INTENDED}
    assert events(asker, Action.LOOKUP_RECEIVED)[0].details["children"] == 0


def test_the_log_tells_the_same_search_from_another_and_has_no_number(federation: SmallFederation) -> None:
    """By a token that no child's entries are under; so four children are not the same lookup four times."""
    numbers = ("A823456789012", "A823456789013", "A823456789012")
    for upn in numbers:
        ask(federation, PaperRelay(federation), ChildSought(upn=upn))
    asked = events(federation.node(ASKER), Action.LOOKUP_ASKED)
    first, other, again = (str(event.details["sought"]) for event in asked)
    assert first == again != other
    keys = federation.node(ASKER).party.keys
    assert not {first, other} & {keys.log_token(f"{HOME}/{upn}") for upn in numbers}
    assert not any(upn.encode() in event.to_bytes() for event in asked for upn in numbers)


def answer_of_nobody(federation: SmallFederation) -> LookupAnswer:
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn="A823456789013")).answers
    return answer


def test_a_child_of_ours_on_their_roll_is_found_by_both_identifiers_alone(federation: SmallFederation) -> None:
    pupil = child_on_their_roll(federation)
    born = pupil["date_of_birth"]
    (answer,) = ask(
        federation, PaperRelay(federation), ChildSought(upn=pupil["upn"], date_of_birth=born), "ours"
    ).answers
    assert [(file.upn, file.school) for file in answer.files] == [(pupil["upn"], str(pupil["school_urn"]))]
    assert answer.files[0].legal_status is None
    wrong = ChildSought(upn=pupil["upn"], date_of_birth=born + timedelta(days=1))
    (answer,) = ask(federation, PaperRelay(federation), wrong, "ours").answers
    assert answer.files == ()
    for unclear in (ChildSought(upn=pupil["upn"]), ChildSought(forename="A", surname="B", date_of_birth=born)):
        relay = PaperRelay(federation)
        with pytest.raises(StateError, match="pupil number and date of birth"):
            ask(federation, relay, unclear, "ours")
        assert relay.requests == {}


def test_a_child_in_their_own_care_is_nobody_elses_whoever_says_so(federation: SmallFederation) -> None:
    """A dishonest head knows number and date of birth of a child who is in care there and at school there."""
    theirs, rolls = federation.node(HOME), {row["upn"]: row for row in rows_of(federation.node(HOME), "pupils", "true")}
    where = f"host_authority = '{HOME}' AND care_start IS NOT NULL AND care_end IS NULL AND academic_year = 202425"
    child = next(row for row in rows_of(theirs, "children", where) if row["upn"] in rolls)
    sought = ChildSought(upn=child["upn"], date_of_birth=child["dob"])
    (answer,) = ask(federation, PaperRelay(federation), sought, "ours").answers
    assert (answer.outcome, answer.files, answer.fields) == (LookupOutcome.ANSWERED, (), ())
    (told,) = events(theirs, Action.LOOKUP_ANSWERED)
    assert (told.subject, told.details["children"]) == ("", 0)
    (notice,) = list_notices(theirs)
    assert (notice.kind, notice.authority, notice.reference) == (NoticeKind.SOUGHT_AS_THEIRS, ASKER, told.reference)


def test_an_authority_without_a_node_is_not_asked(federation: SmallFederation) -> None:
    node, relay = federation.node(ASKER), PaperRelay(federation)
    for at in ("", "999", ASKER):
        with pytest.raises(StateError):
            ask_one_child(
                node,
                relay,
                node.find_person("vsh"),
                PURPOSE,
                ChildSought(upn="A823456789012"),
                whose="theirs",
                at=at,
                patience=1,
            )
    assert relay.requests == {}


def test_whoever_may_not_search_sends_nothing_and_is_logged(federation: SmallFederation) -> None:
    relay = PaperRelay(federation)
    with pytest.raises(AccessDenied):
        ask(federation, relay, ChildSought(upn="A823456789012"), person="admin")
    assert relay.requests == {}
    assert events(federation.node(ASKER), Action.LOOKUP_ASKED)[0].outcome is Outcome.REFUSED


def test_a_role_that_the_home_authority_lets_not_search_is_refused(federation: SmallFederation) -> None:
    """Our own node let it through; theirs does not."""
    deny = "p, virtual_school_head, host, search, identity, deny\n"
    put_policy(federation.directory / f"node-{HOME}", MATRIX.read_text() + deny)
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn=child_placed_here(federation)["upn"])).answers
    assert (answer.outcome, answer.code, answer.files) == (LookupOutcome.REFUSED, "policy_denied", ())
    assert answer.contact
    assert events(federation.node(ASKER), Action.LOOKUP_RECEIVED)[1].details["code"] == "policy_denied"


def test_what_our_own_policy_withholds_from_our_people_is_not_shown_whoever_tells(federation: SmallFederation) -> None:
    deny = "p, virtual_school_head, host, read, care, deny\n"
    put_policy(federation.directory / f"node-{ASKER}", MATRIX.read_text() + deny)
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn=child_placed_here(federation)["upn"])).answers
    assert (answer.files[0].legal_status, answer.files[0].placement_type) == (None, None)
    assert "legal_status" not in answer.fields
    seen = [event for event in events(federation.node(ASKER), Action.LOOKUP_RECEIVED) if event.subject]
    assert "legal_status" not in seen[0].fields


def test_the_relay_sees_the_same_of_a_search_that_finds_somebody_and_of_one_that_finds_nobody(
    federation: SmallFederation,
) -> None:
    """One page to one node, and as many pages back as any of its answers has; held and refused requests alike."""
    child, carried = child_placed_here(federation), []
    for upn, rule in ((child["upn"], "answer"), ("A823456789012", "answer"), (child["upn"], "hold"), ("", "refuse")):
        relay = PaperRelay(federation)
        if rule != "answer":
            before = "answer" if rule == "hold" else "hold"
            federation.change_rule(HOME, f'one_child = "{before}"', f'one_child = "{rule}"')
        ask(federation, relay, ChildSought(upn=upn or child["upn"]))
        carried.append(relay)
    pages = pages_of(federation.node(HOME).store.current(), HOME)
    for relay in carried:
        assert {node: len(decode_base64(page)) for node, page in relay.requests.items()} == {
            f"node-{HOME}": SEALED_BYTES
        }
        assert [len(decode_base64(page)) for page in relay.answers.values()] == [pages * SEALED_BYTES]
    sealed = [page for relay in carried for page in (*relay.requests.values(), *relay.answers.values())]
    seen = b"".join(map(decode_base64, sealed))
    assert not any(word.encode() in seen for word in (child["upn"], "A823456789012", PURPOSE))


# --- The asked node holds, narrows or refuses ------------------------------------------------------------------------


def officer_of(federation: SmallFederation) -> tuple[Node, Any]:
    enter_person(federation.directory / f"node-{HOME}", "ig", "ig_officer", "Officer")
    node = federation.node(HOME)
    return node, node.find_person("ig")


def hold(federation: SmallFederation) -> None:
    federation.change_rule(HOME, 'one_child = "answer"', '"one_child.virtual_school_head" = "hold"')


def test_a_held_request_waits_for_an_officer_and_is_answered_when_it_is_asked_again(
    federation: SmallFederation,
) -> None:
    hold(federation)
    sought = ChildSought(upn=child_placed_here(federation)["upn"])
    for _ in range(2):  # Asked twice, it waits once.
        (answer,) = ask(federation, PaperRelay(federation), sought).answers
        assert (answer.outcome, answer.code, answer.files) == (LookupOutcome.HELD, "held", ())
    node, officer = officer_of(federation)
    (held,) = list_held(node)
    assert (held.request.authority, held.request.person, held.request.purpose) == (ASKER, "vsh", PURPOSE)
    assert {event.outcome for event in events(node, Action.LOOKUP_HELD)} == {Outcome.HELD}
    assert events(federation.node(ASKER), Action.LOOKUP_RECEIVED)[1].outcome is Outcome.HELD
    decide(node, officer, held.held_id, answer=True, reason="Known to us", withheld=["care"])
    (answer,) = ask(federation, PaperRelay(federation), sought).answers
    assert answer.outcome is LookupOutcome.ANSWERED
    assert (answer.files[0].upn, answer.files[0].legal_status) == (sought.upn, None)
    assert events(node, Action.LOOKUP_DECIDED)[0].actor == "ig (ig_officer)"
    with pytest.raises(StateError, match="decided already"):
        decide(node, officer, held.held_id, answer=False, reason="On second thoughts")


def test_a_held_request_that_is_refused_is_answered_with_the_reason(federation: SmallFederation) -> None:
    hold(federation)
    sought = ChildSought(upn=child_placed_here(federation)["upn"])
    ask(federation, PaperRelay(federation), sought)
    node, officer = officer_of(federation)
    (held,) = list_held(node)
    decide(node, officer, held.held_id, answer=False, reason="Please call us first")
    (answer,) = ask(federation, PaperRelay(federation), sought).answers
    assert (answer.outcome, answer.code, answer.text) == (
        LookupOutcome.REFUSED,
        "officer_refused",
        "Please call us first",
    )


def test_a_decision_is_for_one_question_of_one_person_and_for_a_week(federation: SmallFederation) -> None:
    hold(federation)
    sought = ChildSought(upn=child_placed_here(federation)["upn"])
    ask(federation, PaperRelay(federation), sought)
    node, officer = officer_of(federation)
    decide(node, officer, list_held(node)[0].held_id, answer=True, reason="Known to us")
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn="A823456789012")).answers
    assert answer.outcome is LookupOutcome.HELD
    long_ago = "UPDATE held_lookups SET decided_at = '2025-01-01T00:00:00Z' WHERE decided_at <> ''"
    node.database.connection.execute(long_ago)
    (answer,) = ask(federation, PaperRelay(federation), sought).answers
    assert answer.outcome is LookupOutcome.HELD


@pytest.mark.parametrize(
    ("reason", "withheld"), [("", []), ("  ", []), ("about A801200005001", []), ("Fine", ["everything"])]
)
def test_a_decision_needs_a_reason_that_can_be_logged(
    federation: SmallFederation, reason: str, withheld: list[str]
) -> None:
    hold(federation)
    ask(federation, PaperRelay(federation), ChildSought(upn="A823456789012"))
    node, officer = officer_of(federation)
    with pytest.raises(StateError):
        decide(node, officer, list_held(node)[0].held_id, answer=True, reason=reason, withheld=withheld)
    assert list_held(node)[0].decided_at == ""


def test_a_role_can_be_refused_by_rule(federation: SmallFederation) -> None:
    federation.change_rule(HOME, 'one_child = "answer"', 'one_child = "refuse"')
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn="A823456789012")).answers
    assert (answer.outcome, answer.code) == (LookupOutcome.REFUSED, "lookups_barred")


def test_fields_can_be_withheld_by_rule(federation: SmallFederation) -> None:
    federation.change_rule(HOME, "withheld = []", 'withheld = ["school", "legal_status"]')
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn=child_placed_here(federation)["upn"])).answers
    assert (answer.files[0].school, answer.files[0].legal_status) == (None, None)
    assert not {"school", "legal_status"} & set(answer.fields)


def test_rules_that_name_what_there_is_not_stop_everything(federation: SmallFederation) -> None:
    federation.change_rule(HOME, 'one_child = "answer"', 'one_chidl = "refuse"')
    with pytest.raises(StateError, match="one_chidl"):
        federation.node(HOME).rules()


def test_too_many_searches_in_a_day_are_refused_and_our_officer_has_one_notice(federation: SmallFederation) -> None:
    federation.change_rule(HOME, "most_searches_a_day = 50", "most_searches_a_day = 2")
    sought = ChildSought(upn="A823456789012")
    codes = [ask(federation, PaperRelay(federation), sought).answers[0].code for _ in range(4)]
    assert codes == ["", "", "too_many_searches", "too_many_searches"]
    node, officer = officer_of(federation)
    (notice,) = list_notices(node)
    assert (notice.kind, notice.authority) == (NoticeKind.MASS_LOOKUP, ASKER)
    review_notice(node, officer, notice.notice_id, "justified", "They moved school rolls today")
    assert list_notices(node)[0].outcome == "justified"
    assert events(node, Action.NOTICE_REVIEWED)[0].details["finding"] == "justified"
    for outcome in ("fine", "justified"):  # Not one of the findings; and reviewed already.
        with pytest.raises(StateError):
            review_notice(node, officer, notice.notice_id, outcome, "Again")
    federation.clock.move(timedelta(days=1))
    assert ask(federation, PaperRelay(federation), sought).answers[0].code == ""


# --- A node that answers something else ------------------------------------------------------------------------------

OTHER = ChildFile(la_child_id="7", upn="B801200005001", date_of_birth="2010-01-01", school="100000")
LIES: dict[str, Callable[[LookupAnswer], LookupAnswer]] = {
    "another child": lambda answer: msgspec.structs.replace(answer, files=(OTHER,)),
    "two children": lambda answer: msgspec.structs.replace(answer, files=(*answer.files, OTHER)),
    "the same child twice": lambda answer: msgspec.structs.replace(answer, files=answer.files * 2),
    "fields it does not name": lambda answer: msgspec.structs.replace(answer, fields=("upn",)),
    "a child in a refusal": lambda answer: msgspec.structs.replace(answer, outcome=LookupOutcome.REFUSED),
    "a child in a held answer": lambda answer: msgspec.structs.replace(answer, outcome=LookupOutcome.HELD, code="held"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_node_that_answers_something_else_is_put_aside_logged_and_shown(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """Well signed and well sealed: nothing of it is shown, and our officer has notice of whose node it was."""
    honest = answering.gather_answer

    def lying(node: Node, request: LookupRequest, *more: Any) -> Any:
        answer, entries = honest(node, request, *more)
        return LIES[lie](answer), entries

    monkeypatch.setattr(answering, "gather_answer", lying)
    result = ask(federation, PaperRelay(federation), ChildSought(upn=child_placed_here(federation)["upn"]))
    assert result.answers == ()
    assert [missing.authority for missing in result.missing] == [HOME]
    node = federation.node(ASKER)
    received = events(node, Action.LOOKUP_RECEIVED)
    assert [event.details.get("code") for event in received] == [None, "not_as_asked"]
    assert not any(event.subject for event in received)
    (notice,) = list_notices(node)
    assert (notice.kind, notice.authority) == (NoticeKind.WRONG_ANSWER, HOME)
    assert not any(value in notice.text for value in (OTHER.upn, OTHER.date_of_birth) if value)


# --- Over our own records --------------------------------------------------------------------------------------------


def named_child(federation: SmallFederation) -> tuple[Node, Row]:
    """One of our children, with the name that our list has for them."""
    node = federation.node(HOME)
    snapshot = node.store.current()
    assert snapshot is not None
    listed = list_own_children(node, snapshot, "virtual_school_head").rows
    rows = [dict(zip(FIELDS, row, strict=True)) for row in listed]
    return node, next(row for row in rows if row["name"] and row["upn"] and row["date_of_birth"])


def find(node: Node, sought: ChildSought, person: str = "vsh") -> list[Row]:
    return [dict(zip(FIELDS, row, strict=True)) for row in find_own_child(node, person, PURPOSE, sought)]


def test_our_own_child_is_found_by_each_way_of_seeking(federation: SmallFederation) -> None:
    node, child = named_child(federation)
    forename, surname = child["name"].split(" ", 1)
    born = date.fromisoformat(child["date_of_birth"])
    for sought in (
        ChildSought(upn=child["upn"]),
        ChildSought(upn=child["upn"], date_of_birth=born),
        ChildSought(la_child_id=child["la_child_id"]),
        ChildSought(forename=forename, surname=surname, date_of_birth=born),
        ChildSought(forename=forename.upper(), surname=f" {surname} ", date_of_birth=born),
        ChildSought(forename=surname, surname=forename, date_of_birth=born, loosely=True),
        ChildSought(forename=forename + forename[-1], surname=surname, date_of_birth=born, loosely=True),
    ):
        assert child in find(node, sought), msgspec.to_builtins(sought).keys()


def test_what_is_nearly_right_is_found_only_when_that_is_asked_for(federation: SmallFederation) -> None:
    node, child = named_child(federation)
    forename, surname = child["name"].split(" ", 1)
    born = date.fromisoformat(child["date_of_birth"])
    misspelt = {"forename": forename + forename[-1], "surname": surname, "date_of_birth": born}
    assert child in find(node, ChildSought(**misspelt, loosely=True))
    assert child not in find(node, ChildSought(**misspelt))
    assert find(node, ChildSought(upn=child["upn"], date_of_birth=born + timedelta(days=1))) == []
    both_wrong = {**misspelt, "date_of_birth": born + timedelta(days=1)}
    assert child not in find(node, ChildSought(**both_wrong, loosely=True))


def test_a_search_that_finds_nobody_is_logged_as_one(federation: SmallFederation) -> None:
    node = federation.node(HOME)
    assert find(node, ChildSought(upn="A823456789012")) == []
    last, first = events(node, Action.CHILDREN_LISTED)
    assert (first.outcome, last.outcome, last.details["children"]) == (Outcome.INTENDED, Outcome.DONE, 0)
    assert {event.details["listing"] for event in (first, last)} == {"one_child"}


@pytest.mark.parametrize("person", ["admin", "ig", "teacher", "worker"])
def test_whoever_may_not_search_our_records_is_turned_away_and_logged(federation: SmallFederation, person: str) -> None:
    roles = {"ig": "ig_officer", "teacher": "designated_teacher", "worker": "social_worker"}
    if person in roles:
        school = 100001 if person == "teacher" else None
        enter_person(federation.directory / f"node-{HOME}", person, roles[person], "Somebody", school)
    node = federation.node(HOME)
    with pytest.raises(AccessDenied):
        find(node, ChildSought(upn="A823456789012"), person)
    assert [event.outcome for event in events(node, Action.CHILDREN_LISTED)] == [Outcome.REFUSED]


def test_a_purpose_is_required(federation: SmallFederation) -> None:
    with pytest.raises(PurposeMissing):
        find_own_child(federation.node(HOME), "vsh", " ", ChildSought(upn="A823456789012"))
