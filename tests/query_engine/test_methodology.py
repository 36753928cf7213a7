"""The methodology guards: every rule with questions that it stops or warns of, and with questions that it lets pass."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from federation.demo import QUESTION as DEMO
from hub.pages.draft_form import EXAMPLE
from query_engine.catalogue import Catalogue
from query_engine.language.parser import parse_query
from query_engine.methodology.asked import MEANINGS, level_of
from query_engine.methodology.cautions import cautions, check_methodology, find_cautions
from query_engine.methodology.guards import WORDS, Guard, GuardsInvalid, load_guards, parse_guards
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.question import read_question
from query_engine.refusal import QueryRefused
from tests.query_engine.golden_files import Block, read_blocks

THREE_YEARS = "counted_here AND academic_year BETWEEN 202223 AND 202425 AND population = 'looked_after'"
RULES = {each.name: each for each in load_guards().rules}


def read_cases(name: str) -> list[tuple[str, str]]:
    """The rule and the statement of each case of a golden file."""
    return [(block.title.split(":")[0], sql) for block in read_blocks(name) for sql in block.statements]


def fired(sql: str, catalogue: Catalogue, path: str = "per_authority") -> set[str]:
    """The names of the rules that a text calls for."""
    query = parse_query(sql, catalogue)
    plan = replace(plan_query(query, catalogue), path=path)  # type: ignore[arg-type]
    return {each.rule for each in find_cautions(plan, query.view)}


@pytest.mark.parametrize("guard", RULES.values(), ids=RULES)
def test_a_rule_fires_on_its_example(guard: Guard, catalogue: Catalogue) -> None:
    """What the file and the documents show as stopped is stopped."""
    assert guard.name in fired(guard.stopped, catalogue, guard.path)


@pytest.mark.parametrize("guard", RULES.values(), ids=RULES)
def test_the_sound_question_of_a_rule_passes(guard: Guard, catalogue: Catalogue) -> None:
    """By this rule, and no other refuses it: nobody is sent from one refusal to the next."""
    found = fired(guard.sound, catalogue, guard.path)
    assert guard.name not in found
    assert not {name for name in found if RULES[name].severity == "refuse"}


@pytest.mark.parametrize(("rule", "sql"), read_cases("methodology_fires.sql"))
def test_the_rule_fires(rule: str, sql: str, catalogue: Catalogue) -> None:
    """However the question is written."""
    assert rule in fired(sql, catalogue)


@pytest.mark.parametrize(("rule", "sql"), read_cases("methodology_silent.sql"))
def test_the_rule_is_silent(rule: str, sql: str, catalogue: Catalogue) -> None:
    """A question that the rule is not about is not nagged."""
    assert rule not in fired(sql, catalogue)


@pytest.mark.parametrize("guard", [each for each in RULES.values() if each.severity == "refuse"], ids=lambda g: g.name)
def test_a_rule_that_refuses_names_itself_and_what_is_sound(guard: Guard) -> None:
    with pytest.raises(QueryRefused) as refused:
        read_question(guard.stopped)
    assert refused.value.code == "methodology"
    assert f"({guard.name}, recommendation {guard.recommendation})" in refused.value.text
    assert all(change in refused.value.text for change in guard.instead)


@pytest.mark.parametrize("guard", [each for each in RULES.values() if each.severity == "warn"], ids=lambda g: g.name)
def test_a_rule_that_warns_refuses_nothing(guard: Guard, catalogue: Catalogue) -> None:
    query = parse_query(guard.stopped, catalogue)
    plan = replace(plan_query(query, catalogue), path=guard.path)  # type: ignore[arg-type]
    check_methodology(plan, query.view)
    found = next(each for each in cautions(plan, query.view) if each.rule == guard.name)
    assert found.to_json()["text"] == f"{found.text} Instead: {'; '.join(guard.instead)}."
    assert "{" not in found.text


def test_years_may_stand_side_by_side_for_the_nation(catalogue: Catalogue) -> None:
    """Recommendation 2 is about authorities and schools; a region is warned of, and the country has children enough."""
    nation = f"SELECT academic_year, AVG(attainment8) AS x FROM child_year WHERE {THREE_YEARS} GROUP BY 1"
    region = (
        f"SELECT home_region, academic_year, AVG(attainment8) AS x FROM child_year WHERE {THREE_YEARS} GROUP BY 1, 2"
    )
    host = (
        f"SELECT host_authority, academic_year, AVG(attainment8) AS x FROM child_year WHERE {THREE_YEARS} GROUP BY 1, 2"
    )
    rules = {"year_on_year", "year_on_year_region"}
    assert fired(nation, catalogue, "noisy_sum") & rules == set()
    assert fired(region, catalogue, "exact_sum") & rules == {"year_on_year_region"}
    assert fired(host, catalogue, "noisy_sum") & rules == {"year_on_year"}


def test_the_level_of_an_answer(plan_of: Callable[[str], QueryPlan]) -> None:
    plan = plan_of("SELECT home_region, COUNT(*) AS n FROM child_year GROUP BY home_region")
    summed = replace(plan, path="noisy_sum")
    assert (level_of(plan), level_of(summed), level_of(replace(summed, dimensions=()))) == (
        "authority",
        "region",
        "nation",
    )


def test_a_sound_question_has_no_warning(catalogue: Catalogue) -> None:
    """All rules at once."""
    sql = f"SELECT sex, COUNT(*) AS n FROM child_year WHERE {THREE_YEARS} GROUP BY sex"
    assert fired(sql, catalogue) == set()


def test_the_golden_cases_are_of_rules_that_exist() -> None:
    cases = read_cases("methodology_fires.sql") + read_cases("methodology_silent.sql")
    assert {rule for rule, _ in cases} <= set(RULES)
    assert len(cases) > 45


@pytest.mark.parametrize("block", read_blocks("same_question.sql"), ids=str)
def test_the_spelling_of_a_question_does_not_change_what_is_found(block: Block, catalogue: Catalogue) -> None:
    """Two spellings of one question, less their views, call for the same rules."""
    plans = [plan_query(parse_query(sql, catalogue), catalogue) for sql in block.statements]
    assert len({tuple(each.rule for each in find_cautions(plan)) for plan in plans}) == 1


@pytest.mark.parametrize("sql", [DEMO, EXAMPLE], ids=["demo", "the hub's example"])
def test_the_questions_that_circe_shows_are_sound(sql: str) -> None:
    """Newcomers copy them."""
    assert read_question(sql).cautions == ()


# --- The file, the code and the tests hold together ----------------------------------------------------------------


def test_every_word_has_a_meaning() -> None:
    assert set(MEANINGS) == set(WORDS)


def test_every_word_is_used_by_some_rule() -> None:
    used = {word for guard in RULES.values() for condition in (*guard.when, *guard.unless) for word in condition}
    assert used == set(WORDS)


def test_every_recommendation_that_is_about_method_has_a_rule() -> None:
    """Recommendations 2, 3, 4 and 13 of the paper, and 12 for time out of school."""
    assert {each.recommendation for each in RULES.values()} == {2, 3, 4, 12, 13, None}


def test_every_set_of_outcomes_is_used() -> None:
    used = {each["about"] for guard in RULES.values() for each in (*guard.when, *guard.unless) if "about" in each}
    assert used == set(load_guards().sets)


GOOD_FILE = """
[sets.some]
meaning = "m"
columns = ["attainment8"]
[[guards]]
name = "g"
title = "t"
severity = "warn"
when = [{ about = "some" }]
text = "t"
instead = ["i"]
stopped = "s"
sound = "s"
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("about =", "abuot =", "no such word: abuot"),
        ('about = "some"', 'about = "other"', "no such set: other"),
        ('about = "some"', 'uses = ["seks"]', "no such column: seks"),
        ('about = "some"', "keeps = { seks = [1] }", "no such column: seks"),
        ('about = "some"', 'tables = ["children"]', "no such table: children"),
        ("{ about = \"some\" }", "{ }", "always holds"),
        ("when = [{ about = \"some\" }]", "when = []", "must not be empty"),
        ('severity = "warn"', 'severity = "shout"', "severity"),
        ('severity = "warn"', 'severity = "warn"\nrecommendation = 19', "from 1 to 18"),
        ('title = "t"', 'titel = "t"', "titel, title"),
        ('columns = ["attainment8"]', 'columns = ["attainment9"]', "no such column: attainment9"),
        ('columns = ["attainment8"]', 'factors = ["attainment"]', "no such factor: attainment"),
        ('columns = ["attainment8"]', "columns = []", "has no column"),
        ("[[guards]]", "[[guards", "not TOML"),
    ],
)  # fmt: skip
def test_a_misspelt_file_is_refused(old: str, new: str, says: str, catalogue: Catalogue) -> None:
    """With the place and the word."""
    parse_guards(GOOD_FILE.encode(), catalogue)
    assert old in GOOD_FILE
    with pytest.raises(GuardsInvalid, match=says):
        parse_guards(GOOD_FILE.replace(old, new).encode(), catalogue)


def test_two_guards_of_one_name_are_refused(catalogue: Catalogue) -> None:
    twice = GOOD_FILE + GOOD_FILE[GOOD_FILE.index("[[guards]]") :]
    with pytest.raises(GuardsInvalid, match="one name"):
        parse_guards(twice.encode(), catalogue)
