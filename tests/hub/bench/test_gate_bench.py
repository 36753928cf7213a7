"""`circe bench gate` prints the figures that scripts rely on, of attacks that find nothing on what nodes protected."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from disclosure_control import in_turn
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.others import Others
from disclosure_control.rows.protected_table import ProtectedTable
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.suppression.deadline import Deadline
from federation.cli import run
from hub.bench import gate, policy_rows
from hub.earlier_releases import Release
from hub.gate import Verdict, attack_rows
from query_engine.questions import load_questions
from query_engine.tables import RawTable
from tests.small_federation import SmallFederation


def test_the_bench_prints_the_agreed_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    protected = set[tuple[str, bool]]()

    def watched(raw: RawTable, preset: Preset, beside: Neighbours, others: Others | None) -> ProtectedTable:
        protected.add((raw.plan.path, others is not None))
        return protect(raw, preset, beside, others)

    monkeypatch.setattr(gate, "IN_REGION", 1)
    monkeypatch.setattr(in_turn, "protect", watched)
    words = ["bench", "gate", "--authorities", "3", "--drawn", "2", "--earlier", "1", "--earlier", "2"]
    assert run([*words, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    shapes = [("rows", 1), ("rows", 2), ("nation", 1), ("nation", 2), ("region", 1), ("region", 2), ("5 x 3", 9)]
    assert [(row["shape"], row["earlier"]) for row in rows] == shapes
    for row in rows:
        assert row.keys() >= {"groups", "cells", "decoding_s", "attack_s", "protecting_s", "found", "however_read"}
        assert row["found"] == row["however_read"] == 0
        assert row["cells"] > 0
        assert row["protecting_s"] > 0
    # Totals from authorities too.
    assert protected == {("per_authority", False), ("exact_sum", True)}
    assert all(row["attack_s"] > 0 and row["decoding_s"] > 0 for row in rows[:2])


@pytest.fixture
def england(pristine_london: SmallFederation, tmp_path: Path) -> Path:
    """What `circe bench utility --directory` keeps, of six authorities."""
    (tmp_path / "snapshots").mkdir()
    for name in pristine_london.roster:
        code = name.removeprefix("node-")
        (tmp_path / "snapshots" / code).symlink_to(pristine_london.directory / name / "snapshots")
    return tmp_path


def test_the_policy_papers_questions_are_rows_of_a_kept_england(
    england: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Averages among them, each beside those before it alone that it has to do with."""
    questions, beside = [load_questions()[number] for number in (0, 8, 17, 2)], list[list[str]]()

    def watched(newest: Release, earlier: Sequence[Release], deadline: Deadline) -> Verdict:
        beside.append([each.name for each in earlier])
        return attack_rows(newest, earlier, deadline)

    monkeypatch.setattr("hub.gate.attack_rows", watched)
    monkeypatch.setattr(policy_rows, "load_questions", lambda: questions)
    words = ["bench", "gate", "--policy-questions", str(england), "--authorities", "4", "--drawn", "2"]
    assert run([*words, "--earlier", "1", "--format", "json"]) == 0
    assert "protected 2 of 2 tables of 316, 2 of 2, in " in capsys.readouterr().err
    beside.clear()
    assert run([*words, "--earlier", "1", "--earlier", "50", "--format", "json"]) == 0
    told = capsys.readouterr()
    rows = json.loads(told.out)["rows"]
    assert [(row["shape"], row["earlier"], row["groups"]) for row in rows] == [
        ("policy paper", 1, 1),
        ("policy paper", 3, 1),
    ]
    assert beside == [["R-0"], ["R-0", "R-1"]]  # Care leavers have nothing to do with children in care.
    for row in rows:
        assert row["found"] == row["however_read"] == 0
        assert row["attack_s"] > 0
        assert row["protecting_s"] > 0
    assert "protected 4 of 4 tables of 316, 2 of 2, in " in told.err


def test_an_empty_england_is_said_to_be_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "gate", "--policy-questions", str(tmp_path)]) == 2
    assert f"circe bench utility --directory {tmp_path} does that" in " ".join(capsys.readouterr().err.split())
