"""FROM: what may be joined and worked out, what is refused and where, and what a plan says of it.

In the refusals `^` marks the place and is taken out before the text is read.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest

from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.rendering.plans import render_plan
from query_engine.wording.description import describe_plan
from tests.query_engine.golden_files import Block, read_blocks
from tests.query_engine.small_tables import Row, write_table

PlanOf = Callable[[str], QueryPlan]
C = RefusalCode
PER_CHILD = "(SELECT child, COUNT(*) AS n FROM placements GROUP BY child)"
LAST_YEAR = PER_CHILD.replace("GROUP", "WHERE academic_year = 202324 GROUP")
HERE = "c.academic_year = 202425"


@pytest.mark.parametrize("block", read_blocks("same_sources.sql"), ids=str)
def test_spellings_of_one_question_have_one_plan(block: Block, plan_of: PlanOf) -> None:
    """And so one place in the history of what was asked."""
    assert len({plan_of(each).plan_id for each in block.statements}) == 1


@pytest.mark.parametrize("block", read_blocks("different_sources.sql"), ids=str)
def test_different_questions_have_different_plans(block: Block, plan_of: PlanOf) -> None:
    """No two of a block are taken for each other."""
    for one, other in combinations(block.statements, 2):
        assert plan_of(one).plan_id != plan_of(other).plan_id, (one, other)


def joined(rest: str) -> str:
    return f"SELECT COUNT(*) AS k FROM child_year c {rest}"


def worked_out(select: str) -> str:
    return f"SELECT COUNT(*) AS k FROM ({select}) t"


REFUSALS = (
    (C.JOIN, joined("NATURAL JOIN ^placements"), "NATURAL"),
    (C.JOIN, joined("CROSS JOIN ^placements"), "child key"),
    (C.JOIN, joined("FULL JOIN ^placements USING (child)"), "FULL JOIN"),
    (C.JOIN, joined("RIGHT JOIN ^placements USING (child)"), "LEFT JOIN"),
    (C.JOIN, joined("SEMI JOIN ^placements USING (child)"), "JOIN alone"),
    (C.JOIN, joined("ASOF JOIN ^placements USING (child)"), "JOIN alone"),
    (C.JOIN, joined(", ^placements"), "how this table is joined"),
    (C.JOIN, joined("JOIN ^placements"), "how this table is joined"),
    (C.JOIN, joined("JOIN ^child_year d USING (child)"), "once"),
    (C.JOIN, joined("JOIN placements c ^USING (child)").replace("placements c ^", "^placements c "), "once"),
    (C.JOIN, joined("JOIN ^pupil_year p USING (child)"), "tokens differ"),
    (C.JOIN, joined("JOIN placements p ON ^p.child > c.child"), "no more"),
    (C.JOIN, joined("JOIN placements p ON ^p.child = c.child OR c.uasc"), "no more"),
    (C.JOIN, joined("JOIN placements p ON p.child = c.child AND ^p.age = 4"), "WHERE"),
    (C.JOIN, joined("JOIN placements p ON p.child = c.child AND ^p.age = c.age"), "on nothing else"),
    (C.JOIN, joined("JOIN placements p ON ^p.child = p.child"), "one before it"),
    (C.JOIN, joined("JOIN placements p ON ^p.academic_year = c.academic_year"), "join on child"),
    (C.JOIN, joined("JOIN placements p USING (child, ^sex)"), "on nothing else"),
    (C.JOIN, joined(f"JOIN {PER_CHILD} p USING (child, ^academic_year)"), "no one academic_year"),
    (C.JOIN, joined(f"JOIN {PER_CHILD} p ON p.child = c.child AND ^p.academic_year = c.academic_year"), "GROUP BY"),
    (C.JOIN, joined("LEFT JOIN placements p USING (child) JOIN pep q ON ^q.child = p.child"), "may have no row"),
    (C.JOIN, joined("JOIN placements p USING (child) JOIN pep USING (child, ^academic_year)"), "which table"),
    (
        C.JOIN,
        joined(
            "JOIN placements p USING (child) JOIN pep q ON ^q.child = c.child "
            "AND q.academic_year = c.academic_year AND q.academic_year = p.academic_year"
        ),
        "one academic_year",
    ),
    (
        C.JOIN,
        joined("JOIN pep USING (child) JOIN support USING (child) JOIN absences USING (child) ")
        + "JOIN placements USING (child) JOIN ^exclusions USING (child)",
        "4 tables",
    ),
    (C.JOIN, joined(f"LEFT JOIN {PER_CHILD} p USING (child)"), "changes nothing"),
    (
        C.JOIN,
        worked_out("SELECT child, COUNT(*) AS n FROM pep ^JOIN support USING (child) GROUP BY child"),
        "one governed",
    ),
    (C.AMBIGUOUS_COLUMN, joined("JOIN placements p USING (child) WHERE ^sex = 'M'"), "which one is meant"),
    (C.AMBIGUOUS_COLUMN, joined("JOIN placements p USING (child) WHERE ^academic_year = 202425"), "which one"),
    (C.AMBIGUOUS_COLUMN, joined("JOIN placements p ON ^child = c.child"), "which table"),
    (C.UNKNOWN_TABLE, joined("JOIN placements p ON p.child = ^x.child"), "which table"),
    (C.UNKNOWN_TABLE, joined("JOIN ^placement USING (child)"), "Did you mean placements?"),
    (C.UNKNOWN_TABLE, joined("JOIN placements p USING (child) WHERE ^q.age = 4"), "child_year, placements alone"),
    (
        C.KEY_MISUSED,
        "SELECT COUNT(DISTINCT ^p.child) AS k FROM child_year LEFT JOIN placements p USING (child)",
        "no row",
    ),
    (C.KEY_MISUSED, joined("JOIN placements p USING (child) WHERE ^p.child = 'x'"), "counted"),
    (C.AUTHORITY_COLUMN, joined("JOIN placements p USING (child) WHERE ^p.home_authority = '301'"), "roster"),
    (C.SUBQUERY, "SELECT COUNT(*) FROM (SELECT ^child, COUNT(*) AS n FROM pep GROUP BY child)", "name"),
    (C.SUBQUERY, worked_out("SELECT ^child, COUNT(*) AS n FROM pep"), "GROUP BY"),
    (C.SUBQUERY, worked_out("SELECT child, COUNT(*) AS n FROM pep GROUP BY child, ^age"), "academic_year"),
    (C.SUBQUERY, worked_out("SELECT child, COUNT(*) AS n FROM pep GROUP BY ^1"), "GROUP BY"),
    (C.SUBQUERY, worked_out("SELECT ^COUNT(*) AS n FROM pep GROUP BY child"), "Add child"),
    (C.SUBQUERY, worked_out("SELECT child, ^age, COUNT(*) AS n FROM pep GROUP BY child"), "no other column"),
    (C.SUBQUERY, worked_out("SELECT child, ^AVG(age) AS n FROM pep GROUP BY child"), "SUM, MIN or MAX"),
    (C.SUBQUERY, worked_out("SELECT child, ^COUNT(DISTINCT child) AS n FROM pep GROUP BY child"), "COUNT(*)"),
    (
        C.SUBQUERY,
        "SELECT COUNT(*) FROM child_year JOIN (^placements JOIN pep USING (child)) USING (child)",
        "FROM or WITH",
    ),
    (C.MEASURE_FORM, worked_out("SELECT child, ^SUM(pep_due) AS n FROM pep GROUP BY child"), "FILTER"),
    (
        C.CLAUSE,
        worked_out("SELECT child, COUNT(*) AS n FROM pep GROUP BY child ^HAVING COUNT(*) > 1"),
        "where it stands",
    ),
    (C.CLAUSE, worked_out("SELECT child, COUNT(*) AS n FROM pep GROUP BY child ^LIMIT 1"), "where it stands"),
    (C.LABEL_MISSING, worked_out("SELECT child, ^COUNT(*) FROM pep GROUP BY child"), "AS"),
    (C.LABEL_INVALID, worked_out('SELECT child, COUNT(*) AS ^"a b" FROM pep GROUP BY child'), "letter first"),
    (C.LABEL_REPEATED, worked_out("SELECT child, ^COUNT(*) AS academic_year FROM pep GROUP BY child"), "this name"),
    (
        C.CONSTANT_CONDITION,
        worked_out("SELECT child, COUNT(*) AS n FROM pep WHERE age = 4 AND age = 5 GROUP BY child"),
        "no row",
    ),
    (C.COMMON_TABLE, f"WITH ^p AS {PER_CHILD} SELECT COUNT(*) FROM child_year", "does not read this"),
    (C.COMMON_TABLE, f"WITH p AS {PER_CHILD} SELECT COUNT(*) FROM p JOIN ^p AS q USING (child)", "once"),
    (C.COMMON_TABLE, f"WITH ^pep AS {PER_CHILD} SELECT COUNT(*) FROM pep", "no other table"),
    (C.COMMON_TABLE, f"WITH RECURSIVE ^p AS {PER_CHILD} SELECT COUNT(*) FROM p", "RECURSIVE"),
    (C.MEASURE_GROUPED, f"SELECT ^n, COUNT(*) AS k FROM {PER_CHILD} p GROUP BY n", "placements.count is a measure"),
    (C.LITERAL_OUTSIDE_DOMAIN, f"SELECT COUNT(*) AS k FROM {PER_CHILD} p WHERE n = ^0", "between 1 and 780"),
    (C.FUNCTION, "SELECT AVG(COALESCE(^suspensions, 0)) AS a FROM child_year", "count of rows for each child"),
)


@pytest.mark.parametrize(("code", "marked", "reason"), REFUSALS, ids=[f"{each[0]}: {each[2]}" for each in REFUSALS])
def test_the_source_is_refused(code: RefusalCode, marked: str, reason: str, plan_of: PlanOf) -> None:
    """For its own reason, and where it says so at its own place."""
    with pytest.raises(QueryRefused) as refused:
        plan_of(marked.replace("^", ""))
    before, mark, _ = marked.partition("^")
    assert refused.value.code == code
    assert reason in refused.value.text
    assert not mark or refused.value.at == (1, len(before) + 1)


def test_a_refusal_never_suggests_a_name_that_the_asker_gave(plan_of: PlanOf) -> None:
    """An identifier typed as an alias does not reach a log by way of a suggestion."""
    sql = "SELECT SUM(b80120000500) AS s FROM (SELECT child, COUNT(*) AS b8012000050 FROM pep GROUP BY child) p"
    with pytest.raises(QueryRefused) as refused:
        plan_of(sql)
    assert "b8012" not in refused.value.text


@pytest.mark.parametrize(
    ("sql", "years"),
    [
        (joined("JOIN placements p USING (child, academic_year) WHERE academic_year = 202425"), [202425]),
        (joined("JOIN placements p USING (child) WHERE c.academic_year = 202425"), range(13)),
        (joined(f"JOIN placements p USING (child) WHERE {HERE} AND p.academic_year = 202324"), [202324, 202425]),
        (joined("LEFT JOIN placements p USING (child, academic_year) WHERE c.academic_year = 202425"), [202425]),
        (joined(f"JOIN {PER_CHILD} p USING (child) WHERE c.academic_year = 202425"), range(13)),
        (joined(f"JOIN {LAST_YEAR} p USING (child) WHERE {HERE}"), [202324, 202425]),
    ],
)
def test_the_years_reached_are_those_of_every_table(sql: str, years: object, plan_of: PlanOf) -> None:
    """Approvers and nodes go by them; a table joined on the child alone brings every year of the child."""
    assert isinstance(years, list | range)
    found = plan_of(sql).academic_years
    assert len(found) == len(years)
    assert isinstance(years, range) or list(found) == years


def test_the_columns_inside_count_too(plan_of: PlanOf) -> None:
    """A column for authorities alone stays one where it is used inside, in what is counted or in its WHERE."""
    inside = "(SELECT child, COUNT(*) FILTER (WHERE pep_on_time) AS n FROM pep WHERE term = 'autumn' GROUP BY child)"
    plan = plan_of(f"SELECT AVG(n) AS a FROM {inside} p")
    assert plan.columns == {"pep_on_time", "term"}
    assert plan.audience == "authority"
    assert plan.tables == ("pep",)
    assert plan_of(joined("JOIN placements p USING (child) WHERE p.age = 4")).tables == ("child_year", "placements")


def test_what_is_beyond_the_declared_rows_is_cut_off(plan_of: PlanOf, catalogue: Catalogue, tmp_path: Path) -> None:
    """A child with more rows in a year than the catalogue expects weighs no more than the plan says."""
    rows: list[Row] = [{"child": "a", "academic_year": 202425, "pep_due": True, "days_to_complete": 5}] * 9
    columns = ("child", "academic_year", "pep_due", "days_to_complete")
    path = write_table(tmp_path / "pep.parquet", catalogue.table("pep"), columns, rows)
    most = catalogue.table("pep").rows_per_child_year
    plan = plan_of(
        "SELECT SUM(n) AS s, SUM(m) AS t FROM (SELECT child, academic_year, COUNT(*) AS n, "
        "COUNT(*) FILTER (WHERE pep_due) AS m FROM pep GROUP BY child, academic_year) p"
    )
    with DuckDBEngine({"pep": path}) as engine:
        raw = engine.run(plan)
    sums = {each.name: each.bound for each in plan.statistics if each.kind == "sum"}
    assert set(sums.values()) == {most}
    assert all(raw.statistic(name)[0] == most for name in sums)


def test_a_plan_over_joined_tables_in_words(plan_of: PlanOf) -> None:
    """An approver reads which tables, how they are joined, what is worked out, and what is cut off."""
    plan = plan_of(
        "SELECT p.placement_type, AVG(COALESCE(e.moves, 0)) AS a FROM child_year c JOIN placements p "
        "USING (child, academic_year) LEFT JOIN (SELECT child, COUNT(*) AS moves FROM exclusions "
        "WHERE exclusion_category = 'suspension' GROUP BY child) e USING (child) WHERE e.moves <= 5 OR e.moves IS NULL "
        "GROUP BY p.placement_type"
    )
    text = "\n".join(line for _, lines in describe_plan(plan) for line in lines)
    called = "rows of exclusions for each child where exclusion_category is suspension"
    assert "and, of the same child and academic_year and only where there is such a row, placements" in text
    assert "with what has the same child, and without it where there is nothing: one row for each child" in text
    assert f"[{called}]: 1 to 1300, as 100 rows in a year come to; whatever goes beyond is cut off" in text
    assert f"a: mean of [{called} (0 where there is none)]" in text
    assert f"[{called}] is 5 or less or missing" in text


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "spark"])
def test_the_sql_is_portable(dialect: str, plan_of: PlanOf) -> None:
    """No function that one engine alone has, and no name longer than a database takes."""
    keys = "child, academic_year"
    inside = f"(SELECT {keys}, SUM(days_lost) AS d, COUNT(*) AS n FROM exclusions GROUP BY {keys})"
    plan = plan_of(
        f"SELECT c.sex, CORR(e.d, c.suspension_days) AS r, AVG(COALESCE(e.n, 0)) AS a "
        f"FROM child_year c LEFT JOIN {inside} e USING (child, academic_year) GROUP BY c.sex"
    )
    sql = render_plan(plan, dialect)
    names = sql.replace("`", '"').split('"')[1::2]
    assert "LEAST" not in sql
    assert max(map(len, names)) < 63


def test_the_sql_is_made_once_for_a_plan_and_a_dialect(plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the plan itself: an equal one may be over a table that another catalogue describes."""
    monkeypatch.setattr("query_engine.rendering.plans.MOST_RENDERED", 2)
    plan = plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex")
    other = replace(plan, governed=replace(plan.governed, name="renamed"))
    assert other == plan
    for _ in range(2):
        assert render_plan(plan) is render_plan(plan)
        assert "renamed" in render_plan(other)
        assert "`" in render_plan(plan, "spark")
        assert "renamed" not in render_plan(plan)


def test_bins_of_what_is_worked_out(plan_of: PlanOf) -> None:
    """Counts have bins from single rows to open ends, and sums those of what is added up and beyond."""
    plan = plan_of(f"SELECT BIN(n) AS b, MEDIAN(n) AS m, COUNT(*) AS k FROM {PER_CHILD} p WHERE n <= 10 GROUP BY b")
    assert plan.dimensions[0].categories == ("1", "2", "3", "4", "5", "6 to 7", "8 to 9", "10 to 14")
    assert plan.outputs[1].bins[-1] == (Decimal(10), Decimal(14))


def test_the_same_value_is_read_from_the_text_and_planned(catalogue: Catalogue) -> None:
    """The query is a frozen value, so that nothing after the parser sees text."""
    query = parse_query(f"SELECT SUM(n) AS s FROM {PER_CHILD} p", catalogue)
    assert hash(query) == hash(parse_query(f"WITH q AS {PER_CHILD} SELECT SUM(n) AS s FROM q", catalogue))
    assert plan_query(query, catalogue).tables == ("placements",)
