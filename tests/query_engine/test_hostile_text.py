"""Hostile text: everything in the corpus is refused, and no text whatever ends in anything but a query or a refusal."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.language.parser import parse_query
from query_engine.language.text import TEXT_LIMIT
from query_engine.planning.planner import WORK_LIMIT, plan_query
from query_engine.planning.region import SIZE_LIMIT
from query_engine.query.model import AggregateQuery
from query_engine.refusal import QueryRefused, RefusalCode
from query_engine.rendering.plans import render_plan
from tests.query_engine import strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.fuzzing import WORDS, check_text
from tests.query_engine.golden_files import ATTACKS, Attack, golden_texts, read_attacks
from tests.query_engine.spelling import spell

COLUMNS = load_catalogue().table("child_year").columns.values()
FLAGS = sorted(column.name for column in COLUMNS if column.role == "flag")
AMOUNTS = sorted(column.name for column in COLUMNS if column.role == "measure")[:9]

GENERATED = {
    "a million brackets": "SELECT COUNT(*) FROM child_year WHERE " + "(" * 1_000_000,
    "brackets to the limit of the text": "SELECT COUNT(*) FROM child_year WHERE " + "(" * (TEXT_LIMIT - 40),
    "NOT to the limit of the text": "SELECT COUNT(*) FROM child_year WHERE " + "NOT " * 2400 + "uasc",
    "CASE within CASE": "SELECT SUM(" + "CASE WHEN " * 900 + "uasc" + " THEN 1 ELSE 0 END" * 400 + ") FROM child_year",
    "minus signs": "SELECT COUNT(*) FROM child_year WHERE age = " + "- " * 4000 + "1",
    "a chain of comparisons": "SELECT COUNT(*) FROM child_year WHERE " + "uasc = " * 1400 + "TRUE",
    "a chain of casts": "SELECT COUNT(*) FROM child_year WHERE age" + "::INT" * 1900 + " = 1",
    "a chain of dots": "SELECT COUNT(*) FROM child_year WHERE " + "a." * 4000 + "a = 1",
    "a chain of OR": "SELECT COUNT(*) FROM child_year WHERE " + " OR ".join(["uasc"] * 1200),
    "a chain of UNION": "SELECT COUNT(*) FROM child_year" + " UNION SELECT 1" * 600,
    "a huge IN list": "SELECT COUNT(*) FROM child_year WHERE age IN (" + "4," * 4900 + "4)",
    "a ROLLUP of 2,000": "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY ROLLUP (" + "sex, " * 1900 + "sex)",
    "grouping sets multiplied": "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY "
    + ", ".join(["GROUPING SETS (" + "(sex), " * 30 + "(sex))"] * 20),
    "CUBE upon CUBE": "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY " + ", ".join(["CUBE (sex, uasc)"] * 400),
    "CASE times CUBE times correlations": "SELECT COUNT(*) AS n, "
    + ", ".join(f"CASE WHEN age = {place} THEN 1 END AS g{place}" for place in range(5))
    + "".join(f", CORR({one}, {other}) AS {one}_{other}" for one, other in combinations(AMOUNTS, 2))
    + " FROM child_year GROUP BY CUBE (g0, g1, g2, g3, g4)",
    "a hundred branches upon a hundred": "SELECT COUNT(*) AS n, CASE "
    + " ".join(f"WHEN months_in_care < {place} OR suspensions < {place % 60} THEN {place}" for place in range(1, 120))
    + " END AS g FROM child_year GROUP BY g",
    "arithmetic without end": "SELECT COUNT(*) AS n, age" + " + 1" * 2400 + " AS g FROM child_year GROUP BY g",
    "products without end": "SELECT SUM(age" + " * age" * 1500 + ") AS x FROM child_year",
    "powers of ten": "SELECT COUNT(*) AS n, age" + " * 999999" * 12 + " AS g FROM child_year GROUP BY g",
    "every mixture of three columns": "SELECT COUNT(*) AS n, age * age_at_entry * year_group AS g FROM child_year "
    "GROUP BY g",
    "pairs that hold each other up": "SELECT COUNT(*) AS n FROM child_year WHERE "
    + " AND ".join(f"({one} OR {other})" for one, other in zip(FLAGS[::2], FLAGS[1::2], strict=False)),
    "arithmetic grouped forty times": "SELECT COUNT(*) AS n, "
    + ", ".join(f"(age + year_group) % {place + 2} AS g{place}" for place in range(40))
    + " FROM child_year GROUP BY "
    + ", ".join(f"g{place}" for place in range(40)),
    "names that are nearly right": "SELECT COUNT(*) AS n FROM child_year WHERE " + "e" * 9_900 + " = 1",
    "semicolons": "SELECT COUNT(*) FROM child_year" + ";" * 4000 + "SELECT 1",
    "a number of 9,000 figures": "SELECT COUNT(*) FROM child_year WHERE age = " + "1" * 9000,
    "full-width letters": "\uff33\uff25\uff2c\uff25\uff23\uff34 COUNT(*) FROM child_year",
    "a Kelvin sign for K": "SELECT COUNT(*) FROM child_year WHERE \u212aey_stage = 'post_16'",
    "a right-to-left override": "SELECT COUNT(*) FROM child_year WHERE sex = '\u202eM'",
    "a no-break space": "SELECT\u00a0COUNT(*) FROM child_year",
    "a null character": "SELECT COUNT(*) FROM child_year\x00; DROP TABLE child_year",
    "an escape sequence": "SELECT COUNT(*) FROM child_year\x1b[2J",
    "a backspace": "SELECT COUNT(*) FROM pupil_year\x08",
}


def refuse(sql: str, catalogue: Catalogue) -> QueryRefused:
    with pytest.raises(QueryRefused) as refused:
        plan_query(parse_query(sql, catalogue), catalogue)
    return refused.value


@pytest.mark.parametrize("attack", [each for name in ATTACKS for each in read_attacks(name)], ids=str)
def test_the_attack_is_refused(attack: Attack, catalogue: Catalogue) -> None:
    """The corpus of texts that try to reach past the governed tables, or past what may be asked of them."""
    assert refuse(attack.statement, catalogue).code == attack.code


@pytest.mark.parametrize("second", ["DROP TABLE child_year", "SELECT 1", "COMMIT", "ATTACH 'x'", "SET threads = 9"])
@pytest.mark.parametrize("between", [";", ";;", " ; ", ";\n"])
def test_a_second_statement_is_refused(second: str, between: str, catalogue: Catalogue) -> None:
    """Whatever the second statement is, it is not even parsed."""
    refused = refuse(f"SELECT COUNT(*) FROM child_year{between}{second}", catalogue)
    assert refused.code == RefusalCode.SEVERAL_STATEMENTS


@pytest.mark.parametrize("sql", GENERATED.values(), ids=GENERATED.keys())
def test_the_generated_attack_is_refused(sql: str, catalogue: Catalogue) -> None:
    """Texts made to exhaust the parser, or to look like what they are not."""
    refuse(sql, catalogue)


HEAVY = {
    "a hundred branches": "SELECT COUNT(*) AS n, CASE "
    + " ".join(f"WHEN age = {place % 26} AND suspensions = {place % 60} THEN {place}" for place in range(100))
    + " END AS g FROM child_year GROUP BY g",
    "correlations with filters": "SELECT "
    + ", ".join(f"CORR({one}, {other}) FILTER (WHERE uasc OR age = 4) AS {one}" for one, other in pairwise(AMOUNTS))
    + " FROM child_year",
    "a CUBE of tangled cases": "SELECT COUNT(*) AS n, "
    + ", ".join(f"CASE WHEN ({' OR '.join(FLAGS[:3])}) AND age = {place} THEN 1 END AS g{place}" for place in range(5))
    + " FROM child_year GROUP BY CUBE (g0, g1, g2, g3, g4)",
    "a condition just short of tangled": "SELECT COUNT(*) AS n FROM child_year WHERE "
    + " AND ".join(f"({one} OR {other})" for one, other in zip(FLAGS[:14:2], FLAGS[1:14:2], strict=True)),
}


@pytest.mark.parametrize("sql", HEAVY.values(), ids=HEAVY.keys())
def test_the_heaviest_plans_are_rendered_in_bounds(sql: str, catalogue: Catalogue) -> None:
    """What the limits let through: regions within their limit, and no more text for an engine than it can take."""
    plan = plan_query(parse_query(sql, catalogue), catalogue)
    regions = [plan.where, *(each.measure.where for each in plan.statistics if each.measure)]
    regions += [region for each in plan.dimensions for region in each.regions]
    assert all(isinstance(region, bool) or region.size <= SIZE_LIMIT for region in regions)
    assert len(plan.statistics) * len(plan.sets) <= WORK_LIMIT
    assert len(render_plan(plan)) < 1_000_000


soup = st.lists(st.sampled_from(WORDS), max_size=30).map(lambda words: " ".join(["SELECT", *words]))


@settings(max_examples=examples(150), derandomize=True, deadline=None)
@given(sql=st.text() | soup)
def test_any_text_gives_a_query_or_a_refusal(sql: str, catalogue: Catalogue) -> None:
    """No text ends in an exception of the parser's, nor in a place outside the text."""
    check_text(sql, catalogue)


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(query=strategies.queries(), edits=st.lists(st.tuples(st.integers(0, 400), st.sampled_from(WORDS)), max_size=3))
def test_a_query_with_words_put_in_gives_a_query_or_a_refusal(
    query: AggregateQuery, edits: list[tuple[int, str]], catalogue: Catalogue
) -> None:
    """Good queries, damaged: the near misses that soup of words seldom finds."""
    sql = spell(query, catalogue.table(strategies.TABLE))
    for place, word in edits:
        sql = f"{sql[:place]} {word} {sql[place:]}"
    check_text(sql, catalogue)


