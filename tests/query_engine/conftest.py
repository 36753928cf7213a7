"""The shipped catalogue, and plans made from text."""

from collections.abc import Callable

import pytest

from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue of this installation."""
    return load_catalogue()


@pytest.fixture(scope="session")
def plan_of(catalogue: Catalogue) -> Callable[[str], QueryPlan]:
    """`plan_of(sql)`: the plan of a text that must be allowed."""
    return lambda sql: plan_query(parse_query(sql, catalogue), catalogue)
