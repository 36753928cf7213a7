"""The warnings of a plan: each rule with a query that calls for it and one that does not."""

from collections.abc import Callable

import pytest

from query_engine.methodology import RULES, cautions
from query_engine.plan import QueryPlan

SOUND = "counted_here AND academic_year = 202425 AND population = 'looked_after'"

CALLED_FOR = [
    (
        "counted_here",
        "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND population = 'care_leaver'",
    ),
    ("counted_here", "SELECT COUNT(*) AS n FROM child_year WHERE counted_here OR uasc"),
    ("academic_year", "SELECT COUNT(*) AS n FROM child_year WHERE counted_here"),
    ("academic_year", "SELECT COUNT(*) AS n FROM pupil_year"),
    ("population", "SELECT COUNT(*) AS n FROM child_year WHERE counted_here AND academic_year = 202425"),
    ("sparse", f"SELECT age, need, COUNT(*) AS n FROM child_year WHERE {SOUND} GROUP BY age, need"),
]

NOT_CALLED_FOR = [
    ("counted_here", f"SELECT COUNT(*) AS n FROM child_year WHERE {SOUND}"),
    ("counted_here", "SELECT counted_here, COUNT(*) AS n FROM child_year GROUP BY counted_here"),
    ("counted_here", "SELECT COUNT(*) AS n FROM pupil_year"),
    ("academic_year", f"SELECT COUNT(*) AS n FROM child_year WHERE {SOUND}"),
    ("academic_year", "SELECT academic_year, COUNT(*) AS n FROM pupil_year GROUP BY academic_year"),
    ("population", "SELECT population, COUNT(*) AS n FROM child_year GROUP BY population"),
    ("population", "SELECT COUNT(*) AS n FROM pupil_year"),
    ("sparse", "SELECT age, COUNT(*) AS n FROM child_year GROUP BY age"),
    ("sparse", "SELECT age, sex, COUNT(*) AS n FROM pupil_year GROUP BY age, sex"),
]


def rules_of(sql: str, plan_of: Callable[[str], QueryPlan]) -> list[str]:
    return [each.rule for each in cautions(plan_of(sql))]


@pytest.mark.parametrize(("rule", "sql"), CALLED_FOR)
def test_the_rule_warns(rule: str, sql: str, plan_of: Callable[[str], QueryPlan]) -> None:
    """The query is allowed, and the asker is told."""
    assert rule in rules_of(sql, plan_of)


@pytest.mark.parametrize(("rule", "sql"), NOT_CALLED_FOR)
def test_the_rule_is_silent(rule: str, sql: str, plan_of: Callable[[str], QueryPlan]) -> None:
    """A sound query is not nagged."""
    assert rule not in rules_of(sql, plan_of)


def test_a_sound_query_has_no_warning(plan_of: Callable[[str], QueryPlan]) -> None:
    """All rules at once."""
    assert rules_of(f"SELECT sex, COUNT(*) AS n FROM child_year WHERE {SOUND} GROUP BY sex", plan_of) == []


def test_every_rule_has_both_cases() -> None:
    """A rule without a case may never warn, or always."""
    assert {rule for rule, _ in CALLED_FOR} == set(RULES) == {rule for rule, _ in NOT_CALLED_FOR}
