"""Asking a question on the hub's pages: checked field by field, refused at its place, planned, and drafted."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from hub.pages.draft_form import EXAMPLE, DraftForm, describe_refusal, read_form
from hub.projects import keep_project
from hub.queries import find_query
from query_engine.question import read_question
from query_engine.refusal import QueryRefused, RefusalCode
from tests.added_presets import STRICT, write_strict
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.page_reader import read_page
from tests.hub.played_federation import SQL, PlayedFederation
from tests.projects import make_project

GOOD = {
    "project": "attendance",
    "purpose": "How attendance differs by key stage",
    "academic_year": "202425",
    "preset": "ons_10_5",
    "path": "per_authority",
    "sql": SQL,
}


def drafted(federation: PlayedFederation) -> int:
    """How many queries there are."""
    found = federation.hub.database.connection.execute("SELECT count(*) FROM queries").fetchone()
    return int(found[0])


def main_text(html: str) -> str:
    """The text of a page's main part, with single spaces."""
    return " ".join(read_page(html).all("main")[0].text.split())


def test_a_good_question_is_planned_before_anything_is_drafted(
    browse: Browse, send: Send, federation: PlayedFederation
) -> None:
    answer = send(browse("ana"), "/queries/new", {**GOOD, "step": "check"})
    text = main_text(answer.text)
    assert answer.status_code == 200
    assert "3 authorities, which is every active node: 21 rows in all" in text
    assert "7 for each authority" in text
    assert "Warnings none" in text
    assert read_question(SQL).plan.plan_id in text
    assert drafted(federation) == 0


def test_what_a_statistician_would_warn_of_is_shown(browse: Browse, send: Send) -> None:
    sql = "SELECT COUNT(*) AS n FROM child_year"
    text = main_text(send(browse("ana"), "/queries/new", {**GOOD, "sql": sql}).text)
    expected = read_question(sql).cautions
    assert len(expected) == 3
    assert all(caution.text in text and f"({caution.source})" in text for caution in expected)
    assert "Warnings 3" in text


YEAR_ON_YEAR = """SELECT academic_year, AVG(attainment8) AS attainment8 FROM child_year
WHERE academic_year BETWEEN 202324 AND 202425 AND counted_here GROUP BY academic_year"""


@pytest.mark.parametrize("step", ["check", "draft"])
def test_what_a_methodology_guard_refuses_is_not_drafted(
    browse: Browse, send: Send, federation: PlayedFederation, step: str
) -> None:
    """The page names the rule, its recommendation and the question that would be sound."""
    answer = send(browse("ana"), "/queries/new", {**GOOD, "sql": YEAR_ON_YEAR, "step": step})
    text = main_text(answer.text)
    assert answer.status_code == 422
    assert "(year_on_year, recommendation 2)" in text
    assert "Instead: pool the years" in text
    assert "Code methodology" in text
    assert drafted(federation) == 0


def test_a_warning_comes_with_what_would_be_sound(browse: Browse, send: Send) -> None:
    sql = SQL.replace("AVG(attendance_rate)", "SUM(suspensions)")
    text = main_text(send(browse("ana"), "/queries/new", {**GOOD, "sql": sql}).text)
    assert "(time_out_of_learning, recommendation 12)" in text
    assert "Add AVG(days_out_of_learning), from child_year or pupil_year" in text


def test_a_table_that_would_mostly_be_withheld_comes_with_rewrites(browse: Browse, send: Send) -> None:
    """Of those that a manifest can hold: it is about one academic year, so none pools years."""
    sql = SQL.replace("key_stage", "age, need").replace("attendance_rate", "uasc")
    text = main_text(send(browse("ana"), "/queries/new", {**GOOD, "sql": sql}).text)
    assert "Most of this table would be withheld" in text
    assert "% withheld" in text
    assert "pool three years" not in text


def test_what_would_be_withheld_in_any_case_is_said_with_what_to_ask(browse: Browse, send: Send) -> None:
    """Of rows: a total with noise withholds nothing."""
    sql = SQL.replace("AVG(attendance_rate)", "AVG(age)").replace("WHERE", "WHERE age IN (15, 16) AND")
    for path, is_said in (("per_authority", True), ("noisy_sum", False)):
        text = main_text(send(browse("ana"), "/queries/new", {**GOOD, "path": path, "sql": sql}).text)
        assert "The plan" in text
        assert ("Some of this table would be withheld in any case" in text) == is_said
        assert ("it would count who has each: ask for counts instead." in text) == is_said