GOLDEN = golden_texts()


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A golden statement cut, doubled, crossed with another, and with words put in or characters changed."""
    sql = draw(st.sampled_from(GOLDEN))
    for change in draw(st.lists(st.sampled_from(["cut", "double", "cross", "word", "character"]), max_size=4)):
        first, last = sorted(draw(st.tuples(st.integers(0, len(sql)), st.integers(0, len(sql)))))
        match change:
            case "cut":
                sql = sql[:first] + sql[last:]
            case "double":
                sql = sql[:last] + sql[first:]
            case "cross":
                other = draw(st.sampled_from(GOLDEN))
                sql = sql[:first] + other[draw(st.integers(0, len(other))) :]
            case "word":
                sql = f"{sql[:first]} {draw(st.sampled_from(WORDS))} {sql[first:]}"
            case _:
                sql = sql[:first] + chr(draw(st.integers(32, 126))) + sql[first + 1 :]
    return sql


@settings(max_examples=examples(300), derandomize=True, deadline=None)
@given(sql=mutations())
def test_a_golden_statement_damaged_gives_a_plan_or_a_refusal(sql: str, catalogue: Catalogue) -> None:
    """What the fuzzer does for hours, for a moment: `make fuzz` goes on from here, led by coverage."""
    check_text(sql, catalogue)
