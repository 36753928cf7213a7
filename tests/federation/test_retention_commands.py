"""`circe audit retain` and `circe audit hold` on a member's own log, signed by its own key."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit import retention
from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from audit.retention import check_clock
from audit.state import open_state_log, read_key
from audit.verifier import verify_export, verify_log
from federation.cli import run
from federation.database import open_database
from federation.one_sitting import enrol_parties
from federation.root import create_root
from federation.state import (
    Party,
    Profile,
    create_party,
    join_federation,
    load_root_key,
    make_profile,
    publish_log_key,
)
from node.people import Person, add_person
from policies.names import Role
from tests.small_federation import SmallFederation

LONG_AGO = datetime(2019, 5, 1, 9, tzinfo=UTC)

Captured = pytest.CaptureFixture[str]


PEOPLE = {
    "hub": ("hub", "circe", "hub_operator"),
    "ig": ("ig_officer", "circe", "hub_operator"),
    "gus": ("output_checker", "circe", "hub_operator"),
    "fay": ("ig_officer", "la-302", "authority"),
}
"""The hub, its own officer, somebody else who works there, and the officer of an authority."""


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """A hub that has been running since 2019: two sign-ins of that year, a query, and a register of today."""
    parties = {name: create_party(tmp_path / name, _describe(name)) for name in PEOPLE}
    create_root(tmp_path / "root", "circe")
    enrol_parties(tmp_path / "root", tmp_path / "register.json", list(parties.values()), 30, datetime.now(UTC))
    party = join_federation(parties["hub"], load_root_key(tmp_path / "root" / "root.pub"), "http://hub.test")
    party.adopt_register((tmp_path / "register.json").read_bytes(), datetime.now(UTC))
    publish_log_key(party)
    database = open_database(party)
    events = [
        AuditEvent(at=LONG_AGO, actor="ig@dfe", action=Action.SIGNIN),
        AuditEvent(at=LONG_AGO, actor="ana@ucl", action=Action.SIGNIN),
        AuditEvent(at=LONG_AGO, actor="ana@ucl", action=Action.QUERY_SUBMITTED, reference="Q-1"),
        AuditEvent(at=datetime.now(UTC), actor="hub", action=Action.REGISTER_ADOPTED),
    ]
    with database.transaction() as connection:
        database.log.append(connection, *events)
    database.close()
    return party


def _describe(name: str) -> Profile:
    kind, organisation, organisation_kind = PEOPLE[name]
    return make_profile(
        member_id=name,
        kind=kind,
        title=name,
        organisation=organisation,
        organisation_kind=organisation_kind,
        operator=organisation,
        authorities=(),
    )


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


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_a_clock_that_is_years_ahead_deletes_nothing(
    party: Party, monkeypatch: pytest.MonkeyPatch, capsys: Captured, how: tuple[str, ...]
) -> None:
    monkeypatch.setattr(retention, "check_clock", lambda log, now: check_clock(log, now + timedelta(days=3660)))
    assert audit(party, "retain", "--as", "ig", *how) == 2
    assert "set the clock right" in capsys.readouterr().err
    assert gone(party) == set()


def test_the_whole_log_is_exported_once_that_is_logged(party: Party, tmp_path: Path, capsys: Captured) -> None:
    assert audit(party, "export", "--as", "ig", str(tmp_path / "copy")) == 0
    assert capsys.readouterr().out == ""
    key = read_key(party.directory)
    assert verify_export(tmp_path / "copy", key.name, key.public_key).entries == 5
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


# --- Who may ---------------------------------------------------------------------------------------------------------

ACTS = {
    "retain": (),
    "hold place": ("--person", "ana", "--reason", "a complaint"),
    "hold lift": ("HOLD-1", "--reason", "it was answered"),
    "export": ("copy",),
}


@pytest.mark.parametrize("who", ["gus", "fay", "hub"])
@pytest.mark.parametrize("act", ACTS)
def test_the_hubs_own_officer_alone_acts_on_its_log(
    party: Party, who: str, act: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else is a member is refused, and that they tried is in the log."""
    monkeypatch.chdir(party.directory.parent)
    assert audit(party, act, "--as", who, *ACTS[act]) == 8
    assert gone(party) == set()
    assert not Path("copy").exists()
    with closing(open_state_log(party.directory)) as connection:
        newest = next(read_entries(connection)).to_event()
    assert (newest.actor, newest.action, newest.outcome) == (who, Action.AUDIT_READ, Outcome.REFUSED)
    assert newest.details == {"command": act.split()[-1]}
    assert capsys.readouterr().err.count("\n") == 1


def test_nobody_acts_under_a_name_that_is_nobodys(party: Party) -> None:
    assert audit(party, "retain", "--as", "nobody") == 8
    assert gone(party) == set()


@pytest.mark.parametrize(("who", "code"), [("ig", 0), ("vsh", 8), ("nobody", 2)])
def test_at_a_node_its_own_officer_alone(federation: SmallFederation, who: str, code: int) -> None:
    """Those of `people.toml`, by the authority's own policy."""
    place = federation.node("301").party.directory
    for person, role in (("ig", "ig_officer"), ("vsh", "virtual_school_head")):
        add_person(place, Person(id=person, role=Role(role), title=person))
    assert run(["audit", "retain", "--state", str(place), "--as", who]) == code
    assert run(["audit", "hold", "place", "--state", str(place), "--as", who, "--person", "x", "--reason", "y"]) == code


# --- Every night -----------------------------------------------------------------------------------------------------


def test_every_night_it_is_done_for_the_officer_who_has_ordered_it(party: Party, capsys: Captured) -> None:
    """By the timer of docs/systemd, which names nobody."""
    assert audit(party, "retain") == 2
    assert "who has ordered it every night" in capsys.readouterr().err
    rules = party.directory / "retention.toml"
    rules.write_text('[nightly]\nofficer = "ig"\n')
    assert audit(party, "retain") == 0
    assert gone(party) == {0, 1, 2}
    with closing(open_state_log(party.directory)) as connection:
        assert next(read_entries(connection)).to_event().actor == "ig"


def test_an_officer_who_may_no_more_orders_nothing(party: Party) -> None:
    (party.directory / "retention.toml").write_text('[nightly]\nofficer = "gus"\n[years]\nacts = 1\n')
    assert audit(party, "retain") == 8
    assert gone(party) == set()


@pytest.mark.parametrize("text", ["[nightly]\nofficer = 1\n", "[nightly]\n", '[nightly]\nofficer = "ig"\nat = 3\n'])
def test_rules_that_cannot_be_read_delete_nothing(party: Party, text: str) -> None:
    (party.directory / "retention.toml").write_text(text)
    assert audit(party, "retain", "--as", "ig") == 2
    assert gone(party) == set()


def test_the_timer_runs_the_command_that_names_nobody() -> None:
    unit = (Path(__file__).parents[2] / "docs" / "systemd" / "circe-retention.service").read_text()
    assert "circe audit retain --state /srv/circe\n" in unit
