"""Tracking records of children who are named to somebody: what holds now of the named groups, and nothing else."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from audit.event import Action
from federation.lookups import ChildFile, LookupKind
from node.ingest.tokens import row_token
from node.lookups import gathering
from node.lookups.delegation.shelf import list_given
from node.lookups.file_fields import TRACKED
from node.lookups.gathering import Gathered
from node.lookups.named_children import read_named_to
from node.setting_up import enter_person
from node.tracking.facts import Attendance, Plan, StartingPoint
from node.tracking.store import add_entries, read_record
from node.tracking.telling import read_told
from policies.names import Relation
from tests.node.lookups.test_delegations import HOME, give, numbers_of, read
from tests.node.lookups.test_lookups import PURPOSE, events
from tests.small_federation import SmallFederation

TERM = "202425-summer"
PLAN = Plan(term=TERM, meeting_date=date(2025, 5, 1), completed_date=None, quality="good", sdq_strategies=None)
ATTENDED = Attendance(term=TERM, possible=100, authorised=4, unauthorised=1)
START = StartingPoint(subject="english", grade="4", assessed_on=date(2022, 3, 1))


@pytest.fixture
def tracked(federation: SmallFederation) -> SmallFederation:
    """The first two of home's children, whose records hold a fact of each group, and a reason that is nobody else's."""
    node = federation.node(HOME)
    for number in numbers_of(node)[:2]:
        token = row_token(node.party.keys.row_secret, number)
        with node.database.transaction() as connection:
            told: dict[str, Any] = {"by": "vsh", "role": "head", "reason": "SECRET", "at": node.clock()}
            add_entries(connection, token, 0, [PLAN, ATTENDED, START], **told)
    return federation


def facts_of(federation: SmallFederation, file: ChildFile) -> list[object]:
    record = read_told([getattr(file, name) for name in TRACKED], federation.clock(), "301")
    return sorted((entry.fact for entry in record.standing.values()), key=lambda fact: type(fact).__name__)


def test_another_head_reads_what_holds_of_the_named_groups(tracked: SmallFederation) -> None:
    give(tracked, field_groups=("education", "plan_pep"))
    (answer,) = read(tracked).answers
    assert len(answer.files) == 2
    assert [facts_of(tracked, file) for file in answer.files] == [[ATTENDED, PLAN]] * 2
    assert {"tracked_education", "tracked_pep"} <= set(answer.fields)
    assert "tracked_plan" not in answer.fields
    assert "SECRET" not in json.dumps([[getattr(file, name) for name in TRACKED] for file in answer.files])
    (told, *_) = [event for event in events(tracked.node(HOME), Action.LOOKUP_ANSWERED) if event.subject]
    assert told.fields == answer.fields


def test_a_social_worker_reads_the_plan_of_the_child_named_to_them(tracked: SmallFederation) -> None:
    """And foster-carer-facing staff: by our own delegation, at our own node."""
    node = tracked.node(HOME)
    for person, role in (("worker", "social_worker"), ("carers", "carer_facing_staff")):
        enter_person(node.party.directory, person, role, person.title())
        give(
            tracked,
            authority="",
            person=person,
            children=tuple(numbers_of(node)[:1]),
            field_groups=("education", "plan", "plan_pep"),
        )
        (file,) = read_named_to(node, person, PURPOSE)
        assert facts_of(tracked, file) == [ATTENDED, PLAN, START]


def test_what_is_told_of_groups_that_were_not_named_puts_the_answer_aside(
    tracked: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(tracked, field_groups=("education",))
    number = numbers_of(tracked.node(HOME))[0]
    told = ChildFile(la_child_id=number, tracked_pep="[]")

    def tell(*_: object) -> Gathered:
        return Gathered(
            relation=Relation.NAMED_CHILD,
            policy_version="1",
            fields=("la_child_id", "tracked_pep"),
            tokens=("t",),
            files=(told,),
            delegations=tuple(given.envelope for given in list_given(tracked.node(HOME))),
        )

    monkeypatch.setitem(gathering._GATHERERS, LookupKind.NAMED_CHILD, tell)
    found = read(tracked)
    assert not found.answers
    assert "not named to us" in found.wrong[0].reason


def test_many_named_children_share_the_room_of_one_answer(tracked: SmallFederation) -> None:
    """However long their records are, the answer fits the pages that every answer has."""
    node = tracked.node(HOME)
    numbers = numbers_of(node)[:50]
    for number in numbers:
        token = row_token(node.party.keys.row_secret, number)
        with node.database.transaction() as connection:
            facts = [
                Attendance(term=f"20{year}{year + 1}-{term}", possible=100, authorised=4, unauthorised=1)
                for year in range(15, 25)
                for term in ("autumn", "spring", "summer")
            ]
            told: dict[str, Any] = {"by": "vsh", "role": "head", "reason": "x", "at": node.clock() - timedelta(days=1)}
            add_entries(connection, token, read_record(connection, token).version, facts, **told)
    give(tracked, children=tuple(numbers), field_groups=("education", "plan_pep", "identity"))
    (answer,) = read(tracked).answers
    assert len(answer.files) == len(numbers)
