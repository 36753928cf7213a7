"""The client library as a researcher has it: ask, wait, read, and prove without the hub."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from click.testing import CliRunner

from audit.proof import ProofInvalid
from federation.client import FederationClient, QuestionIncomplete, StillRunning, connect, read_result
from federation.client.frames import PandasMissing
from federation.commands.query import query
from federation.exchange import QueryDraft, QueryStatus
from federation.hub_line import HubRefused
from federation.log_proofs import verify_release_proof
from federation.releases import ReleaseMismatch
from federation.state import StateError, join_federation
from federation.transport import HubConnection
from hub.app import create_app
from hub.settling import settle_due
from query_engine.refusal import QueryRefused
from tests.end_to_end.one_process import HUB, ShortLines
from tests.hub.made_up_copy import CODES, give_copy
from tests.hub.played_federation import HUB_ADDRESS, PROJECT, SQL, PlayedFederation, found_federation

PURPOSE = "How attendance differs by key stage"
TOTAL = SQL.replace("key_stage, ", "").replace("\nGROUP BY key_stage", "")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedFederation]:
    """A hub and its members, in one process, for all tests here: each asks a question of its own."""
    federation = found_federation(tmp_path_factory.mktemp("library"))
    yield federation
    federation.hub.close()


class HubLines(ShortLines):
    """Lines that end in the application, at the address where the played federation's members find it."""

    address = HUB_ADDRESS


class QuickClient(FederationClient):
    """Ana's client, behind whose back approvers sign and nodes answer, refuse or are silent once she has asked."""

    played: PlayedFederation
    answering: tuple[str, ...] = ("node-301", "node-303")
    refusing: tuple[str, ...] = ("node-302",)
    submitted = 0

    def submit(self, draft: QueryDraft) -> QueryStatus:
        self.submitted += 1
        status = super().submit(draft)
        self.played.sign(status.query_id, "cho", "dev")
        self.played.answer(status.query_id, *self.answering)
        for node in self.refusing:
            self.played.refuse(status.query_id, node)
        return status


def open_client(federation: PlayedFederation, member: str = "ana") -> QuickClient:
    connection = HubConnection(HUB, federation.parties[member].ring, clock=federation.clock)
    connection._lines, connection._url = HubLines(create_app(federation.hub)), HUB_ADDRESS
    client = QuickClient(federation.parties[member], connection, federation.clock)
    client.played = federation
    return client


@pytest.fixture
def client(played: PlayedFederation) -> QuickClient:
    """Ana's client."""
    return open_client(played)


def ask(client: FederationClient) -> pd.DataFrame:
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    return question.to_pandas()


def test_a_question_becomes_a_data_frame(client: QuickClient) -> None:
    """Numbers are nullable, and wherever there is none its symbol says why."""
    frame = ask(client)
    assert list(frame.columns) == [
        *("home_authority", "key_stage", "children", "children_symbol", "attendance", "attendance_symbol")
    ]
    assert (frame["children"].dtype, frame["attendance"].dtype) == (pd.Int64Dtype(), pd.Float64Dtype())
    for label in ("children", "attendance"):
        assert (frame[label].isna() == frame[f"{label}_symbol"].notna()).all()
    absent = frame[frame["home_authority"] == "302"]
    assert set(absent["children_symbol"]) == {"x"}
    assert "Release R-" in frame.attrs["citation"]


def test_a_question_is_submitted_once_however_often_its_figures_are_wanted(client: QuickClient) -> None:
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    first, second = question.result(), question.result()
    assert client.submitted == 1
    assert first.release_id == second.release_id
    assert question.to_arrow().column("children").to_pylist() == first.to_arrow().column("children").to_pylist()


def test_progress_is_told_each_time(client: QuickClient) -> None:
    seen: list[QueryStatus] = []
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    question.result(progress=seen.append)
    assert [each.state for each in seen] == ["released"]
    assert {node.authority: node.outcome for node in seen[0].nodes} == {
        "301": "answered",
        "302": "refused",
        "303": "answered",
    }


