"""A database that several workers share: what holds of the one file holds of the server, and each hears the others."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from audit.connection import DatabaseUnavailable
from audit.event import Action, AuditEvent, Outcome
from audit.log import LogError, LogUnreadable
from audit.retention import Periods, count_due, delete_due
from audit.search import Search, find_page
from audit.state import ADDRESS_FILE, check_address, open_state_log
from audit.tables import INSERTED_AT_ONCE
from audit.verifier import LogBroken, verify_log
from federation.cli import run
from federation.database import Database, keep_address, open_shared_database
from federation.state import Party
from tests.federation.cast import NOW
from tests.federation.kept_acts import COUNTS, act, in_threads, make_party, standing
from tests.postgres_server import PostgresServer

PATIENCE = 20


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.sql"
    path.write_text(COUNTS)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def party(tmp_path: Path, request: pytest.FixtureRequest) -> Party:
    """A hub that keeps its state in a file, and one that does so on a server."""
    party = make_party(tmp_path / "state")
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        keep_address(party.directory, server.own_schema())
    return party


@pytest.fixture
def database(party: Party, schema: Path) -> Iterator[Database]:
    with closing(open_shared_database(party, schema)) as opened:
        yield opened


on_a_server = pytest.mark.parametrize("party", ["postgres"], indirect=True)


def verify(database: Database, party: Party) -> int:
    """Verify the log as anybody does who has the state directory; returns how many entries it has."""
    with closing(open_state_log(party.directory)) as connection:
        return verify_log(connection, party.member_id, party.keys.public_log_key).entries


# --- On both ---------------------------------------------------------------------------------------------------------


def test_an_act_and_its_entry_are_kept_together(database: Database, party: Party) -> None:
    with database.transaction() as connection:
        act(database, connection)
        assert connection.in_transaction
    assert standing(database) == (1, 1)
    assert verify(database, party) == 1


def test_many_entries_are_appended_at_once(database: Database, party: Party) -> None:
    """By statements of many rows each, and the rest by one for each."""
    events = [
        AuditEvent(at=NOW, actor="vsh", action=Action.LOOKUP_ASKED, reference=f"L-{n}", details={"rows": n})
        for n in range(2 * INSERTED_AT_ONCE + 3)
    ]
    with database.transaction() as connection:
        database.log.append(connection, *events)
    assert verify(database, party) == len(events)
    with closing(open_state_log(party.directory)) as reading:
        found = find_page(reading, Search(), most=len(events)).entries
    assert [entry.to_event() for entry in found] == events[::-1]


@pytest.mark.parametrize("failure", [ValueError(), KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=repr)
def test_an_act_that_is_broken_off_leaves_neither(database: Database, party: Party, failure: BaseException) -> None:
    def break_off() -> None:
        with database.transaction() as connection:
            act(database, connection)
            raise failure

    with pytest.raises(type(failure)):
        break_off()
    assert standing(database) == (0, 0)
    with database.transaction() as connection:
        act(database, connection)
    assert verify(database, party) == 1


def test_a_statement_that_fails_leaves_neither(database: Database) -> None:
    """And the connection is of use afterwards."""

    def insert_twice() -> None:
        with database.transaction() as connection:
            act(database, connection)
            connection.execute("INSERT INTO counts (number, name) VALUES (7, 'a'), (7, 'b')")

    with pytest.raises(database.connection.DatabaseError):
        insert_twice()
    assert standing(database) == (0, 0)


def test_rows_are_read_by_position_and_by_name(database: Database) -> None:
    with database.transaction() as connection:
        act(database, connection)
        row = connection.execute("SELECT number, name, count, data FROM counts").fetchone()
    assert tuple(row) == (1, "done", 1, b"\0\xff")
    assert (row[1], row["name"], bytes(row["data"])) == ("done", "done", b"\0\xff")
    assert dict(row) == {"number": 1, "name": "done", "count": 1, "data": b"\0\xff"}
    assert database.connection.execute("SELECT 1 FROM counts WHERE name = :name", {"name": "'"}).fetchone() is None


def test_what_a_transaction_has_written_it_reads_by_any_way(database: Database) -> None:
    with database.transaction() as connection:
        act(database, connection)
        assert standing(database) == (1, 1)
        found: list[tuple[int, int]] = []
        in_threads(1, lambda: found.append(standing(database)))
        assert found == [(0, 0)]


def test_a_transaction_inside_another_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        act(database, connection)
        with pytest.raises(Exception, match="a transaction is open"), database.transaction():
            pytest.fail("the inner one was opened")
    assert standing(database) == (1, 1)


def test_what_is_read_in_a_transaction_stays_true(party: Party, schema: Path, database: Database) -> None:
    """Workers of their own, with threads each, read a number and write it back raised by one: none is lost."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO counts (name, count) VALUES ('raised', 0)")

    def work() -> None:
        with closing(open_shared_database(party, schema)) as own:
            in_threads(3, lambda: raise_number(own))

    def raise_number(own: Database) -> None:
        for _ in range(5):
            with own.transaction() as connection:
                (count,) = connection.execute("SELECT count FROM counts WHERE name = 'raised'").fetchone()
                connection.execute("UPDATE counts SET count = ? WHERE name = 'raised'", (count + 1,))
                own.log.append(connection, AuditEvent(at=NOW, actor="a", action=Action.SIGNIN, reference=""))

    in_threads(3, work)
    (count,) = database.connection.execute("SELECT count FROM counts WHERE name = 'raised'").fetchone()
    assert count == 45
    assert verify(database, party) == 45


