"""Reading the vault: the identified rows, by an engine of their own that is locked to the files it was given.

The query engine never opens these files, and this one opens nothing else.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


def read_vault(tables: Mapping[str, Path | Sequence[Path]], sql: str, parameters: object = None) -> list[Row]:
    """Run a statement of ours over identified tables, each of one file or of several alike."""
    import duckdb

    files = {name: [str(path) for path in _listed(paths)] for name, paths in tables.items()}
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET temp_directory = ''")
        connection.execute("SET threads = 1")
        connection.execute("SET allowed_paths = $paths", {"paths": [path for each in files.values() for path in each]})
        connection.execute("SET enable_external_access = false")
        for name, paths in files.items():
            connection.read_parquet(paths).create_view(name)
        connection.execute("SET lock_configuration = true")
        return connection.execute(sql, parameters).fetchall()


def _listed(paths: Path | Sequence[Path]) -> Sequence[Path]:
    return [paths] if isinstance(paths, Path) else paths
