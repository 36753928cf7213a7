"""`circe audit` verifies and shows logs, and answers bad input with one clear line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from audit.checkpoint import VerifierKey
from audit.commands import audit
from audit.event import MEMBERS, Action, AuditEvent
from audit.export import write_export

if TYPE_CHECKING:
    from tests.audit.conftest import Party, SeedSigner

MakeEvent = Callable[..., AuditEvent]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(audit, [str(argument) for argument in arguments])


def export(party: Party, path: Path) -> Path:
    with path.open("wb") as file:
        write_export(party.connection, file)
    return path


# --- verify ----------------------------------------------------------------------------------------------------------


def test_a_whole_log_is_one_line(filled: Party) -> None:
    result = run("verify", "--state", filled.directory)
    assert result.exit_code == 0
    assert result.stdout.startswith("verified circe.example/node/301: 10 entries, 8 checkpoints, root ")
    assert result.stdout.endswith(", 2026-01-05T09:00:00Z to 2026-01-05T09:09:00Z\n")
    assert result.stderr == ""


def test_an_empty_log_is_whole(party: Party) -> None:
    result = run("verify", "--state", party.directory)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert "0 entries" in result.stdout


def test_an_exported_file_and_the_database_itself_are_logs_too(filled: Party) -> None:
    """The key is in log.pub beside the file, or given."""
    path = export(filled, filled.directory / "audit.log")
    result = run("verify", path, filled.database)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines == [lines[0]] * 2


def test_a_key_can_be_given(filled: Party, tmp_path: Path) -> None:
    path = export(filled, tmp_path / "elsewhere.log")
    key = VerifierKey(filled.signer.name, filled.signer.public_key).to_text()
    assert run("verify", path).exit_code == 2, "there is no log.pub here"
    assert run("verify", path, "--key", key).exit_code == 0


def test_a_given_key_counts_more_than_the_one_beside_the_log(
    filled: Party, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    key = VerifierKey(filled.signer.name, make_signer(filled.signer.name, 2).public_key).to_text()
    assert run("verify", "--state", filled.directory, "--key", key).exit_code == 7


def test_a_broken_log_says_at_which_entry(filled: Party) -> None:
    filled.connection.execute("DELETE FROM audit_entries WHERE idx = 4")
    result = run("verify", "--state", filled.directory)
    assert result.exit_code == 7
    assert result.stdout == f"broken {filled.directory}: entry 4: it is missing: a checkpoint covers 5 entries\n"


def test_one_broken_log_does_not_hide_the_others(filled: Party) -> None:
    path = export(filled, filled.directory / "audit.log")
    filled.connection.execute("UPDATE audit_head SET size = 3")
    result = run("verify", filled.directory, path)
    assert result.exit_code == 7
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["broken", "verified"]


# --- show ------------------------------------------------------------------------------------------------------------


def test_entries_are_shown_newest_first(filled: Party) -> None:
    result = run("show", "--state", filled.directory, "--limit", 3)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].split() == ["entry", "at", "actor", "action", "outcome", "subject", "reference", "purpose"]
    assert [line.split()[0] for line in lines[1:]] == ["9", "8", "7"]
    assert lines[1].split()[1:4] == ["2026-01-05T09:09:00.000000Z", "vsh@301.example", "lookup.asked"]


def test_entries_as_csv(filled: Party) -> None:
    result = run("show", "--state", filled.directory, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["entry", *MEMBERS]
    assert [row["entry"] for row in rows] == [str(n) for n in range(9, -1, -1)]
    assert json.loads(rows[0]["details"]) == {"rows": 9}


def test_entries_as_json(filled: Party) -> None:
    result = run("show", "--state", filled.directory, "--format", "json", "--reference", "lookup-4")
    (entry,) = json.loads(result.stdout)
    assert entry["entry"] == 4
    assert entry["details"] == {"rows": 4}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--action", "query.released"], [10]),
        (["--actor", "dcs@301.example"], [10]),
        (["--subject", "5eed" * 8], [10]),
        (["--reference", "lookup-2"], [2]),
        (["--since", "2026-01-05T09:08:00Z", "--limit", 2], [10, 9]),
        (["--since", "2026-01-06"], []),
        (["--action", "signin"], []),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_every_filter(filled: Party, make_event: MakeEvent, arguments: list[object], found: list[int]) -> None:
    filled.record(make_event(10, action=Action.QUERY_RELEASED, actor="dcs@301.example", subject="5eed" * 8))
    result = run("show", "--state", filled.directory, "--format", "json", *arguments)
    assert [entry["entry"] for entry in json.loads(result.stdout)] == found


def test_an_entry_that_is_no_event_is_named(filled: Party) -> None:
    filled.connection.execute("UPDATE audit_entries SET body = '{}' WHERE idx = 3")
    result = run("show", "--state", filled.directory)
    assert result.exit_code == 7
    assert "entry 3 is not an event" in result.stderr
    assert result.stdout == ""


# --- Bad input -------------------------------------------------------------------------------------------------------


def spoil(party: Party, what: str) -> None:
    """Make a state directory that is none, in one way."""
    match what:
        case "no key":
            (party.directory / "log.pub").unlink()
        case "a key that is none":
            (party.directory / "log.pub").write_text("key\n", encoding="utf-8")
        case "a key that is not text":
            (party.directory / "log.pub").write_bytes(b"\xff\xfe")
        case "no database":
            party.connection.close()
            party.database.unlink()
        case "a database without a log":
            party.connection.execute("DROP TABLE audit_head")
        case "a database that is none":
            party.connection.close()
            party.database.write_bytes(b"SQLite format 3\x00" + bytes(4000))
        case "two databases with a log":
            (party.directory / "copy.sqlite").write_bytes(party.database.read_bytes())


STATES = {
    "no key": ["verify"],
    "a key that is none": ["verify"],
    "a key that is not text": ["verify"],
    "no database": ["verify", "show"],
    "a database without a log": ["verify", "show"],
    "a database that is none": ["verify", "show"],
    "two databases with a log": ["verify", "show"],
}


@pytest.mark.parametrize(
    ("what", "command"), [(what, command) for what, commands in STATES.items() for command in commands]
)
def test_a_directory_that_shows_no_log_is_one_clear_error(party: Party, what: str, command: str) -> None:
    party.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(party, what)
    check_one_clear_error(run(command, "--state", party.directory))


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["verify", "--state", "nowhere"],
        ["verify", "nothing.log"],
        ["verify", "--state", "{state}", "--key", "key"],
        ["verify", "--state", "{state}", "{state}", "--key", "key"],
        ["verify", "{state}/log.pub"],
        ["show"],
        ["show", "--state", "nowhere"],
        ["show", "--state", "{state}", "--action", "query.leaked"],
        ["show", "--state", "{state}", "--since", "yesterday"],
        ["show", "--state", "{state}", "--limit", "0"],
        ["show", "--state", "{state}", "--format", "xml"],
    ],
    ids=" ".join,
)
def test_bad_arguments_are_one_clear_error(filled: Party, arguments: list[str]) -> None:
    check_one_clear_error(run(*(argument.format(state=filled.directory) for argument in arguments)))


def check_one_clear_error(result: Result) -> None:
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit), "no traceback"
    assert result.stdout == ""
    assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1


def test_naming_the_commands_loads_nothing_heavy() -> None:
    code = "import sys, audit.commands; print([m for m in ('cryptography', 'sqlite3', 'json') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
