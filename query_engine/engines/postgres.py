"""PostgreSQL as an engine: a server of the authority's own, asked by a role that can read and do nothing else.

Each plan runs in a READ ONLY transaction of its own, which is never committed, within a time limit that the server
keeps, over the one schema that holds the copy of a snapshot (made by `query_engine/engines/postgres_copies.py`). No
text but a rendered plan is ever run; and the role is looked at before anything is, so that even other text could change
nothing. It needs

    CREATE ROLE circe_asks LOGIN;
    GRANT CONNECT ON DATABASE circe TO circe_asks;

and no more: whoever copies a snapshot grants it USAGE of the schema and SELECT on the tables.
"""

from threading import Lock
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import errors

from query_engine.engines import EngineFailed, EngineUnavailable
from query_engine.engines.cells import fill_cells
from query_engine.planning.plan import QueryPlan
from query_engine.rendering.plans import render_plan
from query_engine.tables import RawTable

CONNECT_SECONDS = 10
"""How long a server may take to let us in."""

UNANSWERED_SECONDS = 60
"""How long a server may leave what was sent to it unacknowledged before the connection counts as lost."""

_EXCESS = """
SELECT 'is a superuser, or may make roles, databases or replicas' FROM pg_roles
    WHERE rolname = current_user AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication)
UNION ALL SELECT 'belongs to another role' FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member
    WHERE rolname = current_user
UNION ALL SELECT 'may make schemas' WHERE has_database_privilege(current_database(), 'CREATE')
UNION ALL SELECT 'may make tables' FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')
UNION ALL SELECT 'may write to tables' FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
    AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
"""


class PostgresEngine:
    """Runs plans on the copy of a snapshot in `schema`; a context manager, safe to share by threads.

    `url` is libpq's, `postgresql://role@host/database` or with a unix socket's directory as `host`; a password is
    better kept in `~/.pgpass` than in it. `seconds` bounds each run. Plans run one at a time. Raises
    `EngineUnavailable` where the server does not let us in, and for a role that can do more than read.
    """

    def __init__(self, url: str, *, schema: str, seconds: float = 30) -> None:
        self._seconds = seconds
        self._schema = schema
        self._turn = Lock()
        self._connection = open_connection(url)
        try:
            self._connection.read_only = True
            check_role(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def run(self, plan: QueryPlan) -> RawTable:
        """The exact figures of the plan. Raises `EngineFailed`."""
        return fill_cells(plan, self.fetch(render_plan(plan, "postgres")))

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a rendered plan, never of an asker's text. Raises `EngineFailed`."""
        try:
            with self._turn, self._connection.transaction(force_rollback=True):
                self._limit()
                # A binary answer is asked for by the protocol's extended form, which takes one statement and no more.
                return self._connection.execute(sql.encode(), binary=True).fetchall()
        except errors.QueryCanceled:
            raise EngineFailed(f"The plan did not finish within {self._seconds:g} seconds.") from None
        except psycopg.Error as error:
            raise EngineFailed(f"PostgreSQL could not run the plan ({type(error).__name__}).") from None

    def _limit(self) -> None:
        """Settle what the transaction depends on, whatever the server's or the role's own settings are."""
        settings = {
            "statement_timeout": f"{max(1, round(self._seconds * 1000))}ms",
            "search_path": f"pg_catalog, {_quoted(self._schema)}, pg_temp",
            "standard_conforming_strings": "on",
        }
        for name, value in settings.items():
            self._connection.execute("SELECT set_config(%s, %s, true)", (name, value))


def open_connection(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection in autocommit mode. Raises `EngineUnavailable`, without the URL, which may hold a password."""
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            client_encoding="utf-8",
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=UNANSWERED_SECONDS * 1000,
        )
    except psycopg.Error as error:
        raise EngineUnavailable(
            f"The PostgreSQL server did not let the engine in ({type(error).__name__}): "
            "check that it runs, and the engine's address in the rules."
        ) from None


def check_role(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Raise `EngineUnavailable` where the role that is connected can do more than read."""
    try:
        excess = connection.execute(_EXCESS).fetchone()
    except psycopg.Error as error:
        raise EngineUnavailable(
            f"PostgreSQL did not say what the engine's role may do ({type(error).__name__})."
        ) from None
    if excess is not None:
        raise EngineUnavailable(
            f"The engine's role on the PostgreSQL server {excess[0]}: give the engine one that can only read."
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
