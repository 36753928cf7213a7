"""One contract for all engines: the same plan over the same files gives the same whole numbers, or the same failure."""

import os
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from query_engine.catalogue import Catalogue, parse_catalogue
from query_engine.engines import EngineFailed
from query_engine.engines.measurement import write_rows
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query.model import (
    Aggregate,
    AggregateQuery,
    ByColumn,
    ColumnValue,
    CountRows,
    Grouped,
    Indicator,
    Item,
    Selected,
)
from query_engine.query.predicate import Comparison
from query_engine.questions import load_questions
from query_engine.tables import RawTable
from tests.query_engine import strategies
from tests.query_engine.golden_files import read_blocks
from tests.query_engine.golden_tables import write_golden_tables
from tests.query_engine.opened_engines import ENGINES, Opened, Opener, open_duckdb, opener_of
from tests.query_engine.small_tables import Row, write_table
from tests.query_engine.test_query_properties import planned

PlanOf = Callable[[str], QueryPlan]
OTHERS = [name for name in ENGINES if name != "duckdb"]
GOLDEN = ("same_question.sql", "different_questions.sql")
STATEMENTS = sorted({each for name in GOLDEN for block in read_blocks(name) for each in block.statements})
QUESTIONS = [each.sql for each in load_questions()]
EXAMPLES = {"postgresql": 50, "spark": 10}
"""How many examples the property is tried on; a deep run tries ten times as many."""

COUNT = "SELECT sex, COUNT(*) AS n, SUM(suspensions) AS s FROM child_year GROUP BY sex"
COLUMNS = ("child", "academic_year", "sex", "suspensions", "attendance_rate")
ROWS: list[Row] = [
    {"child": "a", "academic_year": 202425, "sex": "M", "suspensions": 2, "attendance_rate": Decimal("0.1234")},
    {"child": "a", "academic_year": 202425, "sex": "M", "suspensions": 1},
    {"child": "b", "academic_year": 202425},
]


@pytest.fixture(scope="module", params=ENGINES)
def opener(request: pytest.FixtureRequest) -> Opener:
    """How to open each engine in turn."""
    return opener_of(request.param, request)


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> Opener:
    """How to open each engine but the embedded one, which the others are held against."""
    return opener_of(request.param, request)


