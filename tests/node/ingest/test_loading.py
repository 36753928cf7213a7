"""Loads from end to end: what they build on, what they refuse, and what they leave when they fail."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.ingest.load import LoadFailed, load_files
from node.ingest.report import LoadReport, NothingUsable
from node.ingest.sources import LoadRefused
from node.snapshots import SnapshotStore
from tests.node.ingest.conftest import Load
from tests.node.ingest.small_returns import TOKEN_KEY, clock, query, write_table


def _load(directory: Path, store: SnapshotStore, year: int | None = None) -> LoadReport:
    return load_files([directory], store=store, authority="301", token_key=TOKEN_KEY, year=year, clock=clock)


@pytest.fixture
def returned(tmp_path: Path) -> Path:
    write_table(tmp_path / "return", "header", "CHILD\n1\n2")
    write_table(tmp_path / "return", "episodes", "CHILD | DECOM\n1 | 01/05/2024\n2 | 01/05/2024")
    return tmp_path / "return"


def test_the_same_files_give_the_same_snapshot(returned: Path, store: SnapshotStore, tmp_path: Path) -> None:
    first = _load(returned, store)
    again = _load(returned, store)
    elsewhere = _load(returned, SnapshotStore(tmp_path / "elsewhere"))
    assert first.snapshot == again.snapshot == elsewhere.snapshot
    assert first.snapshot is not None
    assert first.snapshot.startswith("202425-spring-")


def test_another_value_gives_another_snapshot_and_the_old_one_stays(returned: Path, store: SnapshotStore) -> None:
    first = _load(returned, store).snapshot
    write_table(returned, "header", "CHILD | SEX\n1 | M\n2 | F")
    second = _load(returned, store).snapshot
    assert first is not None
    assert second != first
    current = store.current()
    assert current is not None
    assert current.id == second
    assert current.content_hash != store.get(first).content_hash


def test_a_later_load_replaces_the_table_and_period_it_brings_and_keeps_the_rest(load: Load) -> None:
    first = load(header="CHILD | SEX\na | M", episodes="CHILD\na", oc2="CHILD | SDQ_SCORE\na | 9")
    second = load(oc2="CHILD | SDQ_SCORE\na | 20")
    assert first.children["a"]["sdq_score"] == 9
    assert (second.children["a"]["sdq_score"], second.children["a"]["sex"]) == (20, "M")


def test_a_later_load_of_a_roll_completes_the_children(load: Load) -> None:
    upn = "B801200005001"
    assert load(header=f"CHILD | UPN\na | {upn}", episodes="CHILD\na").children["a"]["sen_provision"] is None
    assert load(spring_pupilonroll=f"upn | senprovision\n{upn} | K").children["a"]["sen_provision"] == "sen_support"


def test_a_file_of_which_every_row_is_rejected_replaces_nothing_and_fills_nothing(load: Load) -> None:
    """A spoiled export must not wipe out a good table, nor make "no" of what is not known."""
    load(episodes="CHILD\na", oc2="CHILD | SDQ_SCORE\na | 9")
    row = load(header="CHILD\na", oc2="CHILD | SDQ_SCORE\n | 20", uasc="CHILD\nz").children["a"]
    assert (row["sdq_score"], row["uasc"]) == (9, None)


def test_a_table_loaded_without_rows_says_that_there_are_none(load: Load) -> None:
    assert load(episodes="CHILD\na", uasc="CHILD").children["a"]["uasc"] is False


def test_rows_are_held_against_tables_of_earlier_loads(load: Load) -> None:
    load(header="CHILD\na", episodes="CHILD\na")
    (report,) = load(oc2="CHILD | SDQ_SCORE\na | 9\nb | 9").report.files
    assert dict(report.rules) == {"unknown_child": 1}


def test_the_return_year_is_that_of_the_last_day_an_episode_was_in_force(load: Load) -> None:
    """An episode that ended on 1 April was in force on 31 March; days still to come tell nothing."""
    told = load(
        year=None,
        episodes="""
            CHILD | DECOM      | DEC        | REC
            a     | 31/03/2018 |            |
            b     | 01/02/2018 | 01/04/2018 | E4A
            c     | 01/02/2018 | 01/02/2030 | E4A
        """,
    )
    assert told.snapshot.academic_years == (201718,)
    assert load(year=None, episodes="CHILD | DECOM\na | 01/04/2018").snapshot.academic_years == (201718, 201819)


def test_a_return_in_which_no_episode_began_or_ended_is_dated_by_its_reviews(load: Load) -> None:
    """Otherwise a small authority's quiet year would be taken for the one before, and replace that return."""
    told = load(
        year=None,
        episodes="CHILD | DECOM\na | 01/02/2024",
        reviews="CHILD | REVIEW | REVIEW_CODE\na | 01/04/2024 | PN1\na | 10/09/2024 | PN1",
    )
    assert told.snapshot.academic_years == (202425,)


