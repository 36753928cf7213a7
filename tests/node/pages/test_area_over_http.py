"""The matrix of children who are not in care, over HTTP at a running node: every role, status and group of fields.

As packaged nobody opens a page about them (`test_matrix_over_http.py`); here each status is switched on in turn.
"""

import re
from collections.abc import Iterator

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from node.lookups.area_children import AREA_CHILDREN, FIELDS, NOT_MADE
from node.service import Node
from node.snapshots import Snapshot
from node.vault import read_vault
from policies.names import BY_AREA, CHILD_RECORD, FieldGroup, Relation, Role
from tests.every_role import enter_one
from tests.node.pages.test_matrix_over_http import SCHOOL, WHY
from tests.node.pages.visiting import Visitor, serve_pages, sign_in_entered
from tests.own_policies import drop_policy, put_policy
from tests.small_federation import SmallFederation, copy_federation
from tests.switched_on import HEADS, switch_on

HERE = "203"


@pytest.fixture(scope="module")
def node(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node with children of every status, and one person of every role."""
    node = copy_federation(pristine_london, tmp_path_factory.mktemp("area") / "london").node(HERE)
    for role in Role:
        enter_one(node.party.directory, role, SCHOOL)
    return node


@pytest.fixture(scope="module")
def port(node: Node) -> Iterator[int]:
    with serve_pages(node) as port:
        yield port


@pytest.fixture(autouse=True)
def packaged(node: Node) -> Iterator[None]:
    """Whatever a test switches on is switched off after it."""
    yield
    drop_policy(node.party.directory)


def ask(visitor: Visitor, relation: Relation) -> int:
    """Ask for the list of one status, as the page does."""
    return visitor.send("/area", {"status": BY_AREA[relation], **WHY})


def shown_fields(visitor: Visitor) -> set[str]:
    """The fields in the head of the list that was shown last."""
    headings = re.findall(r'scope="col">([^<]+)<', visitor.texts[-1].split("</thead>")[0])
    said = {"UPN, or our own number": "number", "The authority's own number": "la_child_id"}
    return {said.get(each) or each.lower().replace(" ", "_") for each in map(unescape, headings)}


def unescape(text: str) -> str:
    return text.replace("&#39;", "'")


def a_number(node: Node, relation: Relation) -> str:
    """The pupil number of somebody of this status and no other."""
    snapshot = node.store.current()
    assert snapshot is not None
    sql = f"""SELECT upn FROM {AREA_CHILDREN} WHERE host_authority = '{HERE}' AND upn IS NOT NULL
        GROUP BY upn HAVING list(care_status) = ['{BY_AREA[relation]}'] ORDER BY upn LIMIT 1"""
    ((upn,),) = read_vault({AREA_CHILDREN: snapshot.identified[AREA_CHILDREN]}, sql)
    return str(upn)


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_the_statuses_that_are_switched_on_for_it_and_no_other(
    node: Node, port: int, role: Role
) -> None:
    """Each status in turn, for the two roles that may be given one; every other role is refused whatever is asked."""
    visitor = sign_in_entered(node, port, role)
    for on in BY_AREA:
        put_policy(node.party.directory, switch_on([on], roles=HEADS))
        may = role in HEADS
        assert visitor.get("/area") == (200 if may else 403)
        visitor.get("/")
        seen = {relation: ask(visitor, relation) for relation in BY_AREA}
        assert seen == {relation: 403 if not may else 200 if relation is on else 400 for relation in BY_AREA}
        for relation in BY_AREA:
            visitor.send("/child", {"where": relation, "upn": a_number(node, relation), **WHY})
            assert ("<h1" in visitor.texts[-1] and ">Found<" in visitor.texts[-1]) is (may and relation is on)


@pytest.mark.parametrize("relation", BY_AREA)
def test_each_group_is_shown_where_it_is_permitted(node: Node, port: int, relation: Relation) -> None:
    """Every group of a record in turn, beside the identity that a list takes."""
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    shown = {}
    for group in CHILD_RECORD:
        put_policy(node.party.directory, switch_on([relation], {FieldGroup.IDENTITY, group}))
        visitor.get("/")
        assert ask(visitor, relation) == 200
        shown[group] = shown_fields(visitor)
    identity = shown[FieldGroup.IDENTITY]
    assert identity == {name for name, (group, _) in FIELDS.items() if group is FieldGroup.IDENTITY} & identity
    assert {"number", "date_of_birth"} <= identity
    assert "status" not in identity  # The heading says it.
    for group in set(CHILD_RECORD) - {FieldGroup.IDENTITY}:
        more = shown[group] - identity
        assert more <= {name for name, (known, _) in FIELDS.items() if known is group}
        assert bool(more) is (group in {FieldGroup.CARE, FieldGroup.EDUCATION})


@pytest.mark.parametrize("lacking", ["list", "read"])
def test_a_list_takes_both_rights(node: Node, port: int, lacking: str) -> None:
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    put_policy(node.party.directory, switch_on() + f"p, *, *, {lacking}, identity, deny\n")
    assert visitor.get("/area") == 403


def test_what_is_switched_off_again_is_gone_at_once(node: Node, port: int) -> None:
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    put_policy(node.party.directory, switch_on())
    assert visitor.get("/area") == 200
    assert ask(visitor, Relation.IN_NEED_HERE) == 200
    put_policy(node.party.directory, switch_on([Relation.KINSHIP_HERE]))
    assert ask(visitor, Relation.IN_NEED_HERE) == 400
    drop_policy(node.party.directory)
    assert ask(visitor, Relation.KINSHIP_HERE) == 403


def test_a_list_needs_a_purpose_and_a_status_and_says_so_at_the_field(node: Node, port: int) -> None:
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    put_policy(node.party.directory, switch_on())
    visitor.get("/area")
    for fields, error in (
        ({**WHY}, "status"),
        ({"status": "child_in_need"}, "purpose"),
        ({"status": "x", **WHY}, "status"),
    ):
        assert visitor.send("/area", fields) == 400
        assert f'href="#{error}"' in visitor.texts[-1]


def test_a_snapshot_from_before_these_children_were_worked_out_is_said_to_be_one(
    node: Node, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an empty list nor a fault of what was typed: what to do about it, beside what was chosen."""
    snapshot = node.store.current()
    assert snapshot is not None
    fields = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
    fields["identified"] = {name: path for name, path in snapshot.identified.items() if name != AREA_CHILDREN}
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    put_policy(node.party.directory, switch_on())
    visitor.get("/area")
    monkeypatch.setattr(type(node.store), "current", lambda _: Snapshot(**fields))
    for path, sent, field in (
        ("/area", {"status": "child_in_need"}, "status"),
        ("/child", {"where": Relation.IN_NEED_HERE, "la_child_id": "1"}, "where"),
    ):
        assert visitor.send(path, {**sent, **WHY}) == 400
        assert f'<a href="#{field}">This{NOT_MADE.removeprefix("this")}.</a>' in unescape(visitor.texts[-1])
    assert visitor.send("/child", {"where": "here", "la_child_id": "1", **WHY}) == 200


def test_whoever_is_told_of_some_alone_is_not_told_that_there_is_nobody_else(node: Node, port: int) -> None:
    """A status that is on for the head and not for the staff; and a search is offered in words of this place."""
    put_policy(node.party.directory, switch_on([Relation.IN_NEED_HERE]))
    number, pages = a_number(node, Relation.IN_NEED_HERE), {}
    for role in HEADS:
        visitor = sign_in_entered(node, port, role)
        assert visitor.send("/policy/who", {"child": number, "purpose": "A complaint"}) == 200
        pages[role] = visitor.texts[-1]
        assert visitor.get("/child") == 200
        offered = "Children of our schools who are not in care: in need" in visitor.texts[-1]
        assert offered is (role is Role.VIRTUAL_SCHOOL_HEAD)
    assert "Nobody else could." in pages[Role.VIRTUAL_SCHOOL_HEAD]
    assert "Nobody else could." not in pages[Role.VIRTUAL_SCHOOL_STAFF]
    assert "Nobody of whom your role is told could." in pages[Role.VIRTUAL_SCHOOL_STAFF]


def test_they_are_on_no_page_of_children_in_care(node: Node, port: int) -> None:
    """Switched on or not: neither list, nor caseload, nor a search among our own."""
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    put_policy(node.party.directory, switch_on(groups=CHILD_RECORD))
    numbers = [a_number(node, relation) for relation in BY_AREA]
    visitor.get("/")
    for path in ("/children", "/tracking"):
        assert visitor.send(path, WHY) == 200
        assert not any(number in visitor.texts[-1] for number in numbers)
    for number in numbers:
        visitor.send("/child", {"where": "here", "upn": number, **WHY})
        assert ">Not found<" in visitor.texts[-1]


def test_every_child_shown_is_in_the_log_under_its_relation(node: Node, port: int) -> None:
    visitor = sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    put_policy(node.party.directory, switch_on())
    visitor.get("/")
    assert ask(visitor, Relation.PREVIOUSLY_HERE) == 200
    events = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)]
    shown = [event for event in events if event.relationship == Relation.PREVIOUSLY_HERE and event.subject]
    rows = visitor.texts[-1].split("</thead>")[1].count("<tr")
    assert len({event.subject for event in shown}) == rows > 0
    assert {event.outcome for event in shown} == {Outcome.DONE}