def test_a_table_that_is_mostly_shown_comes_without_rewrites(browse: Browse, send: Send) -> None:
    text = main_text(send(browse("ana"), "/queries/new", GOOD).text)
    assert "of the figures withheld in the middling authority, under ons_10_5" in text
    assert "Most of this table" not in text


def test_the_view_is_shown_beside_the_plan(browse: Browse, send: Send) -> None:
    text = main_text(send(browse("ana"), "/queries/new", {**GOOD, "sql": SQL + " HAVING children > 20"}).text)
    assert "rows where children > 20; a row whose figure is withheld is kept" in text


def test_a_draft_says_what_makes_it_a_submission(browse: Browse, send: Send, federation: PlayedFederation) -> None:
    """The page collects no signature: it shows the command by which the asker signs on their own machine."""
    ana = browse("ana")
    answer = send(ana, "/queries/new", {**GOOD, "step": "draft"})
    assert answer.status_code == 303
    query_id = answer.headers["Location"].rpartition("/")[2]
    stored = find_query(federation.hub, query_id, federation.member("ana"))
    assert (stored.state, stored.envelope.signers) == ("drafted", ())
    assert (stored.manifest.sql, stored.manifest.purpose) == (SQL, GOOD["purpose"])
    assert stored.manifest.expires_at - stored.manifest.issued_at == timedelta(days=7)
    text = main_text(ana.get(answer.headers["Location"]).text)
    assert "Not submitted yet" in text
    assert f"circe query sign --state YOUR-DIRECTORY {query_id}" in text


def test_the_reviewed_fields_are_what_is_drafted(browse: Browse, send: Send, federation: PlayedFederation) -> None:
    """The second step sends what the first one showed, byte for byte, however the browser ends its lines."""
    ana = browse("ana")
    review = read_page(send(ana, "/queries/new", {**GOOD, "sql": SQL.replace("\n", "\r\n")}).text)
    fields = {field.attributes["name"]: field.attributes["value"] for field in review.all("input")}
    fields = {name: value.replace("\n", "\r\n") for name, value in fields.items() if name != "form_token"}
    answer = send(ana, "/queries/new", {**fields, "step": "draft"})
    query_id = answer.headers["Location"].rpartition("/")[2]
    assert find_query(federation.hub, query_id, federation.member("ana")).manifest.sql == SQL


def test_something_can_be_changed_after_the_review(browse: Browse, send: Send) -> None:
    page = read_page(send(browse("ana"), "/queries/new", {**GOOD, "step": "edit"}).text)
    assert [area.text.strip() for area in page.all("textarea")] == [GOOD["purpose"], SQL]
    assert not [element for element in page.elements if element.attributes.get("class") == "govuk-error-summary"]


def test_a_refused_query_is_shown_at_its_place(browse: Browse, send: Send, federation: PlayedFederation) -> None:
    """The line, a caret under the place, line and column in words, and the code."""
    sql = "SELECT COUNT(*) AS n\nFROM child_year\nWHERE sexx = 'F'"
    answer = send(browse("ana"), "/queries/new", {**GOOD, "sql": sql, "step": "draft"})
    page = read_page(answer.text)
    shown = next(each for each in page.all("pre") if "refusal" in each.attributes["class"])
    assert answer.status_code == 422
    assert shown.text == "WHERE sexx = 'F'\n      ^"
    assert "Line 3, column 7. Code unknown_column" in main_text(answer.text)
    assert drafted(federation) == 0


def test_a_query_that_is_refused_as_a_whole_has_no_caret(browse: Browse, send: Send) -> None:
    sql = "SELECT age, age_at_entry, home_region, host_region, need, COUNT(*) AS n FROM child_year GROUP BY ALL"
    sql = sql.replace("GROUP BY ALL", "GROUP BY age, age_at_entry, home_region, host_region, need")
    answer = send(browse("ana"), "/queries/new", {**GOOD, "sql": sql})
    assert answer.status_code == 422
    assert "Code too_many_cells" in main_text(answer.text)
    assert "refusal" not in [each.attributes.get("class") for each in read_page(answer.text).all("pre")]


