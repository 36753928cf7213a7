"""Children who came after the last load: their record begins at once, and a load that has them takes it over."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.event import Action
from audit.log import read_entries
from federation.cli import run
from federation.state import StateError
from node.loading import load_into
from node.service import Node
from node.setting_up import enter_person
from node.tracking.facts import Plan, Target, Withdrawal
from node.tracking.newcomers import enter_newcomer, list_newcomers, read_newcomer, take_off
from node.tracking.record import Entry, RecordMoved, TrackingRecord
from node.tracking.store import add_entries, add_history, read_record
from node.tracking.visit import Visit, begin_visit
from policies.access_policy import AccessDenied
from policies.names import FieldGroup
from tests.small_federation import SmallFederation

HOME = "301"
CHILD = {"number": "990001", "date_of_birth": "2011-05-04", "care_start": "2025-03-03", "upn": "B301200199001"}
REASON = "Came into care on Monday"
TERM = "202425-summer"


def visit(federation: SmallFederation, person: str = "vsh") -> Visit:
    return begin_visit(federation.node(HOME), person, "Termly review")


def enter(federation: SmallFederation, person: str = "vsh", **changes: str) -> str:
    node = federation.node(HOME)
    return enter_newcomer(node, node.find_person(person), read_newcomer({**CHILD, **changes}), REASON)


def set_plan(node: Node, token: str) -> None:
    plan = Plan(term=TERM, meeting_date=date(2025, 3, 10), completed_date=None, quality=None, sdq_strategies=None)
    with node.database.transaction() as connection:
        add_entries(connection, token, 0, [plan], by="vsh", role="head", reason="First PEP", at=node.clock())


def load_with(federation: SmallFederation, place: Path, number: str, upn: str, born: str = "04/05/2011") -> None:
    """Load this authority's return with one child more, who came into care in March."""
    place.mkdir()
    for name in ("header", "episodes"):
        text = (federation.directory / "england" / HOME / "ssda903" / f"{name}.csv").read_text().rstrip("\n")
        more = {
            "header": f"{number},F,{born},WBRI,{upn},0,",
            "episodes": f"{number},03/03/2025,S,C1,N1,U6,PR4,,,,RM9 9QW,RM9 5UJ,SC930110",
        }
        (place / f"{name}.csv").write_text(f"{text}\n{more[name]}\n")
    load_into(federation.directory / f"node-{HOME}", [place], None, lambda _: None)


def test_a_newcomer_is_on_the_list_and_the_record_can_begin(federation: SmallFederation) -> None:
    token = enter(federation, name="New Child", school_urn="100001", host_authority=HOME)
    child = visit(federation).find(token)
    assert (child.number, child.name, child.is_newcomer) == ("990001", "New Child", True)
    assert FieldGroup.PLAN_PEP in child.writable
    (event,) = [e.to_event() for e in read_entries(federation.node(HOME).database.connection) if e.to_event().subject][
        :1
    ]
    assert (event.action, event.purpose, event.details["newcomer"]) == (Action.TRACKING_UPDATED, REASON, "entered")


def test_a_load_takes_the_record_over_by_our_number(federation: SmallFederation, tmp_path: Path) -> None:
    """The token is made of the number, so there is nothing to move."""
    token = enter(federation)
    set_plan(federation.node(HOME), token)
    load_with(federation, tmp_path / "return", "990001", "B301200199001")
    assert not list_newcomers(federation.node(HOME))
    child = visit(federation).find(token)
    assert not child.is_newcomer
    assert [each.term for each in visit(federation).record_of(child).all(Plan)] == [TERM]


def test_a_load_takes_the_record_over_by_pupil_number_and_birth(federation: SmallFederation, tmp_path: Path) -> None:
    """Under another number the entries are taken over as history, with when and by whom they were made.

    Whoever has the same pupil number and another day of birth stays on the list: somebody has to look.
    """
    token, other = enter(federation), enter(federation, number="990002", date_of_birth="2011-05-05")
    set_plan(federation.node(HOME), token)
    load_with(federation, tmp_path / "return", "990777", "B301200199001")
    (child,) = [each for each in visit(federation).children if each.number == "990777"]
    record = visit(federation).record_of(child)
    assert [(each.told_by, each.by, each.reason) for each in record.entries] == [(HOME, "vsh", "First PEP")]
    assert [each.term for each in record.all(Plan)] == [TERM]
    assert [each.token for each in visit(federation).children if each.is_newcomer] == [other]
    assert len(read_record(federation.node(HOME).database.connection, token).entries) == 1


WRONG = [
    {"number": ""},
    {"date_of_birth": "4 May"},
    {"care_start": "2099-01-01"},
    {"care_start": "2010-01-01"},
    {"date_of_birth": "1980-01-01"},
    {"upn": "A1"},
    {"school_urn": "1234567"},
    {"host_authority": "Barking"},
]


