"""Joined and worked-out tables, wide sums and models: PostgreSQL and Spark give the whole numbers that DuckDB gives."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from query_engine.catalogue import Catalogue
from query_engine.query.model import AggregateQuery
from tests.query_engine import source_strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.golden_files import read_blocks
from tests.query_engine.opened_engines import Opened, Opener, opener_of
from tests.query_engine.small_tables import write_table
from tests.query_engine.source_strategies import POOLS, Tables
from tests.query_engine.test_engine_contract import OTHERS, PlanOf, embedded, figures_of, wide_rows
from tests.query_engine.test_language_page import EXAMPLES
from tests.query_engine.test_source_properties import planned

GOLDEN = ("same_sources.sql", "different_sources.sql")
STATEMENTS = sorted({each for name in GOLDEN for block in read_blocks(name) for each in block.statements})
MODELS = (
    "SELECT FIT_LINEAR(suspensions, age, sex, FACTOR(year_group)) AS m FROM child_year WHERE sex IN ('M', 'F')",
    "SELECT FIT_LOGISTIC(persistent_absentee, sex, BIN(suspensions)) AS m FROM child_year WHERE sex IN ('M', 'F')",
    "SELECT FIT_POISSON(suspensions, uasc, sex) AS m FROM child_year WHERE sex IN ('M', 'F')",
)
WIDE = ("SELECT CORR(cost, cost) AS r, VAR_SAMP(cost) AS v FROM support",)
DRAWN = {"postgresql": 20, "spark": 3}
"""How many whole queries are drawn for each engine, before a deep run asks for more."""


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> Opener:
    """How to open each engine but the embedded one."""
    return opener_of(request.param, request)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> dict[str, Path]:
    """Every governed table, with values of the whole range of each column, and eleven children in all of them."""
    folder = tmp_path_factory.mktemp("wide")
    return {
        table.name: write_table(
            folder / f"{table.name}.parquet", table, list(table.columns), wide_rows(table.name, catalogue)
        )
        for table in catalogue.tables.values()
    }


@pytest.fixture(scope="module")
def engine(other: Opener, tables: dict[str, Path]) -> Iterator[Opened]:
    with other(tables) as opened:
        yield opened


@pytest.mark.parametrize("statement", [*STATEMENTS, *MODELS, *WIDE])
def test_the_figures_are_the_same(statement: str, engine: Opened, tables: dict[str, Path], plan_of: PlanOf) -> None:
    """Of the golden questions over several tables, of each family of models, and of sums carried in two parts."""
    plan = plan_of(statement)
    assert figures_of(engine.run(plan)) == embedded(plan, tables)


@pytest.mark.parametrize("statement", [sql for refused, sql in EXAMPLES if not refused])
def test_the_page_of_the_language_is_answered_alike(
    statement: str, engine: Opened, tables: dict[str, Path], plan_of: PlanOf
) -> None:
    """Every form that the page shows can be asked of every engine."""
    plan = plan_of(statement)
    assert figures_of(engine.run(plan)) == embedded(plan, tables)


def test_whole_queries_over_sources_have_the_same_figures(
    other: Opener, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    """Joins, LEFT JOINs and tables with a row for each child, drawn at random with their rows."""

    @settings(
        max_examples=examples(DRAWN[request.node.callspec.params["other"]]),
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much],
    )
    @given(query=source_strategies.queries(), drawn=source_strategies.tables)
    def agree(query: AggregateQuery, drawn: Tables) -> None:
        plan = planned(query, catalogue)
        with TemporaryDirectory() as folder:
            paths = {
                name: write_table(
                    Path(folder) / f"{name}.parquet",
                    catalogue.table(name),
                    ("child", "home_authority", *POOLS[name]),
                    rows,
                )
                for name, rows in drawn.items()
            }
            with other(paths) as opened:
                assert figures_of(opened.run(plan)) == embedded(plan, paths)

    agree()
