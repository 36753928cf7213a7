"""`circe bench utility --stacks` on a few real snapshots: what is shown of totals, and of rows, one after the other."""

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from federation.cli import run
from node.bench import stacks, utility
from query_engine.questions import load_questions
from tests.small_federation import SmallFederation

ROOT = Path(__file__).parents[3]
FIRST = next(iter(stacks.STACKS))


def test_what_is_between_totals_costs_figures_where_they_stand_beside_each_other(
    pristine_london: SmallFederation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 30 authorities, of which each of six stands for five."""

    @contextmanager
    def england(directory: Path | None, authorities: int, other_pupils: float) -> Iterator[list[Path]]:
        yield [pristine_london.directory / name / "snapshots" for name in pristine_london.roster]

    first = load_questions()[0]
    questions = [first, replace(first, sql=first.sql.replace("counted_here", "counted_here AND NOT uasc"))]
    monkeypatch.setattr(utility, "_england", england)
    monkeypatch.setattr(stacks, "PRESETS", ("acro",))
    monkeypatch.setattr(stacks, "ROWS_PRESETS", ("opensafely",))
    monkeypatch.setattr(stacks, "STACKS", {FIRST: stacks.STACKS[FIRST][:2]})
    monkeypatch.setattr("query_engine.questions.load_questions", lambda: questions)
    assert run(["bench", "utility", "--stacks", "--authorities", "30", "--format", "json"]) == 0
    *rows, alone, in_turn = json.loads(capsys.readouterr().out)["rows"]
    assert [row["stack"] for row in rows] == [stacks.PAPER, stacks.PAPER_IN_TURN, FIRST]
    assert [row["questions"] for row in rows] == [2, 2, 2]
    for row in rows:
        assert row.keys() >= {"preset", "figures", "protecting_s"}
        assert 0 < row["shown"] <= row["shown_without"] <= row["figures"]
    # Of girls of each age nothing says how many one authority has, once all children and boys are printed.
    assert rows[-1]["shown"] < rows[-1]["shown_without"]
    # Nor is much shown of one authority of those who are fifteen or boys, once all of them are.
    assert [(row["stack"], row["preset"]) for row in (alone, in_turn)] == [
        (stacks.ROWS, "opensafely"),
        (stacks.ROWS_IN_TURN, "opensafely"),
    ]
    assert "shown_without" not in alone
    assert 0 < in_turn["shown"] < alone["shown"] <= alone["figures"] == in_turn["figures"]
    assert 0 < in_turn["longest_s"] <= in_turn["protecting_s"]


def test_nothing_but_the_measurement_leaves_aside_what_is_between_totals() -> None:
    """A node, a hub and whoever attacks have no way to say so."""
    leaving = [
        str(path.relative_to(ROOT))
        for package in ("disclosure_control", "federation", "hub", "node")
        for path in (ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.keyword) and call.arg == "looks_between"
    ]
    assert sorted(set(leaving)) == ["disclosure_control/rows/secondary.py", "node/bench/stacks.py"]
