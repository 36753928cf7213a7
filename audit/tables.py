"""The tables of a log in the database of its party, SQLite or PostgreSQL: made, read, and held against their schema."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from audit.connection import Connection
from audit.entry import EntryRow

if TYPE_CHECKING:
    from audit.postgres import PostgresConnection

INSERTED_AT_ONCE = 200
"""Entries that one statement inserts, where there are so many: one by one, they cost SQLite a fifth more."""

TABLES = {"audit_head", "audit_checkpoints", "audit_entries"}

LATER_INDEXES = {"audit_entries_by_at", "audit_entries_by_action"}
"""Indexes that a log of an older Circe does not have until its party opens it: they make searching quick, no more."""

_INSERT = "INSERT INTO audit_entries (idx, salt, body, hashes) VALUES (?, ?, ?, ?)"
_INSERT_MANY = _INSERT + ", (?, ?, ?, ?)" * (INSERTED_AT_ONCE - 1)
_MANY = _INSERT_MANY.count("?")

_ROOM = Path(__file__).parent


@dataclass(frozen=True)
class Dialect:
    """What differs between the two databases.

    `names`, `head`, `checkpoint` and `entry` begin the statements that read what their names say; `member` reads a
    member that has no column out of a body; `view` opens a transaction that sees one state of the log.
    """

    schema: Path
    names: str
    head: str
    checkpoint: str
    entry: str
    member: str
    view: str
    no_limit: int | None
    find_oddities: Callable[[Connection], list[str]]

    @property
    def statements(self) -> list[str]:
        """The statements of the schema, one by one."""
        return self.schema.read_text(encoding="utf-8").split(";")[:-1]


def dialect_of(connection: Connection) -> Dialect:
    """Return the dialect that a connection speaks."""
    return SQLITE if isinstance(connection, sqlite3.Connection) else POSTGRES


def has_log(connection: Connection) -> bool:
    """Tell whether the database has the tables of an audit log."""
    return has_tables(connection, TABLES)


def has_tables(connection: Connection, wanted: Collection[str]) -> bool:
    """Tell whether the database has all of these tables."""
    places = ", ".join("?" * len(wanted))
    found = select(connection, f"{dialect_of(connection).names} IN ({places})", *wanted)
    return {name for (name,) in found} == set(wanted)


def create_tables(connection: Connection) -> None:
    """Make the tables of an audit log, in the caller's transaction."""
    for statement in dialect_of(connection).statements:
        connection.execute(statement)


def add_later_indexes(connection: Connection) -> None:
    """Give a log the indexes that an older Circe did not make, in the caller's transaction."""
    for statement in dialect_of(connection).statements:
        if any(name in statement for name in LATER_INDEXES):
            connection.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS"))


def insert_entries(connection: Connection, rows: Iterable[EntryRow]) -> None:
    """Insert entries, in the caller's transaction."""
    # For each `bytes` Python's driver of SQLite looks for an adapter in vain; for a bytearray it does not.
    values: list[Any] = []
    for index, salt, body, hashes in rows:
        values += index, bytearray(salt), bytearray(body), bytearray(hashes)
    whole = len(values) - len(values) % _MANY
    for first in range(0, whole, _MANY):
        connection.execute(_INSERT_MANY, values[first : first + _MANY])
    rest = iter(values[whole:])
    connection.executemany(_INSERT, zip(rest, rest, rest, rest, strict=True))


def select(connection: Connection, statement: str, *values: str | int | None) -> Iterator[Any]:
    """Run a query whose rows are plain tuples, whatever the caller set on the connection."""
    if not isinstance(connection, sqlite3.Connection):
        yield from connection.execute(statement, values)
        return
    cursor = connection.cursor()
    cursor.row_factory = None
    try:
        # With `yield from`, an abandoned search would close its cursor when collected, perhaps after the connection.
        for row in cursor.execute(statement, values):  # noqa: UP028
            yield row
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError("text in it is not UTF-8") from None


def stream(connection: Connection, statement: str) -> Iterator[Any]:
    """Run a query whose rows are more than should be in memory at once, inside a transaction."""
    if isinstance(connection, sqlite3.Connection):
        return select(connection, statement)
    return cast("PostgresConnection", connection).stream(statement)


