"""Every reason for refusing a query, each with the place in the text that it points to.

In the cases below `^` marks the place and is taken out before the text is read.
"""

from dataclasses import dataclass

import pytest

from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.language.parser import COLUMN_LIMIT, TERM_LIMIT, parse_query
from query_engine.language.predicates import LIST_LIMIT
from query_engine.language.text import DEPTH_LIMIT, TEXT_LIMIT
from query_engine.planning.planner import plan_query
from query_engine.refusal import QueryRefused, RefusalCode


@dataclass(frozen=True)
class Case:
    """A text, the code it is refused with, and a word of the reason."""

    code: RefusalCode
    marked: str
    reason: str = ""

    @property
    def sql(self) -> str:
        return self.marked.replace("^", "")

    @property
    def at(self) -> tuple[int, int] | None:
        before, mark, _ = self.marked.partition("^")
        return (before.count("\n") + 1, len(before) - before.rfind("\n")) if mark else None

    def __str__(self) -> str:
        return f"{self.code}: {self.marked[:70]}"


def where(condition: str) -> str:
    return f"SELECT COUNT(*) AS n\nFROM child_year\nWHERE {condition}"


def select(item: str) -> str:
    return f"SELECT COUNT(*) AS n, {item} FROM child_year"


def males(item: str) -> str:
    return f"SELECT {item} FROM child_year WHERE sex = 'M'"


def grouped(expression: str) -> str:
    return f"SELECT COUNT(*) AS n, {expression} AS g FROM child_year GROUP BY g"


def totals(elements: str) -> str:
    return f"SELECT sex, uasc, age, need, population, key_stage, COUNT(*) AS n FROM child_year GROUP BY {elements}"


def viewed(view: str) -> str:
    return f"SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex {view}"


AMOUNTS = [name for name, column in load_catalogue().table("child_year").columns.items() if column.is_amount]
FIGURES = [name for name in AMOUNTS if name != "academic_year"][:30]

DIMENSIONS = ", ".join(
    [name for name, each in load_catalogue().table("child_year").columns.items() if each.domain][:14]
)

# Each pair joins an early column of the alphabet with a late one, so that all the early ones must be remembered.
EARLY = ("at_31_march", "counted_here", "english_additional_language", "in_care_12_months", "permanently_excluded")
LATE = ("school_in_area", "sdq_returned", "sen_unit_or_resourced", "severe_absentee", "uasc")
TANGLED = " OR ".join(
    f"({early} AND {late}) OR (NOT {early} AND NOT {late})" for early, late in zip(EARLY, LATE, strict=True)
)

