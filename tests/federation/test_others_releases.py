"""A release that somebody else asked for: a member of another organisation fetches, verifies, compares and cites it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.release.showing import ShownTable
from federation.client import ManifestMismatch
from federation.commands.query import query
from federation.exchange import ReleaseStanding
from federation.hub_line import HubRefused
from federation.log_proofs import verify_release_proof
from federation.manifest import ApprovalError
from federation.releases import ReleaseMismatch
from federation.state import StateError
from hub.endings import give_notice
from hub.projects import keep_project
from query_engine.planning.plan import QueryPlan
from tests.added_presets import STRICT, write_strict
from tests.federation.test_asking_by_library import PURPOSE, QuickClient, open_client
from tests.hub.played_federation import NODES, PROJECT, SQL, PlayedFederation, found_federation
from tests.projects import make_project

NARROWER = SQL.replace("AND counted_here", "AND counted_here AND year_group BETWEEN 1 AND 11")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedFederation]:
    """A hub and its members, for all tests here: each asks a question of its own."""
    federation = found_federation(tmp_path_factory.mktemp("others"))
    yield federation
    federation.hub.close()


@pytest.fixture
def reader(played: PlayedFederation) -> QuickClient:
    """Bea of the department, who reads what Ana of the university asks."""
    return open_client(played, "bea")


def ask(played: PlayedFederation, sql: str = SQL) -> tuple[str, str]:
    """The ids of a query of Ana's and of its release."""
    ana = open_client(played)
    ana.answering, ana.refusing = NODES, ()
    question = ana.sql(sql, project=PROJECT, purpose=PURPOSE, preset="ons_10_5", path="per_authority")
    document = question.result().document
    return document.query_id, document.release_id


def test_whoever_may_read_it_verifies_it_by_either_id(played: PlayedFederation, reader: QuickClient) -> None:
    """Against the exact bytes that were signed, so that they know who asked what, for what, under which protection."""
    query_id, release_id = ask(played)
    answered = reader.fetch_answered(release_id)
    assert answered == reader.fetch_answered(query_id)
    document, manifest = answered.document, answered.manifest
    assert (document.release_id, manifest.asker, manifest.purpose) == (release_id, "ana", PURPOSE)
    result = reader.result(release_id)
    assert release_id in result.citation
    assert verify_release_proof(result.proof, document, reader.refresh_register(), reader.now(), quorum=0).index > 0


def test_what_is_under_way_is_closed_until_it_is_released(played: PlayedFederation, reader: QuickClient) -> None:
    """And where a query stands stays so: of others there is the release, and nothing beside it."""
    query_id = played.start()
    for ask_hub in (reader.fetch, reader.status, reader.review):
        with pytest.raises(HubRefused, match="query of that id"):
            ask_hub(query_id)
    with pytest.raises(HubRefused, match="no release of that id"):
        reader.standing(query_id)
    played.answer(query_id, *NODES)
    assert reader.fetch(query_id).query_id == query_id
    with pytest.raises(HubRefused, match="query of that id"):
        reader.status(query_id)


