"""A full synthetic authority, loaded, leaves no column of any governed table empty that has a source in its files."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from node.ingest.load import load_files
from node.ingest.report import LoadReport
from node.snapshots import SnapshotStore
from node.synth.england import write_england
from node.synth.plan import REGISTER
from query_engine.catalogue import load_catalogue

CODE = "881"
NO_PRIOR = "Year 11 sat no Key Stage 2 tests: those of 2019/20 and 2020/21 were cancelled"
NO_KEY_STAGE_1 = "Key Stage 1 results are not collected since 2023/24"

EMPTY: Mapping[int, Mapping[tuple[str, str], str]] = {
    202324: {},
    202425: {
        ("child_year", "ks1_expected"): NO_KEY_STAGE_1,
        ("pupil_year", "ks1_expected"): NO_KEY_STAGE_1,
        ("child_year", "entered_as_capable"): NO_PRIOR,
        ("pupil_year", "entered_as_capable"): NO_PRIOR,
        ("child_year", "progress_from_ks2"): NO_PRIOR,
        ("pupil_year", "progress_from_ks2"): NO_PRIOR,
        ("attainment", "progress8"): NO_PRIOR,
    },
}
"""The columns that no row can fill, and why, by the academic year that the files are of."""

YEARS: Mapping[int, int] = {202324: 3, 202425: 1}
"""So many years of files, the last of them that one: three reach back to the last Key Stage 1 results."""


def load_authority(directory: Path, academic_year: int) -> LoadReport:
    """Write two authorities in full, and load one of them with the register of schools."""
    england = write_england(
        directory / "england",
        authorities=[CODE, "301"],
        seed=7,
        scale=0.2,
        academic_year=academic_year,
        years=YEARS[academic_year],
        other_pupils_per_child=0.5,
        full=True,
    )
    paths = [england.directory / CODE, england.directory / REGISTER]
    return load_files(paths, store=SnapshotStore(directory / "snapshots"), authority=CODE, token_key=bytes(32))


@pytest.mark.parametrize("academic_year", EMPTY)
def test_every_column_that_can_be_filled_is_filled(academic_year: int, tmp_path: Path) -> None:
    """Of every governed table; and every value lies in the catalogue's domain or bounds."""
    report = load_authority(tmp_path, academic_year)
    assert set(report.tables) == set(load_catalogue().tables)
    empty = {(name, column) for name, table in report.tables.items() for column in table.null_columns}
    assert empty == set(EMPTY[academic_year])
    assert not any(table.outside for table in report.tables.values())
