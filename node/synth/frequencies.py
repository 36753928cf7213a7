"""How often each category occurs in the synthetic England: the public margins by which a plan's cells are foreseen.

    python -m node.synth.frequencies

writes `query_engine/domains/frequencies.csv`. It draws one authority of each region, loads their files as their nodes
would, and counts, table by table and key stage by key stage, the share of rows in each category of each column. Nothing
in it comes from a real child, so it is public. The same seed writes the same file.

Of a measure the categories are `zero` and, for other values, the declared bins by their least values. Missing is empty.
Geography and years are left out: the one goes by the node that answers, the other by the question.
"""

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from node.ingest.load import load_files
from node.ingest.staged import sql_path
from node.snapshots import SnapshotStore
from node.synth.england import write_england
from query_engine.catalogue import Column, GovernedTable, load_catalogue
from query_engine.geography import REGIONS, load_authorities

AUTHORITIES = ("312", "330", "340", "370", "391", "821", "830", "869", "879")
"""One of each region, of middling size or larger."""

SEED = 1
PLACES = 4
"""Decimal places of a share; a category whose share would be 0 is left out."""

FILE = Path(__file__).parents[2] / "query_engine" / "domains" / "frequencies.csv"
ZERO = "zero"
HEADER = ("table", "key_stage", "column", "category", "share")
Line = tuple[str, str, str, str, str]


def write_frequencies(file: Path = FILE, authorities: tuple[str, ...] = AUTHORITIES, scale: float = 1.0) -> None:
    """Draw an England, load it and write the shares of its categories."""
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        england = Path(scratch) / "england"
        write_england(england, authorities=authorities, seed=SEED, scale=scale, full=True)
        stores = [_load(england, code, Path(scratch) / "nodes" / code) for code in authorities]
        lines = [line for table in load_catalogue().tables.values() for line in _count(connection, table, stores)]
    with file.open("w", encoding="utf-8", newline="") as written:
        csv.writer(written, lineterminator="\n").writerows([HEADER, *sorted(lines)])


def _load(england: Path, code: str, root: Path) -> dict[str, Path]:
    """The governed tables of one authority's files."""
    store = SnapshotStore(root)
    load_files([england / code, england / "register"], store=store, authority=code, token_key=bytes(32))
    snapshot = store.current()
    assert snapshot is not None  # it was published a line above
    return dict(snapshot.tables)


def _count(
    connection: duckdb.DuckDBPyConnection, table: GovernedTable, stores: list[dict[str, Path]]
) -> Iterator[Line]:
    paths = [sql_path(store[table.name]) for store in stores if table.name in store]
    rows = f"read_parquet([{', '.join(paths)}])"
    for column in table.columns.values():
        if not is_foreseen(column):
            continue
        among = "(SELECT count(*) FROM whole)" if column.name == "key_stage" else "any_value(size)"
        counted = connection.execute(
            f"WITH whole AS (FROM {rows}), "  # noqa: S608 - every part is written here or in the catalogue
            "stages AS (FROM whole SELECT key_stage AS stage, count(*) AS size GROUP BY ALL) "
            "FROM whole JOIN stages ON key_stage IS NOT DISTINCT FROM stage "
            f"SELECT stage, {category_sql(column)} AS category, count(*) / {among} AS share GROUP BY stage, category"
        ).fetchall()
        for stage, category, share in counted:
            if round(share, PLACES) > 0:
                yield (table.name, stage or "", column.name, category or "", f"{share:.{PLACES}f}")


def is_foreseen(column: Column) -> bool:
    """Whether the file has shares of a column: of every one but keys, years and geography."""
    places = (tuple(load_authorities()), REGIONS)
    return column.role != "key" and column.name != "academic_year" and column.domain not in places


def category_sql(column: Column) -> str:
    """The category of a row as text: a measure's is 0 or the least value of its bin."""
    if column.role != "measure":
        return f"{column.name}::VARCHAR"
    bins = " ".join(f"WHEN {column.name} >= {edge} THEN '{edge}'" for edge in reversed(column.bins))
    return f"CASE WHEN {column.name} = 0 THEN '{ZERO}' {bins} END"


if __name__ == "__main__":
    write_frequencies()