def test_the_caret_stays_under_its_place_in_a_long_line() -> None:
    sql = "SELECT " + "COUNT(*) AS n, " * 40 + "sexx FROM child_year"
    column = sql.index("sexx") + 1
    refusal = describe_refusal(sql, QueryRefused(RefusalCode.UNKNOWN_COLUMN, "No such column.", (1, column)))
    assert refusal.shown[refusal.caret.index("^") :].startswith("sexx")
    assert len(refusal.shown) <= 100


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"project": ""}, "project", "Choose a project"),
        ({"project": "another"}, "project", "Choose a project"),
        ({"purpose": "  \n "}, "purpose", "Say what the question is for"),
        ({"purpose": "x" * 1001}, "purpose", "Shorten this to 1,000 characters; it has 1,001"),
        ({"purpose": "About pupil A123456789012"}, "purpose", "pupil number"),
        ({"purpose": "Right\u202eto left"}, "purpose", "control character"),
        ({"academic_year": ""}, "academic_year", "Choose an academic year"),
        ({"academic_year": "199900"}, "academic_year", "Choose an academic year"),
        ({"preset": ""}, "preset", "Choose how the table is protected"),
        ({"preset": "opensafely"}, "preset", "Releases of this project are protected by ons_10_5"),
        ({"sql": ""}, "sql", "Write the question in SQL"),
        ({"sql": "x" * 10_001}, "sql", "Shorten this to 10,000 characters"),
        ({"sql": "DROP TABLE child_year"}, "sql", "The query is refused: A query begins with SELECT"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("step", ["check", "draft"])
def test_what_is_wrong_is_said_beside_its_field(
    browse: Browse,
    send: Send,
    federation: PlayedFederation,
    step: str,
    changed: Mapping[str, str],
    field: str,
    said: str,
) -> None:
    """Nothing is drafted, and nothing that was typed is lost."""
    answer = send(browse("ana"), "/queries/new", {**GOOD, **changed, "step": step})
    page = read_page(answer.text)
    (error,) = [element for element in page.elements if element.attributes.get("id") == f"{field}-error"]
    assert answer.status_code == 422
    assert said in error.text
    assert drafted(federation) == 0
    if field != "sql":
        assert page.all("textarea")[1].text.strip() == SQL


def test_a_purpose_is_one_line_however_it_was_typed() -> None:
    assert read_form({"purpose": " One\r\n  line \n of it "}).purpose == "One line of it"


def test_the_example_on_the_page_can_be_asked_as_it_stands() -> None:
    assert read_question(EXAMPLE).cautions == ()


def test_what_leaves_no_choice_is_chosen(browse: Browse, federation: PlayedFederation) -> None:
    """One project with one preset is chosen already; of two, neither is. The noised sum is, which shows least."""
    page = read_page(browse("ana").get("/queries/new").text)
    chosen = [each.attributes["value"] for each in page.all("input") if "checked" in each.attributes]
    assert chosen == ["attendance", "ons_10_5", "noisy_sum"]
    keep_project(federation.hub, make_project("second", ["ana"], ["opensafely"]))
    page = read_page(browse("ana").get("/queries/new").text)
    assert [each.attributes["value"] for each in page.all("input") if "checked" in each.attributes] == ["noisy_sum"]


def test_a_preset_that_does_not_exist_is_no_choice(browse: Browse, federation: PlayedFederation) -> None:
    """One that was taken away after the project was opened does not take the form away."""
    path = write_strict(federation.hub.party.directory)
    keep_project(federation.hub, make_project("attendance", ["ana"], ["ons_10_5", STRICT]))
    path.unlink()
    assert browse("ana").get("/queries/new").status_code == 200


def test_a_member_of_no_project_is_told_what_to_do(browse: Browse) -> None:
    text = main_text(browse("bea").get("/queries/new").text)
    assert "You belong to no project yet" in text
    assert "Check the question" not in text


def test_a_project_is_checked_again_when_the_query_is_drafted(
    browse: Browse, send: Send, federation: PlayedFederation
) -> None:
    """An analyst outside the project cannot draft in it, whatever the form says."""
    assert send(browse("bea"), "/queries/new", {**GOOD, "step": "draft"}, shown="/").status_code == 422
    assert send(browse("cho"), "/queries/new", {**GOOD, "step": "draft"}, shown="/").status_code == 403
    assert drafted(federation) == 0


def test_a_draft_asks_every_active_node() -> None:
    assert DraftForm(**GOOD).to_draft().roster is None
