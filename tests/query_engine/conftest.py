"""The shipped catalogue, and plans made from text."""

from collections.abc import Callable

import pytest

from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query

EVERY = 4
"""Of so many questions Spark is asked one in an ordinary run, and all in a deep one: it takes seconds for each."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most questions to Spark's deep run; other engines are asked all of them always."""
    asked = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and item.callspec.params.get("other") == "spark"
        and "statement" in item.callspec.params
    ]
    for place, item in enumerate(asked):
        if place % EVERY:
            item.add_marker(pytest.mark.deep)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue of this installation."""
    return load_catalogue()


@pytest.fixture(scope="session")
def plan_of(catalogue: Catalogue) -> Callable[[str], QueryPlan]:
    """`plan_of(sql)`: the plan of a text that must be allowed."""
    return lambda sql: plan_query(parse_query(sql, catalogue), catalogue)
