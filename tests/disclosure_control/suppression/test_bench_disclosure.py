"""`circe bench disclosure` on its smallest table: the keys that scripts rely on, and what they must say."""

import json

import pytest

from disclosure_control.suppression.drawn_table import SHAPES, draw_table
from federation.cli import run
from federation.commands.bench_disclosure import CELLS

KEYS = {"tool", "cells", "seconds", "secondaries", "value_withheld", "reach_failures", "certificate_bytes"}
KEYS |= {"secondaries_at_least"}


def test_the_smallest_table_is_measured(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "disclosure", "--cells", "48", "--format", "json"]) == 0
    out, err = capfd.readouterr()
    rows = json.loads(out)["rows"]
    assert [row["tool"] for row in rows] == ["circe", "circe-insiders"]
    for row in rows:
        assert row.keys() >= KEYS
        assert row["reach_failures"] == 0
        assert row["secondaries"] >= row["secondaries_at_least"] == 11
        assert row["certificate_bytes"] > 0
    assert "gconfid is left out" in err


def test_a_drawn_table_is_the_same_again_and_adds_up() -> None:
    one, two, other = draw_table(368, 1), draw_table(368, 1), draw_table(368, 2)
    assert one.figures == two.figures != other.figures
    assert len(one.figures) == 368
    one.lattice.complete(one.figures)


def test_every_size_that_is_offered_has_a_shape() -> None:
    assert set(CELLS) == set(SHAPES)
