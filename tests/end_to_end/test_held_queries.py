"""Queries that a node holds for its officer, by way of the real hub: seen as held, and answered once let through."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.cli import run
from federation.exchange import QueryDraft, QueryState
from federation.state import StateError
from node import questions
from node.desk import Desk
from node.leaving.holding import decide_by_id, list_due, list_held
from node.leaving.ledger import Standing, find_come
from node.questions import take_decided
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import AccessDenied
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.small_federation import QUESTION, SmallFederation

HOLDER = "301"
DRAFT = QueryDraft(
    project="attendance",
    purpose="How attendance differs by support",
    sql=QUESTION,
    academic_year="202425",
    preset="opensafely",
    roster=None,
    valid_hours=24,
)


@pytest.fixture
def together(federation: SmallFederation) -> Iterator[OneProcess]:
    """A federation in which one node holds whatever leaves as its own rows."""
    federation.change_rule(HOLDER, "all = false\npaths = []", 'all = false\npaths = ["per_authority"]')
    enter_person(federation.directory / f"node-{HOLDER}", "ig", "ig_officer", "Officer")
    process = OneProcess(federation)
    with answering_at_once():
        yield process
    process.close()


def outcomes(together: OneProcess, query_id: str) -> dict[str, tuple[str, str]]:
    with together.client("ana@ucl") as client:
        return {node.authority: (node.outcome, node.code) for node in client.status(query_id).nodes}


def held_by(together: OneProcess) -> Node:
    return together.nodes[HOLDER]


def decide(together: OneProcess, query_id: str, *, let_through: bool) -> None:
    node = held_by(together)
    officer = node.find_person("ig")
    decide_by_id(node, officer, query_id, let_through=let_through, reason="Read and understood")


def answer_now(together: OneProcess) -> None:
    hub = together.connect(held_by(together).party)
    desk = Desk()
    take_decided(held_by(together), hub, desk)
    desk.answer_due()
    hub.close()


def logged(together: OneProcess, query_id: str) -> list[AuditEvent]:
    entries = read_entries(held_by(together).database.connection, reference=query_id)
    return [entry.to_event() for entry in reversed(list(entries))]


def ask(together: OneProcess) -> str:
    query_id = together.submit(DRAFT)
    together.poll(*together.nodes)
    return query_id


def test_a_held_query_is_seen_as_held_and_answered_when_it_is_let_through(together: OneProcess) -> None:
    query_id = ask(together)
    told = outcomes(together, query_id)
    assert told.pop(HOLDER) == ("held", "held")
    assert {outcome for outcome, _ in told.values()} == {"answered"}
    assert together.state(query_id) is QueryState.RUNNING
    come = find_come(held_by(together), query_id)
    assert come is not None
    assert come.standing is Standing.HELD
    answer_now(together)  # Nobody has decided: nothing happens.
    assert together.state(query_id) is QueryState.RUNNING
    decide(together, query_id, let_through=True)
    answer_now(together)
    assert outcomes(together, query_id)[HOLDER] == ("answered", "")
    assert together.state(query_id) is QueryState.RELEASED
    actions = [event.action for event in logged(together, query_id)]
    assert actions == [Action.QUERY_HELD, Action.QUERY_DECIDED, Action.QUERY_RECEIVED, Action.QUERY_ANSWERED]
    answer_now(together)
    assert [event.action for event in logged(together, query_id)] == actions
    hub = read_entries(together.hub.database.connection, action=Action.QUERY_HELD)
    assert [entry.to_event().actor for entry in hub] == [f"node-{HOLDER}"]


def test_what_was_answered_since_it_was_listed_is_not_answered_again(
    together: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk may be done with it while the line reads what is due: it would be refused, and logged, as a replay."""
    query_id = ask(together)
    decide(together, query_id, let_through=True)
    listed = list_due(held_by(together))
    answer_now(together)
    actions = [event.action for event in logged(together, query_id)]
    monkeypatch.setattr(questions, "list_due", lambda _: listed)
    answer_now(together)
    assert [event.action for event in logged(together, query_id)] == actions


def test_what_an_officer_refuses_is_refused_with_the_reason(together: OneProcess) -> None:
    query_id = ask(together)
    decide(together, query_id, let_through=False)
    with pytest.raises(StateError, match="already"):
        decide(together, query_id, let_through=True)
    answer_now(together)
    assert outcomes(together, query_id)[HOLDER] == ("refused", "officer_refused")
    assert together.state(query_id) is QueryState.RELEASED
    assert [event.action for event in logged(together, query_id)][-1] is Action.QUERY_REFUSED


def test_a_query_that_nobody_decides_about_ends_with_its_manifest(together: OneProcess) -> None:
    """The others are released; the log says that it expired, once; a late decision is none."""
    query_id = ask(together)
    together.clock.move(timedelta(hours=25))
    together.poll("203")  # Whoever polls has the hub look at what is due.
    assert together.state(query_id) is QueryState.RELEASED
    assert outcomes(together, query_id)[HOLDER] == ("held", "held")
    with pytest.raises(StateError, match="expired"):
        decide(together, query_id, let_through=True)
    for _ in range(2):
        answer_now(together)
    assert [event.action for event in logged(together, query_id)] == [Action.QUERY_HELD, Action.QUERY_EXPIRED]
    come = find_come(held_by(together), query_id)
    assert come is not None
    assert come.standing is Standing.EXPIRED


def test_the_command_lists_and_decides_for_those_who_may(
    together: OneProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    query_id, state = ask(together), str(together.federation.directory / f"node-{HOLDER}")
    assert run(["node", "held", "queries", "--state", state, "--as", "ig", "--format", "json"]) == 0
    assert query_id in capsys.readouterr().out
    assert run(["node", "held", "answer", "--state", state, "--as", "vsh", query_id, "--reason", "Fine"]) == 8
    assert run(["node", "held", "answer", "--state", state, "--as", "ig", query_id, "--reason", "Fine"]) == 0
    assert [each.let_through for each in list_held(held_by(together))] == [True]
    node = held_by(together)
    with pytest.raises(AccessDenied):
        decide_by_id(node, node.find_person("admin"), query_id, let_through=True, reason="x")


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        ("all = true\npaths = []", True),
        ('all = false\npaths = ["noisy_sum"]', False),
        ('projects = ["attendance"]', True),
        ('projects = ["another"]', False),
    ],
)
def test_what_is_held_is_for_the_rules_alone(together: OneProcess, rule: str, held: bool) -> None:
    together.federation.change_rule(HOLDER, 'all = false\npaths = ["per_authority"]', "all = false\npaths = []")
    before = "projects = []" if rule.startswith("projects") else "all = false\npaths = []"
    together.federation.change_rule(HOLDER, before, rule)
    assert (outcomes(together, ask(together))[HOLDER][0] == "held") is held
