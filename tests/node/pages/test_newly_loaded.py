"""The page of what has changed, after a load: child by child, as far as each visitor's policy lets them read."""

import html
import re
from datetime import timedelta

import pytest

from audit.event import Action
from audit.log import read_entries
from node.service import Node
from node.tracking import newly_loaded
from node.vault import read_vault
from policies.access_policy import MATRIX
from tests.node.pages.changed_snapshot import publish_changed
from tests.node.pages.conftest import Browse, Send
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

SCHOOL, OTHER = 100001, 999999
"""The school of the fixtures' teacher, and one that nobody is at."""

CHILDREN, YEARS = "identified/children", "governed/child_year"


def put_children_at_school(node: Node) -> list[tuple[str, str]]:
    """Put our first three children into the teacher's school, attending well; the third into another school.

    Returns token and number of each.
    """
    snapshot = node.store.current()
    assert snapshot is not None
    found = read_vault(
        {"children": snapshot.identified["children"]},
        "SELECT child, la_child_id FROM children WHERE care_start IS NOT NULL AND care_end IS NULL "
        "AND academic_year = 202425 ORDER BY la_child_id LIMIT 3",
    )
    tokens = [token for token, _ in found]
    place = f"CASE WHEN child IN ('{tokens[0]}', '{tokens[1]}') THEN {SCHOOL} WHEN child = '{tokens[2]}' THEN {OTHER}"
    publish_changed(
        node,
        {
            CHILDREN: f"SELECT * REPLACE ({place} ELSE school_urn END AS school_urn) FROM {{table}}",
            YEARS: "SELECT * REPLACE (0.95 AS attendance_rate, 0 AS suspensions) FROM {table}",
        },
    )
    return [(token, number) for token, number in found]


def move_children(node: Node, tokens: list[str]) -> None:
    """The first has moved, is suspended and hardly comes; the second has left care; the third comes to the school."""
    first, second, third = tokens
    moved = f"CASE child WHEN '{first}' THEN {OTHER} WHEN '{third}' THEN {SCHOOL} ELSE school_urn END AS school_urn"
    placed = f"CASE child WHEN '{first}' THEN 'childrens_home' ELSE placement_type::VARCHAR END AS placement_type"
    left = f"CASE child WHEN '{second}' THEN DATE '2025-06-03' ELSE care_end END AS care_end"
    absent = f"CASE child WHEN '{first}' THEN 0.42 ELSE attendance_rate END AS attendance_rate"
    suspended = f"CASE child WHEN '{first}' THEN 2 ELSE suspensions END AS suspensions"
    publish_changed(
        node,
        {
            CHILDREN: f"SELECT * REPLACE ({moved}, {placed}, {left}) FROM {{table}}",
            YEARS: f"SELECT * REPLACE ({absent}, {suspended}) FROM {{table}}",
        },
    )


class Looker:
    """Somebody who looks at what has changed, now and an hour after a load."""

    def __init__(self, browse: Browse, send: Send, person: str) -> None:
        self._browse, self._send, self._person = browse, send, person

    def look(self) -> str:
        shown = self._send(
            self._browse(self._person), "/tracking/changes", {"purpose": "Termly review"}, shown="/tracking"
        )
        assert shown.status_code == 200
        return " ".join(html.unescape(re.sub("<[^>]+>", " ", shown.text)).split())


@pytest.fixture
def moved(node: Node) -> list[tuple[str, str]]:
    return put_children_at_school(node)


def look_after_load(looker: Looker, node: Node, federation: SmallFederation, moved: list[tuple[str, str]]) -> str:
    looker.look()
    federation.clock.move(timedelta(hours=1))
    move_children(node, [token for token, _ in moved])
    return looker.look()


def test_a_load_is_told_child_by_child(
    browse: Browse, send: Send, node: Node, federation: SmallFederation, moved: list[tuple[str, str]]
) -> None:
    page = look_after_load(Looker(browse, send, "vsh"), node, federation, moved)
    told = page[page.index("What newly loaded files say") :]
    for said in (
        "Placement: childrens home, before",
        f"{OTHER}, before",
        "Attendance rate: 42.0%, before 95.0% (half of the sessions or more are missed)",
        "Suspensions: 2, before 0 (in 2024/25)",
        "Left care: 3 June 2025",
    ):
        assert said in told, said
    # Once told, it is news no longer.
    federation.clock.move(timedelta(hours=1))
    assert "No files have been loaded since." in Looker(browse, send, "vsh").look()


def test_whoever_left_care_is_in_the_log_as_shown(
    browse: Browse, send: Send, node: Node, federation: SmallFederation, moved: list[tuple[str, str]]
) -> None:
    looker = Looker(browse, send, "vsh")
    looker.look()
    federation.clock.move(timedelta(hours=1))
    move_children(node, [token for token, _ in moved])
    subject, since = node.party.keys.log_token(moved[1][0]), node.clock()
    looker.look()
    entries = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)]
    assert [event for event in entries if event.subject == subject and event.at >= since]


@pytest.mark.parametrize(
    ("group", "told", "untold"),
    [("care", "Attendance rate", ("Placement:", "Left care")), ("education", "Left care", ("School:", "Attendance"))],
)
def test_a_group_that_a_role_may_not_read_is_not_told(
    browse: Browse,
    send: Send,
    node: Node,
    federation: SmallFederation,
    moved: list[tuple[str, str]],
    group: str,
    told: str,
    untold: tuple[str, ...],
) -> None:
    put_policy(node.party.directory, MATRIX.read_text() + f"p, virtual_school_staff, home, read, {group}, deny\n")
    page = look_after_load(Looker(browse, send, "staff"), node, federation, moved)
    page = page[page.index("What newly loaded files say") :]
    assert told in page
    assert not [each for each in untold if each in page]


def test_a_teacher_is_told_of_nobody_who_is_elsewhere(
    browse: Browse, send: Send, node: Node, federation: SmallFederation, moved: list[tuple[str, str]]
) -> None:
    """Who has come is told without where from; where who has gone went is not theirs to read."""
    page = look_after_load(Looker(browse, send, "teacher"), node, federation, moved)
    page = page[page.index("What newly loaded files say") :]
    assert page.count("New here") == 1
    assert not [each for each in (str(OTHER), "Left care", "42.0%", "School:") if each in page]


def test_files_that_are_no_longer_kept_are_said_to_be_gone(
    browse: Browse, send: Send, node: Node, federation: SmallFederation, moved: list[tuple[str, str]]
) -> None:
    looker, seen = Looker(browse, send, "vsh"), node.store.current()
    assert seen is not None
    looker.look()
    federation.clock.move(timedelta(hours=1))
    move_children(node, [token for token, _ in moved])
    node.store.destroy(seen.id)
    assert newly_loaded.GONE in looker.look()


def test_a_page_tells_of_so_many_and_of_how_many_more(
    browse: Browse,
    send: Send,
    node: Node,
    federation: SmallFederation,
    moved: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(newly_loaded, "MOST_CHILDREN", 1)
    page = look_after_load(Looker(browse, send, "vsh"), node, federation, moved)
    assert "2 more children with something new" in page
