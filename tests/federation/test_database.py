"""The database in one file: what SQLite does by itself, and whose the files are.

What holds of every database, on a server too, is in test_shared_database.py.
"""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from federation.database import SqliteDatabase, open_database
from federation.state import Party, hold_directory
from tests.federation.kept_acts import COUNTS, act, in_threads, make_party, standing
from tests.taken_locks import note_taken

NOTES = "CREATE TABLE IF NOT EXISTS notes (number INTEGER REFERENCES counts DEFERRABLE INITIALLY DEFERRED)"


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.sql"
    path.write_text(f"{COUNTS};{NOTES}")
    return path


@pytest.fixture
def party(tmp_path: Path) -> Party:
    return make_party(tmp_path / "state")


@pytest.fixture
def database(party: Party, schema: Path) -> Iterator[SqliteDatabase]:
    with closing(open_database(party, schema)) as opened:
        yield opened


def test_a_commit_that_fails_leaves_neither(database: SqliteDatabase) -> None:
    """A note of nothing is found out only at the commit; the connection is of use afterwards."""

    def note_nothing() -> None:
        with database.transaction() as connection:
            act(database, connection)
            connection.execute("INSERT INTO notes VALUES (99)")

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
            connection.execute("INSERT OR ROLLBACK INTO counts (number) VALUES (1)")

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert_twice()
    assert standing(database) == (0, 0)


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


def test_every_thread_has_a_connection_of_its_own(database: SqliteDatabase) -> None:
    seen: list[sqlite3.Connection] = []

    def look() -> None:
        assert database.connection is database.connection
        seen.append(database.connection)

    in_threads(4, look)
    assert len({id(connection) for connection in [*seen, database.connection]}) == 5


def test_two_who_make_it_at_once_take_turns(party: Party, schema: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a service and a command do that are started together: SQLite fails the second one to turn the file to WAL."""
    taken = note_taken(monkeypatch)
    thread = threading.Thread(target=lambda: open_database(party, schema).close())
    with hold_directory(party.directory):
        thread.start()
        assert taken.wait(10)
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


def test_what_is_committed_survives_a_power_cut(database: SqliteDatabase) -> None:
    """Every commit waits for the disk, and a row cannot point at nothing."""
    assert database.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert database.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database.connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert database.connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
    assert database.connection.execute("PRAGMA cache_size").fetchone()[0] == -8192


def test_what_need_not_survive_a_power_cut_does_not_wait_for_the_disk(database: SqliteDatabase) -> None:
    """And whatever is committed next by the same thread does, also where the act before it failed."""

    def kept(*, durable: bool) -> int:
        with database.transaction(durable=durable) as connection:
            act(database, connection)
            return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    assert [kept(durable=False), kept(durable=True), kept(durable=False)] == [1, 2, 1]
    with pytest.raises(sqlite3.OperationalError), database.transaction(durable=False) as connection:
        connection.execute("nonsense")
    assert kept(durable=True) == 2
