"""`circe demo` with real processes, and its table against the naive answer over pooled rows."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from query_engine.catalogue import load_catalogue
from tests.end_to_end.pooled_oracle import expected_rows

pytestmark = pytest.mark.processes

AUTHORITIES = 5


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A demo that has run, with its state kept."""
    place = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "federation.cli", "demo", "--authorities", str(AUTHORITIES)]
    done = subprocess.run(
        [*command, "--directory", str(place), "--format", "json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return place, done


def outcome(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(demo[1].stdout)
    return found


def test_standard_output_is_the_promised_document(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    assert {"release", "stages", "audit"} <= outcome(demo).keys()
    assert outcome(demo)["audit"] == "verified"
    assert all(stage["seconds"] >= 0 and stage["name"] for stage in outcome(demo)["stages"])


def test_the_released_table_is_right(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """Cell by cell what plain SQL over all authorities' snapshots gives under the same rules."""
    snapshots = [path.parent / path.read_text().strip() for path in sorted(demo[0].glob("node-*/snapshots/current"))]
    files = [snapshot / "governed" / "child_year.parquet" for snapshot in snapshots]
    authorities = [path.name.removeprefix("node-") for path in demo[0].glob("node-*") if path.is_dir()]
    assert len(files) == len(authorities) == AUTHORITIES
    table = outcome(demo)["release"]["table"]
    assert table["columns"] == ["home_authority", "sen_provision", "children", "attendance", "persistent_absentees"]
    expected = [list(row) for row in expected_rows(files, authorities)]
    assert table["rows"] == expected
    figures = [figure for row in expected for figure in row[2:]]
    assert figures.count("c") >= 3
    assert sum(isinstance(figure, float) for figure in figures) >= 10


def test_the_totals_are_right(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The noised one lies by its true counts, and the exact one is them, rounded to 5, and withheld where they
    are below 8, or what is left beyond any one authority is, with three of each other at most."""
    noisy, exact = outcome(demo)["sums"]
    assert noisy["table"]["noise"]["epsilon"] == "1"
    assert noisy["table"]["answered"] == exact["table"]["answered"] == sorted(noisy["table"]["answered"])
    looked_after = count_by(demo, "sen_provision", "population = 'looked_after' AND year_group BETWEEN 1 AND 11")
    moved = [count - looked_after[category] for category, count, *_ in noisy["table"]["rows"]]
    assert any(moved)
    # Thirty times the scale of the noise: exceeded once in ten million million runs.
    assert max(map(abs, moved)) < 30 * 5
    of_each = count_apart(demo, "in_touch", "population = 'care_leaver'")
    leavers = {category: sum(each[category] for each in of_each) for category in of_each[0]}
    left = {category: sum(min(each[category], 3) for each in of_each) - 3 for category in leavers}
    expected = [5 * round(leavers[category] / 5) if left[category] > 7 else "c" for category in leavers]
    assert [count for _, count in exact["table"]["rows"]] == expected
    assert {"c"} < set(expected)


def count_by(demo: tuple[Path, subprocess.CompletedProcess[str]], column: str, where: str) -> dict[Any, int]:
    """How many rows of all authorities there are for each category of a column, in the catalogue's order."""
    of_each = count_apart(demo, column, where)
    return {category: sum(each[category] for each in of_each) for category in of_each[0]}


def count_apart(
    demo: tuple[Path, subprocess.CompletedProcess[str]], column: str, where: str
) -> Sequence[dict[Any, int]]:
    """The same of each authority."""
    domain = load_catalogue().table("child_year").columns[column].domain or ()
    found = []
    for path in sorted(demo[0].glob("node-*/snapshots/current")):
        rows = duckdb.execute(
            f"SELECT {column}, count(*) FROM read_parquet(?) WHERE academic_year = 202425 AND counted_here AND {where} "
            "GROUP BY ALL",
            [str(path.parent / path.read_text().strip() / "governed" / "child_year.parquet")],
        ).fetchall()
        found.append({category: dict(rows).get(category, 0) for category in (*domain, None)})
    return found


def test_every_node_answered(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    nodes = outcome(demo)["release"]["nodes"]
    assert [node["outcome"] for node in nodes] == ["answered"] * AUTHORITIES


def test_every_command_is_printed_as_it_runs(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The demo is documentation: each kind of command of a federation's life is shown."""
    shown = set(
        re.findall(
            r"^\$ circe (\w+(?: (?:init|root|invite|enrol|revoke|join|adopt|project|synthetic|load|serve|run|fetch"
            r"|verify|person|sums|template))?)",
            demo[1].stderr,
            re.M,
        )
    )
    assert shown >= {
        "synth",
        "member root",
        "hub init",
        "node init",
        "member init",
        "member invite",
        "member enrol",
        "member revoke",
        "member join",
        "hub adopt",
        "hub project",
        "hub synthetic",
        "node person",
        "node load",
        "hub serve",
        "node serve",
        "query run",
        "approve",
        "query fetch",
        "query template",
        "hub sums",
        "lookup",
        "audit verify",
    }


def test_nothing_of_a_child_is_in_what_services_print(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The logs of hub and nodes hold no pupil number."""
    logs = "".join(path.read_text() for path in demo[0].glob("*.log"))
    assert "node-" in logs
    assert not re.search(r"\b[A-Z][0-9]{11}[0-9A-Z]\b", logs)
