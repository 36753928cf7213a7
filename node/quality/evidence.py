"""What the returns check looks at, opened by an engine of its own: the rows as loaded, the vault, and what hosts told.

The engine is locked to the files of one snapshot and of the hosts' answers before a rule is asked. It has no temporary
directory, so that nothing of a pupil is written anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import node.ingest
from node.host_facts import COLUMNS, RELATION
from node.ingest.formats import InputTable, load_formats
from node.ingest.staged import StagedRows, find_staged, sql_path
from node.snapshots import Snapshot
from node.upn import LETTERS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHILDREN = "children"
"""The table of the vault that tells whom the authority looks after."""

_WORDS = ("macros.sql", "definitions.sql")
_PLACED = {"academic_year": "INTEGER", "census_term": "VARCHAR", "held": "VARCHAR", "kept_row": "BIGINT"}


@contextmanager
def open_evidence(
    snapshot: Snapshot, host_facts: Sequence[Path], *, authority: str, today: date
) -> Iterator[DuckDBPyConnection]:
    """A locked engine with the views of `evidence.sql` over a snapshot and the facts that hosts have told."""
    import duckdb

    staged, children = find_staged(snapshot.staged), snapshot.identified[CHILDREN]
    with duckdb.connect(":memory:") as connection:
        _lock(connection, [*staged.values(), children, *host_facts])
        for name in _WORDS:
            connection.execute(Path(node.ingest.__path__[0], name).read_text(encoding="utf-8"))
        for name, value in {"today": today, "authority": authority, "upn_letters": LETTERS}.items():
            connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
        for table in load_formats().values():
            _show(connection, table.relation, _staged_rows(table, staged))
        _show(connection, CHILDREN, [f"FROM read_parquet({sql_path(children)})"])
        _show(connection, RELATION, _told_rows(host_facts))
        connection.execute(Path(__file__).with_name("evidence.sql").read_text(encoding="utf-8"))
        connection.execute("SET lock_configuration = true")
        yield connection


def _lock(connection: DuckDBPyConnection, files: Sequence[Path]) -> None:
    connection.execute("SET temp_directory = ''")
    connection.execute("SET threads = 2")
    connection.execute("SET allowed_paths = $paths", {"paths": [str(path) for path in files]})
    connection.execute("SET enable_external_access = false")


def _show(connection: DuckDBPyConnection, name: str, parts: Iterable[str]) -> None:
    connection.execute(f"CREATE VIEW {name} AS {' UNION ALL BY NAME '.join(f'({part})' for part in parts)}")


def _staged_rows(table: InputTable, staged: StagedRows) -> Iterator[str]:
    """SQL of a table's accepted rows in every period, after none: an earlier version may have kept fewer columns."""
    columns = {f'"{column.field}"': column.sql_type for column in table.columns if column.field != "term"}
    yield _no_rows({**columns, **_PLACED})
    for (name, period), path in staged.items():
        if name == table.name:
            term = f"'{period.term}'" if period.term else "NULL"
            yield (
                f"SELECT *, {period.academic_year} AS academic_year, {term}::VARCHAR AS census_term, "  # noqa: S608 - ours
                f"'{path.stem}' AS held, file_row_number AS kept_row "
                f"FROM read_parquet({sql_path(path)}, file_row_number = true)"
            )


def _told_rows(files: Sequence[Path]) -> Iterator[str]:
    yield _no_rows({**COLUMNS, "held": "VARCHAR", "kept_row": "BIGINT"})
    for path in files:
        rows = f"read_parquet({sql_path(path)}, file_row_number = true)"
        yield f"SELECT *, {sql_path(Path(path.name))} AS held, file_row_number AS kept_row FROM {rows}"  # noqa: S608 - ours


def _no_rows(columns: Mapping[str, str]) -> str:
    return f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in columns.items())} WHERE false"
