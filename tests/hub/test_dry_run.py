"""A dry run: only ever on made-up nodes, through the gates of a real answer, and with no trace of it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.released import ReleasedTable
from federation.exchange import QueryDraft
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.problems import ProblemRaised
from federation.state import StateError, join_federation, open_party
from hub.commands import hub as hub_command
from hub.dry_run import run_dry
from hub.synthetic import SyntheticCopy, find_copy, take_copy
from tests.hub.made_up_copy import CODES, MADE_AT, give_copy, make_node
from tests.hub.played_federation import PROJECT, SQL, PlayedFederation, found_federation


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> PlayedFederation:
    """A federation whose hub has a dry-run copy; nothing here changes it."""
    place = tmp_path_factory.mktemp("dry")
    federation = found_federation(place / "federation")
    give_copy(federation.hub.party.directory, place)
    return federation


@pytest.fixture
def copy(played: PlayedFederation) -> SyntheticCopy:
    """The hub's copy."""
    found = find_copy(played.hub)
    assert found is not None
    return found


def draft(path: LeavingPath, sql: str = SQL) -> QueryDraft:
    return QueryDraft(
        project=PROJECT,
        purpose="To try it",
        sql=sql,
        academic_year="202425",
        preset="ons_10_5",
        roster=None,
        valid_hours=24,
        path=path,
    )


def try_it(
    copy: SyntheticCopy, path: LeavingPath, sql: str = SQL, preset: str = "ons_10_5"
) -> ReleasedTable | ReleasedModel:
    return run_dry(copy, draft(path, sql), derive_plan(sql, path), load_preset(preset))


def test_the_copy_says_whose_made_up_tables_it_has(copy: SyntheticCopy) -> None:
    assert (copy.authorities, copy.years, copy.taken_at) == (CODES, (202425,), "2026-11-01T00:00:00+00:00")
    assert {name for _, tables in copy.tables for name, _ in tables} == {"child_year"}


def test_a_node_that_has_joined_a_federation_is_refused_whoever_says_otherwise(tmp_path: Path) -> None:
    """Its data may be of children. The other nodes are not taken either, and what was there before stays."""
    federation = found_federation(tmp_path / "federation")
    hub = federation.hub.party.directory
    give_copy(hub, tmp_path / "first")
    real = federation.parties["node-301"].directory
    with pytest.raises(StateError, match="has joined a federation, whose data may be of children"):
        take_copy(hub, [make_node(tmp_path / "second", "207"), real], MADE_AT)
    said = CliRunner().invoke(hub_command, ["synthetic", "--state", str(hub), str(real)])
    assert isinstance(said.exception, StateError)
    found = find_copy(federation.hub)
    assert found is not None
    assert found.authorities == CODES
    assert [path.name for path in hub.glob("synthetic*")] == ["synthetic"]
    federation.hub.close()


def test_a_made_up_node_that_joins_later_is_no_longer_taken(tmp_path: Path, played: PlayedFederation) -> None:
    node = make_node(tmp_path, "208")
    (tmp_path / "hub").mkdir()
    assert take_copy(tmp_path / "hub", [node], MADE_AT) == ("208",)
    join_federation(open_party(node), played.parties["ana"].root_key, "http://hub.test")
    with pytest.raises(StateError, match="joined"):
        take_copy(tmp_path / "hub", [node], MADE_AT)


def test_rows_of_authorities_are_protected_as_each_would(copy: SyntheticCopy) -> None:
    """No figure under the preset's threshold, all counts rounded, and symbols where there is none."""
    table = try_it(copy, LeavingPath.PER_AUTHORITY)
    assert isinstance(table, ReleasedTable)
    assert table.answered == CODES
    counts = [row[table.columns.index("children")] for row in table.rows]
    shown = [each for each in counts if isinstance(each, int) and each]
    assert shown
    assert all(each >= 10 and each % 5 == 0 for each in shown)
    assert "c" in counts


def test_a_noised_total_has_noise_and_no_authority(copy: SyntheticCopy) -> None:
    table = try_it(copy, LeavingPath.NOISY_SUM)
    assert isinstance(table, ReleasedTable)
    assert table.is_total
    assert table.noise is not None
    counts = [row[table.columns.index("children")] for row in table.rows]
    total = sum(each for each in counts if isinstance(each, int))
    assert abs(total - 6 * 150) < 400
    again = try_it(copy, LeavingPath.NOISY_SUM)
    assert isinstance(again, ReleasedTable)
    assert [row[1] for row in again.rows] != counts


def test_what_cannot_be_tried_says_why(copy: SyntheticCopy) -> None:
    other_year = SQL.replace("202425", "202324")
    with pytest.raises(ProblemRaised, match="has the years 202425, and none of 202324"):
        try_it(copy, LeavingPath.PER_AUTHORITY, other_year)
    crossed = SQL.replace("key_stage", "key_stage, sex, age, need")
    with pytest.raises(ProblemRaised, match="at most 20,000 rows"):
        try_it(copy, LeavingPath.PER_AUTHORITY, crossed)
    elsewhere = SQL.replace("child_year", "pupil_year").replace(
        "counted_here AND population = 'looked_after'", "sex = 'F'"
    )
    with pytest.raises(ProblemRaised, match="cannot be tried on synthetic England"):
        try_it(copy, LeavingPath.PER_AUTHORITY, elsewhere.replace("COUNT(DISTINCT child)", "COUNT(*)"))


def test_a_dry_run_leaves_no_trace(played: PlayedFederation, copy: SyntheticCopy) -> None:
    connection = played.hub.database.connection
    before = connection.execute("SELECT count(*) FROM queries").fetchone()[0]
    try_it(copy, LeavingPath.NOISY_SUM)
    assert connection.execute("SELECT count(*) FROM queries").fetchone()[0] == before == 0
    assert connection.execute("SELECT count(*) FROM deliveries").fetchone()[0] == 0
