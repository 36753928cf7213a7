"""People of two authorities in a real browser: children named for a time, a teacher's class list, and who looked."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from federation.passkeys import Passkey
from federation.register_changes import adopt_and_record
from node.lookups.asking import ask_lookup
from node.lookups.class_list import ClassList, read_class
from node.lookups.errand import LookupResult
from node.lookups.named_children import NAMED_TO_US
from node.lookups.own_children import list_own_children
from node.pages import class_list, delegations, named
from node.people import Person
from node.rules import RULES_FILE
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.browser.looking import look_at
from tests.browser.serving import serve_node
from tests.browser.test_approving_in_browser import plug
from tests.node.lookups.test_class_list import SCHOOL, send_to_school, some_numbers
from tests.node.lookups.test_handovers import TwoWayRelay
from tests.node.lookups.test_lookups import ASKER, PaperRelay
from tests.node.pages.approver_at_node import register_passkeys
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

HOME = "301"


@pytest.fixture
def federation(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    """A copy whose nodes are reached by a relay on paper."""
    return copy_federation(pristine_federation, tmp_path_factory.mktemp("people") / "federation")


@pytest.fixture
def places(federation: SmallFederation) -> Iterator[dict[str, str]]:
    """The addresses of two nodes' pages, by authority, at ports of their own that the nodes' rules name."""
    with ExitStack() as stack:
        found = {code: stack.enter_context(serve_node(federation.node(code), "localhost")) for code in (HOME, ASKER)}
        for code, place in found.items():
            rules = federation.directory / f"node-{code}" / RULES_FILE
            rules.write_text(re.sub(r'(?m)^address = ".*"', f'address = "{place}"', rules.read_text()))
        yield found


def sign_in(page: "Page", places: dict[str, str], node: Node, person: str) -> None:
    page.goto(f"{places[node.authority]}/sign-in#{issue_code(node, person)}")
    page.get_by_role("button", name="Use the code").click()
    page.get_by_role("button", name="Sign out").wait_for()


def sign_out(page: "Page") -> None:
    page.get_by_role("button", name="Sign out").click()


@pytest.fixture
def relayed(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The asking pages reach the other nodes on paper instead of through a hub."""
    node = federation.node(ASKER)

    def ask(visitor: Person, purpose: str, at: str) -> LookupResult:
        return ask_lookup(node, PaperRelay(federation), visitor, purpose, NAMED_TO_US, at=at, patience=1)

    def ask_all(visitor: Person, purpose: str) -> ClassList:
        return read_class(node, PaperRelay(federation), visitor, purpose, patience=1)

    def reach(_home: Node) -> PageHub:
        return PageHub(federation, sender=HOME)

    monkeypatch.setattr(delegations, "reach_hub", reach)
    monkeypatch.setattr(named, "ask_authority", ask)
    monkeypatch.setattr(class_list, "ask_everybody", ask_all)


class PageHub(TwoWayRelay):
    """The relay on paper, as a page opens and closes it."""

    def __enter__(self) -> "PageHub":
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""


def enrol_for_the_register(page: "Page", places: dict[str, str], federation: SmallFederation) -> None:
    """Have home's head enrol a passkey, and both nodes know the register that has it."""
    page.get_by_label("What do you call this device?").fill("Work laptop")
    page.get_by_role("button", name="Enrol a passkey").click()
    page.get_by_role("heading", name="To sign by it").wait_for()
    words = page.locator("pre").first.inner_text().split()
    registered = Passkey(relying_party=words[1], credential=words[2], public_key=words[3])
    register_passkeys(federation, {f"vsh@la-{HOME}": (registered,)})
    for code in places:
        node = federation.node(code)
        data = (federation.directory / "register.json").read_bytes()
        adopt_and_record(node.party, node.database, data, node.clock())
        node.database.close()


def open_named(page: "Page", places: dict[str, str]) -> str:
    """Have the other authority's head read who is named to them; returns what the page says."""
    page.goto(f"{places[ASKER]}/named")
    page.get_by_label("Which authority named them?").fill(HOME)
    page.get_by_label("Why do you read them?").fill("They moved near the border")
    page.get_by_role("button", name="Show the children").click()
    page.get_by_text("Read only.").wait_for()
    return page.locator("main").inner_text()


