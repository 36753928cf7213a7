"""Passkeys in a real browser, by the virtual authenticator of its DevTools protocol: enrolled, used, refused."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from audit.event import Action
from audit.log import read_entries
from node.passkeys import list_passkeys
from node.rules import RULES_FILE
from node.service import Node, open_node
from node.sign_in import issue_code
from tests.browser.looking import click_through, look_at
from tests.browser.serving import serve_node
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

Plug = Callable[..., str]


@pytest.fixture
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    copied = copy_federation(pristine_federation, tmp_path_factory.mktemp("passkeys") / "federation")
    return open_node(copied.directory / f"node-{copied.authorities[0]}")


@pytest.fixture
def address(node: Node) -> Iterator[str]:
    """Where the pages are, at a port of their own that the node's rules name."""
    with serve_node(node, "localhost") as place:
        rules = node.party.directory / RULES_FILE
        rules.write_text(re.sub(r'(?m)^address = ".*"', f'address = "{place}"', rules.read_text()))
        yield place


@pytest.fixture
def plug(page: "Page") -> Plug:
    """Plugs a device into the browser; without `verifies` it says that its user is there and no more."""
    session: Any = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")

    def add(*, verifies: bool = True, protocol: str = "ctap2") -> str:
        options = {
            "protocol": protocol,
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
        }
        return str(session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])

    return add


def enrol(page: "Page", address: str, node: Node) -> None:
    page.goto(f"{address}/sign-in#{issue_code(node, 'vsh')}")
    page.get_by_role("button", name="Use the code").click()
    page.get_by_label("What do you call this device?").fill("Work laptop")
    page.get_by_role("button", name="Enrol a passkey").click()


def test_a_passkey_is_enrolled_and_signs_in(page: "Page", address: str, node: Node, plug: Plug, width: str) -> None:
    plug()
    page.goto(f"{address}/sign-in#{issue_code(node, 'vsh')}")
    assert page.url == f"{address}/sign-in", "the code stays in the address"
    look_at(page, "node-sign-in", width)
    page.get_by_role("button", name="Use the code").click()
    page.get_by_role("heading", name="Your passkeys").wait_for()
    look_at(page, "node-passkeys-none", width)
    page.get_by_label("What do you call this device?").fill("Work laptop")
    page.get_by_role("button", name="Enrol a passkey").click()
    page.get_by_role("rowheader", name="Work laptop").wait_for()
    look_at(page, "node-passkeys", width)

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("link", name="My children").first.wait_for()
    (kept,) = list_passkeys(node, "vsh")
    assert kept.used_at
    assert kept.credential.sign_count >= 1
    signed_in = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.SIGNIN)]
    assert signed_in[0].details["means"] == "passkey"


@pytest.mark.parametrize("width", ["desktop"])
def test_a_device_that_verifies_nobody_enrols_nothing(page: "Page", address: str, node: Node, plug: Plug) -> None:
    plug(verifies=False)
    enrol(page, address, node)
    page.get_by_text("No passkey was used").wait_for()
    assert list_passkeys(node, "vsh") == ()


@pytest.mark.parametrize("width", ["desktop"])
def test_a_browser_without_a_passkey_is_told_so(page: "Page", address: str, plug: Plug) -> None:
    plug()
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("none for this site is on this device").wait_for()


def test_without_scripts_the_page_says_what_to_do(browser: "Browser", address: str, node: Node) -> None:
    """The code is typed in where no script takes it out of the address; there it opens what the rules let it."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    assert page.get_by_text("needs JavaScript").is_visible()
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
    page.get_by_label("One-time code").fill(issue_code(node, "vsh"))
    click_through(page.get_by_role("button", name="Use the code"))
    assert page.get_by_text("needs JavaScript").is_visible()
    click_through(page.get_by_role("link", name="Children", exact=True))
    assert page.get_by_role("heading", name="My children").is_visible()
    context.close()
