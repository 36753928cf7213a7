"""The whole story in a real browser: a question is asked, tried, signed, approved at two nodes and answered.

What comes of it is checked, released, taken away as open data by the Department, found in the hub's log, and proven
without the hub.
"""

import csv
import io
import shlex
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from federation.cli import run
from federation.exchange import QueryState, ReleaseDocument
from federation.passkeys import Passkey
from federation.release_files.folder import gather_files
from hub import sign_in as hub_sign_in
from node import sign_in as node_sign_in
from tests.browser.looking import WIDTHS, click_through, look_at
from tests.browser.stage import ANALYST, ASKER, AUDITOR, CHECKER, OFFICERS, Stage, set_stage
from tests.browser.test_approving_in_browser import plug
from tests.browser.windows import open_window
from tests.hub.played_federation import SQL
from tests.small_federation import SmallFederation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PURPOSE = "How attendance differs by key stage"
LOGGED = ["query.drafted", "query.submitted", *["query.approved"] * 2, "query.offered", *["query.answered"] * 4]
LOGGED += ["release.held", "query.released", *["file.exported"] * 4]
"""What the hub's log says of the query, oldest first: release and proof, open data, and what a program fetched last."""

Window = Callable[[], AbstractContextManager["Page"]]


@pytest.fixture
def stage(pristine_federation: SmallFederation, tmp_path: Path) -> Iterator[Stage]:
    with set_stage(pristine_federation, tmp_path) as stage:
        yield stage


@pytest.fixture
def window(browser: "Browser") -> Window:
    """Opens a window for one person."""
    return lambda: open_window(browser, "desktop")


def look(page: "Page", name: str) -> None:
    """Look at a page at every width, and leave the window as it was."""
    for width in reversed(WIDTHS):
        page.set_viewport_size({"width": WIDTHS[width], "height": 900})
        look_at(page, f"story-{name}", width)


