"""A snapshot like the one in use but for some tables, without loading a return: what a load might have brought."""

import shutil
from collections.abc import Mapping

import duckdb

from node.service import Node
from node.snapshots import seal_snapshot


def publish_changed(node: Node, changes: Mapping[str, str]) -> None:
    """Publish the current snapshot but for these files, which hold what each query gives; it may read `{table}`."""
    snapshot = node.store.current()
    assert snapshot is not None
    with node.store.staging() as stage:
        shutil.copytree(snapshot.path, stage, dirs_exist_ok=True)
        for name, sql in changes.items():
            read = sql.format(table=f"read_parquet('{snapshot.path / name}.parquet')")
            duckdb.sql(f"COPY ({read}) TO '{stage / name}.parquet' (FORMAT parquet)")
        seal_snapshot(stage, term=snapshot.term, academic_years=snapshot.academic_years, created=node.clock())
        node.store.publish(stage)
