"""Bodies go when their time is over, hashes stay, every proof goes on holding, and nothing else can be made to go."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit.checkpoint import VerifierKey, parse_checkpoint
from audit.deletions import describe_deletion
from audit.entry import NO_SALT, Entry, read_mark, write_mark
from audit.event import Action, AuditEvent
from audit.export import write_export
from audit.holds import Scope, find_hold, read_holds, write_hold, write_lifting
from audit.listing import list_entries
from audit.log import LogError, LogUnreadable, read_entries
from audit.merkle import verify_inclusion
from audit.pattern_reading import read_findings
from audit.proof import ProofInvalid, prove_entry, verify_proof
from audit.retention import (
    FILE,
    Deleted,
    Kind,
    Periods,
    check_clock,
    count_due,
    delete_due,
    kind_of,
    read_rules,
    years_before,
)
from audit.verifier import LogBroken, LogSummary, verify_export, verify_log
from audit.witness_store import SCHEMA as WITNESS_SCHEMA
from tests.audit.conftest import START, SUBJECT

if TYPE_CHECKING:
    from tests.audit.conftest import Party

MakeEvent = Callable[..., AuditEvent]

SOON = timedelta(minutes=5)
IN_3_YEARS, IN_7_YEARS, IN_26_YEARS = (START + timedelta(days=366 * years) for years in (3, 7, 26))


def delete(party: Party, now: datetime, most: int = 100) -> Deleted:
    party.connection.execute("BEGIN IMMEDIATE")
    done = delete_due(party.connection, party.log, Periods(), actor="ig", now=now, most=most)
    party.connection.execute("COMMIT")
    return done


def verify(party: Party) -> LogSummary:
    return verify_log(party.connection, party.signer.name, party.signer.public_key)


def gone(party: Party) -> list[int]:
    return [entry.index for entry in read_entries(party.connection) if entry.deleted_by is not None][::-1]


def find(party: Party, index: int) -> Entry:
    return next(read_entries(party.connection, index=index))


@pytest.fixture
def mixed(party: Party, make_event: MakeEvent) -> Party:
    """Entries 0 to 6: two sign-ins, a query, a release, and three about a child by two people."""
    party.record(make_event(0, action=Action.SIGNIN), make_event(1, action=Action.SIGNIN, actor="dsl"))
    party.record(make_event(2, action=Action.QUERY_DRAFTED, reference="Q-1"))
    party.record(make_event(3, action=Action.QUERY_RELEASED, reference="Q-1"))
    party.record(*(make_event(n, subject=SUBJECT, actor=f"p{n % 2} (virtual_school_head)") for n in (4, 5, 6)))
    return party


# --- What goes, and when ---------------------------------------------------------------------------------------------


def test_every_action_has_a_kind() -> None:
    """A new action falls to `acts` only where somebody looked at it: the families are listed here."""
    families = {kind: {action.value.partition(".")[0] for action in Action if kind_of(action) is kind} for kind in Kind}
    assert families == {
        Kind.CHILDREN: {"lookup", "delegation", "handover", "notice", "claim", "children", "tracking", "subject"},
        Kind.SIGNINS: {"signin", "session", "passkey", "page"},
        Kind.KEPT: {"audit", "hold", "policy", "query", "release"},
        Kind.ACTS: {"party", "node", "snapshot", "project", "template", "query", "release", "sum", "member"}
        | {"register", "policy", "log", "audit", "figures", "file"},
    }
    kept = {action for action in Action if kind_of(action) is Kind.KEPT}
    own = {Action.AUDIT_DELETED, Action.HOLD_PLACED, Action.HOLD_LIFTED}
    assert kept == own | {Action.POLICY_ADOPTED, Action.QUERY_RELEASED, Action.RELEASE_WITHDRAWN}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START + timedelta(days=729), []),
        (IN_3_YEARS, [0, 1]),
        (IN_7_YEARS, [0, 1, 2]),
        (IN_26_YEARS, [0, 1, 2, 4, 5, 6]),
    ],
)
def test_each_kind_goes_when_its_own_time_is_over(mixed: Party, now: datetime, expected: list[int]) -> None:
    assert count_due(mixed.connection, Periods(), now) == (len(expected), 0)
    done = delete(mixed, now)
    assert (done.entries, gone(mixed)) == (len(expected), expected)
    assert verify(mixed).deleted == len(expected)


def test_to_the_moment(mixed: Party) -> None:
    """An entry goes when it is older than its period, and not when it is exactly as old."""
    first = START.replace(year=START.year + 2)
    assert delete(mixed, first) == Deleted(0, None, 0)
    delete(mixed, first + timedelta(microseconds=1))
    assert gone(mixed) == [0]


def test_a_clock_that_is_a_year_ahead_of_the_newest_entry_is_not_believed(mixed: Party, make_event: MakeEvent) -> None:
    newest = START + timedelta(days=1000)
    mixed.record(make_event(7, at=newest))
    check_clock(mixed.connection, newest - timedelta(days=999))
    check_clock(mixed.connection, newest + timedelta(days=366))
    with pytest.raises(LogError, match="set the clock right"):
        check_clock(mixed.connection, newest + timedelta(days=367))


def test_a_log_without_entries_says_nothing_of_the_clock(party: Party) -> None:
    check_clock(party.connection, IN_26_YEARS)


def test_where_nothing_is_due_nothing_is_written(mixed: Party) -> None:
    before = mixed.log.latest_checkpoint(mixed.connection)
    delete(mixed, START + SOON)
    assert mixed.log.latest_checkpoint(mixed.connection) == before


def test_the_entry_says_what_went(mixed: Party) -> None:
    leaves = [(index, find(mixed, index).leaf_hash) for index in (0, 1, 2)]
    done = delete(mixed, IN_7_YEARS)
    assert done.logged_by == 7
    event = find(mixed, 7).to_event()
    assert (event.action, event.actor, event.subject) == (Action.AUDIT_DELETED, "ig", "")
    assert describe_deletion(leaves).items() <= event.details.items()
    assert {name for name in event.details if name.startswith("before.")} == {
        "before.children",
        "before.acts",
        "before.signins",
    }


def test_so_many_at_a_time(mixed: Party) -> None:
    assert [delete(mixed, IN_26_YEARS, most=4).entries for _ in range(3)] == [4, 2, 0]
    assert verify(mixed).deleted == 6


def test_neither_body_nor_salt_is_left_in_the_file(mixed: Party, make_event: MakeEvent) -> None:
    """With the salt, a guess at what was deleted could be confirmed; and no index goes on knowing an actor."""
    mixed.connection.execute("PRAGMA secure_delete = ON")
    mixed.record(make_event(0, action=Action.SIGNIN, actor="ursula.unmistakable"))
    salt = find(mixed, 7).salt
    mixed.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert b"unmistakable" in mixed.database.read_bytes()
    delete(mixed, IN_3_YEARS)
    mixed.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    left = mixed.database.read_bytes()
    assert b"unmistakable" not in left
    assert salt not in left
    assert list(read_entries(mixed.connection, actor="ursula.unmistakable")) == []


def test_years_before_a_leap_day() -> None:
    leap = START.replace(year=2028, month=2, day=29)
    assert years_before(leap, 2) == START.replace(year=2026, month=2, day=28)
    assert years_before(leap, 4) == START.replace(year=2024, month=2, day=29)


# --- What goes on holding --------------------------------------------------------------------------------------------


def test_proofs_made_before_still_hold_and_none_is_made_of_what_is_gone(mixed: Party) -> None:
    mixed.connection.executescript(WITNESS_SCHEMA.read_text())
    key = VerifierKey(mixed.signer.name, mixed.signer.public_key)
    before = prove_entry(mixed.connection, find(mixed, 1))
    delete(mixed, IN_3_YEARS)
    assert verify_proof(before, key, (), 0).event.actor == "dsl"
    checkpoint = parse_checkpoint(mixed.log.latest_checkpoint(mixed.connection).partition("\n\n")[0] + "\n")
    proof = mixed.log.inclusion_proof(mixed.connection, 1, checkpoint.size)
    verify_inclusion(1, checkpoint.size, find(mixed, 1).leaf_hash, checkpoint.root, proof)
    with pytest.raises(ProofInvalid, match="entry 1 was deleted when its time was over, as entry 7 says"):
        prove_entry(mixed.connection, find(mixed, 1))


def test_the_log_goes_on_and_a_later_deletion_adds_to_it(mixed: Party, make_event: MakeEvent) -> None:
    delete(mixed, IN_3_YEARS)
    mixed.record(make_event(9))
    delete(mixed, IN_26_YEARS)
    assert (verify(mixed).entries, verify(mixed).deleted) == (10, 7)
    assert gone(mixed) == [0, 1, 2, 4, 5, 6, 8]


def test_an_exported_log_with_deleted_bodies_verifies(mixed: Party, tmp_path: Path) -> None:
    delete(mixed, IN_7_YEARS)
    path = tmp_path / "exported"
    with path.open("wb") as file:
        write_export(mixed.connection, file)
    assert verify_export(path, mixed.signer.name, mixed.signer.public_key).deleted == 3


def test_listings_and_patterns_pass_over_what_is_gone(mixed: Party) -> None:
    delete(mixed, IN_26_YEARS)
    assert "(deleted)" in list_entries(read_entries(mixed.connection), "table")
    assert '"deleted_by": 7' in list_entries(read_entries(mixed.connection), "json")
    assert list_entries(read_entries(mixed.connection), "csv").count("(deleted)") == 6
    assert read_findings(mixed.connection) == []


# --- What cannot be made to go ---------------------------------------------------------------------------------------


def spoil(party: Party, statement: str, *values: object) -> None:
    party.connection.execute("PRAGMA ignore_check_constraints = ON")
    party.connection.execute(statement, values)


def test_a_body_cannot_be_taken_away_without_an_entry(mixed: Party) -> None:
    spoil(mixed, "UPDATE audit_entries SET body = ?, salt = ? WHERE idx = 4", write_mark(99), NO_SALT)
    with pytest.raises(LogBroken, match="entry 4: its body was taken away, and no entry says that it was"):
        verify(mixed)


def test_nor_by_pointing_to_an_entry_that_deletes_nothing(mixed: Party) -> None:
    spoil(mixed, "UPDATE audit_entries SET body = ?, salt = ? WHERE idx = 4", write_mark(6), NO_SALT)
    with pytest.raises(LogBroken, match="entry 6: bodies from entry 4 on were taken away"):
        verify(mixed)


def test_nor_by_adding_it_to_a_deletion_that_was_logged(mixed: Party) -> None:
    delete(mixed, IN_3_YEARS)
    spoil(mixed, "UPDATE audit_entries SET body = ?, salt = ? WHERE idx = 4", write_mark(7), NO_SALT)
    with pytest.raises(LogBroken, match="entry 7: it logs the deletion of other bodies than are missing from entry 0"):
        verify(mixed)


@pytest.mark.parametrize("mark", [write_mark(4), write_mark(2), b'{"deleted_by":07}', b'{"deleted_by":7} ', b"{}", b""])
def test_nor_by_a_mark_that_is_none(mixed: Party, mark: bytes) -> None:
    """It points backwards or to itself, or is not in its one encoding: such a body fits no hash."""
    spoil(mixed, "UPDATE audit_entries SET body = ?, salt = ? WHERE idx = 4", mark, NO_SALT)
    with pytest.raises(LogBroken, match="entry 4: its salt, body or hash was changed"):
        verify(mixed)


def test_a_salt_that_was_left_is_found(mixed: Party) -> None:
    delete(mixed, IN_3_YEARS)
    spoil(mixed, "UPDATE audit_entries SET salt = ? WHERE idx = 0", b"1" * 16)
    with pytest.raises(LogBroken, match="entry 0"):
        verify(mixed)


def test_a_changed_hash_of_a_deleted_entry_is_found(mixed: Party) -> None:
    delete(mixed, IN_3_YEARS)
    spoil(mixed, "UPDATE audit_entries SET hashes = ? WHERE idx = 0", b"1" * 32)
    with pytest.raises(LogBroken):
        verify(mixed)


def test_marks_have_one_encoding() -> None:
    for number in (0, 7, 10, 2**53):
        assert read_mark(write_mark(number)) == number
    for text in (
        b'{"deleted_by":-1}',
        b'{"deleted_by":1.0}',
        b'{"deleted_by":1}\n',
        b'{"deleted_by":' + b"9" * 40 + b"}",
    ):
        assert read_mark(text) is None


def test_a_crash_leaves_all_of_it_or_nothing(mixed: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped at any of its statements, the transaction takes everything back, and the next attempt does it whole."""
    for fails_at in itertools.count(1):
        with closing(sqlite3.connect(mixed.database, isolation_level=None, factory=_Failing)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.left = fails_at
            with suppress(_Stopped):
                delete_due(other, mixed.log, Periods(), actor="ig", now=IN_26_YEARS)
                other.left = None
                other.execute("COMMIT")
        whole = verify(mixed)
        assert (whole.deleted, whole.entries) in ((0, 7), (6, 8))
        if whole.deleted:
            assert fails_at > 8
            return


class _Stopped(Exception):
    pass


class _Failing(sqlite3.Connection):
    """A connection that is cut off before its n-th statement from a moment on, and before each row of many."""

    left: int | None = None

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise _Stopped
        return super().execute(*arguments)

    def executemany(self, statement: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        cursor = self.cursor()
        for row in rows:
            cursor = self.execute(statement, row)
        return cursor


# --- Holds -----------------------------------------------------------------------------------------------------------


def place(party: Party, scope: Scope) -> str:
    event = write_hold(scope, actor="ig", reason="a claim was brought", now=START)
    party.record(event)
    return event.reference


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        (Scope(subject=SUBJECT), [4, 5, 6]),
        (Scope(person="p1"), [5]),
        (Scope(reference="Q-1"), [2]),
        (Scope(first=1, last=4), [1, 2, 4]),
    ],
)
def test_what_a_hold_covers_stays_until_it_is_lifted(mixed: Party, scope: Scope, kept: list[int]) -> None:
    hold_id = place(mixed, scope)
    done = delete(mixed, IN_26_YEARS)
    assert done.held == len(kept)
    assert set(gone(mixed)) == {0, 1, 2, 4, 5, 6} - set(kept)
    hold = find_hold(read_holds(mixed.connection), hold_id)
    mixed.record(write_lifting(hold, actor="ig", reason="it was settled", now=START))
    assert read_holds(mixed.connection) == ()
    delete(mixed, IN_26_YEARS)
    assert set(gone(mixed)) == {0, 1, 2, 4, 5, 6}
    verify(mixed)


