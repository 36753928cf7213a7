"""The node's budget ledger: debited with the log's entry or not at all, once for a manifest, and never given back."""

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path as FilePath
from threading import Barrier

import pytest
from click.testing import CliRunner

from audit.event import Action
from audit.log import AuditLog, read_entries
from disclosure_control.budget.price import write_epsilon
from disclosure_control.presets.shipped import list_presets
from federation.budgets import BudgetStatement, open_account, verify_statement
from federation.envelope import Envelope
from federation.hub_line import HubRefused
from federation.manifest import Path
from federation.problems import Problem
from federation.sum_terms import make_noisy_terms
from node import answering
from node.budget import read_account
from node.budget_statement import RESTATED_EVERY, STATED_EVERY, StatedBudget
from node.commands import node as node_command
from node.refusal import Refused
from tests.node.sums.played_hub import PlayedHub, PlayedSum, Said
from tests.node.sums.test_whole_sums_at_nodes import NODE, SQL
from tests.projects import make_project
from tests.small_federation import SmallFederation

YEAR = 202425
BOYS = "SELECT COUNT(*) AS boys FROM child_year WHERE academic_year = 202425 AND counted_here AND sex = 'M'"
PUPILS = "SELECT sex, COUNT(*) AS pupils FROM pupil_year WHERE academic_year = 202425 GROUP BY sex"


def asked(wide: SmallFederation, sql: str = SQL, epsilon: str = "1", **changes: object) -> bytes:
    """A noisy sum that everybody approved."""
    terms = make_noisy_terms(len(wide.roster), epsilon)
    if isinstance(project := changes.get("project"), str):
        changes["project"] = make_project(project, ["ana@ucl"], list_presets())
    return wide.sign(wide.manifest(sql, Path.NOISY_SUM, sum=terms, **changes))


def refused(said: Said) -> str:
    """The reason why a node refused, or nothing where it answered."""
    return said.code if said.refusals else ""


def taken(hub: PlayedHub, name: str = NODE) -> Mapping[tuple[int, str], str]:
    """What the node's ledger says was taken, by academic year and project."""
    node = hub.nodes[name]
    account = read_account(node.database.connection, node.rules().sums)
    return {entry: str(loss.epsilon) for entry, loss in account.taken.items()}


def test_each_question_is_debited_whatever_its_table_and_filter(wide: SmallFederation, hub: PlayedHub) -> None:
    """Boys and everybody, children and pupils: no two questions are known to be about different children."""
    for sql in (SQL, BOYS, PUPILS):
        assert refused(hub.want(asked(wide, sql, "0.5")).ask(NODE)) == ""
    assert taken(hub) == {(YEAR, "attendance"): "3/2"}


def test_a_manifest_is_debited_once_for_all_its_attempts(wide: SmallFederation, hub: PlayedHub) -> None:
    signed = asked(wide)
    first = hub.want(signed)
    first.gather(away=("node-203",))
    aborts = first.abort_everywhere(wide.roster[1:])
    assert hub.run(signed, 2, aborts=aborts).opened is not None
    assert taken(hub) == {(YEAR, "attendance"): "1"}


def test_an_attempt_after_the_budget_is_spent_is_still_answered(wide: SmallFederation, hub: PlayedHub) -> None:
    """What was paid for stays paid for, however little is left by now."""
    wide.change_rule("301", 'most_epsilon_per_project = "5"', 'most_epsilon_per_project = "1"')
    signed = asked(wide)
    first = hub.want(signed)
    first.gather(away=("node-203",))
    assert hub.run(signed, 2, aborts=first.abort_everywhere(wide.roster[1:])).opened is not None


def test_projects_have_caps_of_their_own_within_the_years(wide: SmallFederation, hub: PlayedHub) -> None:
    wide.change_rule("301", 'most_epsilon_per_project = "5"', 'most_epsilon_per_project = "1"')
    wide.change_rule("301", 'most_epsilon_per_year = "10"', 'most_epsilon_per_year = "1.5"')
    said = [
        refused(hub.want(asked(wide, epsilon=epsilon, project=project)).ask(NODE))
        for project, epsilon in (("one", "1"), ("one", "0.1"), ("two", "0.6"), ("two", "0.5"), ("three", "0.1"))
    ]
    assert said == ["", "epsilon_spent", "epsilon_spent", "", "epsilon_spent"]
    assert taken(hub) == {(YEAR, "one"): "1", (YEAR, "two"): "1/2"}


def test_of_questions_asked_at_once_no_more_are_paid_for_than_there_is_room_for(
    wide: SmallFederation, hub: PlayedHub
) -> None:
    """Any one of the three fits, and no two: what is left is read in the transaction that takes of it."""
    wide.change_rule("301", 'most_epsilon_per_year = "10"', 'most_epsilon_per_year = "1"')
    runs = [hub.want(asked(wide, epsilon="0.6", project=project)) for project in ("one", "two", "three")]
    ready = Barrier(len(runs))

    def ask(run: PlayedSum) -> str:
        ready.wait()
        return refused(run.ask(NODE))

    with ThreadPoolExecutor(len(runs)) as threads:
        said = sorted(threads.map(ask, runs))
    assert said == ["", "epsilon_spent", "epsilon_spent"]
    assert list(taken(hub).values()) == ["3/5"]


