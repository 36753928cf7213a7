"""`circe bench federation`: a hub and nodes as real processes, and the rows that scripts rely on."""

import json

import pytest
from click.testing import CliRunner

from federation.cli import circe

TOTALS = {"per_authority": "total_unmasked", "noisy_sum": "total"}
"""The row of each path that is all the others together."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str | int | float]]:
    words = ["bench", "federation", "--authorities", "5", "--rounds", "1", "--format", "json"]
    done = CliRunner().invoke(circe, words)
    assert done.exit_code == 0, done.stderr[-2000:]
    found: list[dict[str, str | int | float]] = json.loads(done.stdout)["rows"]
    return found


def test_every_stage_is_a_row(rows: list[dict[str, str | int | float]]) -> None:
    stages = [row["stage"] for row in rows]
    assert stages == [
        *("set up", "prekeys", "pairings", "first slot", "stock of slots"),
        *("delivered", "first reply", "replies in", "released", "total_unmasked"),
        *("delivered", "first contribution", "contributions in", "opening asked", "reveals in", "released", "total"),
    ]
    for row in rows:
        spent = {"hub_cpu_s", "node_cpu_ms"} if row["stage"] in TOTALS.values() else set[str]()
        assert set(row) == {"authorities", "cells", "path", "stage", "seconds"} | spent


def test_the_total_is_what_its_stages_took(rows: list[dict[str, str | int | float]]) -> None:
    for path, total in TOTALS.items():
        seconds = {row["stage"]: float(row["seconds"]) for row in rows if row["path"] == path}
        assert seconds.pop(total) == pytest.approx(sum(seconds.values()), abs=0.01)
        assert sum(seconds.values()) > 0


def test_hub_and_nodes_spend_time_on_every_question(rows: list[dict[str, str | int | float]]) -> None:
    """Processor time is counted in hundredths of a second, for a process: so at five nodes little more can be said."""
    for row in rows:
        if row["stage"] in TOTALS.values():
            assert 0 < float(row["hub_cpu_s"]) < 60
            assert 0 < float(row["node_cpu_ms"]) < 60_000


def test_both_paths_are_asked_for_some_two_hundred_cells(rows: list[dict[str, str | int | float]]) -> None:
    assert {row["cells"] for row in rows if row["path"] in TOTALS} == {208}
