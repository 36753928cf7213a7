"""The measurement of loading: real files, whole loads, and a report that scripts can read."""

import json
from pathlib import Path

import pytest

from federation.cli import run
from federation.commands.bench import BENCHES
from node.bench.england import measure_england
from node.bench.large_census import TABLES, write_census
from node.ingest.survey import survey_file
from node.snapshots import SnapshotStore
from tests.node.ingest.small_returns import judge_files

FIGURES = ["stage", "rows", "seconds", "cpu_seconds", "rows_per_second", "rows_per_cpu_second", "peak_mib"]


@pytest.fixture(scope="module")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("census")
    write_census(directory, 400)
    return directory


def test_the_census_is_one_that_a_node_loads_without_a_remark(census: Path) -> None:
    """Otherwise the measurement would be of something that no authority does."""
    reports = judge_files([census])
    assert {report.table for report in reports} == set(TABLES)
    assert {report.period for report in reports} == {"202425-spring"}
    assert all(not report.rules and report.rows_loaded == report.rows_in > 0 for report in reports)


def test_the_same_size_gives_the_same_files_in_the_sample_s_proportions(census: Path, tmp_path: Path) -> None:
    again = write_census(tmp_path, 400)
    assert all(path.read_bytes() == (census / path.name).read_bytes() for path in again.values())
    assert survey_file(again["pupilonroll"]).rows == 400
    assert 3_900 < sum(survey_file(path).rows for path in again.values()) < 4_700


def test_every_stage_is_measured_and_the_whole(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "load", "--pupils", "200", "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["name"], document["machine"]["cores"] > 0) == ("load", True)
    rows = {row["stage"]: row for row in document["rows"]}
    assert {"generating", "roll", "term", "roll: checking rows", "term: building the governed tables"} <= set(rows)
    assert rows["roll"]["rows"] == 200
    assert rows["term"]["rows"] > 1_500
    for row in rows.values():
        assert list(row) == FIGURES
        assert row["peak_mib"] > 0


def test_england_is_written_and_each_authority_loaded_into_snapshots_of_its_own(tmp_path: Path) -> None:
    """Two small authorities: every row is loaded, a stage is the sum of both, and the whole is one figure."""
    rows = {str(row["stage"]): row for row in measure_england(tmp_path, 2, 1, full=False, scale=0.05)}
    stores = {folder.name: SnapshotStore(folder).current() for folder in (tmp_path / "snapshots").iterdir()}
    assert len(stores) == 2
    assert all(snapshot is not None and snapshot.tables for snapshot in stores.values())
    assert next(iter(rows)) == "generating"
    assert list(rows)[-2:] == ["loading", "total"]
    assert {"loading: reading files", "loading: checking rows", "loading: building the governed tables"} <= set(rows)
    assert {row["rows"] for row in rows.values()} == {_rows_written(tmp_path / "england")}
    parts = sum(float(row["seconds"]) for stage, row in rows.items() if stage.startswith("loading: "))
    assert float(rows["loading"]["seconds"]) == pytest.approx(parts, abs=0.01)
    whole = float(rows["generating"]["seconds"]) + float(rows["loading"]["seconds"])
    assert float(rows["total"]["seconds"]) == pytest.approx(whole, abs=0.01)


def _rows_written(directory: Path) -> int:
    """The rows of every authority's files, and those of the register once for each authority that loads it."""
    own = [path for path in directory.rglob("*.csv") if path.parent.name != "register"]
    register = list((directory / "register").glob("*.csv"))
    return sum(survey_file(path).rows for path in [*own, *register, *register])


def test_all_of_england_says_every_stage_and_how_far_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "load", "--england", "--authorities", "1", "--format", "json"]) == 0
    printed, told = capfd.readouterr()
    rows = {row["stage"]: row for row in json.loads(printed)["rows"]}
    assert {"generating", "loading", "total"} <= set(rows)
    for row in rows.values():
        assert list(row) == FIGURES
    assert "1 of 1" in told
    assert run(["bench", "load", "--england", "--authorities", "154"]) == 2


def test_the_table_says_the_same_for_reading(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "load", "--pupils", "100"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == FIGURES
    assert lines[-1].startswith("term ")


def test_every_measurement_is_where_the_list_says(capfd: pytest.CaptureFixture[str]) -> None:
    for name in BENCHES:
        assert run(["bench", name, "--help"]) == 0
    assert run(["bench", "nothing"]) == 2
    assert run(["bench", "--help"]) == 0
    assert "load" in capfd.readouterr().out
