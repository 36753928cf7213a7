"""Every page of a node that an address leads to, as whoever may open it first sees it, at a desktop and a telephone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from federation.lookups import ChildSought, LookupKind, LookupRequest
from federation.web.session import Means, load_secret, name_cookie, start_session, write_session
from federation.wire import whole_seconds
from node.lookups.holding import hold_request
from node.lookups.notices import NoticeKind, give_notice
from node.service import Node, open_node
from node.setting_up import enter_person
from tests.browser.looking import AT_DESKTOP, EVERY, click_through, look_at, look_at_each_width
from tests.browser.serving import serve_node
from tests.node.pages.conftest import PEOPLE
from tests.node.pages.test_node_pages import SEEN_BY
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation, copy_federation
from tests.switched_on import switch_on

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

FIRST = ("", "vsh", "teacher", "ig")
"""Who is asked for a page, in this order, until somebody may open it."""

SWITCHED_ON = {"vsh"}
"""Who may open a page that as packaged nobody may."""


@pytest.fixture(scope="module")
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node with people of every kind, every duty switched on, and with something on each of the officers' lists."""
    copied = copy_federation(pristine_federation, tmp_path_factory.mktemp("every-page") / "federation")
    state = copied.directory / f"node-{copied.authorities[0]}"
    for person, (role, school) in PEOPLE.items():
        enter_person(state, person, role, person.title(), school)
    put_policy(state, switch_on())
    opened = open_node(state)
    now, other = opened.clock(), copied.authorities[1]
    asked = LookupRequest(
        lookup_id="L-" + "1" * 32,
        kind=LookupKind.ONE_CHILD,
        sender=f"node-{other}",
        receiver=opened.party.member_id,
        authority=other,
        person="vsh",
        role="virtual_school_head",
        purpose="A move of school is planned",
        asked_at=whole_seconds(now),
        sought=ChildSought(upn="A801200005001"),
    )
    with opened.database.transaction() as connection:
        hold_request(connection, asked, now)
        for kind, reference in ((NoticeKind.MASS_LOOKUP, asked.lookup_id), (NoticeKind.TOO_MANY_LOOKUPS, "vsh")):
            give_notice(connection, now, kind, reference=reference, authority=other, text="more than 50 in one day")
    return opened


@pytest.fixture(scope="module")
def address(node: Node) -> Iterator[str]:
    with serve_node(node) as place:
        yield place


def cookie_for(node: Node, person: str, address: str) -> dict[str, str]:
    """The cookie of somebody who has signed in with a passkey."""
    secret = load_secret(node.party.directory)
    text = write_session(start_session(node.clock(), person, Means.PASSKEY), secret)
    return {"name": name_cookie(node.party.member_id, secret), "value": text, "url": address}


@AT_DESKTOP
@pytest.mark.parametrize("path", SEEN_BY)
def test_the_page_fits_is_legible_and_bars_nobodys_way(page: "Page", address: str, node: Node, path: str) -> None:
    """The table of who may open which page is complete, by a test of its own; so is this."""
    person = next(person for person in FIRST if person in (SEEN_BY[path] or SWITCHED_ON))
    if person:
        page.context.add_cookies([cookie_for(node, person, address)])  # type: ignore[list-item]
    answer = page.goto(address + path)
    assert answer is not None
    assert answer.status == 200
    look_at_each_width(page, f"every{path.replace('/', '-')}", EVERY)


def test_children_who_are_not_in_care_have_a_list_of_their_own(
    page: "Page", address: str, node: Node, width: str
) -> None:
    """The journey of a head whose authority has the duty switched on: which children, why, and who they are."""
    page.context.add_cookies([cookie_for(node, "vsh", address)])  # type: ignore[list-item]
    page.goto(address)
    page.get_by_role("link", name="Not in care").first.click()
    page.get_by_label("Previously looked after").check()
    page.get_by_label("Why do you need this list?").fill("Advice to schools")
    click_through(page.get_by_role("button", name="Show the children"))
    assert page.get_by_role("heading", level=1).inner_text().endswith("Previously looked after")
    assert page.get_by_role("row").count() > 2
    look_at(page, "not-in-care", width)
