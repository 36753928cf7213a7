"""The page, the code and the tests speak of the same steps, documents and attacks."""

import ast
import re
from pathlib import Path

import pytest

from federation.secure_sum import messages
from federation.wire import Document

HOUSE = Path(__file__).parents[3]
PAGE = (HOUSE / "docs" / "secure-sums.md").read_text()
CODE = "\n".join(path.read_text() for path in sorted((HOUSE / "federation" / "secure_sum").glob("*.py")))
TESTS = {path.name: path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)}
STEPS = [*(f"P{number}" for number in range(1, 5)), *(f"S{number}" for number in range(1, 13))]

# Code and comments name a range by its ends: "S2 to S4" names S3 too.
RANGE = re.compile(r"\b([PS])(\d+) to [PS](\d+)\b")
ROW = re.compile(r"^\| ([a-z][a-z ]+) \| ([PS]\d+) \|$", re.MULTILINE)


def steps_named(text: str) -> set[str]:
    ranged = {f"{kind}{n}" for kind, low, high in RANGE.findall(text) for n in range(int(low), int(high) + 1)}
    return ranged | set(re.findall(r"\b[PS]\d+\b", text))


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_told_on_the_page_and_named_in_code_and_in_a_test(step: str) -> None:
    assert PAGE.count(f"\n**{step}. ") == 1
    assert step in steps_named(CODE)
    assert any(step in steps_named(text) for text in TESTS.values())


def test_no_step_is_named_that_the_page_does_not_tell() -> None:
    named = steps_named(CODE).union(*map(steps_named, TESTS.values()))
    assert named <= set(STEPS)


@pytest.mark.parametrize("suite", ["test_dishonest_hub_in_the_protocol.py", "test_dishonest_node.py"])
def test_the_page_lists_exactly_the_attacks_that_are_tested(suite: str) -> None:
    """Each by the name of its test, with the step that the test says stops it."""
    chapter = PAGE.split(f"secure_sum/{suite}` by the same name")[1].split("\n## ")[0]
    tests = [
        node
        for node in ast.parse(TESTS[suite]).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    tested = {
        test.name.removeprefix("test_").replace("_", " "): (ast.get_docstring(test) or "").split(".")[0]
        for test in tests
    }
    assert dict(ROW.findall(chapter)) == tested


def test_the_page_lists_every_document_with_its_fields() -> None:
    for kind in vars(messages).values():
        if isinstance(kind, type) and issubclass(kind, Document) and kind.__module__ == messages.__name__:
            row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{kind.__name__}`" in line)
            assert set(kind.__struct_fields__) <= set(re.findall(r"\w+", row)), kind.__name__
