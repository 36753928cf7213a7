"""Reading the vault: the identified rows, by an engine of their own that is locked to the files it was given.

The query engine never opens these files, and this one opens nothing else.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = tuple[Any, ...]
Files = tuple[tuple[str, tuple[str, ...]], ...]

MOST_KEPT = 64
"""How many engines are kept open, at some 4 MiB: one for each table that a process's nodes are asked about."""

_KEEPING = threading.Lock()


def read_vault(tables: Mapping[str, Path | Sequence[Path]], sql: str, parameters: object = None) -> list[Row]:
    """Run a statement of ours over identified tables, each of one file or of several alike."""
    with _open_vault(_name_files(tables)) as connection:
        return connection.execute(sql, parameters).fetchall()


def ask_vault(tables: Mapping[str, Path | Sequence[Path]], sql: str, parameters: object = None) -> list[Row]:
    """Do the same by an engine that is kept open: for whoever is asked often, and has to answer soon.

    Opening one takes ten times as long as an answer. It holds no rows in between: files are read for each statement.
    """
    with _KEEPING:
        cursor = _keep_vault(_name_files(tables)).cursor()
    with cursor:
        return cursor.execute(sql, parameters).fetchall()


@lru_cache(maxsize=MOST_KEPT)
def _keep_vault(files: Files) -> "DuckDBPyConnection":
    return _open_vault(files)


def _open_vault(files: Files) -> "DuckDBPyConnection":
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("SET temp_directory = ''")
    connection.execute("SET enable_external_file_cache = false")
    connection.execute("SET allowed_paths = $paths", {"paths": [path for _, paths in files for path in paths]})
    connection.execute("SET enable_external_access = false")
    for name, paths in files:
        connection.read_parquet(list(paths)).create_view(name)
    connection.execute("SET lock_configuration = true")
    return connection


def _name_files(tables: Mapping[str, Path | Sequence[Path]]) -> Files:
    return tuple((name, tuple(str(path) for path in _listed(paths))) for name, paths in tables.items())


def _listed(paths: Path | Sequence[Path]) -> Sequence[Path]:
    return [paths] if isinstance(paths, Path) else paths
