"""Our own children, wherever educated: who is listed, with which fields, told by whom, and what the log keeps."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.claims import ClaimAnswer, EducationFacts
from federation.cli import run
from federation.lookups import LookupOutcome
from node.host_facts import store_facts
from node.lookups.own_children import FIELDS
from node.service import open_node
from policies.access_policy import MATRIX
from policies.names import CHILD_RECORD
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

Json = dict[str, object]
ASKED = ["--purpose", "Termly review", "--mine"]


def mine(state: Path, person: str = "vsh", form: str = "json") -> int:
    return run(["lookup", "--state", str(state), "--as", person, *ASKED, "--format", form])


def test_every_group_of_a_childs_record_but_the_plan_is_in_the_list() -> None:
    """The tracking record has pages of its own."""
    assert {str(group) for group, _ in FIELDS.values()} | {"plan"} == {str(group) for group in CHILD_RECORD}


@pytest.fixture
def state(federation: SmallFederation) -> Path:
    return federation.directory / f"node-{federation.authorities[0]}"


def listed(state: Path, capsys: pytest.CaptureFixture[str], person: str = "vsh") -> list[Json]:
    capsys.readouterr()
    assert mine(state, person) == 0
    found: list[Json] = json.loads(capsys.readouterr().out)
    return found


def test_all_who_are_in_care_now_are_listed_wherever_they_go_to_school(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set against the vault, read without any of our code."""
    snapshot = open_node(state).store.current()
    assert snapshot is not None
    rows = duckdb.read_parquet(str(snapshot.identified["children"])).fetchall()
    names = duckdb.read_parquet(str(snapshot.identified["children"])).columns
    children = [dict(zip(names, row, strict=True)) for row in rows]
    newest = max(child["academic_year"] for child in children)
    expected = {
        c["la_child_id"] for c in children if c["academic_year"] == newest and c["care_start"] and not c["care_end"]
    }
    found = listed(state, capsys)
    assert [child["la_child_id"] for child in found] == sorted(expected)
    assert len({child["host_authority"] for child in found}) > 1
    assert any(child["name"] for child in found)
    assert any(child["sdq_score"] is not None for child in found)


def test_the_log_has_who_looked_and_each_child(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(state, capsys)
    entries = read_entries(open_node(state).database.connection, action=Action.CHILDREN_LISTED)
    events = [entry.to_event() for entry in entries]
    assert len([event for event in events if event.subject]) == len(found)
    assert {event.outcome for event in events} == {Outcome.INTENDED, Outcome.DONE}
    assert {(event.purpose, event.details["listing"]) for event in events} == {("Termly review", "my_children")}


@pytest.mark.parametrize(("group", "field"), [("health", "sdq_score"), ("care", "placement_type")])
def test_a_field_that_our_policy_withholds_is_empty_for_everybody(
    state: Path, capsys: pytest.CaptureFixture[str], group: str, field: str
) -> None:
    """Of those educated here too: a host may read the care of others' children, and ours are not others'."""
    put_policy(state, MATRIX.read_text() + f"p, *, home, *, {group}, deny\n")
    found = listed(state, capsys)
    assert {child[field] for child in found} == {None}
    assert any(child["attendance_rate"] is not None for child in found)


def test_what_a_host_told_has_its_day(
    state: Path, federation: SmallFederation, capsys: pytest.CaptureFixture[str]
) -> None:
    child = next(child for child in listed(state, capsys) if child["upn"] and child["date_of_birth"])
    node = open_node(state)
    answer = ClaimAnswer(
        lookup_id="L-" + "0" * 32,
        sender="node-936",
        receiver=node.party.member_id,
        authority="936",
        term="202425-summer",
        outcome=LookupOutcome.ANSWERED,
        code="",
        snapshot="202425-summer-" + "0" * 16,
        as_of=datetime(2025, 7, 1, tzinfo=UTC),
        children=(facts_of(str(child["upn"]), str(child["date_of_birth"])),),
    )
    store_facts(state, answer, datetime(2025, 7, 2, tzinfo=UTC))
    told = {found["upn"]: found["told_by_host"] for found in listed(state, capsys)}
    assert told.pop(child["upn"]) == "2025-07-01"
    assert set(told.values()) == {None}


def facts_of(upn: str, born: str) -> EducationFacts:
    """What a host may tell of a child of whom it knows nothing else."""
    unknown: dict[str, Any] = dict.fromkeys(EducationFacts.__struct_fields__)
    return EducationFacts(**{**unknown, "upn": upn, "date_of_birth": date.fromisoformat(born)})


def test_whoever_has_no_pupil_data_is_turned_away_and_logged(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mine(state, "admin") == 8
    assert capsys.readouterr().out == ""
    (entry,) = read_entries(open_node(state).database.connection, action=Action.CHILDREN_LISTED)
    assert entry.to_event().outcome is Outcome.REFUSED


def test_somebody_is_looked_for(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lookup", "--state", str(state), "--as", "vsh", "--purpose", "Nothing"]) == 2
    assert "--mine or --placed-here, --class-list, --named or --child" in capsys.readouterr().err
