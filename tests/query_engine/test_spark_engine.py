"""Spark in local mode: shut off from the network, silent, and gone when the last engine is closed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines import EngineFailed
from tests.query_engine.small_tables import Row, write_table

pytestmark = pytest.mark.usefixtures("spark")
ROWS: list[Row] = [{"child": "a", "academic_year": 202425}]


@pytest.fixture
def path(tmp_path: Path, catalogue: Catalogue) -> Path:
    return write_table(tmp_path / "child_year.parquet", catalogue.table("child_year"), ("child", "academic_year"), ROWS)


def listening(process: int) -> Iterator[str]:
    """The addresses, in the kernel's hexadecimal, at which a process waits for connections."""
    sockets = {str(each.readlink()) for each in Path(f"/proc/{process}/fd").iterdir()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                yield fields[1].split(":")[0]


def test_nobody_else_on_the_network_reaches_it() -> None:
    """Every port of the Java process is one of loopback, and none of them shows pages."""
    from pyspark import SparkContext

    context = SparkContext.getOrCreate()
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    addresses = set(listening(SparkContext._gateway.proc.pid))
    assert addresses
    assert addresses <= loopback
    assert context.uiWebUrl is None


FORBIDDEN = {
    "a file by its name": "SELECT * FROM parquet.`{path}`",
    "any text file": "SELECT * FROM text.`/etc/hostname`",
    "settings in place of text": "SELECT '${{spark.local.dir}}' = 'x', nothing",
    "two statements": "SELECT 1; SELECT 2",
}


@pytest.mark.parametrize("sql", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_sql_reaches_no_further_than_its_tables(sql: str, path: Path) -> None:
    from query_engine.engines.spark import SparkEngine

    with SparkEngine({"child_year": path}) as engine, pytest.raises(EngineFailed):
        engine.fetch(sql.format(path=path))


def test_text_that_looks_like_a_setting_stays_text(path: Path) -> None:
    """Spark would put a setting's value in its place."""
    from query_engine.engines.spark import SparkEngine

    with SparkEngine({"child_year": path}) as engine:
        assert engine.fetch("SELECT '${spark.app.name}'") == [("${spark.app.name}",)]


def test_a_sum_that_overflows_fails_and_does_not_wrap(path: Path) -> None:
    from query_engine.engines.spark import SparkEngine

    with SparkEngine({"child_year": path}) as engine, pytest.raises(EngineFailed):
        engine.fetch("SELECT SUM(n) FROM VALUES (9223372036854775807L), (1L) AS t(n)")


ALONE = """
import sys
from pathlib import Path
from query_engine.engines import EngineFailed, EngineUnavailable
from query_engine.engines.spark import SparkEngine
for master in ("nonsense", "local[1]", "local[1]"):
    try:
        with SparkEngine({"child_year": Path(sys.argv[1])}, master=master) as engine:
            print(engine.fetch("SELECT COUNT(*) FROM child_year"))
            try:
                engine.fetch("SELECT SUM(CAST(child AS INT)) FROM child_year")
            except EngineFailed:
                print("failed")
    except EngineUnavailable:
        print("unavailable")
"""


def test_an_application_starts_ends_and_starts_again_in_silence(tmp_path: Path, catalogue: Catalogue) -> None:
    """In a process of its own: what Spark prints tells no value, and no file of it stays behind."""
    rows: list[Row] = [{"child": "SECRET", "academic_year": 202425}]
    table = catalogue.table("child_year")
    path = write_table(tmp_path / "child_year.parquet", table, ("child", "academic_year"), rows)
    folder = tmp_path / "working"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(path)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["unavailable", *["[(1,)]", "failed"] * 2]
    assert "SECRET" not in done.stderr
    assert list(folder.iterdir()) == []
