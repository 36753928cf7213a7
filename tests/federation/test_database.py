"""What is done and its entry in the log are kept together or not at all, in every thread."""

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.event import Action, AuditEvent
from audit.verifier import verify_log
from federation.database import LogSigner, SqliteDatabase, open_database
from federation.state import Party, create_party, hold_directory, make_profile
from tests.federation.cast import NOW

SCHEMA = """
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT REFERENCES counts DEFERRABLE INITIALLY DEFERRED)
"""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.sql"
    path.write_text(SCHEMA)
    return path


@pytest.fixture
def party(tmp_path: Path) -> Party:
    profile = make_profile(
        member_id="hub",
        kind="hub",
        title="The hub",
        organisation="hub-operator",
        organisation_kind="hub_operator",
        operator="hub-operator",
        authorities=(),
    )
    return create_party(tmp_path / "state", profile)


@pytest.fixture
def database(party: Party, schema: Path) -> Iterator[SqliteDatabase]:
    database = open_database(party, schema)
    yield database
    database.close()


def act(database: SqliteDatabase, connection: sqlite3.Connection) -> None:
    """Do something and log it."""
    connection.execute("INSERT INTO counts VALUES ('done', 1)")
    event = AuditEvent(at=NOW, actor="hub", action=Action.QUERY_RELEASED, reference="Q-1")
    database.log.append(connection, event)


def standing(database: SqliteDatabase) -> tuple[int, int]:
    """How many acts stand in the database, and how many entries in its log."""
    (acts,) = database.connection.execute("SELECT count(*) FROM counts").fetchone()
    (entries,) = database.connection.execute("SELECT count(*) FROM audit_entries").fetchone()
    return acts, entries


def break_off(database: SqliteDatabase, failure: BaseException) -> None:
    """Do something, log it, and fail before the end of the transaction."""
    with database.transaction() as connection:
        act(database, connection)
        raise failure


# --- Both or neither -------------------------------------------------------------------------------------------------


def test_an_act_and_its_entry_are_kept_together(database: SqliteDatabase, party: Party) -> None:
    with database.transaction() as connection:
        act(database, connection)
    assert standing(database) == (1, 1)
    signer = LogSigner(party)
    verify_log(database.connection, signer.name, signer.public_key)


@pytest.mark.parametrize(
    "failure", [ValueError(), sqlite3.OperationalError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=repr
)
def test_an_act_that_is_broken_off_leaves_neither(
    database: SqliteDatabase, party: Party, failure: BaseException
) -> None:
    with pytest.raises(type(failure)):
        break_off(database, failure)
    assert standing(database) == (0, 0)
    with database.transaction() as connection:
        act(database, connection)
    assert standing(database) == (1, 1)
    verify_log(database.connection, party.member_id, party.keys.public_log_key)


def test_a_commit_that_fails_leaves_neither(database: SqliteDatabase) -> None:
    """A note of nothing is found out only at the commit; the connection is of use afterwards."""

    def note_nothing() -> None:
        with database.transaction() as connection:
            act(database, connection)
            connection.execute("INSERT INTO notes VALUES ('nothing')")

    with pytest.raises(sqlite3.IntegrityError):
        note_nothing()
    assert not database.connection.in_transaction
    assert standing(database) == (0, 0)
    with database.transaction() as connection:
        act(database, connection)
    assert standing(database) == (1, 1)


def test_a_rollback_by_sqlite_itself_is_no_second_failure(database: SqliteDatabase) -> None:
    def insert_twice() -> None:
        with database.transaction() as connection:
            act(database, connection)
            connection.execute("INSERT OR ROLLBACK INTO counts VALUES ('done', 2)")

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert_twice()
    assert standing(database) == (0, 0)


def test_a_transaction_inside_another_is_refused_and_spoils_nothing(database: SqliteDatabase) -> None:
    with database.transaction() as connection:
        act(database, connection)
        with pytest.raises(sqlite3.ProgrammingError, match="a transaction is open"), database.transaction():
            pytest.fail("the inner one was opened")
    assert standing(database) == (1, 1)


def test_whoever_waits_too_long_for_another_has_done_nothing(
    database: SqliteDatabase, party: Party, schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("federation.database.BUSY_SECONDS", 0)
    with database.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        open_database(party, schema)
    with database.transaction() as connection:
        act(database, connection)
    assert standing(database) == (1, 1)


# --- Threads ---------------------------------------------------------------------------------------------------------


def in_threads(count: int, work: Callable[[], None]) -> None:
    """Do some work in several threads at once, and fail if one of them does."""
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait(10)
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_every_thread_has_a_connection_of_its_own(database: SqliteDatabase) -> None:
    seen: list[sqlite3.Connection] = []

    def look() -> None:
        assert database.connection is database.connection
        seen.append(database.connection)

    in_threads(4, look)
    assert len({id(connection) for connection in [*seen, database.connection]}) == 5


def test_nobody_sees_what_is_not_committed(database: SqliteDatabase) -> None:
    found: list[tuple[int, int]] = []
    with database.transaction() as connection:
        act(database, connection)
        in_threads(1, lambda: found.append(standing(database)))
    in_threads(1, lambda: found.append(standing(database)))
    assert found == [(0, 0), (1, 1)]


def test_what_is_read_in_a_transaction_stays_true(database: SqliteDatabase) -> None:
    """Four threads read a number and write it back raised by one: none is lost."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO counts VALUES ('raised', 0)")

    def raise_number() -> None:
        for _ in range(10):
            with database.transaction() as connection:
                (count,) = connection.execute("SELECT count FROM counts WHERE name = 'raised'").fetchone()
                connection.execute("UPDATE counts SET count = ? WHERE name = 'raised'", (count + 1,))
        database.close()

    in_threads(4, raise_number)
    assert database.connection.execute("SELECT count FROM counts WHERE name = 'raised'").fetchone()[0] == 40


def test_two_who_make_it_at_once_take_turns(party: Party, schema: Path) -> None:
    """As a service and a command do that are started together: SQLite fails the second one to turn the file to WAL."""
    thread = threading.Thread(target=lambda: open_database(party, schema).close())
    with hold_directory(party.directory):
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive()
    in_threads(6, lambda: open_database(party, schema).close())


# --- The file --------------------------------------------------------------------------------------------------------


def test_the_files_are_their_owners_alone(database: SqliteDatabase, party: Party) -> None:
    with database.transaction() as connection:
        act(database, connection)
    files = list(party.directory.glob(f"{party.database.name}*"))
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_opening_again_keeps_everything(database: SqliteDatabase, party: Party, schema: Path) -> None:
    with database.transaction() as connection:
        act(database, connection)
    database.close()
    again = open_database(party, schema)
    assert standing(again) == (1, 1)
    again.close()
    assert standing(again) == (1, 1)
    again.close()


def test_what_is_committed_survives_a_power_cut(database: SqliteDatabase) -> None:
    """Every commit waits for the disk, and a row cannot point at nothing."""
    assert database.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert database.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database.connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
