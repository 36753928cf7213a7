"""The measurement of logs: whole logs are measured, and what is printed can be read by scripts."""

import json
import sys
from pathlib import Path

import pytest

from audit.log import open_log
from audit.measurement import SeedSigner, measure_appends, measure_large_log
from audit.verifier import verify_log
from federation.cli import run

FIGURES = ["tool", "work", "entries", "seconds", "per_second", "cpu_seconds", "per_cpu_second"]


def test_what_is_measured_is_a_whole_log(tmp_path: Path) -> None:
    """Otherwise the measurement would be of something that no party does."""
    measure_appends(tmp_path, 5, batch=1)
    measure_appends(tmp_path, 25, batch=10)
    assert [row["work"] for row in measure_large_log(tmp_path, 300)] == ["proof", "verify"]
    for name, entries, checkpoints in (("append", 5, 6), ("batch", 25, 4), ("large", 300, 2)):
        connection = open_log(tmp_path / f"{name}.sqlite")
        found = verify_log(connection, "hub", SeedSigner().public_key)
        connection.close()
        assert (found.entries, found.checkpoints) == (entries, checkpoints)


def test_rows_are_as_scripts_read_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    asked = ["--singly", "5", "--batched", "20", "--large", "100", "--directory", str(tmp_path), "--format", "json"]
    assert run(["bench", "audit", *asked]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["name"] == "audit"
    assert [row["work"] for row in document["rows"]] == ["append", "batch", "proof", "verify"]
    assert all(list(row) == FIGURES and row["tool"] == "circe" for row in document["rows"])
    assert "pymerkle is left out" in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_rival_that_cannot_be_measured_is_told_in_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """This Python has no pymerkle: what it said last is passed on."""
    asked = ["--singly", "1", "--batched", "1", "--large", "10", "--directory", str(tmp_path)]
    assert run(["bench", "audit", *asked, "--pymerkle", sys.executable]) == 1
    assert "pymerkle could not be measured" in capsys.readouterr().err


def test_a_rivals_rows_stand_beside_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A Python with pymerkle, played: it is asked for the same sizes, and its rows are printed as they are."""
    played = tmp_path / "python"
    row = dict.fromkeys(FIGURES, 1) | {"tool": "pymerkle", "work": "verify"}
    played.write_text(f"#!/bin/sh\ntest \"$3 $4 $5\" = '2 3 10' && echo '{json.dumps(row)}'\n")
    played.chmod(0o700)
    asked = ["--singly", "2", "--batched", "3", "--large", "10", "--format", "json", "--directory", str(tmp_path)]
    assert run(["bench", "audit", *asked, "--pymerkle", str(played)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][-1] == row