def test_what_authorities_alone_may_ask_about_stays_closed_whole(
    played: PlayedFederation, reader: QuickClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    query_id, release_id = ask(played)
    monkeypatch.setattr(QueryPlan, "audience", "authority")
    for cited in (query_id, release_id):
        for ask_hub in (reader.fetch, reader.standing):
            with pytest.raises(HubRefused, match="query of that id"):
                ask_hub(cited)


def test_whom_the_matrix_gives_no_aggregates_is_given_no_manifest_either(played: PlayedFederation) -> None:
    query_id, release_id = ask(played)
    for cited in (query_id, release_id):
        with pytest.raises(HubRefused, match="query of that id"):
            open_client(played, "hub").fetch(cited)


def test_two_of_them_are_compared(played: PlayedFederation, reader: QuickClient) -> None:
    (first, _), (_, second) = ask(played), ask(played, NARROWER)
    found = reader.compare(first, second)
    assert found.rows
    assert any("year_group" in warning or "question" in warning or "SQL" in warning for warning in found.warnings)


def test_one_release_is_not_compared_with_itself_under_its_other_name(
    played: PlayedFederation, reader: QuickClient
) -> None:
    with pytest.raises(StateError, match="two different"):
        reader.compare(*ask(played))


def test_a_notice_is_told_to_whoever_reads_it(
    played: PlayedFederation, reader: QuickClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command, which takes what was cited, follows nothing that is not the reader's, and verifies."""
    query_id, release_id = ask(played)
    assert reader.standing(release_id) == ReleaseStanding(release_id=release_id, query_id=query_id)
    give_notice(played.hub, query_id, "Two schools were counted twice", played.member("gus"))
    monkeypatch.setattr("federation.client.connect", lambda _: reader)
    for cited in (query_id, release_id):
        said = CliRunner().invoke(query, ["fetch", "--state", ".", cited], catch_exceptions=False)
        assert said.exit_code == 0
        assert said.stdout.startswith(f"Release {release_id} of query {query_id}\n")
        assert "withdrawn by gus" in said.stderr


def test_ones_own_query_is_followed_as_before(played: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what the hub refuses for any other reason than whose it is, is an error."""
    monkeypatch.setattr("federation.client.connect", lambda _: open_client(played))
    query_id, _ = ask(played)
    said = CliRunner().invoke(query, ["fetch", "--state", ".", query_id], catch_exceptions=False)
    assert "released: 3 of 3 nodes have answered" in said.stderr
    with pytest.raises(HubRefused, match="no release of that id"):
        CliRunner().invoke(query, ["fetch", "--state", ".", f"R-{'0' * 16}"], catch_exceptions=False)


# --- Rules that the reader has not got -------------------------------------------------------------------------------


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[PlayedFederation]:
    """A hub that has released nothing: stricter rules beside other releases are for an output checker to look at."""
    federation = found_federation(tmp_path)
    yield federation
    federation.hub.close()


@pytest.fixture
def under_own_rules(apart: PlayedFederation) -> str:
    """A query of Ana's, under a preset that her university and the hub have files of, and the department has none."""
    for party in (apart.hub.party, apart.parties["ana"]):
        write_strict(party.directory)
    keep_project(apart.hub, make_project(PROJECT, ["ana"], ["ons_10_5", STRICT]))
    ana = open_client(apart)
    ana.answering, ana.refusing = NODES, ()
    return (
        ana.sql(SQL, project=PROJECT, purpose=PURPOSE, preset=STRICT, path="per_authority").result().document.query_id
    )


@pytest.fixture
def lent_to(apart: PlayedFederation) -> QuickClient:
    """Bea, who has no file of those rules."""
    return open_client(apart, "bea")


def test_rules_are_lent_to_read_by(under_own_rules: str, lent_to: QuickClient) -> None:
    """They are those whose digest was signed. Nothing is kept of them, so that nothing can be signed by them."""
    result = lent_to.result(under_own_rules)
    protected = result.document.table["preset"]
    assert protected["name"] == STRICT
    assert isinstance(result.table, ShownTable)
    assert any(result.table.margins)
    assert lent_to.presets.find(STRICT, protected["version"]).name == STRICT
    assert not (lent_to._party.directory / "presets").exists()
    with pytest.raises(PresetInvalid):
        lent_to._party.presets.find(STRICT, protected["version"])


def test_other_rules_than_were_approved_are_not_read_by(
    under_own_rules: str, lent_to: QuickClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = lent_to._connection.fetch_rules(under_own_rules)
    looser = rules.replace(b'"smallest_count_shown":12', b'"smallest_count_shown":11')
    assert looser != rules
    for content in (looser, b"", rules + b" "):
        monkeypatch.setattr(lent_to._connection, "fetch_rules", lambda _, content=content: content)
        with pytest.raises(ManifestMismatch, match="not those that were approved"):
            lent_to.fetch(under_own_rules)


# --- A hub that lies -------------------------------------------------------------------------------------------------


def test_another_release_than_was_cited_is_found_out(
    played: PlayedFederation, reader: QuickClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, cited), (other, _) = ask(played), ask(played)
    connection = reader._connection
    answer = ReleaseStanding(release_id=cited, query_id=other)
    monkeypatch.setattr(connection, "fetch_standing", lambda _: answer)
    with pytest.raises(ReleaseMismatch, match="another release than was cited"):
        reader.fetch(cited)


def test_another_question_than_was_answered_is_found_out(
    played: PlayedFederation, reader: QuickClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures of one question under the manifest of another: no reply of a node names those bytes."""
    (first, _), (second, cited) = ask(played), ask(played, NARROWER)
    connection = reader._connection
    manifest, release = connection.fetch_manifest(second), connection.fetch_release(first)
    forged = msgspec.structs.replace(release, query_id=second, sql=NARROWER)
    monkeypatch.setattr(connection, "fetch_manifest", lambda _: manifest)
    monkeypatch.setattr(connection, "fetch_release", lambda _: forged)
    with pytest.raises((ReleaseMismatch, ApprovalError)):
        reader.fetch(cited)


def test_to_read_the_bytes_is_not_to_sign_them(played: PlayedFederation, reader: QuickClient) -> None:
    query_id, _ = ask(played)
    with pytest.raises(ManifestMismatch, match="is asked by ana"):
        reader.review_own(query_id)
