"""Reads a Casbin policy and its model strictly, before Casbin sees either.

Casbin accepts almost anything and fails towards *allowed*: an empty policy, a misspelt effect, a rule type that
does not exist, a matcher that takes prefixes for equals. Everything it would swallow is a finding here, and a file
with one finding is not loaded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from policies.limits import find_broken_limit
from policies.names import Action, FieldGroup, Relation, Role, list_words
from policies.rules import ANY, Effect, Rule

__all__ = ["Finding", "PolicyInvalid", "lint_model", "lint_policy"]

LARGEST_FILE = 1_000_000
"""Characters. The packaged matrix has under 20,000."""


COLUMNS: tuple[tuple[str, type[StrEnum]], ...] = (
    ("role", Role),
    ("relation", Relation),
    ("action", Action),
    ("field_group", FieldGroup),
    ("effect", Effect),
)


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a file: where, what, and what to do about it. Line 0 is the file as a whole."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


class PolicyInvalid(Exception):
    """A policy or its model cannot be loaded; `findings` holds everything that is wrong with it."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


def lint_policy(text: str, file: str) -> tuple[Rule, ...]:
    """The rules of a policy, in the file's order.

    Raises `PolicyInvalid` with every finding, not just the first.
    """
    if len(text) > LARGEST_FILE:
        raise PolicyInvalid((Finding(file, 0, f"longer than {LARGEST_FILE} characters", "split or shorten it"),))
    findings: list[Finding] = []
    lines: dict[Rule, int] = {}
    for number, cells in _policy_lines(text):
        problems = [Finding(file, number, what, remedy) for what, remedy in _rule_problems(cells)]
        findings.extend(problems)
        if not problems:
            rule = Rule(cells[1], cells[2], cells[3], cells[4], Effect(cells[5]))
            findings.extend(Finding(file, number, what, remedy) for what, remedy in _limit_problems(rule))
            if rule in lines:
                findings.append(Finding(file, number, f"repeats line {lines[rule]}", "remove one of the two"))
            lines.setdefault(rule, number)
    if not lines and not findings:
        findings.append(Finding(file, 0, "holds no rule", "start from a copy of the packaged matrix.csv"))
    if findings:
        raise PolicyInvalid(tuple(findings))
    return tuple(lines)


def _policy_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and trimmed cells of each line that is neither blank nor a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in line.split(",")]


def _rule_problems(cells: list[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with one line, as pairs of what and remedy."""
    if cells[0] != "p":
        yield "the rule type is not 'p'", "start the line with 'p,'"
        return
    if len(cells) != len(COLUMNS) + 1:
        expected = ", ".join(name for name, _ in COLUMNS)
        yield f"has {len(cells) - 1} values where 5 belong", f"write p, {expected}"
        return
    may_be_any = cells[5] == Effect.DENY
    for value, (column, known) in zip(cells[1:], COLUMNS, strict=True):
        if value == ANY and column != "effect":
            if not may_be_any:
                yield f"'*' as {column} of a rule that does not deny", f"name each {column} on a line of its own"
        elif value not in list_words(known):
            yield f"unknown {column} {value[:40]!a}", f"use one of: {', '.join(known)}"


def _limit_problems(rule: Rule) -> Iterator[tuple[str, str]]:
    """The promise that an allow rule would break, if any; a deny rule breaks none."""
    if rule.effect is Effect.ALLOW:
        for right in rule.rights():
            if broken := find_broken_limit(right):
                yield f"goes beyond what any authority may permit: {broken.text}", "remove the line"


CONJUNCT = re.compile(r'p\.(?P<policy>[a-z_]+) in \(r\.(?P<request>[a-z_]+), "\*"\)')
DEFINITION = "role, relation, action, field_group"
EXACT_SETTINGS = {
    ("request_definition", "r"): DEFINITION,
    ("policy_definition", "p"): DEFINITION + ", eft",
    ("policy_effect", "e"): "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
}
"""What each setting of the model must say, to the letter; the matcher alone may order its terms freely."""


def lint_model(text: str, file: str) -> None:
    """Check that a Casbin model compares every column for equality, denies by default and lets deny win.

    Raises `PolicyInvalid`. Functions (`eval`, `regexMatch`, `keyMatch` and every other) are refused with the rest
    of what is not a plain comparison.
    """
    settings = _model_settings(text)
    findings = []
    for key, (number, value) in settings.items():
        wanted = EXACT_SETTINGS.get(key)
        if key == ("matchers", "m"):
            findings += [Finding(file, number, what, remedy) for what, remedy in _matcher_problems(value)]
        elif wanted is None:
            findings.append(Finding(file, number, f"unknown setting [{key[0]}] {key[1]}", "remove it"))
        elif value != wanted:
            findings.append(Finding(file, number, f"[{key[0]}] is not what Circe relies on", f"write {wanted}"))
    for section, name in (*EXACT_SETTINGS, ("matchers", "m")):
        if (section, name) not in settings:
            findings.append(Finding(file, 0, f"[{section}] {name} is missing", "restore the packaged model.conf"))
    if findings:
        raise PolicyInvalid(tuple(findings))


def _model_settings(text: str) -> dict[tuple[str, str], tuple[int, str]]:
    """(section, name) -> (line number, value); a setting given twice is kept under a name nobody knows."""
    settings: dict[tuple[str, str], tuple[int, str]] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1]
        elif stripped and not stripped.startswith("#"):
            name, _, value = (part.strip() for part in stripped.partition("="))
            key = (section, name if (section, name) not in settings else f"{name} (again)")
            settings[key] = (number, value)
    return settings


def _matcher_problems(matcher: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the matcher, as pairs of what and remedy."""
    compared = []
    for term in matcher.split(" && "):
        found = CONJUNCT.fullmatch(term)
        if found is None or found["policy"] != found["request"]:
            yield "the matcher does more than compare", 'join terms of the form p.role in (r.role, "*") with &&'
            return
        compared.append(found["policy"])
    if sorted(compared) != sorted(DEFINITION.split(", ")):
        yield "the matcher does not compare every column exactly once", f"compare {DEFINITION}"
