"""`circe bench noise` and `circe bench noise-audit`: the rows that they print."""

import json
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from disclosure_control.noise.audited import MECHANISMS
from federation.cli import circe


def rows(*words: str) -> list[dict[str, str | int | float]]:
    done = CliRunner().invoke(circe, ["bench", *words, "--format", "json"])
    assert done.exit_code == 0, done.output
    found: list[dict[str, str | int | float]] = json.loads(done.stdout)["rows"]
    return found


def test_each_table_is_run_and_noised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disclosure_control.noise.measurement.RUNS", 1)
    found = rows("noise", "--rows", "100")
    assert [row["cells"] for row in found] == [27, 216, 972, 3888]
    assert all(float(row["noise_s"]) > 0 and float(row["ratio"]) > 1 for row in found)


def test_each_mechanism_is_audited_at_each_number_of_missing_nodes() -> None:
    found = rows("noise-audit", "--parties", "3", "--dropouts", "1", "--colluders", "1", "--draws", "100")
    of_sums = [(name, at) for name in MECHANISMS for at in (0, 1)]
    of_one_party = [("table of one party", 0)] if find_spec("opendp") else []
    assert [(row["mechanism"], row["absent"]) for row in found] == of_sums + of_one_party
    assert {row["holds"] for row in found} == {"yes"}


def test_skellam_shares_are_audited_by_rho(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: MECHANISMS[name] for name in ("count", "median")}
    monkeypatch.setattr("disclosure_control.noise.audited.MECHANISMS", few)
    words = ("--noise", "skellam", "--epsilon", "5", "--parties", "3", "--dropouts", "1", "--colluders", "1")
    found = rows("noise-audit", *words, "--draws", "100")
    assert [(row["mechanism"], row["absent"]) for row in found] == [(name, at) for name in few for at in (0, 1)]
    assert {(row["loss"], row["holds"], row["claimed"]) for row in found} == {("rho", "yes", 11 / 36)}


def test_terms_under_which_nobody_can_be_relied_on_are_refused() -> None:
    done = CliRunner().invoke(circe, ["bench", "noise-audit", "--parties", "2", "--dropouts", "1", "--colluders", "1"])
    assert done.exit_code == 2
    assert "leave one of the parties at least" in done.stderr
