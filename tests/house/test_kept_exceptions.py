"""Exceptions that a module keeps under a name: raised anew each time, and never themselves.

An exception that is raised again keeps the frames of every time before, and with them whatever was at hand there: the
pages and records of everybody who was refused, for as long as the process runs.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.lookups.sealed_pages import REPLAYED
from node.refusal import Refused

ROOT = Path(__file__).parents[2]
ROOMS = ("audit", "disclosure_control", "federation", "hub", "node", "policies", "query_engine")


def list_raised_constants(source: str) -> Iterator[int]:
    """Yield the lines at which a name in capitals is raised as it is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id.isupper():
            yield node.lineno


def test_no_module_raises_an_exception_that_it_keeps() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for line in list_raised_constants(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_one_that_were_raised_as_it_is_would_be_found() -> None:
    assert sorted(list_raised_constants("if a:\n    raise REPLAYED\nraise REPLAYED from None")) == [2, 3]
    assert list(list_raised_constants("raise REPLAYED.anew()\nraise Refused('a', 'b')\nraise error")) == []


def test_what_is_raised_anew_says_the_same_and_leaves_nothing_behind() -> None:
    for _ in range(2):
        with pytest.raises(Refused) as raised:
            raise REPLAYED.anew()
        assert (raised.value.code, str(raised.value)) == (REPLAYED.code, REPLAYED.text)
    assert REPLAYED.__traceback__ is None
