"""Records begun by hand, handed over and sent in as files, and held queries: each page as its reader sees it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from node.answering import answer_manifest
from node.ingest.tokens import row_token
from node.lookups.handover.deciding import accept, find_place
from node.service import Node
from node.setting_up import enter_person
from node.tracking.store import add_entries, read_record
from tests.browser.looking import SCREENSHOTS, keep_picture, look_at
from tests.browser.serving import serve_node
from tests.browser.test_every_node_page import cookie_for
from tests.browser.test_tracking_in_browser import FACTS
from tests.node.lookups.test_delegations import numbers_of
from tests.node.lookups.test_handovers import HOME, OTHER, give, head_of, prepare, relay
from tests.node.pages.test_tracking_files import HEADER
from tests.node.tracking.test_newcomers import CHILD
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SEND = """([address, fields, files]) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action: address, enctype: files ? "multipart/form-data" : ""});
    const token = document.querySelector('input[name="form_token"]').value;
    for (const [name, value] of Object.entries({form_token: token, ...fields})) {
        form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
    }
    document.body.append(form);
    form.submit();
}"""
"""Sends a form as a page of ours would: with the token that the page has."""


@pytest.fixture(scope="module")
def parties(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """Two authorities with a record to hand over, and one of the tests' own to begin with."""
    federation = copy_federation(pristine_federation, tmp_path_factory.mktemp("records") / "federation")
    prepare(federation)
    enter_person(federation.directory / f"node-{OTHER}", "ig", "ig_officer", "Officer")
    federation.change_rule(OTHER, "all = false\npaths = []", "all = true\npaths = []")
    return federation


@pytest.fixture(scope="module")
def other(parties: SmallFederation) -> Iterator[tuple[Node, str]]:
    """The receiving node, and where its pages are."""
    node = parties.node(OTHER)
    with serve_node(node) as address:
        yield node, address


class Reader:
    """Somebody at a node's pages, who has signed in."""

    def __init__(self, page: "Page", node: Node, address: str, person: str, width: str) -> None:
        self.page, self._address, self._width = page, address, width
        page.context.clear_cookies()
        page.context.add_cookies([cookie_for(node, person, address)])  # type: ignore[list-item]

    def send(self, start: str, path: str, fields: Mapping[str, str], name: str = "") -> None:
        """Open a page, send a form from it, and look at what comes, where it has a name here."""
        self.page.goto(self._address + start)
        with self.page.expect_navigation():
            self.page.evaluate(SEND, [path, {"purpose": "Termly review", **fields}, False])
        if name:
            self.look(name)

    def look(self, name: str) -> None:
        look_at(self.page, f"records-{name}", self._width)


def test_children_are_begun_and_files_reported_on(
    page: "Page", width: str, parties: SmallFederation, other: tuple[Node, str]
) -> None:
    node, address = other
    vsh = Reader(page, node, address, "vsh", width)
    vsh.send("/tracking", "/tracking/newcomer/enter", {**CHILD, "reason": "Came on Monday"}, "newcomer")
    vsh.send("/tracking", "/tracking/files", {}, "files")
    rows = (HEADER, [numbers_of(node)[0], "202425-summer", "english", "5"])
    text = "\n".join(",".join(row) for row in rows).encode()
    page.get_by_label("Files of the dataset").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": text})
    page.get_by_label("Why are the records changed?").fill("Termly return")
    page.get_by_role("button", name="Show what they would change").click()
    page.get_by_role("heading", name="What would change").wait_for()
    vsh.look("import")


def test_hand_overs_are_read_opened_and_taken_in(
    page: "Page", width: str, parties: SmallFederation, other: tuple[Node, str]
) -> None:
    node, address = other
    waiting, taken = give(parties), give(parties, "new_host")
    head = head_of(parties, OTHER)[1]
    accept(node, relay(parties, OTHER), head, taken.handover_id, find_place(node, taken), patience=1)
    vsh = Reader(page, node, address, "vsh", width)
    page.goto(f"{address}/handovers")
    vsh.look("handovers")
    vsh.send("/handovers", "/handovers/open", {"handover": waiting.handover_id}, "offered")
    vsh.send("/handovers", "/handovers/open", {"handover": taken.handover_id}, "copy")
    with serve_node(parties.node(HOME)) as home:
        officer = Reader(page, parties.node(HOME), home, "officer", width)
        officer.send("/tracking", "/tracking", {})
        reference = page.locator('input[name="child"]').first.get_attribute("value") or ""
        officer.send("/tracking", "/handovers/form", {"child": reference}, "hand-over")
        page.goto(f"{home}/handovers")
        officer.look("given")


def test_a_held_query_asks_its_officer(
    page: "Page", width: str, parties: SmallFederation, other: tuple[Node, str]
) -> None:
    node, address = other
    manifest = parties.manifest()
    answer_manifest(node, parties.sign(manifest))
    officer = Reader(page, node, address, "ig", width)
    page.goto(f"{address}/leaving/{manifest.query_id}")
    page.get_by_role("heading", name="Held for you").wait_for()
    officer.look("held")


@pytest.mark.parametrize("path", ["child", "plain"])
def test_a_record_prints_without_its_forms_on_one_sheet(
    page: "Page", width: str, parties: SmallFederation, other: tuple[Node, str], path: str
) -> None:
    """The summary, and the page in plain language; nothing is cut off at the side."""
    node, address = other
    told = {"by": "staff", "role": "virtual_school_staff", "reason": "Autumn plan"}
    tokens = [row_token(node.party.keys.row_secret, number) for number in numbers_of(node)]
    with node.database.transaction() as connection:
        for token in tokens:
            if not read_record(connection, token).version:
                add_entries(connection, token, 0, FACTS, at=node.clock(), **told)
    vsh = Reader(page, node, address, "vsh", width)
    vsh.send("/tracking", "/tracking", {})
    reference = page.locator('input[name="child"]').last.get_attribute("value") or ""
    vsh.send("/tracking", f"/tracking/{path}", {"child": reference})
    page.emulate_media(media="print")
    assert page.locator("form:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if width == "desktop":
        page.set_viewport_size({"width": 794, "height": 1123})  # A4, as a screen of 96 dots to the inch shows it.
        keep_picture(page, f"records-{path}-printed")
        data = page.pdf(format="A4", path=SCREENSHOTS / f"records-{path}.pdf")
        assert data.count(b"/Type /Page\n") == 1