def test_what_cannot_be_is_refused_and_not_repeated(federation: SmallFederation) -> None:
    for wrong in WRONG:
        with pytest.raises(StateError) as refused:
            enter(federation, **wrong)
        assert not [text for text in wrong.values() if text and text in str(refused.value)]
    assert not list_newcomers(federation.node(HOME))


def test_nobody_is_entered_who_is_in_care_already(federation: SmallFederation) -> None:
    known = visit(federation).children[0]
    assert known.number
    with pytest.raises(StateError, match="already"):
        enter(federation, number=known.number)


def test_who_may_enter_and_who_sees_a_newcomer(federation: SmallFederation) -> None:
    """The virtual school enters; the teacher of the child's school reads the plan; no other teacher sees anybody."""
    state = federation.directory / f"node-{HOME}"
    enter_person(state, "teacher", "designated_teacher", "Teacher", 100001)
    enter_person(state, "other", "designated_teacher", "Other", 100002)
    for person in ("teacher", "admin"):
        with pytest.raises(AccessDenied):
            enter(federation, person)
    token = enter(federation, school_urn="100001")
    seen = visit(federation, "teacher").find(token)
    assert seen.readable == {FieldGroup.IDENTITY, FieldGroup.EDUCATION, FieldGroup.PLAN_PEP}
    assert (seen.care_start, seen.writable) == (None, frozenset())
    assert token not in {child.token for child in visit(federation, "other").children}


def test_a_newcomer_who_left_again_is_taken_off_and_the_record_stays(federation: SmallFederation) -> None:
    token, node = enter(federation), federation.node(HOME)
    set_plan(node, token)
    take_off(node, node.find_person("vsh"), token, "Went home after two days")
    assert token not in {child.token for child in visit(federation).children}
    assert len(read_record(node.database.connection, token).entries) == 1
    with pytest.raises(StateError):
        take_off(node, node.find_person("vsh"), token, "Again")


def test_the_command_reads_the_child_from_a_file_and_never_from_its_arguments(
    federation: SmallFederation, tmp_path: Path
) -> None:
    told, state = tmp_path / "child.txt", federation.directory / f"node-{HOME}"
    told.write_text("\n".join(f"{name}: {text}" for name, text in CHILD.items()))
    arguments = ["node", "track", "enter", "--state", str(state), "--as", "vsh", "--reason", REASON]
    assert run([*arguments, "--child", str(told)]) == 0
    assert [each.number for each in list_newcomers(federation.node(HOME)).values()] == ["990001"]


# --- What was handed over, beside what was set down here --------------------------------------------------------------

BEGUN = datetime(2025, 1, 1, tzinfo=UTC)


def told(by: str, made: int, target: str | None) -> Entry:
    """An entry about one target, told by an authority, or our own (by nobody); None takes it back."""
    fact = (
        Target(term=TERM, subject="english", target=target, expected=None)
        if target
        else Withdrawal(kind="target", key=f"{TERM}/english")
    )
    moment = BEGUN + timedelta(days=made)
    made_at = moment if by else None
    return Entry(version=0, at=moment, by="x", role="y", reason="z", fact=fact, told_by=by, made_at=made_at)


ENTRIES = st.lists(
    st.builds(told, st.sampled_from(["203", "316"]), st.integers(0, 500), st.sampled_from(["4", "5", None])),
    min_size=1,
    max_size=6,
    unique_by=lambda entry: entry.made,
)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_what_holds_does_not_depend_on_the_order_in_which_packs_come(entries: list[Entry], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (TrackingRecord(tuple(each), len(each)).standing for each in (entries, shuffled))
    assert first == second
    latest = max(entries, key=lambda entry: entry.made)
    assert [entry.fact for entry in first.values()] == ([latest.fact] if isinstance(latest.fact, Target) else [])


@given(ENTRIES, ENTRIES, st.sampled_from(["6", None]))
def test_what_was_set_down_here_is_never_replaced(before: list[Entry], after: list[Entry], own: str | None) -> None:
    """Not by what is handed over later, nor by what was made later; and what we took back does not come again."""
    ours = told("", 0, own)
    held = TrackingRecord((*before, ours, *after), 99).standing
    assert [entry.fact for entry in held.values()] == ([ours.fact] if own else [])


def test_history_is_added_once_and_upon_the_version_that_was_seen(federation: SmallFederation) -> None:
    node, entries = federation.node(HOME), [told("203", 3, "5"), told("203", 9, "6")]
    with node.database.transaction() as connection:
        add_history(connection, "t" * 32, 0, entries, node.clock())
    with pytest.raises(RecordMoved), node.database.transaction() as connection:
        add_history(connection, "t" * 32, 0, entries, node.clock())
    with node.database.transaction() as connection:
        record = add_history(connection, "t" * 32, 2, [*entries, told("203", 12, None)], node.clock())
    assert (len(record.entries), record.version) == (3, 3)
    kept = read_record(node.database.connection, "t" * 32)
    assert [(each.fact, each.told_by, each.made) for each in kept.entries] == [
        (each.fact, each.told_by, each.made) for each in record.entries
    ]
