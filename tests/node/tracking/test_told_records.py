"""A host authority reads the tracking record of a child educated in its area, as home's policy lets it; and no more."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.event import Action
from federation.lookups import ChildFile, ChildSought
from federation.wire import encode_document
from node.lookups.file_fields import TRACKED
from node.service import Node
from node.tracking.facts import Fact, Step, Target
from node.tracking.kinds import key_of, kind_of
from node.tracking.store import add_entries
from node.tracking.telling import ROOM, TellingUnreadable, read_told, tell_facts
from node.tracking.told_child import summarise_told
from policies.access_policy import MATRIX
from policies.names import FieldGroup
from tests.node.lookups.test_lookups import ASKER, PaperRelay, events
from tests.node.lookups.test_one_child import HOME, ask, child_placed_here
from tests.node.tracking.test_tracked_progress import QUIET, record
from tests.node.tracking.test_tracking_record import NOW
from tests.node.tracking.tracked_facts import FACTS
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

MANY: tuple[Fact, ...] = tuple(
    Target(term=f"20{year}{year + 1}-{term}", subject=subject, target="5")
    for year in range(10, 60)
    for term in ("autumn", "spring", "summer")
    for subject in ("english", "mathematics", "science")
)


@given(st.lists(FACTS, max_size=8, unique_by=key_of))
def test_what_is_told_of_a_record_is_read_as_it_stands(facts: list[Fact]) -> None:
    told = record(*facts)
    again = read_told((tell_facts(told, group) for group in TRACKED.values()), NOW, "authority 301")
    assert {entry.fact for entry in again.entries} == set(facts)
    for name, group in TRACKED.items():
        assert (tell_facts(told, group) is not None) is any(kind_of(fact).group is group for fact in facts), name


@given(
    st.one_of(
        st.text(max_size=60), st.recursive(st.text(max_size=5) | st.none(), st.lists, max_leaves=6).map(json.dumps)
    )
)
def test_any_text_is_a_record_or_refused(text: str) -> None:
    with suppress(TellingUnreadable):
        assert read_told([text], NOW, "authority 301").version >= 0


def test_the_oldest_give_way_to_the_room() -> None:
    told = tell_facts(record(*MANY), FieldGroup.PLAN_PEP)
    assert told is not None
    assert ROOM - 200 < len(told.encode()) <= ROOM
    facts = [entry.fact for entry in read_told([told], NOW, "authority 301").entries]
    assert facts == list(MANY[-len(facts) :])


def test_a_withdrawal_is_not_believed_from_another_node() -> None:
    with pytest.raises(TellingUnreadable):
        read_told(['[["target", {"withdrawn": "202425-summer/english"}]]'], NOW, "authority 301")


def set_down(node: Node, child: str, *facts: Fact) -> None:
    with node.database.transaction() as connection:
        told = {"by": "vsh", "role": "virtual_school_head", "reason": "A secret reason"}
        add_entries(connection, child, 0, facts, at=node.clock(), **told)


def told_to_host(federation: SmallFederation, *facts: Fact) -> tuple[ChildFile, tuple[str, ...]]:
    child = child_placed_here(federation)
    set_down(federation.node(HOME), child["child"], *facts)
    (answer,) = ask(federation, PaperRelay(federation), ChildSought(upn=child["upn"])).answers
    (file,) = answer.files
    summary = summarise_told(federation.node(ASKER), answer, file)
    assert summary is not None
    assert not isinstance(summary, str)
    assert not any(section.is_open for section in summary.sections)
    return file, answer.fields


def test_the_host_is_told_of_the_record_without_its_history(federation: SmallFederation) -> None:
    talk = Step(topic="ambition", on=NOW.date(), step="challenged", owner="school", due=NOW.date())
    file, fields = told_to_host(federation, *QUIET, talk)
    assert "challenged" in (file.tracked_plan or "")
    assert '"target": "EXS"' in (file.tracked_pep or "")
    assert file.tracked_education is None
    assert set(fields) & set(TRACKED) == {"tracked_plan", "tracked_pep"}
    assert b"secret" not in encode_document(file)
    (answered,) = (event for event in events(federation.node(HOME), Action.LOOKUP_ANSWERED) if event.subject)
    assert answered.fields == fields


def test_homes_own_policy_decides_which_groups_the_host_is_told(federation: SmallFederation) -> None:
    put_policy(federation.node(HOME).party.directory, MATRIX.read_text() + "p, *, host, *, plan, deny\n")
    file, fields = told_to_host(federation, *QUIET)
    assert (file.tracked_plan, "tracked_plan" in fields) == (None, False)
    assert file.tracked_pep is not None


def test_the_longest_record_fits_into_an_answer(federation: SmallFederation) -> None:
    file, _ = told_to_host(federation, *MANY)
    assert len((file.tracked_pep or "").encode()) > ROOM - 200
