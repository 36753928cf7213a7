"""`circe bench lookup`: a hub and nodes as real processes, and the rows that scripts rely on."""

import json

import pytest
from click.testing import CliRunner

from federation.cli import circe
from node.bench.lookup import STAGES

Row = dict[str, str | int | float]
CPU = ["CPU of the asking node", "CPU of the hub", "CPU of the other nodes"]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    words = ["bench", "lookup", "--authorities", "3", "--lookups", "2", "--warm-up", "1", "--format", "json"]
    done = CliRunner().invoke(circe, words)
    assert done.exit_code == 0, done.stderr[-2000:]
    found: list[Row] = json.loads(done.stdout)["rows"]
    return found


def test_every_stage_is_a_row(rows: list[Row]) -> None:
    assert [row["stage"] for row in rows] == [*STAGES, "total", *CPU]
    keys = {"authorities", "children", "stage", "lookups", "seconds", "p95_seconds"}
    assert all(set(row) == keys and (row["authorities"], row["lookups"]) == (3, 2) for row in rows)
    assert all(0 <= float(row["seconds"]) <= float(row["p95_seconds"]) for row in rows)


def test_an_answer_comes_with_the_tick_and_not_before(rows: list[Row]) -> None:
    """What is measured are whole lookups: their answers leave half a second after they were asked for."""
    seconds = {row["stage"]: float(row["seconds"]) for row in rows}
    assert seconds["total"] >= seconds["first answer"] >= 0.4
    assert all(seconds[each] > 0 for each in CPU[:1])
