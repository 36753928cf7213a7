"""PostgreSQL: the engine can read one copy and do nothing else; a copy is there whole or not at all."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines import EngineFailed, EngineUnavailable
from query_engine.planning.plan import QueryPlan
from tests.postgres_server import DATABASE, LOADER, READER, PostgresServer
from tests.query_engine.small_tables import Row, write_table

if TYPE_CHECKING:
    from query_engine.engines.postgres import PostgresEngine

PlanOf = Callable[[str], QueryPlan]
SCHEMA = "circe_301_202425-summer-0123456789abcdef"
COLUMNS = ("child", "academic_year", "sex", "suspensions", "suspension_days", "attendance_rate", "uasc")
ROWS: list[Row] = [{"child": "a", "academic_year": 202425, "sex": "M", "suspensions": 2}]
COUNT = "SELECT COUNT(*) AS n FROM child_year"


@pytest.fixture
def files(tmp_path: Path, catalogue: Catalogue) -> dict[str, Path]:
    return {"child_year": write_table(tmp_path / "child_year.parquet", catalogue.table("child_year"), COLUMNS, ROWS)}


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server, without any copy afterwards."""
    from query_engine.engines.postgres_copies import drop_copy

    yield postgres
    drop_copy(postgres.url(LOADER), SCHEMA)


@pytest.fixture
def copy(server: PostgresServer, files: dict[str, Path], catalogue: Catalogue) -> Callable[[], None]:
    """Make the copy of the files."""
    from query_engine.engines.postgres_copies import copy_tables

    return lambda: copy_tables(server.url(LOADER), files, schema=SCHEMA, reader=READER, catalogue=catalogue)


@pytest.fixture
def engine(server: PostgresServer, copy: Callable[[], None]) -> "Iterator[PostgresEngine]":
    from query_engine.engines.postgres import PostgresEngine

    copy()
    with PostgresEngine(server.url(), schema=SCHEMA) as opened:
        yield opened


def look(server: PostgresServer, sql: str) -> list[tuple[Any, ...]]:
    """What the server's owner sees."""
    import psycopg

    with psycopg.connect(server.url("postgres", DATABASE)) as connection:
        return connection.execute(sql.encode()).fetchall()


FORBIDDEN = {
    "a new row": "INSERT INTO child_year (child) VALUES ('x') RETURNING 1",
    "another value": "UPDATE child_year SET child = 'x' RETURNING 1",
    "fewer rows": "DELETE FROM child_year RETURNING 1",
    "no table": "DROP TABLE child_year",
    "a new table": "CREATE TABLE mine AS SELECT * FROM child_year",
    "a table for a while": "CREATE TEMPORARY TABLE mine AS SELECT * FROM child_year",
    "reading a file": "SELECT pg_read_file('/etc/hostname')",
    "listing files": "SELECT pg_ls_dir('/')",
    "writing a file": "COPY child_year TO '/tmp/circe-out.csv'",
    "running a program": "COPY child_year TO PROGRAM 'cat'",
    "another role": f"SET ROLE {LOADER}",
    "writing after all": "SET TRANSACTION READ WRITE",
    "two statements": "SELECT 1; SELECT 2",
    "leaving the transaction": "COMMIT; CREATE TABLE mine (x int)",
    "an extension": "CREATE EXTENSION dblink",
    "passwords": "SELECT rolpassword FROM pg_authid",
    "another session": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user",
    "a settings file": "SELECT pg_reload_conf()",
}


