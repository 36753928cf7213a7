"""Row tokens and check letters: the SQL that makes them by the million agrees with the plain definitions."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.ingest.tokens import row_token
from node.ingest.workbench import open_workbench
from node.upn import LETTERS, is_upn, upn_check_letter
from tests.node.ingest.conftest import Load
from tests.node.ingest.small_returns import TODAY, TOKEN_KEY, query

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[DuckDBPyConnection]":
    with open_workbench(tmp_path_factory.mktemp("scratch"), token_key=TOKEN_KEY, today=TODAY) as connection:
        yield connection


@settings(max_examples=50, derandomize=True, deadline=None)
@given(identifiers=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=5))
def test_a_token_is_half_a_hash_over_the_key_and_the_identifier(
    workbench: "DuckDBPyConnection", identifiers: list[str]
) -> None:
    key = hashlib.sha256(TOKEN_KEY).digest()
    for identifier in identifiers:
        expected = hashlib.sha256(key + identifier.encode()).hexdigest()[:32]
        assert row_token(TOKEN_KEY, identifier) == expected
        assert workbench.execute("SELECT row_token($value)", {"value": identifier}).fetchone() == (expected,)


@pytest.mark.parametrize("length", [32, 64, 65, 200])
def test_a_key_of_any_length_gives_the_same_token_in_sql(length: int, tmp_path: Path) -> None:
    key = bytes(range(length))
    with open_workbench(tmp_path, token_key=key, today=TODAY) as connection:
        assert connection.execute("SELECT row_token('X77')").fetchone() == (row_token(key, "X77"),)


def test_tokens_in_the_tables_are_those_of_child_and_upn(load: Load) -> None:
    loaded = load(episodes="CHILD\nX77", spring_pupilonroll="upn\nB801200005001")
    assert query(f"SELECT child FROM '{loaded.snapshot.tables['child_year']}'") == [(row_token(TOKEN_KEY, "X77"),)]
    assert query(f"SELECT pupil FROM '{loaded.snapshot.tables['pupil_year']}'") == [
        (row_token(TOKEN_KEY, "B801200005001"),)
    ]


def test_the_consistent_identifier_has_its_place_in_the_vault_beside_the_upn(load: Load) -> None:
    """A file that has it may bring it; one that has not leaves the place empty; it is in no table that can be asked."""
    loaded = load(
        header="CHILD | UPN | consistent_identifier\n1 | B801200005001 | 943 476 5919\n2 | UN4 |",
        episodes="CHILD\n1\n2",
        spring_pupilonroll="upn | consistent_identifier\nB801200005001 | 943 476 5919",
        autumn_pupilonroll="upn\nE301200710001",
    )
    vault = loaded.snapshot.identified
    told = "SELECT upn, consistent_identifier FROM '{}' ORDER BY upn"
    assert query(told.format(vault["children"])) == [("B801200005001", "943 476 5919"), ("UN4", None)]
    assert query(told.format(vault["pupils"])) == [("B801200005001", "943 476 5919"), ("E301200710001", None)]
    for table in loaded.snapshot.tables.values():
        assert "consistent_identifier" not in {name for name, *_ in query(f"DESCRIBE FROM '{table}'")}


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    body=st.from_regex(rf"[0-9]{{11}}[0-9{LETTERS}]", fullmatch=True),
    letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)
def test_check_letters_agree_with_the_plain_arithmetic(workbench: "DuckDBPyConnection", body: str, letter: str) -> None:
    upn = letter + body
    found = workbench.execute(
        "SELECT upn_check_letter($upn), is_upn($upn) AND $upn[1] = upn_check_letter($upn)", {"upn": upn}
    ).fetchone()
    assert found == (upn_check_letter(body), is_upn(upn))


def test_the_worked_example_of_the_standard(workbench: "DuckDBPyConnection") -> None:
    assert workbench.execute("SELECT upn_check_letter('B801200005001')").fetchone() == ("B",)
