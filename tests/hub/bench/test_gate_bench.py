"""`circe bench gate` prints the figures that scripts rely on, of attacks that find nothing on what nodes protected."""

import json

import pytest

from disclosure_control.presets.preset import Preset
from disclosure_control.rows.others import Others
from disclosure_control.rows.protected_table import ProtectedTable
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours
from federation.cli import run
from hub.bench import drawn_releases, gate
from query_engine.tables import RawTable


def test_the_bench_prints_the_agreed_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from_authorities_too = set[tuple[str, bool]]()

    def watched(raw: RawTable, preset: Preset, beside: Neighbours, others: Others | None) -> ProtectedTable:
        from_authorities_too.add((raw.plan.path, others is not None))
        return protect(raw, preset, beside, others)

    monkeypatch.setattr(gate, "IN_REGION", 1)
    monkeypatch.setattr(drawn_releases, "protect", watched)
    words = ["bench", "gate", "--authorities", "3", "--drawn", "2", "--earlier", "1", "--earlier", "2"]
    assert run([*words, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    shapes = [("rows", 1), ("rows", 2), ("nation", 1), ("nation", 2), ("region", 1), ("region", 2), ("5 x 3", 9)]
    assert [(row["shape"], row["earlier"]) for row in rows] == shapes
    for row in rows:
        assert row.keys() >= {"cells", "decoding_s", "attack_s", "protecting_s", "found", "however_read"}
        assert row["found"] == row["however_read"] == 0
        assert row["cells"] > 0
        assert row["protecting_s"] > 0
    assert from_authorities_too == {("per_authority", False), ("exact_sum", True)}
    assert all(row["attack_s"] > 0 and row["decoding_s"] > 0 for row in rows[:2])
