"""The form of a question with its script: words are completed, a mistake is marked at its place, and the check comes by
itself; all by keyboard. And a query that is followed changes before one's eyes."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.looking import click_through, look_at
from tests.browser.test_hub_pages import Visit, visit
from tests.hub.made_up_copy import give_copy
from tests.hub.played_federation import SQL, PlayedFederation

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["visit"]

pytestmark = pytest.mark.browser

WRONG = SQL.replace("population = 'looked_after'", "populaton = 'looked_after'")


def write(page: "Page", text: str) -> None:
    """Type at the end of the question, key by key, as people do."""
    area = page.get_by_label("Question in SQL")
    area.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def test_words_are_completed_by_keyboard_alone(visit: Visit, width: str) -> None:
    """Of the table that is asked about; the list says how many fit, Escape closes it, and Tab goes on as ever."""
    page = visit("ana", "/queries/new")
    area = page.get_by_label("Question in SQL")
    area.fill("SELECT key_stage, COUNT(*) AS n FROM child_year WHERE ")
    write(page, "atten")
    options = page.locator("#sql-options [role=option]")
    assert options.first.locator("code").inner_text() == "attendance_rate"
    assert area.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowDown")
    assert area.get_attribute("aria-activedescendant") == "sql-option-0"
    assert options.first.get_attribute("aria-selected") == "true"
    look_at(page, "asking-completion", width)
    page.keyboard.press("Enter")
    assert area.input_value().endswith("WHERE attendance_rate")
    assert page.locator("#sql-options").is_hidden()

    write(page, " > 0.5 AND population = ")
    page.keyboard.press("Control+ ")
    assert options.first.locator("code").inner_text() == "'looked_after'"
    page.keyboard.press("Escape")
    assert page.locator("#sql-options").is_hidden()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") != "TEXTAREA"
    page.wait_for_load_state("networkidle")


def test_the_check_comes_by_itself_and_marks_the_place(visit: Visit, width: str, federation: PlayedFederation) -> None:
    """A refusal in the text and beneath it; mended, the plan, what is withheld and what it costs."""
    federation.state_budgets()
    page = visit("ana", "/queries/new")
    page.get_by_label("Academic year").select_option("202425")
    area = page.get_by_label("Question in SQL")
    area.fill(WRONG)
    page.locator("[data-summary] .govuk-error-message").wait_for()
    assert "populaton" in page.locator(".mirror mark").inner_text()
    assert page.locator("[data-summary]").get_attribute("data-line") == "3"
    assert "Refused at line 3" in str(page.get_by_role("status").text_content())
    look_at(page, "asking-marked", width)

    page.get_by_label("Purpose").fill("How attendance differs by key stage")
    page.get_by_label("A total with noise").check()
    click_through(page.get_by_role("button", name="Check the question"))
    assert "populaton" in page.locator(".mirror mark").inner_text()
    assert (page.locator(".refusal").count(), page.locator("[data-summary]").count()) == (1, 0)

    area.fill(SQL)
    page.locator("[data-summary] strong").wait_for()
    assert page.locator(".mirror mark").count() == 0
    page.get_by_text("The plan, the cost and what would be sounder").click()
    told = page.locator("[data-summary]").inner_text()
    assert "Can be asked: 7 cells" in told
    assert "left for project attendance: epsilon 999" in told
    look_at(page, "asking-instant", width)


def test_a_question_is_tried_on_made_up_data(
    visit: Visit, width: str, federation: PlayedFederation, tmp_path: Path
) -> None:
    """By the button of the form; the page says at its top that nobody in it exists."""
    give_copy(federation.hub.party.directory, tmp_path)
    page = visit("ana", "/queries/new")
    page.get_by_label("Purpose").fill("How attendance differs by key stage")
    page.get_by_label("Academic year").select_option("202425")
    page.get_by_label("A total with noise").check()
    page.get_by_label("Question in SQL").fill(SQL)
    click_through(page.get_by_role("button", name="Try it on synthetic England"))
    assert "Synthetic England: every figure here is made up" in page.locator("h1").inner_text()
    assert page.get_by_role("img").count() == 2
    look_at(page, "dry-run", width)
    click_through(page.get_by_role("button", name="Change something"))
    assert page.get_by_label("Question in SQL").input_value() == SQL


def test_a_query_that_is_followed_changes_by_itself(visit: Visit, width: str, federation: PlayedFederation) -> None:
    """Until it is released; whoever wants it to stand still can hold it."""
    running = federation.answer(federation.start(), "node-301")
    page = visit("ana", "")
    page.clock.install()
    page.goto(f"{page.url.rstrip('/')}/queries/{running}")
    assert "1 answered, 2 awaited, of 3 in all." in page.locator("#progress").inner_text()
    federation.refuse(running, "node-302")
    page.clock.run_for(5000)
    page.locator("#progress", has_text="1 answered, 1 refused, 1 awaited").wait_for()
    assert "history_full" in page.locator("#progress").inner_text()
    look_at(page, "query-followed", width)

    page.get_by_role("button", name="This page follows it").click()
    federation.answer(running, "node-303")
    page.clock.run_for(20_000)
    assert "1 awaited" in page.locator("#progress").inner_text()
    page.get_by_role("button", name="Follow it again").click()
    page.clock.run_for(10_000)
    page.get_by_role("link", name="Read the release").wait_for()
    assert page.get_by_role("button", name="follows").count() == 0