def test_a_hold_and_its_lifting_are_never_deleted(mixed: Party) -> None:
    hold_id = place(mixed, Scope(person="p1"))
    mixed.record(
        write_lifting(find_hold(read_holds(mixed.connection), hold_id), actor="ig", reason="settled", now=START)
    )
    delete(mixed, START + timedelta(days=366 * 100))
    assert [find(mixed, index).to_event().action for index in (7, 8)] == [Action.HOLD_PLACED, Action.HOLD_LIFTED]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"subject": SUBJECT, "person": "p1"},
        {"first": 1},
        {"last": 1},
        {"first": 4, "last": 3},
        {"first": -1, "last": 3},
    ],
)
def test_a_hold_is_of_one_thing(parts: dict[str, object]) -> None:
    with pytest.raises(LogError):
        Scope(**parts)  # type: ignore[arg-type]


def test_a_hold_has_a_reason_and_is_lifted_once(mixed: Party) -> None:
    with pytest.raises(LogError, match="say why"):
        write_hold(Scope(person="p1"), actor="ig", reason=" ", now=START)
    with pytest.raises(LogError, match="no hold of that number"):
        find_hold(read_holds(mixed.connection), "HOLD-0")


def test_a_damaged_hold_stops_every_deletion(mixed: Party) -> None:
    """Nobody can have something deleted by breaking the entry that holds it."""
    place(mixed, Scope(person="p1"))
    event = find(mixed, 7).to_event()
    spoil(mixed, "UPDATE audit_entries SET body = ? WHERE idx = 7", event.to_bytes().replace(b"2026", b"abcd"))
    with pytest.raises(LogUnreadable, match="hold is damaged"):
        delete(mixed, IN_26_YEARS)


# --- The periods a party states --------------------------------------------------------------------------------------


def test_periods_are_stated_in_a_file(tmp_path: Path) -> None:
    assert read_rules(tmp_path).periods == Periods(25, 6, 2)
    (tmp_path / FILE).write_text("[years]\nsignins = 1\n")
    assert read_rules(tmp_path).periods == Periods(25, 6, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[years]\nsignins = 0\n",
        "[years]\nacts = 201\n",
        "[years]\nacts = 1.5\n",
        "[years]\nacts = true\n",
        "[years]\nother = 3\n",
        "[years]\nacts = 3\n[more]\n",
        "[days]\nacts = 3\n",
        "years = 3\n",
        "[years",
        "\udcff",
    ],
)
def test_a_file_that_states_none_stops_deletion(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(LogUnreadable, match="nothing is deleted"):
        read_rules(tmp_path)
