"""The documents keep their word: what they name exists."""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
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


SPACED = re.compile(r"[0-9] %(?=[\s.,:;\"')|<]|$)(?! [0-9(])")
"""A share as GOV.UK's style does not have it. A figure after it makes it a division."""

RELEASED_AS_THEY_ARE = {"disclosure_control/presets/preset.py", "disclosure_control/models"}
"""Whose sentences stand in released documents, some of which are compared with what these say now."""


def test_a_share_is_written_as_in_the_style_of_gov_uk() -> None:
    """`10%`: in documents, templates and declarations, and in whatever text the programs print."""
    listed = subprocess.run(["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout.split()
    shown = [path for path in listed if not path.startswith("tests/")]
    written = [(path, line) for path in shown if path.endswith((".md", ".html", ".toml")) for line in _lines(path)]
    printed = [
        (path, text)
        for path in shown
        if path.endswith(".py") and not path.startswith(tuple(RELEASED_AS_THEY_ARE))
        for text in _list_texts(path)
    ]
    assert [(path, text) for path, text in (*written, *printed) if SPACED.search(text)] == []


def _lines(path: str) -> list[str]:
    return (HOUSE / path).read_text().splitlines()


def _list_texts(path: str) -> Iterator[str]:
    """Yield the texts of a program, with a figure for whatever is filled in."""
    for node in ast.walk(ast.parse((HOUSE / path).read_text())):
        match node:
            case ast.JoinedStr(values):
                yield "".join(str(each.value) if isinstance(each, ast.Constant) else "0" for each in values)
            case ast.Constant(str(text)):
                yield text
