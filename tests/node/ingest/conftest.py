"""Loads of small hand-written files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from node.ingest.load import load_files
from node.ingest.report import FileReport
from node.snapshots import SnapshotStore
from tests.node.ingest.small_returns import (
    TOKEN_KEY,
    Loaded,
    clock,
    judge_files,
    printed,
    read_rows,
    write_table,
)


class Load(Protocol):
    """Write tables as files and load them, with those loaded before."""

    def __call__(self, *, year: int | None = 2025, **tables: str) -> Loaded: ...


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "snapshots")


@pytest.fixture
def load(tmp_path: Path, store: SnapshotStore) -> Load:
    """Load tables named like `episodes` or `spring_pupilonroll` (2025) and `autumn_pupilonroll` (2024)."""
    loads = iter(range(100))

    def load_tables(*, year: int | None = 2025, **tables: str) -> Loaded:
        directory = tmp_path / f"load{next(loads)}"
        if "episodes" in tables and "header" not in tables:
            children = dict.fromkeys(row["CHILD"] for row in read_rows(tables["episodes"]))
            tables["header"] = "CHILD\n" + "\n".join(children)
        years = {"autumn": "2024", "spring": "2025", "summer": "2025"}
        for name, text in tables.items():
            term, _, table = name.partition("_")
            write_table(directory, f"{years[term]}_{name}" if term in years and table else name, text)
        report = load_files([directory], store=store, authority="301", token_key=TOKEN_KEY, year=year, clock=clock)
        snapshot = store.current()
        assert snapshot is not None
        return Loaded(report, snapshot)

    return load_tables


class Spec(Protocol):
    """A paragraph of the manual that runs: tables in, columns of the record out."""

    def __call__(self, *, record: str, year: int = 2025, **tables: str) -> None: ...


def _spec(load: Load, who: str, rows_of: Callable[[Loaded], Mapping[str, Mapping[str, Any]]]) -> Spec:
    def check(*, record: str, year: int = 2025, **tables: str) -> None:
        expected = read_rows(record)
        rows = rows_of(load(year=year, **tables))
        found = [
            {name: row[who] if name == who else printed(rows.get(row[who], {}).get(name, "no row")) for name in row}
            for row in expected
        ]
        assert found == expected

    return check


@pytest.fixture
def child_spec(load: Load) -> Spec:
    """`record` has columns of `child_year` for each CHILD; a value that is missing is blank."""
    return _spec(load, "CHILD", lambda loaded: loaded.children)


@pytest.fixture
def pupil_spec(load: Load) -> Spec:
    """`record` has columns of `pupil_year` for each UPN; a value that is missing is blank."""
    return _spec(load, "UPN", lambda loaded: loaded.pupils)


class Judge(Protocol):
    """What becomes of every row of some files, each given by its name and text; a name may have an ending.

    The reports are by the name of the file or, in an archive, of the member; where one has several, the table too.
    """

    def __call__(self, **files: str | bytes) -> dict[str, FileReport]: ...


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    loads = iter(range(1000))

    def judge_written(**files: str | bytes) -> dict[str, FileReport]:
        directory = tmp_path / f"files{next(loads)}"
        directory.mkdir()
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (directory / (name if "." in name else f"{name}.csv")).write_bytes(raw)
        reports = judge_files([directory])
        names = [Path(report.member or report.path).stem for report in reports]
        return {
            name if names.count(name) == 1 else f"{name} {report.table}": report
            for name, report in zip(names, reports, strict=True)
        }

    return judge_written
