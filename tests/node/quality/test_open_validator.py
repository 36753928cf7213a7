"""`circe node validate`: the open SSDA903 rules in their own environment, and what happens where that is not right."""

import csv
import os
from pathlib import Path

import pytest

from node.quality.open_validator import PACKAGE, ValidatorFailed, run_validator
from tests.node.ingest.small_returns import write_table
from tests.node.quality.conftest import SmallNode

VARIABLE = "CIRCE_SSDA903_RULES"
with_the_rules = pytest.mark.skipif(
    VARIABLE not in os.environ, reason=f"needs an environment with {PACKAGE}: give its path in {VARIABLE}"
)


def write_return(directory: Path) -> Path:
    """A return with a mistake in it: a child whose sex is no code of the year."""
    write_table(directory, "header", "CHILD | SEX | MOTHER | MC_DOB\n501 | F |  | \n502 | 9 |  | ")
    write_table(directory, "episodes", "CHILD\n501\n502")
    write_table(directory, "2025_spring_pupilonroll", "upn\nA")
    return directory


def fake_environment(directory: Path, script: str) -> Path:
    """An environment whose interpreter is a script of the test's."""
    (directory / "lib/python3.11/site-packages/lac_validator").mkdir(parents=True)
    (directory / "bin").mkdir()
    (directory / "bin/python").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "bin/python").chmod(0o700)
    return directory


def test_without_the_environment_it_says_how_to_make_one(small_node: SmallNode, tmp_path: Path) -> None:
    files = write_return(tmp_path / "return")
    said = small_node.say("validate", "--environment", tmp_path / "none", "--year", 2025, files, code=2)
    assert f"python3.11 -m venv {tmp_path}/none" in said
    assert f"pip install {PACKAGE}" in said


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo nonsense", "something else than their findings"),
        ("echo '{}'", "something else than their findings"),
        ("echo 'Aurelia Exemplar' >&2; exit 3", "exit code 3"),
        ('echo \'{"error": "UploadError"}\'', "could not read the return"),
        ("exec sleep 60", "did not come to an end in 1 seconds"),
    ],
    ids=["not JSON", "not findings", "a crash", "a return it cannot read", "no end"],
)
def test_rules_that_cannot_run_end_in_one_sentence_without_a_value(script: str, told: str, tmp_path: Path) -> None:
    """Whatever the package writes is thrown away, for it may quote a row."""
    environment = fake_environment(tmp_path / "environment", script)
    with pytest.raises(ValidatorFailed, match=told) as failed:
        run_validator(environment, [write_return(tmp_path / "return")], year=2025, area_code="E09000002", seconds=1)
    assert "Aurelia" not in str(failed.value)


def test_the_process_is_given_nothing_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours, and an empty directory to work in."""
    monkeypatch.setenv("A_SECRET", "told")
    environment = fake_environment(tmp_path / "environment", 'test -z "$A_SECRET" && test -z "$(ls)" && exit 7; exit 8')
    with pytest.raises(ValidatorFailed, match="exit code 7"):
        run_validator(environment, [write_return(tmp_path / "return")], year=2025, area_code="E09000002")


def test_paths_without_a_return_are_refused(small_node: SmallNode, tmp_path: Path) -> None:
    environment = fake_environment(tmp_path / "environment", "exit 0")
    (tmp_path / "empty").mkdir()
    said = small_node.say("validate", "--environment", environment, "--year", 2025, tmp_path / "empty", code=2)
    assert "no CSV or XML file" in said


@with_the_rules
def test_their_findings_are_told_by_rule_and_row(small_node: SmallNode, tmp_path: Path) -> None:
    """Rule 101 of theirs: the sex is not valid. A census file is none of their tables, and is said to be unread."""
    files = write_return(tmp_path / "return")
    small_node.load(header="CHILD\n501", episodes="CHILD\n501")
    environment = ("--environment", os.environ[VARIABLE])
    report = small_node.tell("validate", *environment, files)
    assert report["package"].startswith(PACKAGE)
    assert report["ruleset"] == "lac2024_25"
    assert report["rules_done"] > 100
    assert report["unread"] == ["2025_spring_pupilonroll.csv"]
    (sex,) = [rule for rule in report["rules"] if rule["code"] == "101"]
    assert sex["table"] == "Header"
    assert sex["locators"] == [{"row": 3, "la_child_id": "502"}]
    assert "theirs, not Circe's" in small_node.say("validate", *environment, files)
    output = tmp_path / "findings.csv"
    small_node.say("validate", *environment, files, "--format", "csv", "--output", output)
    with output.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["code"] == "101"]
    assert [(row["file"], row["row"], row["la_child_id"]) for row in rows] == [("header.csv", "3", "502")]


@with_the_rules
def test_too_little_memory_ends_in_one_sentence(tmp_path: Path) -> None:
    """The process is bounded, and no bound of it is this one's."""
    with pytest.raises(ValidatorFailed):
        run_validator(
            Path(os.environ[VARIABLE]),
            [write_return(tmp_path / "return")],
            year=2025,
            area_code="E09000002",
            memory_mib=100,
        )