def test_who_opens_it_again_finds_it_as_it_was(party: Party, schema: Path, database: Database) -> None:
    with database.transaction() as connection:
        act(database, connection)
    with closing(open_shared_database(party, schema)) as again:
        assert standing(again) == (1, 1)


def test_another_partys_database_is_not_taken_over(party: Party, schema: Path, tmp_path: Path) -> None:
    open_shared_database(party, schema).close()
    other = make_party(tmp_path / "other", "hub2")
    if (party.directory / ADDRESS_FILE).exists():
        (other.directory / ADDRESS_FILE).write_bytes((party.directory / ADDRESS_FILE).read_bytes())
    else:
        party.database.rename(other.database)
    with pytest.raises(LogError, match="another origin"):
        open_shared_database(other, schema)


def test_the_log_is_shown_and_verified_from_the_state_directory(
    database: Database, party: Party, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as connection:
        act(database, connection)
    assert run(["audit", "verify", "--state", str(party.directory)]) == 0
    assert "verified hub: 1 entries" in capsys.readouterr().out
    assert run(["audit", "show", "--state", str(party.directory), "--actor", "done"]) == 0
    assert "query.released" in capsys.readouterr().out
    assert run(["audit", "show", "--state", str(party.directory), "--actor", "else", "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_what_is_over_is_deleted_and_the_rest_is_searched_alike(database: Database, party: Party) -> None:
    """Retention and searching read and write what differs between the two databases."""
    signin, lookup = (
        AuditEvent(
            at=NOW,
            actor="vsh (virtual_school_head)",
            action=action,
            outcome=Outcome.REFUSED,
            purpose="50% Done",
            acting_for="301",
        )
        for action in (Action.SIGNIN, Action.LOOKUP_ASKED)
    )
    with database.transaction() as connection:
        first = database.log.append(connection, signin, lookup)
    later = NOW + timedelta(days=366 * 3)
    with database.transaction() as connection:
        done = delete_due(connection, database.log, Periods(), actor="ig", now=later)
    assert done.entries == 1
    with closing(open_state_log(party.directory)) as reading:
        assert verify_log(reading, party.member_id, party.keys.public_log_key).deleted == 1
        assert count_due(reading, Periods(), later) == (0, 0)
        search = Search(
            actor="vsh",
            outcome=Outcome.REFUSED,
            purpose="0% done",
            acting_for="301",
            since=NOW,
            until=NOW + timedelta(1),
        )
        assert [entry.index for entry in find_page(reading, search, most=5).entries] == [first + 1]
        assert [entry.index for entry in find_page(reading, Search(action=Action.SIGNIN), most=5).entries] == []


# --- A log that was tampered with, on the server ---------------------------------------------------------------------

TAMPERING = {
    "an entry's words": "UPDATE audit_entries SET body = convert_to('{}', 'UTF8')",
    "an entry taken out": "DELETE FROM audit_entries",
    "the count": "UPDATE audit_head SET size = 5",
    "the signature": "UPDATE audit_checkpoints SET note = '' WHERE size = 1",
    "a column more": "ALTER TABLE audit_entries ADD COLUMN more TEXT",
    "a search column with a life of its own": "ALTER TABLE audit_entries ALTER COLUMN actor DROP EXPRESSION",
    "a trigger": """CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER hide BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION hide()""",
    "a rule": "CREATE RULE hide AS ON INSERT TO audit_entries DO INSTEAD NOTHING",
    "rows hidden by policy": "ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY",
    "another reading": """CREATE OR REPLACE FUNCTION audit_member(body BYTEA, name TEXT) RETURNS TEXT LANGUAGE sql
        IMMUTABLE STRICT RETURN 'nobody'""",
    "rows from elsewhere": "CREATE TABLE more () INHERITS (audit_entries)",
    "a view in its place": """ALTER TABLE audit_head RENAME TO kept;
        CREATE VIEW audit_head AS SELECT * FROM kept""",
}


@on_a_server
@pytest.mark.parametrize("statements", TAMPERING.values(), ids=TAMPERING)
def test_a_log_that_was_tampered_with_is_found_out(database: Database, party: Party, statements: str) -> None:
    with database.transaction() as connection:
        act(database, connection)
    assert verify(database, party) == 1
    for statement in statements.split(";\n"):
        database.connection.execute(statement)
    with pytest.raises(LogBroken):
        verify(database, party)


@on_a_server
def test_what_was_tampered_with_is_not_signed_over(database: Database) -> None:
    with database.transaction() as connection:
        act(database, connection)
    database.connection.execute("UPDATE audit_entries SET hashes = decode(repeat('00', 32), 'hex')")
    with pytest.raises(LogError), database.transaction() as connection:
        act(database, connection)


# --- A server that goes away -----------------------------------------------------------------------------------------


@on_a_server
def test_connections_that_the_server_closed_are_replaced(
    database: Database, party: Party, postgres: PostgresServer
) -> None:
    """As after a restart of the server: the next statement finds out, and nothing fails."""
    with database.transaction() as connection:
        act(database, connection)
    postgres.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = 'circe' AND pid <> pg_backend_pid()"
    )
    assert standing(database) == (1, 1)
    with database.transaction() as connection:
        act(database, connection)
    assert verify(database, party) == 2


@on_a_server
def test_a_transaction_whose_connection_is_lost_leaves_nothing(database: Database, postgres: PostgresServer) -> None:
    def lose() -> None:
        with database.transaction() as connection:
            act(database, connection)
            (own,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            postgres.execute(f"SELECT pg_terminate_backend({own})")
            act(database, connection)

    with pytest.raises(database.connection.OperationalError):
        lose()
    assert standing(database) == (0, 0)
    with database.transaction() as connection:
        act(database, connection)
    assert standing(database) == (1, 1)


@on_a_server
def test_what_need_not_survive_a_power_cut_does_not_wait_for_the_servers_disk(database: Database) -> None:
    def waits(*, durable: bool) -> str:
        with database.transaction(durable=durable) as connection:
            (setting,) = connection.execute("SHOW synchronous_commit").fetchone()
            return str(setting)

    assert [waits(durable=False), waits(durable=True)] == ["off", "on"]


@pytest.mark.parametrize(
    "address", ["postgresql://nobody:SECRET@127.0.0.1:9/circe", "postgresql://SECRET@/circe?host=/nowhere"]
)
def test_a_server_that_is_away_is_said_so_without_its_address(tmp_path: Path, schema: Path, address: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    party = make_party(tmp_path / "state")
    keep_address(party.directory, address)
    with pytest.raises(DatabaseUnavailable, match="does not let us in") as refused:
        open_shared_database(party, schema)
    assert "SECRET" not in str(refused.value)
    with pytest.raises(LogUnreadable, match="does not let us in"):
        open_state_log(party.directory)


@pytest.mark.parametrize(
    "address", ["", "hub.sqlite", "mysql://SECRET@host/circe", "postgresql://a b", "postgresql://"]
)
def test_what_is_no_address_is_refused_unrepeated(tmp_path: Path, schema: Path, address: str) -> None:
    if address != "postgresql://":
        with pytest.raises(LogUnreadable, match="holds no address") as refused:
            check_address(address, "--database")
        assert "SECRET" not in str(refused.value)
    party = make_party(tmp_path / "state")
    (party.directory / ADDRESS_FILE).write_text("mysql://SECRET@host/circe\n")
    with pytest.raises(LogUnreadable, match=r"database\.url holds no address"):
        open_shared_database(party, schema)


def test_the_address_is_for_its_owner_alone(tmp_path: Path) -> None:
    party = make_party(tmp_path / "state")
    keep_address(party.directory, "postgresql://circe@db.example/circe")
    assert (party.directory / ADDRESS_FILE).stat().st_mode & 0o077 == 0
