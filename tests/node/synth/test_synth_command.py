"""`circe synth`: the summary alone on standard output, progress beside it, bad arguments refused plainly."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.synth.commands import synth


def test_json_is_the_manifest(tmp_path: Path) -> None:
    """Standard output is england.json; progress is on standard error."""
    ran = CliRunner().invoke(synth, [str(tmp_path), "--authorities", "301,317", "--scale", "0.05", "--format", "json"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout) == json.loads((tmp_path / "england.json").read_text(encoding="utf-8"))
    assert list(json.loads(ran.stdout)["authorities"]) == ["301", "317"]
    assert "301: " in ran.stderr


def test_a_table_ends_with_the_sums(tmp_path: Path) -> None:
    ran = CliRunner().invoke(synth, [str(tmp_path), "--authorities", "2", "--scale", "0.05"])
    assert ran.exit_code == 0
    titles, first, second, sums = (line.split() for line in ran.stdout.splitlines())
    assert titles[:2] == ["authority", "children"]
    assert sums[0] == "all"
    assert [int(value) for value in sums[1:]] == [int(a) + int(b) for a, b in zip(first[1:], second[1:], strict=True)]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--authorities", "154"], id="too many"),
        pytest.param(["--authorities", "many"], id="no number"),
        pytest.param(["--authorities", "301,999"], id="unknown code"),
        pytest.param(["--authorities", ","], id="no code"),
        pytest.param(["--scale", "0"], id="scale zero"),
        pytest.param(["--year", "2024"], id="no academic year"),
        pytest.param(["--seed", "x"], id="no seed"),
        pytest.param(["--years", "0"], id="no years"),
        pytest.param(["--years", "9"], id="years without tables"),
        pytest.param(["--other-pupils", "1.5"], id="more than all pupils"),
        pytest.param(["--full-roll", "938"], id="roll of an authority not written"),
    ],
)
def test_bad_arguments_are_one_clear_error(tmp_path: Path, arguments: list[str]) -> None:
    """Exit code 2, what is wrong on standard error, and nothing written."""
    ran = CliRunner().invoke(synth, [str(tmp_path), *arguments])
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert "Error: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(tmp_path.iterdir())


def test_everything_can_be_asked_for(tmp_path: Path) -> None:
    """Each option of the command reaches the files."""
    asked = ["--authorities", "301,317", "--scale", "0.05", "--years", "2", "--full", "--xml", "--returns-errors"]
    ran = CliRunner().invoke(synth, [str(tmp_path), *asked, "--format", "json"])
    assert ran.exit_code == 0
    manifest = json.loads(ran.stdout)
    assert manifest["years"] == 2
    assert sum(manifest["authorities"]["301"]["returns_errors"].values()) > 0
    for path in ("ssda903.xml", "202324/ssda903.xml", "giap/ks4.csv", "virtual-school/pep.csv"):
        assert (tmp_path / "301" / path).exists()


def test_the_calibration_of_an_england_is_printed(tmp_path: Path) -> None:
    """As a table or as JSON, from the files; nothing is written."""
    CliRunner().invoke(synth, [str(tmp_path), "--authorities", "2", "--scale", "0.05"])
    written = sorted(tmp_path.rglob("*"))
    printed = CliRunner().invoke(synth, [str(tmp_path), "--calibration"])
    rows = json.loads(CliRunner().invoke(synth, [str(tmp_path), "--calibration", "--format", "json"]).stdout)
    assert printed.exit_code == 0
    assert printed.stdout.count("\n") == len(rows) + 2
    assert rows[0].keys() == {"section", "figure", "source", "target", "found", "is_percent", "within"}
    assert sorted(tmp_path.rglob("*")) == written


def test_where_there_is_no_england_nothing_is_compared(tmp_path: Path) -> None:
    ran = CliRunner().invoke(synth, [str(tmp_path), "--calibration"])
    assert ran.exit_code == 1
    assert "holds no synthetic England" in ran.stderr


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = CliRunner().invoke(synth, [str(tmp_path / "file" / "england"), "--authorities", "1", "--scale", "0.05"])
    assert ran.exit_code == 1
    assert "cannot write" in ran.stderr


def test_importing_the_command_imports_nothing_heavy() -> None:
    """`circe --help` must not pay for the postcodes."""
    code = (
        "import sys, node.synth.commands; print(sorted({'brotli', 'msgpack', 'duckdb', 'pandas'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