@pytest.mark.parametrize("sql", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_engine_can_only_read(sql: str, engine: "PostgresEngine", server: PostgresServer, plan_of: PlanOf) -> None:
    """Even SQL of an attacker's own, which nothing here would run, changes nothing and reaches no file."""
    with pytest.raises(EngineFailed):
        engine.fetch(sql)
    assert look(server, f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'") == [("child_year",)]
    assert engine.run(plan_of(COUNT)).statistic("rows") == (1,)


def test_nothing_is_ever_committed(engine: "PostgresEngine", server: PostgresServer) -> None:
    """What a READ ONLY transaction of this server lets by, large objects, goes when the run ends."""
    engine.fetch("SELECT lo_create(0)")
    assert look(server, "SELECT COUNT(*) FROM pg_largeobject_metadata") == [(0,)]


def test_the_limits_hold_whatever_the_role_is_set_to(engine: "PostgresEngine") -> None:
    """The engine's own time limit, search path and reading of literals, in a transaction that cannot write."""
    names = ("transaction_read_only", "statement_timeout", "search_path", "standard_conforming_strings")
    settings = ", ".join(f"current_setting('{name}')" for name in names)
    assert engine.fetch(f"SELECT {settings}") == [("on", "30s", f'pg_catalog, "{SCHEMA}", pg_temp', "on")]


TABLE = f'"{SCHEMA}".child_year'
EXCESS = {
    "a superuser": (f"ALTER ROLE {READER} SUPERUSER", f"ALTER ROLE {READER} NOSUPERUSER"),
    "a maker of roles": (f"ALTER ROLE {READER} CREATEROLE", f"ALTER ROLE {READER} NOCREATEROLE"),
    **{
        title: (f"GRANT {right} TO {READER}", f"REVOKE {right} FROM {READER}")
        for title, right in {
            "a member of another role": LOADER,
            "a reader of files": "pg_read_server_files",
            "a maker of schemas": f"CREATE ON DATABASE {DATABASE}",
            "a maker of tables": "CREATE ON SCHEMA public",
            "a writer": f"UPDATE ON {TABLE}",
        }.items()
    },
}


@pytest.mark.parametrize(("grant", "revoke"), EXCESS.values(), ids=EXCESS.keys())
def test_a_role_that_can_do_more_is_not_used(
    grant: str, revoke: str, server: PostgresServer, copy: Callable[[], None]
) -> None:
    """The engine looks at what its role may do before it runs anything, and refuses one that may do more than read."""
    from query_engine.engines.postgres import PostgresEngine

    copy()
    server.execute(grant, database=DATABASE)
    try:
        with pytest.raises(EngineFailed, match="one that can only read"):
            PostgresEngine(server.url(), schema=SCHEMA)
    finally:
        server.execute(revoke, database=DATABASE)
    PostgresEngine(server.url(), schema=SCHEMA).close()


def test_columns_have_the_types_of_the_catalogue(server: PostgresServer, copy: Callable[[], None]) -> None:
    """Fixed-point numbers stay so, and text is compared byte by byte, as the other engines do."""
    copy()
    found = look(
        server,
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        f"WHERE attrelid = '\"{SCHEMA}\".child_year'::regclass AND attnum > 0 ORDER BY attnum",
    )
    assert found == [
        ("child", "text"),
        ("academic_year", "integer"),
        ("sex", "text"),
        ("suspensions", "integer"),
        ("suspension_days", "numeric(9,1)"),
        ("attendance_rate", "numeric(9,4)"),
        ("uasc", "boolean"),
    ]


def test_a_table_the_catalogue_does_not_know_is_not_copied(
    server: PostgresServer, files: dict[str, Path], catalogue: Catalogue
) -> None:
    """Nothing reaches the server that could not be asked about."""
    from query_engine.engines.postgres_copies import copy_tables

    tables = {**files, "children": files["child_year"]}
    copy_tables(server.url(LOADER), tables, schema=SCHEMA, reader=READER, catalogue=catalogue)
    assert look(server, f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'") == [("child_year",)]


def test_a_copy_that_fails_leaves_no_trace(
    server: PostgresServer, files: dict[str, Path], tmp_path: Path, catalogue: Catalogue
) -> None:
    """The first table could be copied and the second could not, so neither is there."""
    from query_engine.engines.postgres_copies import copy_tables, find_copy

    (tmp_path / "pupil_year.parquet").write_bytes(b"PAR1 not really PAR1")
    tables = {**files, "pupil_year": tmp_path / "pupil_year.parquet"}
    with pytest.raises(EngineFailed, match="load again"):
        copy_tables(server.url(LOADER), tables, schema=SCHEMA, reader=READER, catalogue=catalogue)
    assert find_copy(server.url(), SCHEMA) == (READER, False)


def test_a_value_that_does_not_fit_is_not_told(server: PostgresServer, tmp_path: Path, catalogue: Catalogue) -> None:
    """The server would name the value and its row; the error names neither."""
    import duckdb

    from query_engine.engines.postgres_copies import copy_tables

    path = tmp_path / "child_year.parquet"
    duckdb.sql(f"COPY (SELECT 'a' AS child, 'SECRET' AS suspensions) TO '{path}' (FORMAT parquet)")
    with pytest.raises(EngineFailed) as failed:
        copy_tables(server.url(LOADER), {"child_year": path}, schema=SCHEMA, reader=READER, catalogue=catalogue)
    assert "SECRET" not in str(failed.value)
    assert failed.value.__suppress_context__


def test_copies_made_at_once_are_one(server: PostgresServer, copy: Callable[[], None], plan_of: PlanOf) -> None:
    """Several threads of a node, or several nodes: the first makes the copy, and the others wait and find it."""
    from query_engine.engines.postgres import PostgresEngine

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: copy(), range(4)))
    with PostgresEngine(server.url(), schema=SCHEMA) as engine:
        assert engine.run(plan_of(COUNT)).statistic("rows") == (1,)


def test_threads_share_an_engine(engine: "PostgresEngine", plan_of: PlanOf) -> None:
    """Plans asked at once are answered one after the other, each with its own figures."""
    plans = [plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex"), plan_of(COUNT)] * 10
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(engine.run, plans))
    assert [tuple(raw.statistic("rows")) for raw in answers] == [(1, 0, 0, 0), (1,)] * 10


def test_a_server_that_is_gone_is_told_from_a_plan_that_fails(
    engine: "PostgresEngine", server: PostgresServer, plan_of: PlanOf
) -> None:
    """A run that was under way has failed; one that never began may be tried again when the server is back."""
    from query_engine.engines.postgres import PostgresEngine

    server.stop()
    try:
        with pytest.raises(EngineFailed) as failed:
            engine.run(plan_of(COUNT))
        assert not isinstance(failed.value, EngineUnavailable)
        with pytest.raises(EngineUnavailable) as unavailable:
            PostgresEngine(server.url(), schema=SCHEMA)
    finally:
        server.start()
    assert str(server.directory) not in str(unavailable.value)
    with PostgresEngine(server.url(), schema=SCHEMA) as again:
        assert again.run(plan_of(COUNT)).statistic("rows") == (1,)
