"""The documents keep their word: what they name exists."""

import importlib
import re
from pathlib import Path

import pytest

from federation.cli import COMMANDS, EXIT_CODES
from tests.house.generated_pages import DESCRIPTIONS, PAGES

HOUSE = Path(__file__).parents[2]
README = (HOUSE / "README.md").read_text()
PROPERTY = re.compile(
    r"^\| (?P<text>[^|]+) \| `(?P<module>[\w.]+):(?P<name>[\w.]+)` \| `(?P<test>[^`]+)` \|$", re.MULTILINE
)


def test_the_table_of_security_properties_is_there() -> None:
    assert len(PROPERTY.findall(README)) >= 12


@pytest.mark.parametrize("row", list(PROPERTY.finditer(README)), ids=lambda row: row["text"])
def test_each_security_property_names_a_function_and_a_test(row: re.Match[str]) -> None:
    """The function that carries a property exists, and so does the test that would fail without it."""
    found = importlib.import_module(row["module"])
    for part in row["name"].split("."):
        found = getattr(found, part)
    path, _, name = row["test"].partition("::")
    assert (HOUSE / path).exists(), path
    assert not name or f"def {name}(" in (HOUSE / path).read_text(), row["test"]


def test_the_command_line_page_lists_every_command() -> None:
    page = (HOUSE / "docs" / "command-line.md").read_text()
    assert [name for name in COMMANDS if f"| `circe {name}" not in page] == []


def test_the_command_line_page_lists_every_exit_code() -> None:
    page = (HOUSE / "docs" / "command-line.md").read_text()
    assert [code for code in EXIT_CODES.values() if f"\n| {code} |" not in page] == []


@pytest.mark.parametrize(
    "page", [HOUSE / "README.md", *sorted((HOUSE / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_documents_point_at_files_that_exist(page: Path) -> None:
    mentioned = re.findall(
        r"`((?:docs|tests|federation|node|hub|audit|policies|query_engine|disclosure_control)/[\w./-]+)`",
        page.read_text(),
    )
    assert [path for path in mentioned if not (HOUSE / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_fresh(name: str) -> None:
    """A page written from a declaration says what the declaration says now; `make docs` writes it anew."""
    assert (HOUSE / "docs" / name).read_text() == PAGES[name]()


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_descriptions_are_fresh(name: str) -> None:
    """What an application hands out of itself says what its routes, documents and problems are now."""
    assert (HOUSE / name).read_text() == DESCRIPTIONS[name]()