@pytest.fixture(scope="module")
def golden_tables(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> dict[str, Path]:
    return write_golden_tables(tmp_path_factory.mktemp("golden"), catalogue)


@pytest.fixture(scope="module")
def golden_engine(other: Opener, golden_tables: dict[str, Path]) -> Iterator[Opened]:
    with other(golden_tables) as engine:
        yield engine


@pytest.fixture
def files(tmp_path: Path, catalogue: Catalogue) -> dict[str, Path]:
    """A small table in a file whose place has every sign that might be taken for more than a name."""
    folder = tmp_path / "it's a {snap,shot} [*]?\\ 100%"
    folder.mkdir()
    return {"child_year": write_table(folder / "child_year.parquet", catalogue.table("child_year"), COLUMNS, ROWS)}


def figures_of(raw: RawTable) -> Mapping[str, tuple[int, ...]]:
    """The figures, each of them a whole number of Python's own."""
    figures = {each.name: tuple(raw.statistic(each.name)) for each in raw.plan.statistics}
    assert {type(figure) for column in figures.values() for figure in column} == {int}
    return figures


def embedded(plan: QueryPlan, tables: Mapping[str, Path]) -> Mapping[str, tuple[int, ...]]:
    """What DuckDB says, which the golden questions and the properties hold to the naive answer."""
    with open_duckdb(tables) as engine:
        return figures_of(engine.run(plan))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_golden_questions_have_the_same_figures(
    statement: str, golden_engine: Opened, golden_tables: dict[str, Path], plan_of: PlanOf
) -> None:
    """In every cell, of every statistic, those for safety among them."""
    plan = plan_of(statement)
    assert figures_of(golden_engine.run(plan)) == embedded(plan, golden_tables)


def test_the_questions_of_the_paper_have_the_same_answers(
    other: Opener, catalogue: Catalogue, plan_of: PlanOf, tmp_path: Path
) -> None:
    """All twenty, over made-up rows of every table that they are asked of."""
    plans = [plan_of(sql) for sql in QUESTIONS]
    tables = write_rows(tmp_path, catalogue, plans, 2_000)
    with other(tables) as engine:
        for plan in plans:
            assert figures_of(engine.run(plan)) == embedded(plan, tables), plan.plan_id


def test_whole_queries_have_the_same_figures(
    other: Opener, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    """Queries and rows drawn at random, missing values, several rows to a child and empty tables among them."""
    examples = EXAMPLES[request.node.callspec.params["other"]] * (10 if os.environ.get("CIRCE_DEEP") else 1)

    @settings(max_examples=examples, derandomize=True, deadline=None)
    @given(query=strategies.queries(), rows=strategies.rows)
    def agree(query: AggregateQuery, rows: list[Row]) -> None:
        plan = planned(query, catalogue)
        with TemporaryDirectory() as folder:
            table = catalogue.table(strategies.TABLE)
            tables = {table.name: write_table(Path(folder) / "rows.parquet", table, strategies.COLUMNS, rows)}
            with other(tables) as engine:
                assert figures_of(engine.run(plan)) == embedded(plan, tables)

    agree()


def test_every_column_of_the_catalogue_means_the_same(other: Opener, catalogue: Catalogue, tmp_path: Path) -> None:
    """All tables at once: each measure and flag summed, and each dimension compared, over values of the whole range."""
    tables = {
        table.name: write_table(
            tmp_path / f"{table.name}.parquet", table, list(table.columns), wide_rows(table.name, catalogue)
        )
        for table in catalogue.tables.values()
    }
    with other(tables) as engine:
        for name in catalogue.tables:
            plan = plan_query(wide_query(name, catalogue), catalogue)
            assert figures_of(engine.run(plan)) == embedded(plan, tables), name


def wide_rows(table: str, catalogue: Catalogue) -> list[Row]:
    """Rows that take every column through values of its range, from end to end and missing."""
    columns = catalogue.table(table).columns.values()
    return [
        {
            column.name: f"token {place % 11}"
            if column.role == "key"
            else column.value((column.codes - 1) * place // 29 if place % 2 else place % column.codes)
            for column in columns
        }
        for place in range(30)
    ]


def wide_query(table: str, catalogue: Catalogue) -> AggregateQuery:
    """One query over every column of a table, wider than a text may ask for."""
    items: list[Item] = [CountRows()]
    for column in catalogue.table(table).columns.values():
        if column.role in ("measure", "flag"):
            items.append(Aggregate("mean", (ColumnValue(column.name),)))
        elif column.role == "dimension" and column.name != catalogue.table(table).authority_column:
            value = column.value(column.present_codes // 2)
            assert value is not None
            if column.codes > 1:
                items.append(Aggregate("sum", (Indicator(Comparison(column.name, "=", value)),)))
    return AggregateQuery(table, tuple(Selected(f"column_{place}", item) for place, item in enumerate(items)))


ODD = (
    "it's",
    '"quoted"',
    "back\\slash",
    "\\",
    "''",
    "${HOME}",
    "%s %(x)s",
    "a -- b",
    "/* a */",
    "$$",
    ":x",
    "E'\\n'",
    "",
)
"""Categories that an engine, or whoever passes SQL to it, could take for something else."""


@pytest.mark.parametrize("among", [ODD[:1], ODD[:5], ODD[5:]], ids=["one", "some", "others"])
def test_a_category_is_its_own_characters(opener: Opener, among: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever the signs in it, a category is grouped by and compared as it stands."""
    catalogue = parse_catalogue(ODD_TABLE.replace("DOMAIN", repr_toml(ODD)).encode())
    table = catalogue.table("t")
    rows: list[Row] = [{"child": str(place), "x": value, "y": "1"} for place, value in enumerate((*ODD, None))]
    path = write_table(tmp_path / "t.parquet", table, ["child", "x", "y"], rows)
    grouped = AggregateQuery("t", (Selected("x", Grouped(ByColumn("x"))), Selected("n", CountRows())), (ByColumn("x"),))
    counts = [
        Selected(f"n{place}", Aggregate("sum", (Indicator(Comparison("x", "=", value)),)))
        for place, value in enumerate(among)
    ]
    with opener({"t": path}, catalogue=catalogue) as engine:
        assert figures_of(engine.run(plan_query(grouped, catalogue)))["rows"] == (1,) * len(rows)
        plan = plan_query(AggregateQuery("t", tuple(counts)), catalogue)
        figures = figures_of(engine.run(plan))
        assert {figures[output.statistics[0]] for output in plan.outputs} == {(1,)}


ODD_TABLE = """
[factors]
"who" = "fixed"
[domains]
[tables.t]
grain = "one row for each child"
description = "A table."
authority_column = "y"
child_key = "child"
typical_size = 10
rows_per_child_year = 1
[tables.t.columns.child]
role = "key"
type = "category"
definition = "A child."
source = "This test."
factor = "who"
sensitivity = "ordinary"
[tables.t.columns.x]
role = "dimension"
type = "category"
domain = DOMAIN
definition = "A category."
source = "This test."
factor = "who"
sensitivity = "ordinary"
[tables.t.columns.y]
role = "dimension"
type = "category"
domain = ["1", "2"]
definition = "An authority."
source = "This test."
factor = "who"
sensitivity = "ordinary"
"""


def repr_toml(values: tuple[str, ...]) -> str:
    return "[" + ", ".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in values) + "]"


def test_cells_without_rows_are_zero(opener: Opener, files: dict[str, Path], plan_of: PlanOf) -> None:
    """Every cell of the plan has a figure, whether or not anyone is in it."""
    with opener(files) as engine:
        figures = figures_of(engine.run(plan_of(COUNT)))
    assert figures["rows"] == (2, 0, 0, 1)
    assert figures["children"] == (1, 0, 0, 1)
    assert figures["sum:suspensions"] == (3, 0, 0, 0)


def test_a_table_without_rows_is_all_zero(
    opener: Opener, tmp_path: Path, catalogue: Catalogue, plan_of: PlanOf
) -> None:
    """Also where nothing is grouped by, which SQL answers with one row."""
    path = write_table(tmp_path / "empty.parquet", catalogue.table("child_year"), COLUMNS, [])
    plan = plan_of("SELECT COUNT(*) AS n, AVG(attendance_rate) AS s FROM child_year")
    with opener({"child_year": path}) as engine:
        assert set(figures_of(engine.run(plan)).values()) == {(0,)}


ENDLESS = {
    "duckdb": "SELECT COUNT(DISTINCT range % 1003) FROM range(1000000000000)",
    "postgresql": "SELECT COUNT(DISTINCT n % 1003) FROM generate_series(1, 1000000000000) AS n",
    "spark": "SELECT COUNT(DISTINCT id % 1003) FROM range(1000000000000)",
}


def test_a_run_that_takes_too_long_is_stopped(
    opener: Opener, files: dict[str, Path], plan_of: PlanOf, request: pytest.FixtureRequest
) -> None:
    """The time limit interrupts, and the engine answers again afterwards."""
    with opener(files, seconds=2) as engine:
        with pytest.raises(EngineFailed, match=r"within 2 seconds"):
            engine.fetch(ENDLESS[request.node.callspec.params["opener"]])
        assert figures_of(engine.run(plan_of(COUNT)))["rows"] == (2, 0, 0, 1)


FAILING = {
    "a column that the snapshot lacks": "SELECT COUNT(*) AS n FROM child_year WHERE uasc",
    "a table that the snapshot lacks": "SELECT COUNT(*) AS n FROM pupil_year",
}


@pytest.mark.parametrize("statement", FAILING.values(), ids=FAILING.keys())
def test_what_the_snapshot_lacks_fails_without_detail(
    statement: str, opener: Opener, files: dict[str, Path], plan_of: PlanOf
) -> None:
    """The engine's own words are kept back, for they may quote data."""
    with opener(files) as engine, pytest.raises(EngineFailed) as failed:
        engine.run(plan_of(statement))
    assert not {"uasc", "pupil_year", "SELECT"} & set(str(failed.value).split())
    assert len(str(failed.value)) < 100
    assert failed.value.__suppress_context__


def test_a_value_outside_the_catalogue_fails_without_being_named(
    opener: Opener, tmp_path: Path, catalogue: Catalogue, plan_of: PlanOf, capfd: pytest.CaptureFixture[str]
) -> None:
    """A snapshot out of step with the catalogue gives no answer rather than a wrong one; nor is it printed anywhere."""
    odd: list[Row] = [*ROWS, {"child": "c", "academic_year": 202425, "sex": "SECRET"}]
    path = write_table(tmp_path / "odd.parquet", catalogue.table("child_year"), COLUMNS, odd)
    with opener({"child_year": path}) as engine:
        with pytest.raises(EngineFailed, match="load the snapshot again") as failed:
            engine.run(plan_of(COUNT))
        with pytest.raises(EngineFailed) as broken:
            engine.fetch("SELECT SUM(CAST(sex AS INT)) FROM child_year")
    printed = "".join(capfd.readouterr())
    assert "SECRET" not in f"{failed.value} {broken.value} {printed}"


@pytest.mark.parametrize("content", [None, b"", b"PAR1 not really PAR1"], ids=["absent", "empty", "damaged"])
def test_a_snapshot_that_cannot_be_read_fails_at_once(opener: Opener, content: bytes | None, tmp_path: Path) -> None:
    """Before any plan is run, and saying what to do."""
    path = tmp_path / "child_year.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineFailed, match="load again"), opener({"child_year": path}):
        pass


def test_a_closed_engine_answers_nothing(opener: Opener, files: dict[str, Path], plan_of: PlanOf) -> None:
    """And closing it a second time does nothing."""
    with opener(files) as engine:
        engine.close()
        with pytest.raises(EngineFailed):
            engine.run(plan_of(COUNT))


def test_two_engines_keep_to_their_own_tables(
    opener: Opener, files: dict[str, Path], tmp_path: Path, catalogue: Catalogue, plan_of: PlanOf
) -> None:
    """Two snapshots opened at once do not mix, and closing one leaves the other open."""
    path = write_table(tmp_path / "other.parquet", catalogue.table("child_year"), COLUMNS, ROWS[:1])
    plan = plan_of("SELECT COUNT(*) AS n FROM child_year")
    with opener(files) as first:
        with opener({"child_year": path}) as second:
            assert figures_of(second.run(plan))["rows"] == (1,)
            assert figures_of(first.run(plan))["rows"] == (3,)
        assert figures_of(first.run(plan))["rows"] == (3,)
