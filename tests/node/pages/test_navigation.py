"""The navigation of a node's pages: whoever may do much reads five or six places, and reaches all they may open."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from node.service import Node
from policies.names import Role
from tests.every_role import enter_one
from tests.node.pages.conftest import Browse
from tests.node.pages.test_matrix_over_http import DOORS, SCHOOL, is_let_in

MOST_SECTIONS = 6


def read_links(page: str, label: str) -> list[tuple[str, str, str]]:
    """Address, text and mark of each link of a navigation; nothing where there is no such navigation."""
    found = re.search(rf'<nav [^>]*aria-label="{label}">(.*?)</nav>', page, re.DOTALL)
    links = re.findall(
        r'<a [^>]*href="([^"]+)"(?: aria-current="(\w+)")?>(.*?)</a>', found[1] if found else "", re.DOTALL
    )
    return [(address, unescape(re.sub("<[^>]*>", "", text)).strip(), mark) for address, mark, text in links]


def list_reached(client: FlaskClient) -> set[str]:
    """Every address that the navigation leads to from the home page, in two steps."""
    reached = set()
    for address, text, _ in read_links(client.get("/").text, "Main"):
        reached |= {address} | {near for near, *_ in read_links(client.get(address).text, text)}
    return reached


@pytest.mark.parametrize("role", Role)
def test_each_role_reaches_what_it_may_open_by_a_few_places(node: Node, browse: Browse, role: Role) -> None:
    enter_one(node.party.directory, role, SCHOOL, "somebody")
    client = browse("somebody")
    assert len(read_links(client.get("/").text, "Main")) <= MOST_SECTIONS
    may_open = {path for path, rights in DOORS.items() if is_let_in(role, rights)}
    assert list_reached(client) == {"/", "/policy", *may_open}


def test_a_head_reads_five_places(browse: Browse) -> None:
    head = browse("vsh")
    assert [text for _, text, _ in read_links(head.get("/").text, "Main")] == [
        "Home", "Children", "Figures", "Sharing", "Who may see what",
    ]  # fmt: skip


def test_a_page_says_where_it_is(browse: Browse) -> None:
    """A section is marked as one that the visitor is in, its page as the one that they are at."""
    head, teacher = browse("vsh"), browse("teacher")
    page = head.get("/handovers").text
    assert [text for _, text, mark in read_links(page, "Main") if mark == "true"] == ["Sharing"]
    assert [text for _, text, mark in read_links(page, "Sharing") if mark] == ["Hand-overs"]
    policy = head.get("/policy").text
    assert [text for _, text, mark in read_links(policy, "Main") if mark == "page"] == ["Who may see what"]
    assert policy.count("<nav") == 1
    assert {text for _, text, _ in read_links(teacher.get("/tracking").text, "Children")} == {
        "Tracking", "Class list",
    }  # fmt: skip


def test_a_stranger_is_led_home_and_nowhere_else(browse: Browse) -> None:
    assert [address for address, *_ in read_links(browse("").get("/").text, "Main")] == ["/"]
