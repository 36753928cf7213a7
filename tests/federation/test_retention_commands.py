"""`circe audit retain` and `circe audit hold` on a member's own log, signed by its own key."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.event import Action, AuditEvent
from audit.log import read_entries
from audit.state import open_state_log, read_key
from audit.verifier import verify_export, verify_log
from federation.cli import run
from federation.database import open_database
from federation.state import Party, create_party, make_profile, publish_log_key

LONG_AGO = datetime(2019, 5, 1, 9, tzinfo=UTC)

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """A hub that has been running since 2019: two sign-ins of that year, and a query."""
    profile = make_profile(
        member_id="hub",
        kind="hub",
        title="Hub",
        organisation="circe",
        organisation_kind="department",
        operator="circe",
        authorities=(),
    )
    party = create_party(tmp_path / "hub", profile)
    publish_log_key(party)
    database = open_database(party)
    events = [
        AuditEvent(at=LONG_AGO, actor="ig@dfe", action=Action.SIGNIN),
        AuditEvent(at=LONG_AGO, actor="ana@ucl", action=Action.SIGNIN),
        AuditEvent(at=LONG_AGO, actor="ana@ucl", action=Action.QUERY_SUBMITTED, reference="Q-1"),
    ]
    with database.transaction() as connection:
        database.log.append(connection, *events)
    database.close()
    return party


def audit(party: Party, command: str, *words: str) -> int:
    return run(["audit", *command.split(), "--state", str(party.directory), *words])


def gone(party: Party) -> set[int]:
    """The entries whose bodies are gone, of a log that is whole."""
    key = read_key(party.directory)
    with closing(open_state_log(party.directory)) as connection:
        verify_log(connection, key.name, key.public_key)
        return {entry.index for entry in read_entries(connection) if entry.deleted_by is not None}


def test_what_is_over_is_deleted_and_what_is_on_hold_is_not(party: Party, capsys: Captured) -> None:
    assert audit(party, "hold place", "--as", "ig", "--person", "ana@ucl", "--reason", "a complaint") == 0
    hold_id = capsys.readouterr().out.strip()
    assert audit(party, "hold list") == 0
    assert f"{hold_id}  " in (listed := capsys.readouterr().out)
    assert "what ana@ucl did: a complaint" in listed
    assert audit(party, "retain", "--as", "ig", "--dry-run") == 0
    assert capsys.readouterr().out == "1 entries would be deleted, and 2 are on hold\n"
    assert gone(party) == set()
    assert audit(party, "retain", "--as", "ig") == 0
    assert gone(party) == {0}
    assert audit(party, "hold lift", hold_id, "--as", "ig", "--reason", "it was answered") == 0
    assert audit(party, "retain", "--as", "ig") == 0
    assert gone(party) == {0, 1, 2}
    capsys.readouterr()
    assert audit(party, "hold list") == 0
    assert capsys.readouterr().out == ""


def test_a_party_states_its_own_periods(party: Party, capsys: Captured) -> None:
    (party.directory / "retention.toml").write_text("[years]\nsignins = 150\n")
    assert audit(party, "retain", "--as", "ig") == 0
    assert gone(party) == {2}
    (party.directory / "retention.toml").write_text("[years]\nsignins = none\n")
    assert audit(party, "retain", "--as", "ig") == 2
    assert "nothing is deleted" in capsys.readouterr().err


def test_the_whole_log_is_exported_once_that_is_logged(party: Party, tmp_path: Path, capsys: Captured) -> None:
    assert audit(party, "export", "--as", "ig", str(tmp_path / "copy")) == 0
    assert capsys.readouterr().out == ""
    key = read_key(party.directory)
    assert verify_export(tmp_path / "copy", key.name, key.public_key).entries == 4
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    with closing(open_state_log(party.directory)) as connection:
        newest = next(read_entries(connection)).to_event()
    assert (newest.action, newest.actor) == (Action.AUDIT_EXPORTED, "ig")
    assert audit(party, "export", "--as", "ig", str(tmp_path / "copy")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hold place", "--as", "ig", "--reason", "a complaint"), "a hold is of one child, one person"),
        (("hold place", "--as", "ig", "--reason", " ", "--person", "ana"), "say why the hold is placed"),
        (
            ("hold place", "--as", "ig", "--reason", "about A800000000012", "--person", "ana"),
            "looks like a pupil number",
        ),
        (("hold lift", "HOLD-0", "--as", "ig", "--reason", "over"), "no hold of that number stands"),
    ],
)
def test_what_cannot_be_held_is_said_in_a_line(
    party: Party, capsys: Captured, words: tuple[str, ...], said: str
) -> None:
    assert audit(party, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "A800" not in error