def test_exact_rows_cost_nothing_of_it(wide: SmallFederation, hub: PlayedHub) -> None:
    """What promises no epsilon cannot be counted in it: other rules bound how much is told by that path."""
    assert answering.answer_manifest(hub.nodes[NODE], wide.sign(wide.manifest(SQL))) is not None
    assert taken(hub) == {}


def test_a_question_that_fails_is_paid_for(
    wide: SmallFederation, hub: PlayedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How a run fails can depend on data: what came of it gives nothing back."""

    def fail(*_: object) -> None:
        raise Refused("not_run", "the question could not be run here")

    monkeypatch.setattr("node.sums.contributing.run_plan", fail)
    assert refused(hub.want(asked(wide)).ask(NODE)) == "not_run"
    assert taken(hub) == {(YEAR, "attendance"): "1"}


def test_no_debit_without_its_entry_in_the_log(
    wide: SmallFederation, hub: PlayedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction: where the log cannot be written, nothing is taken, and nothing is run."""

    class LogFull(Exception):
        pass

    def fail(*_: object) -> None:
        raise LogFull

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "append", fail)
        with pytest.raises(LogFull):
            hub.want(asked(wide)).ask(NODE)
    assert taken(hub) == {}
    assert refused(hub.want(asked(wide)).ask(NODE)) == ""
    entry = next(read_entries(hub.nodes[NODE].database.connection, action=Action.QUERY_RECEIVED)).to_event()
    details = {name: entry.details[name] for name in ("academic_year", "epsilon", "project")}
    assert details == {"academic_year": "202425", "epsilon": "1", "project": "attendance"}
    assert taken(hub) == {(YEAR, "attendance"): "1"}


def test_nothing_in_the_house_changes_or_deletes_a_debit() -> None:
    house = FilePath(__file__).parents[3]
    sources = sorted(path for room in ("node", "federation") for path in (house / room).rglob("*.py"))
    verbs = [verb for path in sources for verb in re.findall(r"(\w+ \w+) privacy_losses", path.read_text())]
    assert verbs == ["rho FROM", "INSERT INTO", "reserved_at FROM", "questions FROM"]


# --- What others are told --------------------------------------------------------------------------------------------


class Board:
    """A hub that keeps what nodes state, or refuses it."""

    def __init__(self, refuses: bool = False) -> None:
        self.stated: list[Envelope] = []
        self.refuses = refuses

    def publish_budget(self, statement: Envelope) -> None:
        if self.refuses:
            raise HubRefused(Problem(status=400, title="Refused", detail="not now", code="budget_malformed"))
        self.stated.append(statement)


def read(wide: SmallFederation, hub: PlayedHub, envelope: Envelope) -> BudgetStatement:
    member = wide.register.find(NODE, wide.clock())
    return verify_statement(envelope, member, wide.clock())


def test_the_budget_is_stated_once_and_again_when_it_changes(wide: SmallFederation, hub: PlayedHub) -> None:
    node, board, stated = hub.nodes[NODE], Board(), StatedBudget()
    for _ in range(3):
        stated.renew(node, board)
        wide.clock.move(STATED_EVERY)
    assert [read(wide, hub, each).taken for each in board.stated] == [()]
    played = hub.want(asked(wide))
    played.ask(NODE)
    wide.clock.move(STATED_EVERY - timedelta(seconds=1))
    stated.renew(node, board)
    wide.change_rule("301", 'most_epsilon_per_year = "10"', 'most_epsilon_per_year = "2.5"')
    wide.clock.move(STATED_EVERY)
    stated.renew(node, board)
    last = read(wide, hub, board.stated[-1])
    assert last.counted == (played.attempt.manifest_digest,)
    left = [write_epsilon(open_account(last).left(year, "attendance")) for year in (YEAR, 202324)]
    assert left == ["1.5", "2.5"]


def test_it_is_stated_once_a_day_all_the_same(wide: SmallFederation, hub: PlayedHub) -> None:
    """So that what was sent out while this node was away, and is over, is not held against it for ever."""
    node, board, stated = hub.nodes[NODE], Board(), StatedBudget()
    for _ in range(2):
        stated.renew(node, board)
        wide.clock.move(RESTATED_EVERY)
    assert [read(wide, hub, each).taken for each in board.stated] == [(), ()]


def test_a_hub_that_takes_no_statement_stops_nothing(wide: SmallFederation, hub: PlayedHub) -> None:
    node, stated, later = hub.nodes[NODE], StatedBudget(), Board()
    stated.renew(node, Board(refuses=True))
    wide.clock.move(STATED_EVERY)
    stated.renew(node, later)
    assert len(later.stated) == 1


def test_the_command_prints_each_years_account(wide: SmallFederation, hub: PlayedHub) -> None:
    for project, epsilon in (("one", "1"), ("two", "0.5"), ("two", "0.25")):
        hub.want(asked(wide, epsilon=epsilon, project=project)).ask(NODE)
    state = str(hub.nodes[NODE].party.directory)
    result = CliRunner().invoke(node_command, ["budget", "--state", state, "--format", "json"])
    assert result.exit_code == 0, result.output
    lines = [[line[name] for name in ("project", "questions", "epsilon", "left")] for line in json.loads(result.stdout)]
    assert lines == [["all", 3, "1.75", "8.25"], ["one", 1, "1", "4"], ["two", 2, "0.75", "4.25"]]
    assert "caps of epsilon: 1 for one question, 10 for an academic year, 5 of it for one project" in result.stderr
