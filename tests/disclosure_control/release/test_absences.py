"""Every reason for an absence has words, and its code stays beside them."""

import ast
from pathlib import Path

import pytest

from disclosure_control.release.absences import REASONS, explain_absence, list_absences

HOUSE = Path(__file__).parents[3]
ANSWERING = ("node/checklist.py", "node/sums/allowances.py", "node/sums/contributing.py")
PROTOCOL = ("facts", "rosters", "certificates", "aborts", "contributions", "signing")
"""What decides whether a node takes part in a sum, and whether what it hands in can be used."""


def codes_in(path: str) -> set[str]:
    """The codes that a file refuses with."""
    calls = (node for node in ast.walk(ast.parse((HOUSE / path).read_text())) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("Refused", "SumRefused", "SumFailed")
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize("path", [*ANSWERING, *(f"federation/secure_sum/{name}.py" for name in PROTOCOL)])
def test_every_reason_of_the_checklist_and_the_protocol_has_words(path: str) -> None:
    assert codes_in(path) <= REASONS.keys()


def test_the_search_for_codes_finds_some() -> None:
    assert {"path_barred", "tolerance"} <= codes_in(ANSWERING[0]) | codes_in(ANSWERING[1])
    assert "vector_mismatch" in codes_in("federation/secure_sum/contributions.py")


def test_reasons_are_words_that_end_a_sentence() -> None:
    assert all(words[0].islower() and not words.endswith(".") and "_" not in words for words in REASONS.values())


def test_a_code_stays_beside_its_words_and_an_unknown_one_alone() -> None:
    assert explain_absence("late") == "no answer came in time (late)"
    assert explain_absence("of_another_time") == "of_another_time"
    assert list_absences({"301": "late", "302": "odd"}) == ["301: no answer came in time (late)", "302: odd"]
