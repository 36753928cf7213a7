"""An approver in a real browser: signs in at their own node, reads a query, and approves it with the same passkey."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from federation.approvals import verify_approval
from federation.manifest import manifest_digest
from federation.passkeys import Passkey
from federation.reading import shorten_digest
from federation.register import public_text
from node.pages import leaving
from node.passkeys import list_passkeys
from node.rules import RULES_FILE
from node.service import Node, open_node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.browser.looking import look_at
from tests.browser.serving import serve_node
from tests.node.pages.approver_at_node import OFFICER, PlayedHub, register_passkeys
from tests.small_federation import SmallFederation, copy_federation

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def copied(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> SmallFederation:
    return copy_federation(pristine_federation, tmp_path_factory.mktemp("approving") / "federation")


@pytest.fixture
def hub(copied: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> PlayedHub:
    played = PlayedHub(copied)
    monkeypatch.setattr(leaving, "connect_party", lambda *_, **__: played)
    return played


@pytest.fixture
def node(copied: SmallFederation) -> Node:
    directory = copied.directory / "node-203"
    enter_person(directory, OFFICER, "approver", "Approver of Greenwich")
    return open_node(directory)


@pytest.fixture
def address(node: Node) -> Iterator[str]:
    """Where the pages are, at a port of their own that the node's rules name."""
    rules = node.party.directory / RULES_FILE
    with serve_node(node, "localhost") as place:
        rules.write_text(re.sub(r'(?m)^address = ".*"', f'address = "{place}"', rules.read_text()))
        yield place


def plug(page: "Page") -> None:
    """Plug a device into the browser that verifies its user."""
    session: Any = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_an_approver_reads_a_query_and_approves_it(
    page: "Page", address: str, node: Node, hub: PlayedHub, copied: SmallFederation, width: str
) -> None:
    plug(page)
    page.goto(f"{address}/sign-in#{issue_code(node, OFFICER)}")
    page.get_by_role("button", name="Use the code").click()
    page.get_by_label("What do you call this device?").fill("Work laptop")
    page.get_by_role("button", name="Enrol a passkey").click()
    page.get_by_role("heading", name="To sign by it").wait_for()
    look_at(page, "node-passkeys-approver", width)

    query_id = hub.put_forward(copied.manifest(purpose="How attendance differs by support"), "officer@dfe")
    page.goto(f"{address}/leaving/{query_id}")
    page.get_by_text("None of your passkeys in the register").wait_for()

    (kept,) = list_passkeys(node, OFFICER)
    page.goto(f"{address}/passkeys")
    words = page.locator("pre").first.inner_text().split()
    assert words[0] == "--passkey"
    registered = Passkey(relying_party=words[1], credential=words[2], public_key=words[3])
    assert registered.credential == public_text(kept.credential.id)
    register_passkeys(copied, {OFFICER: (registered,)})

    page.get_by_role("link", name="What leaves").first.click()
    page.get_by_role("link", name="How attendance differs by support").wait_for()
    look_at(page, "node-leaving", width)
    page.get_by_role("link", name="How attendance differs by support").click()
    page.get_by_role("button", name="Approve with your passkey").wait_for()
    assert page.get_by_text(shorten_digest(manifest_digest(hub.waiting[query_id]))).is_visible()
    look_at(page, "node-leaving-query", width)
    page.get_by_role("button", name="Approve with your passkey").click()
    page.get_by_text("You have approved it").wait_for()
    look_at(page, "node-leaving-approved", width)
    verify_approval(hub.waiting[query_id], node.register().find(OFFICER, node.clock()))
    assert len(hub.handed_in) == 1