def test_another_head_reads_the_named_fields_until_they_are_revoked(
    page: "Page", width: str, places: dict[str, str], federation: SmallFederation, relayed: None
) -> None:
    home, theirs = federation.node(HOME), federation.node(ASKER)
    snapshot = home.store.current()
    assert snapshot is not None
    number = list_own_children(home, snapshot, "virtual_school_head").rows[0][0]
    today = home.clock().date()

    plug(page)
    sign_in(page, places, home, "vsh")
    page.goto(f"{places[HOME]}/passkeys")
    enrol_for_the_register(page, places, federation)
    page.goto(f"{places[HOME]}/delegations")
    page.get_by_label("The children's numbers").fill(str(number))
    page.get_by_label("To which authority?").fill(ASKER)
    page.get_by_label("Identity", exact=True).check()
    page.get_by_label("Education", exact=True).check()
    page.get_by_label("First day").fill(today.isoformat())
    page.get_by_label("Last day").fill((today + timedelta(days=30)).isoformat())
    page.get_by_label("Why?").fill("They moved near the border")
    look_at(page, "people-delegation", width)
    page.get_by_role("button", name="Write the delegation").click()
    page.get_by_role("button", name="Sign with your passkey").wait_for()
    look_at(page, "people-delegation-sign", width)
    page.get_by_role("button", name="Sign with your passkey").click()
    page.get_by_role("button", name="Revoke it now").wait_for()
    assert page.get_by_text("Their node knows of it").is_visible()
    look_at(page, "people-delegated", width)
    sign_out(page)

    sign_in(page, places, theirs, "vsh")
    page.goto(f"{places[ASKER]}/named")
    assert page.get_by_text("has named 1 child to whoever has your role").is_visible()
    look_at(page, "people-named-to", width)
    told = open_named(page, places)
    assert str(number) in told
    assert "Year group" in told
    assert "Legal status" not in told
    assert "SDQ" not in told
    look_at(page, "people-named", width)
    sign_out(page)

    page.goto(f"{places[HOME]}/sign-in")  # A code opens no more than the passkeys of whoever has one.
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.goto(f"{places[HOME]}/delegations")
    page.get_by_role("button", name="Revoke it now").click()
    page.get_by_text("Revoked by vsh").wait_for()
    sign_out(page)

    sign_in(page, places, theirs, "vsh")
    assert str(number) not in open_named(page, places)
    page.goto(f"{places[ASKER]}/named")
    assert page.get_by_text("Revoked on").is_visible()
    sign_out(page)

    enter_person(home.party.directory, "ig", "ig_officer", "Officer")
    sign_in(page, places, home, "ig")
    page.goto(f"{places[HOME]}/audit")
    log = page.locator("main").inner_text()
    assert "delegation.given" in log
    assert "delegation.revoked" in log
    assert "lookup.answered" in log
    assert str(number) not in log
    look_at(page, "people-who-looked", width)


def test_a_teacher_sees_the_children_of_their_own_school_alone(
    page: "Page", width: str, places: dict[str, str], federation: SmallFederation, relayed: None
) -> None:
    """Two children of another authority at the school are on the list, and one at the next is not; nor is any list."""
    home, host = federation.node(HOME), federation.node(ASKER)
    one, two, next_door = some_numbers(home, 3)
    send_to_school(home, ASKER, {one: SCHOOL, two: SCHOOL, next_door: SCHOOL + 1})
    enter_person(host.party.directory, "teacher", "designated_teacher", "Teacher", SCHOOL)
    assert host.find_person("teacher").school_urn == SCHOOL
    sign_in(page, places, host, "teacher")
    page.goto(f"{places[ASKER]}/class-list")
    page.get_by_label("Why").fill("The autumn's plans")
    page.get_by_role("button", name="Show the children").click()
    page.get_by_role("table").wait_for()
    told = page.locator("main").inner_text()
    assert one in told
    assert two in told
    assert next_door not in told
    look_at(page, "people-class-list", width)
    for path in ("/children", "/placed-here", "/child", "/audit", "/delegations"):
        assert page.request.get(places[ASKER] + path).status == 403
