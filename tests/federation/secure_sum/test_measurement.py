"""`circe bench secure-sum`: the rows that scripts rely on, and Flower left out, or failing, with a reason."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from federation.commands.bench_secure_sum import FLOWER_SCRIPT, secure_sum

KEYS = {"tool", "nodes", "cells", "node_cpu_s", "hub_cpu_s", "node_bytes", "trips"}


def test_a_sum_and_the_same_sum_unmasked_are_measured() -> None:
    """Two trips, at most twice the vector and 64 KiB for a node; what was opened is the plain sum, or it would fail."""
    done = CliRunner().invoke(secure_sum, ["--nodes", "5", "--cells", "1", "--cells", "2000", "--format", "json"])
    assert done.exit_code == 0
    assert "Flower's SecAgg+ is left out" in done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [(row["tool"], row["cells"], row["trips"]) for row in rows] == [
        ("circe", 1, 2),
        ("plain", 1, 1),
        ("circe", 2000, 2),
        ("plain", 2000, 1),
    ]
    for row in rows:
        assert row.keys() >= KEYS
        assert row["nodes"] == 5
        assert row["node_cpu_s"] > 0 < row["hub_cpu_s"]
        assert 8 * row["cells"] < row["node_bytes"] <= 2 * 8 * row["cells"] + 65_536


def test_a_python_without_flower_ends_in_one_clear_line() -> None:
    done = CliRunner().invoke(secure_sum, ["--nodes", "5", "--cells", "1", "--flower", sys.executable])
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith("No module named 'flwr'")


def test_what_flower_prints_becomes_a_row(tmp_path: Path) -> None:
    """The script is handed to the other Python with nodes, cells and sample, and its one object is the row."""
    other = tmp_path / "python"
    other.write_text(
        '#!/bin/sh\necho "{\\"tool\\": \\"flwr\\", \\"script\\": \\"$2\\", \\"asked\\": \\"$3 $4 $5\\"}"\n'
    )
    other.chmod(0o700)
    words = ["--nodes", "5", "--cells", "1", "--flower", str(other), "--flower-sample", "2", "--format", "json"]
    done = CliRunner().invoke(secure_sum, words)
    assert json.loads(done.stdout)["rows"][-1] == {"tool": "flwr", "script": str(FLOWER_SCRIPT), "asked": "5 1 2"}


@pytest.mark.parametrize("words", [["--nodes", "4"], ["--nodes", "401"], ["--cells", "0"]], ids=" ".join)
def test_sizes_that_no_sum_has(words: list[str]) -> None:
    assert CliRunner().invoke(secure_sum, words).exit_code == 2
