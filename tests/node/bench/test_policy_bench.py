"""`circe bench policy` prints the figures that scripts rely on, of a filter that filters."""

import json

import pytest

from federation.cli import run
from node.bench import policy as bench


def test_the_bench_prints_the_agreed_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "SAMPLE", 5)
    monkeypatch.setattr(bench, "ROUNDS", 1)
    assert run(["bench", "policy", "--rows", "1000", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["name"] == "policy"
    assert len(found["rows"]) == 2 * len(bench.ASKERS)
    for row in found["rows"]:
        assert {"rows", "unfiltered_s", "filtered_s", "row_by_row_s"} <= set(row)
        assert row["row_by_row_s"] > 0
