"""`circe bench gate` prints the figures that scripts rely on, of attacks that find nothing on what nodes protected."""

import json

import pytest

from federation.cli import run
from hub.bench import gate


def test_the_bench_prints_the_agreed_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gate, "IN_REGION", 1)
    words = ["bench", "gate", "--authorities", "3", "--drawn", "2", "--earlier", "1", "--earlier", "2"]
    assert run([*words, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    shapes = [("rows", 1), ("rows", 2), ("nation", 1), ("nation", 2), ("region", 1), ("region", 2), ("5 x 3", 9)]
    assert [(row["shape"], row["earlier"]) for row in rows] == shapes
    for row in rows:
        assert row.keys() >= {"cells", "decoding_s", "attack_s", "protecting_s", "found"}
        assert row["found"] == 0
        assert row["cells"] > 0
        assert row["protecting_s"] > 0
    assert all(row["attack_s"] > 0 and row["decoding_s"] > 0 for row in rows[:2])
