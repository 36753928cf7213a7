"""The measurement of loading: real files, whole loads, and a report that scripts can read."""

import json
from pathlib import Path

import pytest

from federation.cli import run
from federation.commands.bench import BENCHES
from node.bench.large_census import TABLES, write_census
from node.ingest.survey import survey_file
from tests.node.ingest.small_returns import judge_files


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
        assert set(row) == {"stage", "rows", "seconds", "cpu_seconds", "rows_per_second", "peak_mib"}
        assert row["peak_mib"] > 0


def test_the_table_says_the_same_for_reading(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "load", "--pupils", "100"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["stage", "rows", "seconds", "cpu_seconds", "rows_per_second", "peak_mib"]
    assert lines[-1].startswith("term ")


def test_every_measurement_is_where_the_list_says(capfd: pytest.CaptureFixture[str]) -> None:
    for name in BENCHES:
        assert run(["bench", name, "--help"]) == 0
    assert run(["bench", "nothing"]) == 2
    assert run(["bench", "--help"]) == 0
    assert "load" in capfd.readouterr().out
