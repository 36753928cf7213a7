"""The page of the language says what the language is: its examples are read, and its refused ones refused."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from query_engine.planning.plan import QueryPlan
from query_engine.refusal import QueryRefused

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
EXAMPLES = re.findall(r"```sql( refused)?\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

PlanOf = Callable[[str], QueryPlan]


@pytest.mark.parametrize("sql", [sql for refused, sql in EXAMPLES if not refused])
def test_an_example_of_the_page_is_planned(sql: str, plan_of: PlanOf) -> None:
    assert plan_of(sql).cells


@pytest.mark.parametrize("sql", [sql for refused, sql in EXAMPLES if refused])
def test_a_refused_example_of_the_page_is_refused(sql: str, plan_of: PlanOf) -> None:
    with pytest.raises(QueryRefused):
        plan_of(sql)
