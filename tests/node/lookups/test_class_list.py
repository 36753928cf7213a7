"""The class list of a designated teacher: children in care at their school, from every home authority."""

from dataclasses import replace
from typing import Any

import duckdb
import msgspec
import pytest

from audit.event import Action
from federation.lookups import LookupKind
from federation.state import StateError
from node.lookups import gathering
from node.lookups.class_list import ClassList, read_class, read_own_class
from node.lookups.gathering import Gathered
from node.people import Person
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import AccessDenied
from tests.node.lookups.test_lookups import ASKER, PURPOSE, PaperRelay, events
from tests.small_federation import SmallFederation

SCHOOL, NEXT_DOOR = 100_001, 100_002


def send_to_school(node: Node, host: str, schools: dict[str, int]) -> None:
    """Have some of a node's children in care now be at these schools of an area, by the authority's own numbers."""
    snapshot = node.store.current()
    assert snapshot is not None
    path = snapshot.identified["children"]
    cases = " ".join(f"WHEN la_child_id = '{number}' THEN {urn}" for number, urn in schools.items())
    listed = ", ".join(f"'{number}'" for number in schools)
    rows = f"""SELECT * REPLACE (CASE {cases} ELSE school_urn END AS school_urn,
        CASE WHEN la_child_id IN ({listed}) THEN '{host}' ELSE host_authority END AS host_authority)
        FROM read_parquet('{path}')"""
    duckdb.execute(f"COPY ({rows}) TO '{path}.new' (FORMAT parquet)")
    path.with_name(f"{path.name}.new").replace(path)


def some_numbers(node: Node, count: int) -> list[str]:
    snapshot = node.store.current()
    assert snapshot is not None
    found = duckdb.sql(f"""SELECT DISTINCT la_child_id FROM read_parquet('{snapshot.identified["children"]}')
        WHERE care_start IS NOT NULL AND care_end IS NULL AND academic_year = 202425
        ORDER BY la_child_id LIMIT {count}""")
    assert found is not None
    return [str(number) for (number,) in found.fetchall()]


@pytest.fixture
def schooled(federation: SmallFederation) -> SmallFederation:
    """Two children of 301 and one of 203 at one school in 203; of 301, one more at the next, and one elsewhere."""
    one, two, three, four = some_numbers(federation.node("301"), 4)
    send_to_school(federation.node("301"), ASKER, {one: SCHOOL, two: SCHOOL, three: NEXT_DOOR})
    send_to_school(federation.node("301"), "316", {four: SCHOOL})
    send_to_school(federation.node(ASKER), ASKER, {some_numbers(federation.node(ASKER), 1)[0]: SCHOOL})
    enter_person(federation.directory / f"node-{ASKER}", "teacher", "designated_teacher", "Teacher", SCHOOL)
    return federation


def teacher_of(federation: SmallFederation, person: str = "teacher") -> Person:
    return federation.node(ASKER).find_person(person)


def read(federation: SmallFederation, relay: PaperRelay | None = None, person: str = "teacher") -> ClassList:
    relay = relay or PaperRelay(federation)
    return read_class(federation.node(ASKER), relay, teacher_of(federation, person), PURPOSE, patience=1)


def test_all_at_the_school_are_listed_from_all_home_authorities_and_nobody_else(schooled: SmallFederation) -> None:
    found = read(schooled)
    assert len(found.own) == 1
    told = {answer.authority: {file.la_child_id for file in answer.files} for answer in found.others.answers}
    assert told == {"301": set(some_numbers(schooled.node("301"), 2)), "316": set(), "317": set()}
    assert {row[0] for row in found.rows} == {"ours", "301"}


def test_a_teacher_sees_identity_and_education_and_of_the_plan_the_pep_alone(schooled: SmallFederation) -> None:
    found = read(schooled)
    told = [file for answer in found.others.answers for file in answer.files]
    for file in (*found.own, *told):
        assert (file.legal_status, file.placement_type, file.care_start, file.sdq_score) == (None, None, None, None)
        assert file.la_child_id is not None
    answer = next(answer for answer in found.others.answers if answer.files)
    assert "pep_on_time" in answer.fields
    assert not {"legal_status", "placement_type", "care_start", "sdq_score"} & set(answer.fields)


def test_both_ends_log_each_child_by_the_relation_of_the_school(schooled: SmallFederation) -> None:
    read(schooled)
    seen = [event for event in events(schooled.node(ASKER), Action.LOOKUP_RECEIVED) if event.subject]
    told = [event for event in events(schooled.node("301"), Action.LOOKUP_ANSWERED) if event.subject]
    own = [event for event in events(schooled.node(ASKER), Action.CHILDREN_LISTED) if event.subject]
    assert (len(seen), len(told), len(own)) == (2, 2, 1)
    assert {event.relationship for event in seen + told + own} == {"school"}


@pytest.mark.parametrize("person", ["vsh", "admin"])
def test_whoever_works_for_no_school_has_no_class_list(schooled: SmallFederation, person: str) -> None:
    relay = PaperRelay(schooled)
    with pytest.raises((StateError, AccessDenied)):
        read(schooled, relay, person)
    assert relay.requests == {}


def test_a_teacher_moved_to_another_school_sees_its_children_alone(schooled: SmallFederation) -> None:
    enter_person(schooled.directory / f"node-{ASKER}", "teacher", "designated_teacher", "Teacher", NEXT_DOOR)
    found = read(schooled)
    assert found.own == read_own_class(schooled.node(ASKER), teacher_of(schooled), PURPOSE) == ()
    assert sum(len(answer.files) for answer in found.others.answers) == 1


def test_a_node_that_tells_of_a_child_at_another_school_is_put_aside(
    schooled: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = gathering._gather_class_list

    def lie(*asked: Any) -> Gathered:
        found = honest(*asked)
        files = tuple(msgspec.structs.replace(file, school=str(NEXT_DOOR)) for file in found.files)
        return replace(found, files=files)

    monkeypatch.setitem(gathering._GATHERERS, LookupKind.CLASS_LIST, lie)
    assert [wrong.authority for wrong in read(schooled).others.wrong] == ["301"]


def test_a_class_list_has_the_pages_of_any_answer(schooled: SmallFederation) -> None:
    """Whether a school has nobody or several: the hub sees no difference."""
    relay = PaperRelay(schooled)
    read(schooled, relay)
    full = {name: len(page) for name, page in relay.answers.items()}
    enter_person(schooled.directory / f"node-{ASKER}", "teacher", "designated_teacher", "Teacher", 100_009)
    relay = PaperRelay(schooled)
    read(schooled, relay)
    assert {name: len(page) for name, page in relay.answers.items()} == full
