"""Copies of snapshots on a PostgreSQL server: a schema for each, made whole or not at all, and never changed.

They are made by a role of their own, which the engine never uses:

    CREATE ROLE circe_loads LOGIN;
    GRANT CONNECT, CREATE ON DATABASE circe TO circe_loads;

A copy is made in one transaction: whoever looks sees no schema or the whole of it, and a server that stops half-way is
left without a trace. Tables have the catalogue's columns and types; the vault of identifiers is never copied.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Identifier
from pyarrow import csv, parquet

from query_engine.catalogue import Catalogue, Column
from query_engine.engines import EngineFailed, EngineUnavailable
from query_engine.engines.postgres import open_connection

_TYPES = {"category": 'text COLLATE "C"', "integer": "integer", "boolean": "boolean"}

# Present values are all quoted, and so told from missing ones, also where they are empty.
_CSV = csv.WriteOptions(include_header=False, quoting_style="all_valid")


def copy_tables(url: str, tables: Mapping[str, Path], *, schema: str, reader: str, catalogue: Catalogue) -> None:
    """Copy a snapshot's governed tables into a new schema, which the role `reader` may read; nothing if it is there.

    Raises `EngineUnavailable` where the server does not let us in or has no room, and `EngineFailed` where the snapshot
    cannot be read or holds what the catalogue's types do not.
    """
    with open_connection(url) as connection:
        try:
            with connection.transaction():
                _lock(connection, schema)
                if not _exists(connection, schema):
                    _create(connection, tables, schema, catalogue)
                    _grant(connection, schema, reader)
        except psycopg.DataError as error:
            raise EngineFailed(
                f"A value of the snapshot has not the catalogue's type ({type(error).__name__}): load the files again."
            ) from None
        except psycopg.Error as error:
            raise EngineUnavailable(
                f"PostgreSQL did not take the copy of the snapshot ({type(error).__name__}): see the server's log."
            ) from None
        except (pa.ArrowException, OSError) as error:
            raise EngineFailed(
                f"The snapshot could not be read to copy it ({type(error).__name__}): "
                "check that its files are there and whole, and load again if they are not."
            ) from None


def drop_copy(url: str, schema: str) -> None:
    """Remove a copy, if it is there. Raises `EngineUnavailable`."""
    with open_connection(url) as connection:
        try:
            with connection.transaction():
                _lock(connection, schema)
                connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))
        except psycopg.Error as error:
            raise EngineUnavailable(f"PostgreSQL did not remove the copy ({type(error).__name__}).") from None


def find_copy(url: str, schema: str) -> tuple[str, bool]:
    """The role that a URL connects as, and whether there is a copy of that name. Raises `EngineUnavailable`."""
    with open_connection(url) as connection:
        try:
            row = connection.execute("SELECT current_user").fetchone()
            assert row is not None
            return str(row[0]), _exists(connection, schema)
        except psycopg.Error as error:
            raise EngineUnavailable(f"PostgreSQL did not say which copies it holds ({type(error).__name__}).") from None


def _lock(connection: psycopg.Connection[tuple[Any, ...]], schema: str) -> None:
    """Wait for whoever else is making or removing this copy."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (schema,))


def _exists(connection: psycopg.Connection[tuple[Any, ...]], schema: str) -> bool:
    return connection.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is not None


def _create(
    connection: psycopg.Connection[tuple[Any, ...]], tables: Mapping[str, Path], schema: str, catalogue: Catalogue
) -> None:
    connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    for name, path in tables.items():
        if name in catalogue.tables:
            with parquet.ParquetFile(path) as file:
                _copy_table(connection, Identifier(schema, name), catalogue.table(name).columns, file)


def _copy_table(
    connection: psycopg.Connection[tuple[Any, ...]],
    table: Identifier,
    columns: Mapping[str, Column],
    file: parquet.ParquetFile,
) -> None:
    """Copy a file's columns, those that the catalogue knows, batch by batch.

    The table is an ordinary, logged one: an unlogged one would be empty after a crash, and answer with zeros.
    """
    kept = [each for each in file.schema_arrow.names if each in columns]
    declared = SQL(", ").join(SQL("{} {}").format(Identifier(each), SQL(_type(columns[each]))) for each in kept)
    connection.execute(SQL("CREATE TABLE {} ({})").format(table, declared))
    statement = SQL("COPY {} FROM STDIN (FORMAT csv, FREEZE)").format(table)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in file.iter_batches(columns=kept):
            text = BytesIO()
            csv.write_csv(batch.select(kept), text, _CSV)
            copy.write(text.getvalue())
    connection.execute(SQL("ANALYZE {}").format(table))


def _grant(connection: psycopg.Connection[tuple[Any, ...]], schema: str, reader: str) -> None:
    for right in ("USAGE ON SCHEMA {}", "SELECT ON ALL TABLES IN SCHEMA {}"):
        connection.execute(SQL(f"GRANT {right} TO {{}}").format(Identifier(schema), Identifier(reader)))


def _type(column: Column) -> str:
    return _TYPES.get(column.type) or f"numeric(9, {column.scale})"
