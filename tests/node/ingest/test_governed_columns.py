"""The governed tables and the catalogue are one: names, order, types, domains, and a source for every column."""

from pathlib import Path

import pytest

from node.host_facts import show_facts
from node.ingest.formats import load_formats
from node.ingest.staged import show_all
from node.ingest.tables import RECORDS, RELATIONS, VAULT, build_record, sql_type
from node.ingest.tracked import NOTHING, show_tracked
from node.ingest.workbench import open_workbench
from query_engine.catalogue import load_catalogue
from query_engine.geography import REGIONS, load_authorities
from tests.node.ingest.conftest import Load
from tests.node.ingest.small_returns import TODAY, TOKEN_KEY, query


@pytest.mark.parametrize("name", load_catalogue().tables)
def test_a_governed_file_has_the_columns_of_the_catalogue_in_order_with_its_types(name: str, load: Load) -> None:
    path = load(episodes="CHILD\na").snapshot.tables[name]
    described = query(f"DESCRIBE FROM '{path}'")
    columns = load_catalogue().table(name).columns.values()
    assert [(row[0], row[1]) for row in described] == [(column.name, sql_type(column)) for column in columns]


@pytest.mark.parametrize("name", load_catalogue().tables)
def test_every_column_of_the_catalogue_is_worked_out_by_the_record(name: str, tmp_path: Path) -> None:
    """A column that the record does not name would be missing for every row without anyone having said so."""
    with open_workbench(tmp_path, token_key=TOKEN_KEY, today=TODAY) as connection:
        connection.execute(
            "CREATE TABLE postcode_area (postcode VARCHAR, authority VARCHAR, easting DOUBLE, northing DOUBLE)"
        )
        show_all(connection, {})
        show_facts(connection, ())
        show_tracked(connection, NOTHING)
        build_record(connection, "301")
        known = {row[0] for row in connection.execute(f"DESCRIBE {RECORDS[name]}").fetchall()}
    assert set(load_catalogue().table(name).columns) <= known


def test_every_file_of_the_record_is_run_and_every_table_is_made() -> None:
    files = {path.stem for path in (Path(__file__).parents[3] / "node" / "ingest" / "record").glob("*.sql")}
    assert files == {*RELATIONS, *(f"identified_{name}" for name in VAULT)}
    assert set(RECORDS) == set(load_catalogue().tables)


@pytest.mark.parametrize("name", load_catalogue().tables)
def test_every_category_of_a_column_is_one_that_the_record_can_write(name: str) -> None:
    """So that no category is promised which no row could ever have. Codes of the files are told by their formats."""
    ingest = Path(__file__).parents[3] / "node" / "ingest"
    written = "".join(path.read_text(encoding="utf-8") for path in ingest.rglob("*.sql"))
    codes = {code for table in load_formats().values() for column in table.columns for code in column.codes}
    geography = {*load_authorities(), *REGIONS}
    for column in load_catalogue().table(name).columns.values():
        for category in column.domain or ():
            if isinstance(category, str) and category not in codes | geography:
                assert f"'{category}'" in written, (column.name, category)


def test_rows_are_sorted_by_token_so_that_their_order_tells_nothing(load: Load) -> None:
    loaded = load(episodes="CHILD\n" + "\n".join(str(child) for child in range(50)))
    tokens = [row[0] for row in query(f"SELECT child FROM '{loaded.snapshot.tables['child_year']}'")]
    assert tokens == sorted(tokens)
    assert len(set(tokens)) == 50


def test_the_order_of_a_census_leaves_no_trace_in_the_governed_table_nor_the_vault(load: Load) -> None:
    """Else a place in the file would tell who a token is; and the same rows would not make the same snapshot."""
    upns = [f"A{number:012}" for number in range(3_000)]
    hashes = set()
    for order in (upns, upns[::-1]):
        loaded = load(spring_pupilonroll="upn\n" + "\n".join(order), autumn_pupilonroll="upn\n" + "\n".join(order[:50]))
        for path in (loaded.snapshot.tables["pupil_year"], loaded.snapshot.identified["pupils"]):
            tokens = [row[0] for row in query(f"SELECT pupil FROM '{path}'")]
            assert tokens == sorted(tokens)
            assert len(set(tokens)) == len(upns)
        hashes.add(loaded.snapshot.content_hash)
    assert len(hashes) == 1


def test_an_impossible_value_is_left_missing_and_said_so(load: Load) -> None:
    loaded = load(header="CHILD | DOB\na | 01/01/1950", episodes="CHILD\na")
    row = loaded.children["a"]
    assert (row["age"], row["age_at_entry"]) == (None, None)
    assert loaded.report.tables["child_year"].outside == {"age": 1, "age_at_entry": 1}