def test_reviews_of_several_years_date_no_return(load: Load) -> None:
    """A return asks for those of its own year: these are of some other list."""
    told = load(
        year=None,
        episodes="CHILD | DECOM\na | 01/02/2024",
        reviews="CHILD | REVIEW | REVIEW_CODE\na | 31/03/2024 | PN1\na | 10/09/2024 | PN1",
    )
    assert told.snapshot.academic_years == (202324,)


def test_returns_of_two_years_may_be_loaded_at_once_each_from_its_directory(
    store: SnapshotStore, tmp_path: Path
) -> None:
    for year in (2023, 2024):
        directory = tmp_path / "returns"
        directory.mkdir(exist_ok=True)
        write_table(directory / str(year), "header", "CHILD\n1")
        write_table(directory / str(year), "episodes", f"CHILD | DECOM\n1 | 01/02/{year}")
    report = _load(tmp_path / "returns", store)
    assert [each.period for each in report.files] == ["202223", "202223", "202324", "202324"]
    current = store.current()
    assert current is not None
    assert current.academic_years == (202223, 202324)


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("2025_spring_pupilonroll", "202425-spring"),
        ("2024_autumn_pupilonroll", "202425-autumn"),
        ("2025_summer_pupilonroll", "202425-summer"),
        ("Pupils Summer 2024", "202324-summer"),
        ("pupilonroll", "202324-autumn"),
    ],
)
def test_the_term_is_in_the_name_or_in_the_census_beside_it(
    name: str, period: str, tmp_path: Path, store: SnapshotStore
) -> None:
    roll = write_table(tmp_path / "census", "pupilonroll", "upn\na")
    roll.rename(tmp_path / "census" / f"{name}.csv")
    write_table(tmp_path / "census", "schoolcensus", "NativeId | urn | term | year\nSCH1 | 100001 | AUT | 2023")
    (report,) = (each for each in _load(tmp_path / "census", store).files if each.table == "pupilonroll")
    assert report.period == period


def test_files_of_which_no_row_is_usable_change_nothing(returned: Path, store: SnapshotStore, tmp_path: Path) -> None:
    before = _load(returned, store).snapshot
    hopeless = tmp_path / "hopeless"
    hopeless.mkdir()
    (hopeless / "a.csv").write_text("what,ever\n1,2\n")
    write_table(hopeless, "oc2", "CHILD | SDQ_SCORE\n | 4")
    with pytest.raises(NothingUsable, match="no row of these files") as nothing:
        _load(hopeless, store)
    assert [each.rows_reported for each in nothing.value.report.files] == [1, 1]
    assert nothing.value.report.snapshot is None
    assert "Nothing was usable" in nothing.value.report.to_text()
    current = store.current()
    assert current is not None
    assert current.id == before
    assert not list(store.root.glob("staging-*"))


def test_an_empty_directory_is_nothing_usable(store: SnapshotStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingUsable):
        _load(tmp_path / "empty", store)
    assert store.current() is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"authority": "999"}, "not the three-figure code"),
        ({"token_key": b"short"}, "at least 32 bytes"),
        ({"year": 1999}, "31 March on which a return ends"),
        ({"paths": [Path("nowhere")]}, "no file or directory nowhere"),
    ],
)
def test_a_load_that_cannot_begin_says_what_to_do(
    change: dict[str, object], text: str, returned: Path, store: SnapshotStore
) -> None:
    arguments: dict[str, object] = {"paths": [returned], "authority": "301", "token_key": TOKEN_KEY} | change
    with pytest.raises(LoadRefused, match=text):
        load_files(store=store, **arguments)  # type: ignore[arg-type]
    assert not store.root.exists()