# --- SQLite ----------------------------------------------------------------------------------------------------------


def _find_oddities_in_sqlite(connection: Connection) -> list[str]:
    expected = dict(map(_name_statement, SQLITE.statements))
    rows = select(connection, "SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    found = {name: _squeeze(sql) for name, table, sql in rows if name in expected or table in TABLES}
    missing = LATER_INDEXES - found.keys()
    return _differences({name: words for name, words in expected.items() if name not in missing}, found)


def _differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def _name_statement(statement: str) -> tuple[str, str]:
    """Return what a CREATE statement makes and the statement as SQLite keeps it."""
    words = _squeeze(statement)
    return words.split()[2], words


def _squeeze(statement: str) -> str:
    lines = (line.partition("--")[0] for line in statement.splitlines())
    return " ".join(" ".join(lines).split())


# What is read may have been tampered with, so each value is brought to the type that the readers expect.
SQLITE = Dialect(
    schema=_ROOM / "schema.sql",
    names="SELECT name FROM sqlite_master WHERE name",
    head="SELECT ifnull(max(CAST(origin AS BLOB)), x''), ifnull(max(CAST(size AS INTEGER)), 0) FROM audit_head",
    checkpoint="SELECT ifnull(CAST(size AS INTEGER), -1), ifnull(CAST(note AS BLOB), x'') FROM audit_checkpoints",
    entry="""
    SELECT ifnull(CAST(idx AS INTEGER), -1), ifnull(CAST(salt AS BLOB), x''), ifnull(CAST(body AS BLOB), x''),
        ifnull(CAST(hashes AS BLOB), x'')
    FROM audit_entries""",
    member="json_extract(event, '$.{}')",
    view="BEGIN",
    no_limit=-1,
    find_oddities=_find_oddities_in_sqlite,
)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------

_OURS = "(to_regclass('audit_head'), to_regclass('audit_checkpoints'), to_regclass('audit_entries'))"

_DESCRIPTION = f"""
SELECT relname || '.' || attname, format_type(atttypid, atttypmod) || coalesce(' ' || pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN {_OURS} AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT relname, relkind::text || CASE WHEN relrowsecurity THEN ' hides rows' ELSE '' END
    FROM pg_class WHERE oid IN {_OURS}
UNION ALL SELECT tgname, 'trigger' FROM pg_trigger WHERE tgrelid IN {_OURS} AND NOT tgisinternal
UNION ALL SELECT rulename, 'rule' FROM pg_rewrite WHERE ev_class IN {_OURS}
UNION ALL SELECT inhrelid::regclass::text, 'part' FROM pg_inherits WHERE inhparent IN {_OURS}
UNION ALL SELECT proname, pg_get_function_sqlbody(oid) FROM pg_proc WHERE oid = to_regproc('audit_member')
"""  # noqa: S608 - put together from the constants above

_SEARCHED = ("at", "action", "actor", "subject", "reference")

_EXPECTED = {
    **dict.fromkeys(TABLES, "r"),
    "audit_member": "RETURN ((convert_from(body, 'UTF8'::name))::json ->> name)",
    "audit_head.id": "integer",
    "audit_head.origin": "text",
    "audit_head.size": "bigint",
    "audit_checkpoints.size": "bigint",
    "audit_checkpoints.note": "bytea",
    "audit_entries.idx": "bigint",
    **{f"audit_entries.{name}": "bytea" for name in ("salt", "hashes", "body")},
    **{f"audit_entries.{name}": f"text audit_member(body, '{name}'::text)" for name in _SEARCHED},
}


def _find_oddities_in_postgres(connection: Connection) -> list[str]:
    return _differences(_EXPECTED, dict(select(connection, _DESCRIPTION)))


POSTGRES = Dialect(
    schema=_ROOM / "postgres.sql",
    names="SELECT relname FROM pg_class WHERE pg_table_is_visible(oid) AND relname",
    head="SELECT convert_to(coalesce(max(origin), ''), 'UTF8'), coalesce(max(size), 0) FROM audit_head",
    checkpoint="SELECT size, note FROM audit_checkpoints",
    entry="SELECT idx, salt, body, hashes FROM audit_entries",
    member="audit_member(body, '{}')",
    view="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    no_limit=None,
    find_oddities=_find_oddities_in_postgres,
)