def test_what_moves_while_progress_is_told_is_told_next(client: QuickClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is held, of which this hub has none, for what has not moved alone."""
    client.answering = client.refusing = ()
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    query_id, played = question.submit().query_id, client.played
    monkeypatch.setattr(played.hub.bell, "_most", 0)
    monkeypatch.setattr(client._connection, "_pause", lambda _: None)
    watching = client.watch(query_id)
    for answered, node in enumerate(("node-301", "node-302")):
        assert sum(each.outcome == "answered" for each in next(watching).nodes) == answered
        played.answer(query_id, node)
    assert next(watching).state == "running"
    with pytest.raises(HubRefused, match="waiting on the hub"):
        next(watching)


def test_patience_has_an_end_and_the_query_goes_on(client: QuickClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited may take it up again by its id."""
    monkeypatch.setattr("federation.client.member.LONG_POLL_SECONDS", 0)
    client.answering = client.refusing = ()
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    with pytest.raises(StillRunning, match=r"Q-[0-9a-f]{16} is running"):
        question.result(patience=timedelta(0))
    query_id = question.submit().query_id
    client.played.answer(query_id, "node-301", "node-302", "node-303")
    assert client.query(query_id).result().document.query_id == query_id


def test_what_is_left_out_follows_from_the_question(client: QuickClient) -> None:
    draft = client.sql(TOTAL, project=PROJECT, purpose=PURPOSE).draft
    assert (draft.path, draft.academic_year, draft.preset) == ("noisy_sum", "202425", "opensafely")
    rows = SQL.replace("key_stage", "home_authority")
    assert client.sql(rows, project=PROJECT, purpose=PURPOSE).draft.path == "per_authority"
    two = TOTAL.replace("= 202425", "IN (202324, 202425)")
    with pytest.raises(QuestionIncomplete, match="no one academic year"):
        client.sql(two, project=PROJECT, purpose=PURPOSE)
    with pytest.raises(QueryRefused):
        client.sql(TOTAL.replace("attendance_rate", "attendance_rat"), project=PROJECT, purpose=PURPOSE)


def test_a_check_says_beforehand_what_it_costs_and_withholds(client: QuickClient) -> None:
    client.played.state_budgets()
    total = client.sql(TOTAL, project=PROJECT, purpose=PURPOSE, epsilon="0.5").check()
    assert "epsilon 0.5 of 202425" in str(total)
    assert "left for project attendance: epsilon 999, and 20 at most for one question" in str(total)
    rows = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority").check()
    assert rows.price is None
    assert "of the figures withheld in the middling authority" in str(rows)
    assert client.submitted == 0
    assert "<dt><b>Price</b></dt>" in total._repr_html_()


def test_a_result_is_proven_without_the_hub(client: QuickClient, tmp_path: Path) -> None:
    """From the files in which it was handed on, by the register alone; any other document has no such proof."""
    result = client.query(client.submit(draft_of(client)).query_id).result()
    paths = result.save(tmp_path / "out", "csv")
    assert [path.name.partition(".")[2] for path in result.save_open_data(tmp_path / "open")] == [
        *("csv", "meta.csv", "provenance.txt", "release.json", "tlog-proof", "evidence.json")
    ]
    kept, root_key = read_result(paths[2], paths[3]), client._party.root_key
    assert kept.verify(root_key, paths[4].read_bytes()) == result.verify(root_key) == result.left_open == ()
    register, now = client.refresh_register(), client.now()
    with pytest.raises(ProofInvalid, match="cosign"):
        kept.verify_proof(register, now)
    forged = msgspec.structs.replace(kept.document, purpose="Another")
    with pytest.raises(ReleaseMismatch, match="another query"):
        replace(result, document=forged).verify(root_key)
    assert verify_release_proof(kept.proof, kept.document, register, now, quorum=0).event.reference == forged.query_id
    with pytest.raises(ProofInvalid, match="not that of this release"):
        verify_release_proof(kept.proof, forged, register, now, quorum=0)


def draft_of(client: FederationClient) -> QueryDraft:
    return client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority").draft


def test_what_a_notebook_shows_is_escaped_and_says_what_symbols_mean(client: QuickClient) -> None:
    """The purpose is the asker's word, and might be a script."""
    spiked = "<script>alert('x')</script> by key stage"
    question = client.sql(SQL, project=PROJECT, purpose=spiked, preset="ons_10_5", path="per_authority")
    shown = question.result()._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert '<abbr title="not available: the authority did not answer">x</abbr>' in shown
    assert "<summary>Where it comes from</summary>" in shown
    status = question.submit()._repr_html_()
    assert "<td>302</td><td>refused</td><td>history_full</td>" in status


def test_a_question_is_tried_on_made_up_children_who_are_never_taken_for_any(
    client: QuickClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In text, notebook, data frame, CSV and JSON it says what it is; nobody is asked; without a copy, why not."""
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    with pytest.raises(HubRefused, match="no synthetic England"):
        question.try_out()
    give_copy(client.played.hub.party.directory, tmp_path)
    trial = question.try_out()
    frame = trial.to_pandas()
    assert set(frame["synthetic"]) == {"true"}
    assert set(frame["home_authority"]) == set(CODES)
    assert (frame["children"].isna() == frame["children_symbol"].notna()).all()
    assert str(trial).startswith("SYNTHETIC: ")
    assert trial._repr_html_().startswith("<div><p><b>SYNTHETIC: ")
    assert trial.to_csv().splitlines()[0] == "synthetic,home_authority,key_stage,children,attendance"
    assert client.submitted == 0
    monkeypatch.setattr("federation.client.connect", lambda state: client)
    monkeypatch.setattr(client, "close", lambda: None)
    what = ["try", "--state", ".", "--project", PROJECT, "--preset", "ons_10_5", "--path", "per_authority"]
    said = CliRunner().invoke(query, [*what, "--format", "csv", SQL], catch_exceptions=False)
    assert said.stdout == trial.to_csv()
    told = CliRunner().invoke(query, [*what, "--format", "json", SQL], catch_exceptions=False)
    assert json.loads(told.stdout)["synthetic"] is True
    assert CliRunner().invoke(query, [*what, SQL]).stdout.startswith("SYNTHETIC: ")


def test_nothing_is_released_of_a_query_that_expired(client: QuickClient) -> None:
    client.answering = client.refusing = ()
    question = client.sql(SQL, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority", valid_hours=1)
    query_id = question.submit().query_id
    client.played.clock.advance(timedelta(hours=1))
    settle_due(client.played.hub, client.played.clock())
    with pytest.raises(HubRefused, match="nothing has been released"):
        client.query(query_id).result()


def test_one_connects_to_the_hub_that_one_joined(played: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address beside a directory, or by the directory alone; nothing is signed for any other hub."""
    party = join_federation(played.parties["ana"], played.parties["ana"].root_key, HUB)
    for client in (
        connect(HUB, state=party.directory),
        connect(f"{HUB}/", state=str(party.directory)),
        connect(party.directory),
        connect(state=party.directory),
    ):
        assert client.member_id == "ana"
        client.close()
    monkeypatch.setenv("CIRCE_STATE", str(party.directory))
    connect(HUB).close()
    with pytest.raises(
        StateError, match=r"joined the hub at http://127\.0\.0\.1:9, which is not https://other\.example"
    ):
        connect("https://other.example")
    monkeypatch.delenv("CIRCE_STATE")
    with pytest.raises(StateError, match="whose keys"):
        connect(HUB)


def test_without_pandas_there_is_a_clear_word(client: QuickClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(PandasMissing, match="pip install pandas"):
        ask(client)
