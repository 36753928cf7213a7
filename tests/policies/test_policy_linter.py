"""What the linter refuses: one line per way of being wrong, for policies and for models."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.access_policy import MODEL, AccessPolicy
from policies.linter import PolicyInvalid, lint_model, lint_policy

PolicyFile = Callable[..., Path]

GOOD = "p, researcher, federation, submit, manifest, allow"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        pytest.param("", 0, "holds no rule", id="empty file"),
        pytest.param("# only words\n\n", 0, "holds no rule", id="comments alone"),
        pytest.param(f"{GOOD}\npx, node, home, read, care, deny", 2, "rule type is not 'p'", id="px for p"),
        pytest.param("g, researcher, node", 1, "rule type is not 'p'", id="role inheritance"),
        pytest.param("P, node, home, read, care, deny", 1, "rule type is not 'p'", id="capital P"),
        pytest.param("p, node, home, read, deny", 1, "has 4 values where 5 belong", id="short rule"),
        pytest.param(GOOD + ", allow", 1, "has 6 values where 5 belong", id="long rule"),
        pytest.param("p", 1, "has 0 values where 5 belong", id="nothing but the type"),
        pytest.param(GOOD.replace("allow", "dent"), 1, "unknown effect 'dent'", id="dent for deny"),
        pytest.param(GOOD.replace("allow", "Allow"), 1, "unknown effect 'Allow'", id="capital effect"),
        pytest.param(GOOD.replace("allow", ""), 1, "unknown effect ''", id="empty effect"),
        pytest.param(GOOD.replace("allow", "*"), 1, "unknown effect '*'", id="any effect"),
        pytest.param(GOOD.replace("researcher", ""), 1, "unknown role ''", id="empty role"),
        pytest.param(GOOD.replace("researcher", "reseacher"), 1, "unknown role 'reseacher'", id="misspelt role"),
        pytest.param(GOOD.replace("federation", "everyone"), 1, "unknown relation", id="unknown relation"),
        pytest.param(GOOD.replace("submit", "sumbit"), 1, "unknown action", id="misspelt action"),
        pytest.param(GOOD.replace("manifest", "man.*"), 1, "unknown field_group", id="pattern as field group"),
        pytest.param(GOOD.replace("manifest", '"manifest"'), 1, "unknown field_group", id="quoted value"),
        pytest.param(GOOD.replace("manifest", "*"), 1, "'*' as field_group", id="any group in an allow"),
        pytest.param(GOOD.replace("researcher", "*"), 1, "'*' as role", id="any role in an allow"),
        pytest.param(f"{GOOD}\n\n# again\n{GOOD}", 4, "repeats line 1", id="duplicate"),
        pytest.param(f"{GOOD}\n{GOOD.replace(', ', ',')}", 2, "repeats line 1", id="duplicate spelt otherwise"),
        pytest.param(f"\ufeff{GOOD}", 1, "rule type is not 'p'", id="byte order mark"),
        pytest.param("#" * 1_000_001, 0, "longer than 1000000 characters", id="too long"),
    ],
)
def test_a_policy_that_is_wrong_is_refused(text: str, line: int, what: str) -> None:
    """Each finding names the file, the line and what to do."""
    with pytest.raises(PolicyInvalid) as refusal:
        lint_policy(text, "policy.csv")
    (finding,) = refusal.value.findings
    assert (finding.file, finding.line) == ("policy.csv", line)
    assert what in finding.what
    assert finding.remedy
    assert str(refusal.value).startswith(f"policy.csv:{line}: ")


def test_every_finding_is_reported_at_once() -> None:
    """An officer mends a file in one go, not one error at a time."""
    with pytest.raises(PolicyInvalid) as refusal:
        lint_policy("px, a\np, nobody, nowhere, submit, manifest, dent", "policy.csv")
    assert [(finding.line, finding.what) for finding in refusal.value.findings] == [
        (1, "the rule type is not 'p'"),
        (2, "unknown role 'nobody'"),
        (2, "unknown relation 'nowhere'"),
        (2, "unknown effect 'dent'"),
    ]


def test_a_wildcard_is_permitted_in_a_denial() -> None:
    """An authority may tighten with one line: nobody reads health facts here."""
    (rule,) = lint_policy("p, *, *, *, health, deny", "policy.csv")
    assert rule.values == ("*", "*", "*", "health", "deny")


MODEL_TEXT = MODEL.read_text()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        pytest.param("p.role in (r.role", "regexMatch(r.role, p.role", "more than compare", id="regexMatch"),
        pytest.param("m = ", "m = eval(p.role) && ", "more than compare", id="eval"),
        pytest.param("m = ", "m = keyMatch(r.action, p.action) && ", "more than compare", id="keyMatch"),
        pytest.param("m = ", "m = true || ", "more than compare", id="or true"),
        pytest.param("(r.role,", "(r.action,", "more than compare", id="crossed columns"),
        pytest.param(' && p.action in (r.action, "*")', "", "every column exactly once", id="column left out"),
        pytest.param("&& !some(where (p.eft == deny))", "", "is not what Circe relies on", id="deny does not win"),
        pytest.param("some(where (p.eft == allow)) && ", "", "is not what Circe relies on", id="default allow"),
        pytest.param(", field_group, eft", ", field_group", "is not what Circe relies on", id="no effect column"),
        pytest.param("[matchers]", "[matchers]\nm2 = 1", "unknown setting", id="second matcher"),
        pytest.param("[matchers]", "[role_definition]\ng = _, _\n[matchers]", "unknown setting", id="inheritance"),
        pytest.param("[policy_effect]", "[policy_effekt]", "[policy_effect] e is missing", id="misspelt section"),
        pytest.param("[matchers]", "[matchers]\nm = true", "more than compare", id="matcher given twice"),
        pytest.param("[request_definition]", "stray\n[request_definition]", "unknown setting", id="stray line"),
    ],
)
def test_a_model_that_is_wrong_is_refused(old: str, new: str, what: str) -> None:
    """A model that could allow more than an exact match of a written rule is not loaded."""
    assert old in MODEL_TEXT
    with pytest.raises(PolicyInvalid, match=r"model\.conf") as refusal:
        lint_model(MODEL_TEXT.replace(old, new, 1), "model.conf")
    assert any(what in finding.what for finding in refusal.value.findings)


def test_the_packaged_files_have_no_finding(packaged_matrix: str) -> None:
    lint_model(MODEL_TEXT, "model.conf")
    assert lint_policy(packaged_matrix, "matrix.csv")


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.text(alphabet="p,*# \n\r\t" + "denyalow[](){}\"'\\\0é", max_size=80))
def test_any_text_is_rules_or_findings(text: str) -> None:
    """The linter never fails in any other way."""
    with suppress(PolicyInvalid):
        assert lint_policy(text, "policy.csv")


def test_a_file_that_is_missing_or_not_text_is_a_finding(policy_file: PolicyFile) -> None:
    path = policy_file("")
    path.write_bytes(GOOD.encode() + b"\n# \xff\n")
    with pytest.raises(PolicyInvalid, match=r"policy\.csv:2: is not UTF-8"):
        AccessPolicy.load(path)
    path.unlink()
    with pytest.raises(PolicyInvalid, match="cannot be read"):
        AccessPolicy.load(path)
