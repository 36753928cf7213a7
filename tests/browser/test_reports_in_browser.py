"""Reports in a real browser: chosen, read with their funnel, and from what is missing to its question."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from federation.reports.places import LEVELS
from hub.sign_in import issue_code
from tests.browser.looking import click_through, look_at
from tests.hub.pages.reported import report_on
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.hub.sums.conftest import AUTHORITIES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    """Seven authorities, of whose drawn children some questions of reports have been answered."""
    founded = found_federation(tmp_path, authorities=AUTHORITIES)
    reported = report_on(founded, tmp_path)
    for level in LEVELS:
        reported.ask("absence", of=level)
    reported.ask("english_and_maths", "sen_provision", of="nation")
    yield founded
    founded.hub.database.close()


def test_reports_are_chosen_read_and_asked_for(
    page: "Page", address: str, federation: PlayedFederation, width: str
) -> None:
    page.goto(f"{address}/sign-in#{issue_code(federation.hub, 'ana')}")
    page.get_by_role("button", name="Use the code").click()
    page.get_by_role("link", name="Read reports").click()
    look_at(page, "reports", width)
    page.get_by_label("Report", exact=True).select_option("metrics")
    page.get_by_label("Of", exact=True).select_option("authority:303")
    click_through(page.get_by_role("button", name="Show the report"))
    assert page.get_by_role("heading", level=1).inner_text().endswith("The metrics of recommendation 1")
    assert page.get_by_role("img", name="Persistent absence").is_visible()
    look_at(page, "report-metrics", width)
    page.get_by_label("Report", exact=True).select_option("factors")
    page.get_by_label("Of", exact=True).select_option("nation")
    page.get_by_role("button", name="Show the report").click()
    look_at(page, "report-factors", width)
    page.locator("summary").click()
    page.get_by_role("link", name="by number of placements").click()
    page.get_by_text("Can be asked").wait_for()
    look_at(page, "report-question", width)
    click_through(page.get_by_role("button", name="Take it to the draft"))
    assert "progress_from_entry" in page.get_by_label("Question").input_value()
