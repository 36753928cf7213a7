"""What others let through is played against Circe: every failure that is listed has a test that `make test` tries."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]

SYSTEMS = {
    *("ACRO", "DataSHIELD", "Diffix", "G-Confid", "GaussSuppression", "OpenDP", "SCQL", "SmartNoise"),
    *("Table Builder", "any", "ehrQL", "tau-Argus"),
}
"""Whose failures are listed."""

FAILURES: Sequence[dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("failures_elsewhere.toml").read_text(encoding="utf-8")
)["failures"]


@pytest.fixture(scope="module")
def tried() -> frozenset[str]:
    """The tests that are named, as far as a run has them and no mark leaves them out."""
    named = sorted({each["here"].partition("[")[0] for each in FAILURES})
    ordinary = {name: value for name, value in os.environ.items() if name != "CIRCE_DEEP"}
    command = [sys.executable, "-m", "tests.collected_tests", *named]
    found = subprocess.run(command, cwd=HOUSE, env=ordinary, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    return frozenset(found.stdout.partition("\ntried:\n")[2].splitlines())


@pytest.mark.parametrize("failure", FAILURES, ids=[f"{each['system']}-{n}" for n, each in enumerate(FAILURES)])
def test_a_failure_has_a_test_that_is_tried(failure: dict[str, str], tried: frozenset[str]) -> None:
    here = failure["here"]
    assert any(each == here or each.startswith(f"{here}[") for each in tried)


def test_each_failure_is_said_in_a_sentence_and_once() -> None:
    assert {each["system"] for each in FAILURES} == SYSTEMS
    assert all(each.keys() == {"system", "did", "here"} for each in FAILURES)
    assert all(each["did"].endswith(".") and len(each["did"].split()) > 5 for each in FAILURES)
    assert len({each["did"] for each in FAILURES}) == len(FAILURES)
    assert len({each["here"] for each in FAILURES}) == len(FAILURES)
