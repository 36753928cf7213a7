"""A plan in plain words: what an approver reads is what will be done."""

from collections.abc import Callable

import pytest

from query_engine.planning.plan import QueryPlan
from query_engine.wording.description import describe_condition, describe_plan


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("sex = 'M'", ["sex is M"]),
        ("sex <> 'M'", ["sex is F or U"]),
        ("sex IS NULL", ["sex is missing"]),
        ("sex IS NOT NULL", ["sex is present"]),
        ("uasc", ["uasc is yes"]),
        ("NOT uasc OR uasc IS NULL", ["uasc is no or missing"]),
        ("host_authority <> '301'", ["host_authority is present and not 301"]),
        ("age < 5", ["age is 4 or less"]),
        ("age >= 16", ["age is 16 or more"]),
        ("age BETWEEN 5 AND 15", ["age is 5 to 15"]),
        ("age <> 5", ["age is 4 or less or 6 or more"]),
        ("attendance_rate < 0.9", ["attendance_rate is 0.8999 or less"]),
        ("uasc AND age = 4 AND sex = 'F'", ["sex is F", "age is 4", "uasc is yes"]),
        ("uasc OR age = 4", ["age is 4, or uasc is yes"]),
        ("counted_here AND (uasc OR age = 4)", ["counted_here is yes", "age is 4, or uasc is yes"]),
        (
            "(uasc AND age = 4) OR (sex = 'M' AND age = 5)",
            ["(age is 4, and uasc is yes), or (age is 5, and sex is M)"],
        ),
        (
            "population = 'care_leaver' AND (age = 4 OR (age = 5 AND (sex = 'M' OR uasc)))",
            ["population is care_leaver", "age is 4, or (age is 5, and (sex is M, or uasc is yes))"],
        ),
        ("sex IN ('M', 'F', 'U') OR sex IS NULL", ["every row"]),
    ],
)
def test_a_condition_in_words(condition: str, words: list[str], plan_of: Callable[[str], QueryPlan]) -> None:
    """Phrases which must all hold, each about as few columns as may be."""
    plan = plan_of(f"SELECT COUNT(*) AS n FROM child_year WHERE {condition}")
    assert describe_condition(plan.where, plan.governed) == words


def test_a_plan_in_words(plan_of: Callable[[str], QueryPlan]) -> None:
    """Every column of the answer says what it counts, over what, and what becomes of missing values."""
    plan = plan_of(
        "SELECT sex, COUNT(*) AS n, COUNT(DISTINCT child) AS c, SUM(suspension_days) AS days,"
        " AVG(attendance_rate) AS rate, AVG(uasc) AS uasc, AVG(CASE WHEN age > 15 AND uasc THEN 1 ELSE 0 END) AS share,"
        " COUNT(*) FILTER (WHERE persistent_absentee) AS pa FROM child_year GROUP BY sex"
    )
    words = dict(describe_plan(plan))
    assert words["Table"] == ["child_year: one row for each child in each academic year, at the home authority"]
    assert words["Rows where"] == ["every row"]
    assert words["Cells"] == ["4 for each authority", "sex: 4 categories, one of them for missing values"]
    assert words["Columns"] == [
        "home_authority: the authority that answers",
        "sex: a category",
        "n: rows",
        "c: distinct children",
        "days: sum of suspension_days, in school days",
        "rate: mean of attendance_rate, in share of possible sessions, over the rows where it is present",
        "uasc: share of rows where uasc is yes; among those where it is present",
        "share: share of rows where age is 16 or more and uasc is yes; a missing value counts as no",
        "pa: rows where persistent_absentee is yes; a missing value counts as no",
    ]
    assert words["Plan"] == [plan.plan_id]


def test_a_yes_or_no_that_is_multiplied_in_is_named(plan_of: Callable[[str], QueryPlan]) -> None:
    """An approver reads that other rows count as nothing, and not that the whole column is added up."""
    plan = plan_of("SELECT SUM(suspensions * uasc) AS s, AVG(suspensions * uasc) AS m FROM child_year")
    columns = dict(describe_plan(plan))["Columns"]
    assert columns[1] == "s: sum of suspensions where uasc is yes, and 0 elsewhere, in suspensions"
    assert columns[2].startswith("m: mean of suspensions where uasc is yes, and 0 elsewhere,")


def test_a_model_is_read_out_by_its_outcome_and_terms(plan_of: Callable[[str], QueryPlan]) -> None:
    """To those who approve it: numbers as they are, categories by their levels, and what stands together."""
    plan = plan_of("SELECT FIT_LINEAR(attainment8, age, sex, age * sex) AS m FROM child_year")
    columns = dict(describe_plan(plan))["Columns"]
    assert columns[-1] == "m: linear model of attainment8 by age, the levels of sex, age times the levels of sex"