def test_the_whole_story(
    stage: Stage, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with window() as asker:
        visit_hub(asker, stage, ASKER)
        query_id, command = draft(asker)
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert run([word.replace("YOUR-DIRECTORY", str(stage.directory(ASKER))) for word in command]) == 0
        assert asker.locator("dt:text('Manifest digest') + dd").inner_text() in capsys.readouterr().err
        assert stage.process.state(query_id) is QueryState.SUBMITTED

        for code, state in zip(OFFICERS, (QueryState.SUBMITTED, QueryState.RUNNING), strict=True):
            with window() as officer:
                approve(officer, stage, code, query_id)
            assert stage.process.state(query_id) is state
        stage.answer()
        follow(asker, "When an output checker has looked at it", "5-checking")

        check(stage, query_id, capsys)
        stage.witness()
        follow(asker, "Read the release", "6-released")
        click_through(asker.get_by_role("link", name="Read the release"))
        look(asker, "7-release")
        taken = {kind: take_away(asker, kind, tmp_path) for kind in ("release", "proof")}
        cited = asker.locator("p", has_text="Cite it as").get_by_role("link").first.get_attribute("href")
    with window() as analyst:
        visit_hub(analyst, stage, ANALYST)
        analyst.goto(f"{stage.hub}{cited}")
        analyst.get_by_role("link", name="Read the release").click()
        pair = take_away(analyst, "open", tmp_path)
    with stage.process.client(ASKER) as client:
        check_pair(pair, client.fetch(query_id), stage.process.federation.authorities)
    with window() as auditor:
        audit(auditor, stage, query_id)
    prove(stage, taken, capsys)


def visit_hub(page: "Page", stage: Stage, member: str) -> None:
    page.goto(f"{stage.hub}/sign-in#{hub_sign_in.issue_code(stage.process.hub, member)}")
    page.get_by_role("button", name="Use the code").click()


def draft(page: "Page") -> tuple[str, list[str]]:
    """Write a question, try it on nobody, and draft it; returns its id and what the page says to type."""
    page.get_by_role("link", name="Queries").first.click()
    page.get_by_role("link", name="Ask a question").first.click()
    page.get_by_label("Purpose").fill(PURPOSE)
    page.get_by_label("Academic year").select_option("202425")
    page.get_by_label("Rows of each authority").check()
    page.get_by_label("Question in SQL").fill(SQL)
    page.locator("[data-summary] strong", has_text="Can be asked: 7 cells").wait_for()
    look(page, "1-asking")
    page.get_by_role("button", name="Try it on synthetic England").click()
    page.get_by_role("heading", name="Nobody in this table exists").wait_for()
    look(page, "2-tried")
    click_through(page.get_by_role("button", name="Check the question"))
    click_through(page.get_by_role("button", name="Draft the query"))
    command = shlex.split(page.get_by_role("region", name="Command").inner_text())
    look(page, "3-drafted")
    assert command[:3] == ["circe", "query", "sign"]
    return command[-1], command[1:]


def approve(page: "Page", stage: Stage, code: str, query_id: str) -> None:
    """Enrol a passkey at the node of one's own authority, have it registered, and approve by it what was read there."""
    officer, address = OFFICERS[code], stage.nodes[code]
    plug(page)
    page.goto(f"{address}/sign-in#{node_sign_in.issue_code(stage.process.nodes[code], officer)}")
    page.get_by_role("button", name="Use the code").click()
    page.get_by_label("What do you call this device?").fill("Work laptop")
    page.get_by_role("button", name="Enrol a passkey").click()
    page.get_by_role("heading", name="To sign by it").wait_for()
    option, place, credential, key = page.locator("pre").first.inner_text().split()
    assert option == "--passkey"
    stage.register_passkey(officer, Passkey(relying_party=place, credential=credential, public_key=key))

    page.get_by_role("link", name="What leaves").first.click()
    page.get_by_role("link", name=PURPOSE).click()
    page.get_by_role("button", name="Approve with your passkey").wait_for()
    look(page, f"4-reading-{code}")
    page.get_by_role("button", name="Approve with your passkey").click()
    page.get_by_text("You have approved it").wait_for()
    assert page.get_by_text("You have approved it").bounding_box()["y"] < 900, "not in sight"  # type: ignore[index]
    look(page, f"4-approved-{code}")
    assert page.url == f"{address}/leaving/{query_id}"


def follow(page: "Page", text: str, name: str) -> None:
    page.reload()
    page.get_by_text(text).first.wait_for()
    look(page, name)


def check(stage: Stage, query_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The output checker reads what was found, and releases what is left."""
    state = str(stage.directory(CHECKER))
    assert run(["release", "checks", "--state", state]) == 0
    told = capsys.readouterr().out
    assert query_id in told
    assert "The time is up" in told
    assert stage.process.state(query_id) is QueryState.CHECKING
    assert run(["release", "approve", "--state", state, query_id]) == 0
    assert stage.process.state(query_id) is QueryState.RELEASED


DOWNLOADS = {
    "open": "Open data files of the Department for Education, in an archive",
    "release": "The release document (JSON)",
    "proof": "Its proof",
}
"""What the story takes away, as the page names it."""


def take_away(page: "Page", kind: str, place: Path) -> Path:
    """Download one of these from the page of the release; returns where it is."""
    with page.expect_download() as begun:
        page.get_by_role("link", name=DOWNLOADS[kind]).click()
    taken = place / begun.value.suggested_filename
    begun.value.save_as(taken)
    return taken


def check_pair(archive: Path, release: ReleaseDocument, authorities: tuple[str, ...]) -> None:
    """The pair is of the release that the nodes' signatures verify, has rows of each of them, and describes itself."""
    with zipfile.ZipFile(archive) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    (proof,) = (content for name, content in files.items() if name.endswith(".tlog-proof"))
    (evidence,) = (content for name, content in files.items() if name.endswith(".evidence.json"))
    assert files == dict(gather_files(release, proof, evidence=evidence))
    (meta,) = (name for name in files if name.endswith(".meta.csv"))
    rows = list(csv.DictReader(io.StringIO(files[meta.replace(".meta", "")].decode())))
    described = {each["col_name"]: each["col_type"] for each in csv.DictReader(io.StringIO(files[meta].decode()))}
    assert described == {"key_stage": "Filter", "children": "Indicator", "attendance": "Indicator"}
    assert described.keys() <= rows[0].keys()
    assert {row["old_la_code"] for row in rows} == set(authorities)
    assert {row["time_period"] for row in rows} == {"202425"}
    assert len(rows) == len(release.table["rows"])


def audit(page: "Page", stage: Stage, query_id: str) -> None:
    """The information governance officer finds the query in the log, and verifies the log by one click."""
    visit_hub(page, stage, AUDITOR)
    page.get_by_role("link", name="Audit log").first.click()
    page.get_by_label("Query, release or lookup id").fill(query_id)
    click_through(page.get_by_role("button", name="Search"))
    found = page.get_by_role("table", name="Entries of the log").locator(".note > code").all_inner_texts()
    assert found[::-1] == LOGGED
    look(page, "8-found-in-log")
    page.get_by_role("button", name="Verify the log").click()
    page.get_by_role("alert").get_by_text("The log is whole").wait_for()
    assert page.get_by_label("Query, release or lookup id").input_value() == query_id
    look(page, "9-verified")


def prove(stage: Stage, taken: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has the root key and a register needs no hub; a release that was changed is not proven."""
    federation = stage.process.federation.directory
    trusted = ["--root", str(federation / "root" / "root.pub"), "--register", str(federation / "register.json")]
    asked = ["audit", "verify-proof", *trusted, "--release", str(taken["release"]), str(taken["proof"])]
    assert run(asked) == 0
    assert f"{CHECKER}: query.released (done)" in capsys.readouterr().out
    taken["release"].write_bytes(taken["release"].read_bytes().replace(b"key stage", b"key phase", 1))
    assert run(asked) == 7
