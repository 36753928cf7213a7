"""The locked-down engine: it answers plans from the files it was given, and can do nothing else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines import Engine, EngineFailed
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.planning.plan import QueryPlan
from tests.query_engine.small_tables import Row, write_table

PlanOf = Callable[[str], QueryPlan]
COLUMNS = ("child", "academic_year", "sex", "suspensions")
ROWS: list[Row] = [
    {"child": "a", "academic_year": 202425, "sex": "M", "suspensions": 2},
    {"child": "a", "academic_year": 202425, "sex": "M", "suspensions": 1},
    {"child": "b", "academic_year": 202425, "sex": None, "suspensions": None},
]
COUNT = "SELECT sex, COUNT(*) AS n, SUM(suspensions) AS s FROM child_year GROUP BY sex"
ENDLESS = "SELECT SUM(a.range * b.range) FROM range(100000000) a, range(1000000) b"
GREEDY = "SELECT COUNT(DISTINCT range::VARCHAR) FROM range(500000000)"


@pytest.fixture
def files(tmp_path: Path, catalogue: Catalogue) -> dict[str, Path]:
    path = write_table(tmp_path / "it's a snapshot.parquet", catalogue.table("child_year"), COLUMNS, ROWS)
    write_table(tmp_path / "other.parquet", catalogue.table("child_year"), COLUMNS, ROWS)
    return {"child_year": path}


@pytest.fixture
def engine(files: dict[str, Path]) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(files) as opened:
        yield opened


def test_cells_without_rows_are_zero(engine: Engine, plan_of: PlanOf) -> None:
    """Every cell of the plan has a figure, whether or not anyone is in it."""
    raw = engine.run(plan_of(COUNT))
    assert list(raw.plan.iter_cells()) == [("M",), ("F",), ("U",), (None,)]
    assert raw.statistic("rows") == (2, 0, 0, 1)
    assert raw.statistic("children") == (1, 0, 0, 1)
    assert raw.statistic("sum:suspensions") == (3, 0, 0, 0)
    assert raw.statistic("children:suspensions") == (1, 0, 0, 0)


def test_a_table_without_rows_is_all_zero(tmp_path: Path, catalogue: Catalogue, plan_of: PlanOf) -> None:
    """Also where nothing is grouped by, which SQL answers with one row."""
    path = write_table(tmp_path / "empty.parquet", catalogue.table("child_year"), COLUMNS, [])
    with DuckDBEngine({"child_year": path}) as engine:
        raw = engine.run(plan_of("SELECT COUNT(*) AS n, SUM(suspensions) AS s FROM child_year"))
    assert [tuple(raw.statistic(each.name)) for each in raw.plan.statistics] == [(0,)] * len(raw.plan.statistics)


FORBIDDEN = {
    "another Parquet file": "SELECT * FROM read_parquet('{folder}/other.parquet')",
    "another file by its name": "SELECT * FROM '{folder}/other.parquet'",
    "any text file": "SELECT * FROM read_text('/etc/hostname')",
    "a listing of files": "SELECT * FROM glob('{folder}/*')",
    "writing a file": "COPY child_year TO '{folder}/out.csv'",
    "writing over its own file": "COPY (SELECT 1) TO '{folder}/written.parquet' (FORMAT parquet)",
    "attaching a database": "ATTACH '{folder}/other.db'",
    "installing an extension": "INSTALL httpfs",
    "loading an extension": "LOAD httpfs",
    "reading over the network": "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "the environment": "SELECT getenv('HOME')",
    "more threads": "SET threads = 8",
    "more memory": "SET memory_limit = '64GB'",
    "more time": "SET max_execution_time = 0",
    "more time for all": "RESET max_execution_time",
    "external access": "SET enable_external_access = true",
    "more files": "SET allowed_paths = ['/etc/hostname']",
    "unlocking": "SET lock_configuration = false",
    "a place to spill to": "SET temp_directory = '{folder}'",
}


@pytest.mark.parametrize("sql", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_engine_is_shut_in(sql: str, engine: DuckDBEngine, tmp_path: Path) -> None:
    """Even SQL of an attacker's own, which nothing here would run, reaches neither files nor settings."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(EngineFailed):
        engine.fetch(sql.format(folder=tmp_path))
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_that_takes_too_long_is_stopped(files: dict[str, Path], plan_of: PlanOf) -> None:
    """The time limit interrupts, and the engine answers again afterwards."""
    with DuckDBEngine(files, seconds=0.2) as engine:
        with pytest.raises(EngineFailed, match=r"within 0\.2 seconds"):
            engine.fetch(ENDLESS)
        assert engine.run(plan_of(COUNT)).plan.cells == 4


def test_a_run_that_takes_too_much_memory_is_stopped(files: dict[str, Path], plan_of: PlanOf) -> None:
    """Nothing is spilled to disk, and the engine answers again afterwards."""
    with DuckDBEngine(files, memory_limit="64MB") as engine:
        with pytest.raises(EngineFailed, match="memory"):
            engine.fetch(GREEDY)
        assert engine.run(plan_of(COUNT)).plan.cells == 4


def test_a_value_outside_the_catalogue_fails_without_being_named(
    tmp_path: Path, catalogue: Catalogue, plan_of: PlanOf
) -> None:
    """A snapshot out of step with the catalogue gives no answer rather than a wrong one."""
    odd: list[Row] = [*ROWS, {"child": "c", "academic_year": 202425, "sex": "SECRET"}]
    path = write_table(tmp_path / "odd.parquet", catalogue.table("child_year"), COLUMNS, odd)
    with DuckDBEngine({"child_year": path}) as engine, pytest.raises(EngineFailed) as failed:
        engine.run(plan_of(COUNT))
    assert "load the snapshot again" in str(failed.value)
    assert "SECRET" not in str(failed.value)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 not really PAR1"], ids=["absent", "empty", "damaged"])
def test_a_snapshot_that_cannot_be_read_fails_at_once(content: bytes | None, tmp_path: Path) -> None:
    """Before any plan is run, and saying what to do."""
    path = tmp_path / "child_year.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineFailed, match="load again"):
        DuckDBEngine({"child_year": path})


def test_a_column_the_snapshot_lacks_fails_without_detail(engine: DuckDBEngine, plan_of: PlanOf) -> None:
    """DuckDB's own words are kept back, for they may quote data."""
    with pytest.raises(EngineFailed) as failed:
        engine.run(plan_of("SELECT COUNT(*) AS n FROM child_year WHERE uasc"))
    assert "uasc" not in str(failed.value)
    assert failed.value.__suppress_context__


def test_threads_share_an_engine(engine: DuckDBEngine, plan_of: PlanOf) -> None:
    """Plans asked at once are answered one after the other, each with its own figures."""
    plans = [plan_of(COUNT), plan_of("SELECT COUNT(*) AS n FROM child_year")] * 10
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(engine.run, plans))
    assert [tuple(raw.statistic("rows")) for raw in answers] == [(2, 0, 0, 1), (3,)] * 10