def test_a_database_error_is_told_without_its_text(
    returned: Path, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB quotes the row it stopped at; our error must not."""
    import duckdb

    def fail(*_: object) -> None:
        raise duckdb.ConversionException("could not convert 'SECRET'")

    monkeypatch.setattr("node.ingest.load.build_record", fail)
    with pytest.raises(LoadFailed, match=r"ConversionException\)") as failed:
        _load(returned, store)
    assert "SECRET" not in str(failed.value)
    assert failed.value.__suppress_context__
    assert store.current() is None


def test_a_full_disk_leaves_the_old_snapshot(
    returned: Path, store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _load(returned, store).snapshot
    write_table(returned, "header", "CHILD\n1")

    def fail(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("node.ingest.load.seal_snapshot", fail)
    with pytest.raises(LoadFailed, match="No space left on device"):
        _load(returned, store)
    current = store.current()
    assert current is not None
    assert current.id == before


def test_progress_is_one_line_for_each_step_and_the_clock_dates_the_snapshot(
    returned: Path, store: SnapshotStore
) -> None:
    lines: list[str] = []
    load_files([returned], store=store, authority="301", token_key=TOKEN_KEY, clock=clock, progress=lines.append)
    assert lines[:3] == ["reading episodes.csv", "reading header.csv", "checking rows"]
    assert lines[-1] == "switching to the new snapshot"
    current = store.current()
    assert current is not None
    assert current.created == datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_report_is_kept_with_the_snapshot_and_adds_up(returned: Path, store: SnapshotStore) -> None:
    report = _load(returned, store)
    current = store.current()
    assert current is not None
    kept = json.loads((current.path / "report.json").read_text(encoding="utf-8"))
    assert kept == json.loads(report.to_json())
    assert kept["snapshot"] == current.id
    assert list(kept["files"][0])[:7] == [
        "path", "member", "table", "period", "rows_in", "rows_loaded", "rows_reported",
    ]  # fmt: skip
    for each in kept["files"]:
        assert each["rows_in"] == each["rows_loaded"] + each["rows_reported"]
    assert "uasc" in kept["tables"]["child_year"]["null_columns"]


def test_the_text_says_each_rule_in_plain_words_and_what_has_no_source(load: Load) -> None:
    text = load(header="CHILD | SEX\na | 9", episodes="CHILD\na").report.to_text()
    assert "unknown_code: 1 remark. A code is not in the standard's list" in text
    assert "Row 2." in text
    assert "Missing for every row, for lack of a source: " in text
    assert "social_workers_in_year" in text


def test_the_vault_holds_what_a_lookup_needs_and_the_governed_tables_do_not(load: Load) -> None:
    upn = "B801200005001"
    loaded = load(
        header=f"CHILD | UPN | DOB\nX77 | {upn} | 05/06/2012",
        episodes="CHILD | DECOM | PL_POST | PLACE\nX77 | 01/05/2024 | SW1A 1AA | U4",
        spring_pupilonroll=f"upn | surname | NativeId\n{upn} | Rain | 100123",
    )
    (child,) = query(f"FROM '{loaded.snapshot.identified['children']}'")
    assert [str(value) for value in child[1:]] == [
        "202425", "X77", upn, "None", "2012-06-05", "301", "213", "100123", "2024-05-01", "None", "foster_other",
        "full_care_order",
    ]  # fmt: skip
    (pupil,) = query(f"FROM '{loaded.snapshot.identified['pupils']}'")
    assert [str(value) for value in pupil[1:8]] == [
        "202425", upn, "None", "None", "2010-01-01", "100123", "10",
    ]  # fmt: skip
    for path in loaded.snapshot.tables.values():
        content = path.read_bytes()
        assert not any(value in content for value in (b"X77", upn.encode(), b"Rain", b"SW1A"))


def test_importing_a_load_imports_no_database() -> None:
    code = "import sys, node.ingest.load, node.snapshots; sys.exit('duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
