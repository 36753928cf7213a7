"""The imperfect public return and census beside the repository, and a synthetic authority: nothing is lost."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import pytest

from node.ingest.load import load_files
from node.ingest.report import LoadReport
from node.snapshots import SnapshotStore
from node.synth.england import write_england
from query_engine.catalogue import load_catalogue
from tests.node.ingest.small_returns import TOKEN_KEY, Loaded, clock, query

DATA = Path(__file__).parents[4] / "shared" / "data"
SAMPLES = ("ssda903", "school-census")
shared_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared sample files are not beside the repository")


def _load(root: Path, paths: list[Path], authority: str = "301") -> Loaded:
    store = SnapshotStore(root)
    report = load_files(paths, store=store, authority=authority, token_key=TOKEN_KEY, clock=clock)
    snapshot = store.current()
    assert snapshot is not None
    return Loaded(report, snapshot)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return _load(tmp_path_factory.mktemp("sample"), [DATA / name for name in SAMPLES])


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    england = tmp_path_factory.mktemp("england")
    write_england(england, authorities=["301", "317"], seed=3, scale=0.3, dirty=True)
    return _load(tmp_path_factory.mktemp("synthetic"), [england / "317"], "317")


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / "ssda903" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _count_records(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as stream:
        return sum(1 for _ in csv.reader(stream)) - 1


def _check_accounts(report: LoadReport) -> None:
    for each in report.files:
        assert each.rows_in == each.rows_loaded + each.rows_reported, each.path
        if each.path.endswith(".csv"):
            assert each.rows_in == _count_records(Path(each.path)), each.path
            assert each.table is not None, each.path


@shared_data
def test_every_row_of_the_sample_is_loaded_or_reported(sample: Loaded) -> None:
    files = [path for name in SAMPLES for path in (DATA / name).iterdir()]
    assert sorted(each.path for each in sample.report.files) == sorted(map(str, files))
    _check_accounts(sample.report)


@shared_data
def test_the_report_names_what_is_wrong_with_the_sample(sample: Loaded) -> None:
    found = {Path(each.path).name: dict(each.rules) for each in sample.report.files}
    assert set(found["episodes.csv"]) == {"overlapping_episodes", "missing_next_episode", "unknown_postcode"}
    assert set(found["header.csv"]) == {"upn_not_a_upn", "upn_check_letter", "no_care_record"}
    assert found["2025_spring_senneeds.csv"] == {"unknown_code": 16_954}
    assert found["2024_autumn_pupilonroll.csv"] == {"upn_not_a_upn": 9_088}
    assert "fixd_legacy_category" in found["2024_autumn_termlyexclusionsonroll.csv"]
    assert "end_before_start" in found["2025_spring_fsmperiod.csv"]
    assert found["LICENSE"] == {"unrecognised_file": 20}
    assert found["placed_for_adoption_errors.csv"] == {"unknown_code": 30, "duplicate_row": 1}


@shared_data
def test_the_sample_belongs_to_its_years_and_says_that_it_has_no_education(sample: Loaded) -> None:
    """No UPN is shared between the two, and the return is seven years older."""
    assert sample.snapshot.academic_years == (201718, 202425)
    assert sample.snapshot.id.startswith("202425-spring-")
    assert query(f"SELECT DISTINCT academic_year FROM '{sample.snapshot.tables['child_year']}'") == [(201718,)]
    null_columns = sample.report.tables["child_year"].null_columns
    assert {"attendance_rate", "sen_provision", "suspensions", "fsm_status"} <= set(null_columns)


def _day(text: str) -> date | None:
    return datetime.strptime(text, "%d/%m/%Y").date() if text else None


def _chains() -> Iterator[tuple[str, list[Mapping[str, str]]]]:
    """The sample's episodes by child, in order, short breaks left out."""
    chains: dict[str, list[Mapping[str, str]]] = {}
    for row in _rows("episodes"):
        if row["LS"] not in ("V3", "V4"):
            chains.setdefault(row["CHILD"], []).append(row)
    for child, chain in chains.items():
        yield child, sorted(chain, key=lambda row: (_day(row["DECOM"]), _day(row["DEC"]) or date.max))


def _naive_care(chain: list[Mapping[str, str]]) -> tuple[date, date | None]:
    """Start and end of the latest period of care, one episode after another."""
    start, previous = None, ""
    for row in chain:
        if start is None or row["RNE"] == "S" or previous not in ("", "X1"):
            start = _day(row["DECOM"])
        previous = row["REC"]
    end = _day(chain[-1]["DEC"])
    assert start is not None
    return start, end if end and end <= date(2018, 3, 31) and chain[-1]["REC"] != "X1" else None


@shared_data
def test_time_in_care_agrees_with_going_through_the_sample_row_by_row(sample: Loaded) -> None:
    cared = {child: _naive_care(chain) for child, chain in _chains()}
    expected = {child: (start, end) for child, (start, end) in cared.items() if end is None or end >= date(2017, 4, 1)}
    found = query(
        f"SELECT la_child_id, care_start, care_end FROM '{sample.snapshot.identified['children']}' "
        f"JOIN '{sample.snapshot.tables['child_year']}' USING (child) WHERE population = 'looked_after'"
    )
    assert {child: (start, end) for child, start, end in found} == expected


def test_every_row_of_a_dirty_synthetic_authority_is_loaded_or_reported(synthetic: Loaded) -> None:
    _check_accounts(synthetic.report)
    found = {rule for each in synthetic.report.files for rule in each.rules}
    assert found >= {
        "bad_date", "unknown_code", "end_before_start", "bad_number", "upn_check_letter", "duplicate_row",
        "unknown_child",
    }  # fmt: skip


def test_a_synthetic_authority_fills_every_column_that_its_files_can(synthetic: Loaded) -> None:
    """So each column of the return and the census has a way from the files to the record."""
    for name, table in synthetic.report.tables.items():
        columns = load_catalogue().table(name).columns
        unfilled = [
            each for each in table.null_columns if columns[each].source.startswith(("SSDA903", "School Census"))
        ]
        assert unfilled == [], name
    assert all(not table.outside for table in synthetic.report.tables.values())