C = RefusalCode
CASES = (
    Case(C.TEXT_TOO_LONG, "SELECT COUNT(*) FROM child_year".ljust(TEXT_LIMIT) + "^ "),
    Case(C.CHARACTER, where("^\u0455ex = 'M'"), "ASCII"),
    Case(C.CHARACTER, where("sex = '^\u201cM\u201d'")),
    Case(C.CHARACTER, "SELECT COUNT(*) FROM child_year^\x00"),
    Case(C.CHARACTER, "SELECT COUNT(*) FROM^\rchild_year", "end of a line"),
    Case(C.SYNTAX, "SELECT COUNT(*)\r\nFROM child_year\r\nWHERE sex = ^= 'M'"),
    Case(C.COMMENT, "SELECT COUNT(*) ^-- all children\nFROM child_year"),
    Case(C.COMMENT, "^/* approved template 4 */ SELECT COUNT(*) FROM child_year"),
    Case(C.COMMENT, "SELECT ^/*+ hint */ COUNT(*) FROM child_year"),
    Case(C.SYNTAX, where("sex = ^= ")),
    Case(C.SYNTAX, "^SELECT COUNT(*) FROM child_year WHERE sex = 'M", "quotation"),
    Case(C.SYNTAX, "SELECT COUNT(*) FROM child_year GROUP BY ^)"),
    Case(C.TOO_DEEP, where("(" * DEPTH_LIMIT + "^(uasc" + ")" * (DEPTH_LIMIT + 1))),
    Case(C.TOO_DEEP, where("NOT " * DEPTH_LIMIT + "^NOT uasc")),
    Case(C.NOT_A_SELECT, "^DELETE FROM child_year"),
    Case(C.NOT_A_SELECT, "^FROM child_year SELECT COUNT(*)"),
    Case(C.NOT_A_SELECT, "^"),
    Case(C.SEVERAL_STATEMENTS, "SELECT COUNT(*) FROM child_year; ^DROP TABLE child_year"),
    Case(C.SET_OPERATION, "SELECT ^COUNT(*) FROM child_year UNION ALL SELECT COUNT(*) FROM child_year"),
    Case(C.COMMON_TABLE, "WITH RECURSIVE ^c AS (SELECT * FROM child_year) SELECT COUNT(*) FROM c"),
    Case(C.SUBQUERY, where("sex IN (SELECT ^sex FROM child_year)")),
    Case(C.SUBQUERY, "SELECT COUNT(*) FROM (SELECT ^sex FROM child_year)"),
    Case(C.SUBQUERY, where("EXISTS (SELECT ^1)")),
    Case(C.SUBQUERY, select("(SELECT ^1) AS one")),
    Case(C.JOIN, "SELECT COUNT(*) FROM child_year JOIN ^pupil_year ON TRUE"),
    Case(C.JOIN, "SELECT COUNT(*) FROM child_year, ^pupil_year"),
    Case(C.CLAUSE, "SELECT COUNT(*) FROM child_year ^QUALIFY TRUE", "QUALIFY"),
    Case(C.CLAUSE, "SELECT COUNT(*) FROM child_year ^WINDOW w AS (PARTITION BY sex)", "Window"),
    Case(C.CLAUSE, "SELECT COUNT(*) FROM child_year ^USING SAMPLE 10", "sample"),
    Case(C.CLAUSE, "SELECT COUNT(*) FROM ^child_year TABLESAMPLE 10%", "follow the table"),
    Case(C.CLAUSE, "SELECT COUNT(*) ^INTO copy FROM child_year"),
    Case(C.CLAUSE, select("^COUNT(*) OVER () AS x"), "window"),
    Case(C.CLAUSE, select("SUM(^suspensions ORDER BY age) AS x"), "order"),
    Case(C.CLAUSE, select("^MEDIAN(suspensions) OVER (PARTITION BY sex) AS x"), "window"),
    Case(C.CLAUSE, select("^PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY suspensions, sdq_score) AS x"), "order"),
    Case(C.CLAUSE, select("^SUM(0.5) WITHIN GROUP (ORDER BY suspensions) AS x"), "order"),
    Case(C.DISTINCT, "SELECT ^DISTINCT COUNT(*) FROM child_year"),
    Case(C.DISTINCT, select("COUNT(DISTINCT ^sex) AS x"), "COUNT(DISTINCT child)"),
    Case(C.DISTINCT, select("AVG(DISTINCT ^suspensions) AS x")),
    Case(C.STAR, "SELECT ^* FROM child_year"),
    Case(C.STAR, select("child_year.^*")),
    Case(C.FUNCTION, select("MAX(^suspensions) AS x"), "MEDIAN"),
    Case(C.FUNCTION, select("APPROX_QUANTILE(^suspensions, 0.5) AS x")),
    Case(C.FUNCTION, select("^MODE(suspensions) AS x")),
    Case(C.FUNCTION, "SELECT ^GROUPING(sex) AS g, sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (sex)"),
    Case(C.FUNCTION, grouped("^UPPER(sex)")),
    Case(C.FUNCTION, grouped('^"BIN"(suspensions)')),
    Case(C.FUNCTION, where("^LOWER(sex) = 'm'")),
    Case(C.FUNCTION, "SELECT COUNT(*) FROM ^read_csv('children.csv')"),
    Case(C.EXPRESSION, select("SUM(^suspensions + 1) AS x")),
    Case(C.EXPRESSION, where("^suspensions / 0 = 1")),
    Case(C.EXPRESSION, select("PERCENTILE_DISC(0.5, ^0.6) WITHIN GROUP (ORDER BY suspensions) AS x")),
    Case(C.EXPRESSION, select("CORR(suspensions, age, ^sdq_score) AS x")),
    Case(C.EXPRESSION, "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING ^n IS NULL"),
    Case(C.EXPRESSION, where("^sex LIKE 'M%'")),
    Case(C.EXPRESSION, where("CAST(^sex AS INT) = 1")),
    Case(C.MODEL_FORM, select("^FIT_LINEAR(suspensions) AS m"), "at least one term"),
    Case(C.MEASURE_FORM, select("^COUNT() AS x"), "COUNT takes *"),
    Case(C.MEASURE_FORM, select("^COUNT(1) AS x"), "COUNT takes *"),
    Case(C.TOO_MANY_COLUMNS, "SELECT " + "COUNT(*) AS n, " * COLUMN_LIMIT + "^COUNT(*) AS n FROM child_year"),
    Case(C.NOTHING_COUNTED, "SELECT ^sex FROM child_year GROUP BY sex"),
    Case(C.UNKNOWN_TABLE, "SELECT COUNT(*) FROM ^child_years", "Did you mean child_year?"),
    Case(C.UNKNOWN_TABLE, "SELECT COUNT(*) FROM ^main.child_year", "schema"),
    Case(C.UNKNOWN_TABLE, "SELECT COUNT(*) FROM ^'children.parquet'"),
    Case(C.UNKNOWN_TABLE, "SELECT ^COUNT(*)", "child_year, pupil_year"),
    Case(C.UNKNOWN_TABLE, where("^pupil_year.sex = 'M'"), "child_year alone"),
    Case(C.AMBIGUOUS_COLUMN, "SELECT SUM(^age) AS x FROM child_year JOIN placements USING (child)"),
    Case(C.UNKNOWN_COLUMN, where("^ethnicity = 'white'"), "Did you mean ethnicity_major?"),
    Case(C.UNKNOWN_COLUMN, select("SUM(^xyz) AS x"), "circe catalogue"),
    Case(C.LABEL_MISSING, "SELECT ^COUNT(*) FILTER (WHERE uasc) FROM child_year", "AS"),
    Case(C.LABEL_INVALID, 'SELECT COUNT(*) AS ^"number of children" FROM child_year'),
    Case(C.LABEL_INVALID, f"SELECT COUNT(*) AS ^n{'n' * 50} FROM child_year"),
    Case(C.LABEL_INVALID, "SELECT COUNT(*) AS ^B801200005001 FROM child_year", "seven figures"),
    Case(C.LABEL_REPEATED, "SELECT COUNT(*) AS n, ^COUNT(DISTINCT child) AS N FROM child_year"),
    Case(C.LABEL_REPEATED, "SELECT ^COUNT(*) AS home_authority FROM child_year"),
    Case(C.GROUPING_FORM, "SELECT sex, COUNT(*) FROM child_year GROUP BY ^3", "place"),
    Case(C.GROUPING_FORM, "SELECT sex, COUNT(*) FROM child_year GROUP BY ^2", "place"),
    Case(C.GROUPING_FORM, "SELECT sex, COUNT(*) FROM child_year ^GROUP BY ALL", "ALL"),
    Case(C.GROUPING_FORM, totals("GROUPING SETS ((^sex), (uasc))"), "everything"),
    Case(C.GROUPING_FORM, f"SELECT COUNT(*) AS n, {DIMENSIONS} FROM child_year GROUP BY ^{DIMENSIONS}", "group by 12"),
    Case(C.GROUPING_FORM, totals("CUBE (^sex, uasc, age, need, population, key_stage)"), "64 grouping sets"),
    Case(C.GROUPING_FORM, totals("CUBE (sex, uasc, age), CUBE (^need, population, key_stage)"), "64 grouping sets"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN ^uasc THEN sex END"), "quotation marks"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN ^'Total' END"), "totals"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN ^'' END"), "names"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN ^'<b>' ELSE ';' END"), "names"),
    Case(C.GROUPING_FORM, grouped(f"CASE WHEN uasc THEN ^'{'n' * 51}' END"), "50 letters"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN ^'B801200005001' END"), "seven figures"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN 'no' ELSE ^8012000050 END"), "seven figures"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN ^uasc THEN 1 ELSE '1' END"), "of one kind"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN ^1.5 END"), "whole numbers"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN uasc THEN 'a' WHEN ^sex = 'M' THEN 'a' END"), "OR"),
    Case(C.GROUPING_FORM, grouped("CASE WHEN ^uasc THEN 'a' ELSE 'a' END"), "of its own"),
    Case(C.GROUPING_FORM, grouped("^BIN(age, 5)"), "one measure"),
    Case(C.GROUPING_FORM, grouped("^BIN(age)"), "no declared bins"),
    Case(C.GROUPING_FORM, grouped("^suspensions + 1"), "public categories"),
    Case(C.GROUPING_FORM, grouped("^1 + 1"), "one or two columns"),
    Case(C.GROUPING_FORM, grouped("^age * academic_year + age_at_entry"), "one or two columns"),
    Case(C.GROUPING_FORM, grouped("^age * age_at_entry"), "values"),
    Case(C.GROUPING_FORM, grouped("(^age - 10) // 5"), "negative"),
    Case(C.GROUPING_FORM, "SELECT sex AS a, CASE sex WHEN 'M' THEN 1 WHEN 'F' THEN 2 WHEN 'U' THEN 3 END AS b,"
         " COUNT(*) AS n FROM child_year GROUP BY a, b", "tell the same rows apart"),
    Case(C.GROUPING_FORM, grouped("^age * 1000 * 1000"), "1,000,000"),
    Case(C.GROUPING_FORM, grouped("^age" + " + 1" * 15), "more simply"),
    Case(C.DIVISION, grouped("^age // age_at_entry"), "constant"),
    Case(C.DIVISION, grouped("^age % 0"), "not 0"),
    Case(C.DIVISION, grouped("^age // (2 - 2)"), "constant"),
    Case(C.VIEW_FORM, viewed("HAVING ^sex = 'M'"), "WHERE"),
    Case(C.VIEW_FORM, viewed("HAVING ^SUM(suspensions) > 5"), "SELECT list"),
    Case(C.VIEW_FORM, viewed("HAVING n > ^n"), "number"),
    Case(C.VIEW_FORM, viewed("HAVING n > ^'5'"), "number"),
    Case(C.VIEW_FORM, viewed("ORDER BY ^suspensions"), "SELECT list"),
    Case(C.VIEW_FORM, viewed("ORDER BY ^child"), "SELECT list"),
    Case(C.VIEW_FORM, viewed("ORDER BY ^3"), "SELECT list"),
    Case(C.VIEW_FORM, viewed("LIMIT -^1"), "whole number"),
    Case(C.VIEW_FORM, viewed("LIMIT ^1000001"), "1,000,000"),
    Case(C.VIEW_FORM, viewed("LIMIT 1 OFFSET ^1.5"), "whole number"),
    Case(C.MEASURE_GROUPED, "SELECT ^sdq_score, COUNT(*) FROM child_year GROUP BY sdq_score", "BIN(...)"),
    Case(C.UNGROUPED_COLUMN, "SELECT ^sex, COUNT(*) FROM child_year", "GROUP BY"),
    Case(C.GROUP_NOT_SELECTED, "SELECT COUNT(*) FROM child_year GROUP BY ^sex", "SELECT list"),
    Case(C.KEY_MISUSED, where("^child = '0'")),
    Case(C.KEY_MISUSED, "SELECT ^child, COUNT(*) FROM child_year GROUP BY child"),
    Case(C.KEY_MISUSED, "SELECT COUNT(*) FROM child_year GROUP BY ^child"),
    Case(C.KEY_MISUSED, select("SUM(^child) AS x")),
    Case(C.KEY_MISUSED, select("COUNT(^child) AS x")),
    Case(C.KEY_MISUSED, where("^child IS NULL")),
    Case(C.AUTHORITY_COLUMN, where("^home_authority = '301'"), "roster"),
    Case(C.AUTHORITY_COLUMN, "SELECT COUNT(*) FROM pupil_year WHERE ^host_authority IN ('301')", "roster"),
    Case(C.AUTHORITY_COLUMN, select("COUNT(*) FILTER (WHERE ^home_authority = '301') AS x"), "roster"),
    Case(C.AUTHORITY_COLUMN, "SELECT host_authority, COUNT(*) FROM pupil_year GROUP BY CUBE (^host_authority)", "No"),
    Case(C.AUTHORITY_COLUMN, "SELECT ^home_authority AS la, COUNT(*) FROM child_year GROUP BY home_authority", "name"),
    Case(C.MEASURE_FORM, select("SUM(^sex) AS x"), "categories"),
    Case(C.MEASURE_FORM, select("SUM(CASE WHEN ^uasc THEN 1 END) AS x"), "ELSE 0"),
    Case(C.MEASURE_FORM, select("SUM(^suspensions * sdq_score * age) AS x"), "two columns"),
    Case(C.MEASURE_FORM, select("^WEIGHTED_AVG(suspensions) AS x"), "weight"),
    Case(C.MEASURE_FORM, select("CORR(suspensions, CASE WHEN ^uasc THEN sdq_score END) AS x"), "ELSE 0"),
    Case(C.MEASURE_FORM, select("MEDIAN(^uasc) AS x"), "AVG"),
    Case(C.MEASURE_FORM, select("QUANTILE_DISC(^suspensions, 1) AS x"), "between 0 and 1"),
    Case(C.MEASURE_FORM, select("QUANTILE_DISC(^suspensions, 0.0) AS x"), "between 0 and 1"),
    Case(C.MEASURE_FORM, select("QUANTILE_DISC(^suspensions, 1e-9) AS x"), "between 0 and 1"),
    Case(C.MEASURE_FORM, select("QUANTILE_DISC(^suspensions, [0.1, 0.9]) AS x"), "between 0 and 1"),
    Case(C.MEASURE_FORM, select("PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY ^suspensions DESC) AS x"), "DESC"),
    Case(C.MEASURE_FORM, select("SUM(CASE WHEN ^uasc THEN 2 ELSE 0 END) AS x")),
    Case(C.PREDICATE_FORM, where("^1 = 1")),
    Case(C.PREDICATE_FORM, where("^TRUE")),
    Case(C.PREDICATE_FORM, where("^suspensions")),
    Case(C.PREDICATE_FORM, where("home_region = ^host_region"), "another column"),
    Case(C.PREDICATE_FORM, where("^uasc IS TRUE"), "IS goes with NULL"),
    Case(C.NULL_COMPARISON, where("sex = ^NULL"), "IS NULL"),
    Case(C.NOT_ORDERED, where("^sex < 'M'"), "IN"),
    Case(C.NOT_ORDERED, where("^period_of_care_length BETWEEN 'under_12_months' AND 'over_71_months'")),
    Case(C.LITERAL_TYPE, where("sex = ^1"), "quotation marks"),
    Case(C.LITERAL_TYPE, where("age = ^'4'"), "whole number"),
    Case(C.LITERAL_TYPE, where("age = ^4.5"), "whole number"),
    Case(C.LITERAL_TYPE, where("age = ^4e0"), "whole number"),
    Case(C.LITERAL_TYPE, where("uasc = ^1"), "TRUE or FALSE"),
    Case(C.LITERAL_OUTSIDE_DOMAIN, where("sex = ^'B801200005001'"), "M, F, U"),
    Case(C.LITERAL_OUTSIDE_DOMAIN, where("host_authority = ^'999'"), "153"),
    Case(C.LITERAL_OUTSIDE_DOMAIN, where("sdq_score > ^41"), "between 0 and 40"),
    Case(C.LITERAL_OUTSIDE_DOMAIN, where("suspensions = -^1")),
    Case(C.LITERAL_OUTSIDE_DOMAIN, where("attendance_rate > ^0.90001"), "4 decimal places"),
    Case(C.LITERAL_OUTSIDE_DOMAIN, where("academic_year = ^2024")),
    Case(C.LIST_TOO_LONG, where(f"^age IN ({', '.join(['4'] * (LIST_LIMIT + 1))})")),
    Case(C.EXPRESSION, where("^age IN ()")),
    Case(C.TOO_MANY_TERMS, where("^" + " OR ".join(["uasc"] * (TERM_LIMIT + 2)))),
    Case(C.FILTER_TANGLED, where(TANGLED), "fewer ORs"),
    Case(C.CONSTANT_CONDITION, where("sex = 'M' AND sex = 'F'"), "WHERE"),
    Case(C.CONSTANT_CONDITION, males("COUNT(*) FILTER (WHERE sex = 'F') AS f"), "no row"),
    Case(C.CONSTANT_CONDITION, males("COUNT(*) FILTER (WHERE sex = 'M') AS m"), "every row"),
    Case(C.CONSTANT_CONDITION, males("SUM(suspensions) FILTER (WHERE sex <> 'M') AS f"), "no row"),
    Case(C.CONSTANT_CONDITION, "SELECT MEDIAN(suspensions) AS m FROM child_year WHERE suspensions = 1", "one bin"),
    Case(C.FILTER_TANGLED, select(f"SUM(suspensions) FILTER (WHERE {TANGLED}) AS x"), "fewer ORs"),
    Case(C.FILTER_TANGLED, grouped(f"CASE WHEN {TANGLED} THEN 1 END"), "fewer ORs"),
    Case(C.MODEL_FORM, "SELECT FIT_LINEAR(placements, age) AS m FROM child_year WHERE age IN (15, 16)", "FACTOR(age)"),
    Case(C.MODEL_FORM, "SELECT FIT_LINEAR(placements, age) AS m FROM child_year WHERE year_group = 10", "FACTOR(age)"),
    Case(C.MODEL_FORM, "SELECT FIT_LINEAR(age, sex) AS m FROM child_year WHERE age >= 24", "shares"),
    Case(C.VALUES_APART, select("AVG(academic_year) AS x"), "count the rows"),
    Case(C.VALUES_APART, where("suspensions IN (0, 60)").replace("COUNT(*)", "AVG(suspensions)"), "suspensions"),
    Case(C.VALUES_APART, select("VAR_POP(sdq_score) FILTER (WHERE sdq_score IN (0, 2, 40)) AS x"), "sdq_score"),
    Case(C.VALUES_APART, select("SUM(attendance_rate * age) FILTER (WHERE age IN (4, 15)) AS x"), "age"),
    Case(C.TOO_WIDE, "SELECT VAR_SAMP(cost * cost) AS v FROM support", "64 bits"),
    Case(C.TOO_MANY_CELLS, totals("CUBE (sex, uasc, population)").replace(", age, need", "").replace(
        "key_stage,", ", ".join(f"CORR(suspensions, {m}) AS r_{m}," for m in FIGURES[-18:])), "grouping sets"),
    Case(C.TOO_MANY_CELLS, "SELECT host_authority, " + ", ".join(f"AVG({m}) AS mean_{m}" for m in FIGURES)
         + ", age, COUNT(*) AS n FROM child_year GROUP BY host_authority, age", "figures"),
    Case(
        C.TOO_MANY_CELLS,
        "SELECT host_authority, age, need, COUNT(*) FROM child_year GROUP BY host_authority, age, need",
        "fewer columns",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_query_is_refused(case: Case, catalogue: Catalogue) -> None:
    """The code, the place and the advice are right."""
    with pytest.raises(QueryRefused) as refused:
        plan_query(parse_query(case.sql, catalogue), catalogue)
    assert (refused.value.code, refused.value.at) == (case.code, case.at)
    assert case.reason in refused.value.text
    assert refused.value.text.endswith((".", "?"))


def test_a_parser_out_of_depth_is_a_refusal(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a form of nesting slip past the limit, the parser's own exhaustion is caught."""

    def exhausted(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("query_engine.language.parser.parse_sql", exhausted)
    with pytest.raises(QueryRefused) as refused:
        parse_query("SELECT COUNT(*) FROM child_year", catalogue)
    assert refused.value.code == RefusalCode.TOO_DEEP


@pytest.mark.parametrize("ending", [";", " ;\n", ";;"])
def test_a_semicolon_at_the_end_is_harmless(ending: str, catalogue: Catalogue) -> None:
    """One statement is one statement, however it ends."""
    sql = "SELECT COUNT(*) FROM child_year"
    assert parse_query(sql + ending, catalogue) == parse_query(sql, catalogue)


def test_every_code_has_a_case() -> None:
    """A code without a case may be one that cannot happen."""
    # Those of whole plans: see test_methodology.py, test_query_commands.py and test_paths.py.
    of_plans = {C.METHODOLOGY, C.CELL_KEYS, *(each for each in RefusalCode if each.startswith("path_"))}
    assert {case.code for case in CASES} == set(RefusalCode) - of_plans


def test_every_code_says_what_it_means() -> None:
    """Codes are documented where they are defined, each once."""
    meanings = [code.meaning for code in RefusalCode]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)


UPN = "B801200005001"
SMUGGLED = (
    where(f"sex = '{UPN}'"),
    where(f"{UPN} = 'M'"),
    where(f"child = '{UPN}'"),
    where(f"sex IN ('M', '{UPN}')"),
    where(f"suspensions < {UPN[1:]}"),
    where(f"'{UPN}' = '{UPN}'"),
    f'SELECT COUNT(*) AS "{UPN} " FROM child_year',
    f"SELECT COUNT(*) FROM {UPN}",
    f"SELECT {UPN}(sex) FROM child_year",
    f"SELECT COUNT(*) FROM child_year GROUP BY {UPN}",
    f"{UPN}",
    f"SELECT COUNT(*) FROM child_year -- {UPN}",
    f"SELECT COUNT(*) FROM child_year WHERE ({UPN} {UPN} {UPN})",
    f"SELECT COUNT(*) FROM child_year WHERE '{UPN}",
)


@pytest.mark.parametrize("sql", SMUGGLED)
def test_a_refusal_never_repeats_the_text(sql: str, catalogue: Catalogue) -> None:
    """An identifier typed into a query does not reach a log by way of the refusal."""
    with pytest.raises(QueryRefused) as refused:
        parse_query(sql, catalogue)
    assert UPN[1:].lower() not in str(refused.value.to_json()).lower()
    assert refused.value.__cause__ is None
