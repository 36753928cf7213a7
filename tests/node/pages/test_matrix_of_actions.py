"""Update, export and aggregate at a running node: what every role may do to records and figures, tried for real.

That a page opens says little of what is done there: here every role sets something down, takes something away and asks
for figures, with references of its own and with those of somebody who may.
"""

import re
from collections.abc import Iterator

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from node.people import BY_SCHOOLS
from node.service import Node
from node.tracking.store import read_records
from node.vault import read_vault
from policies.access_policy import MATRIX
from policies.names import Role
from tests.every_role import enter_one
from tests.node.pages.test_matrix_over_http import WHY
from tests.node.pages.visiting import Visitor, serve_pages, sign_in_entered
from tests.own_policies import drop_policy, put_policy
from tests.policies.test_access_matrix import ALLOWED
from tests.small_federation import SmallFederation, copy_federation

TARGET = {"kind": "target", "term": "202425-summer", "subject": "english", "target": "5", "reason": "Agreed at the PEP"}
FIGURE = {"measure": "suspended", "by": "", "year": "202425", "whose": "authority", **WHY}


@pytest.fixture(scope="module")
def node(pristine_federation: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node with one person of every role; those who have a school have the one with the most of our children."""
    federation = copy_federation(pristine_federation, tmp_path_factory.mktemp("actions") / "federation")
    node = federation.node(federation.authorities[0])
    own, _ = schools_of(node)
    for role in Role:
        enter_one(node.party.directory, role, own)
    return node


def schools_of(node: Node) -> tuple[int, int]:
    """The school with the most of our children in care now, and another."""
    snapshot = node.store.current()
    assert snapshot is not None
    sql = """SELECT school_urn FROM children
        WHERE care_start IS NOT NULL AND care_end IS NULL AND school_urn IS NOT NULL
        AND academic_year = (SELECT max(academic_year) FROM children) GROUP BY ALL ORDER BY count(*) DESC, school_urn"""
    (first,), (second,), *_ = read_vault({"children": snapshot.identified["children"]}, sql)
    return int(first), int(second)


@pytest.fixture(scope="module")
def port(node: Node) -> Iterator[int]:
    with serve_pages(node) as port:
        yield port


def find_reference(visitor: Visitor) -> str:
    """The reference of a child on the caseload of whoever may read one; empty for anybody else."""
    visitor.send("/tracking", WHY)
    found = re.search(r'name="child" value="([0-9a-f]{32})"', visitor.texts[-1])
    return found[1] if found else ""


def count_entries(node: Node) -> int:
    """How much stands in all tracking records together."""
    return sum(record.version for record in read_records(node.database.connection).values())


def set_down(visitor: Visitor, reference: str, kind: dict[str, str]) -> int:
    """Try to set a fact down upon the version that the form shows, or upon any where there is no form."""
    visitor.send("/tracking/form", {"child": reference, "kind": kind["kind"], **WHY})
    found = re.search(r'name="version" value="([0-9]+)"', visitor.texts[-1])
    return visitor.send("/tracking/update", {"child": reference, "version": found[1] if found else "0", **kind, **WHY})


@pytest.mark.parametrize("role", Role)
def test_each_role_changes_what_it_may_update_and_nothing_else(node: Node, port: int, role: Role) -> None:
    """With a reference of its own, and with that of the virtual school head's session."""
    visitor, head = sign_in_entered(node, port, role), sign_in_entered(node, port, Role.VIRTUAL_SCHOOL_HEAD)
    own, borrowed, before = find_reference(visitor), find_reference(head), count_entries(node)
    assert borrowed
    assert set_down(visitor, borrowed, TARGET) in (400, 403, 404)
    assert count_entries(node) == before
    may = (role, "home", "update", "plan") in ALLOWED
    assert (set_down(visitor, own, TARGET) == 200) is may
    assert (count_entries(node) > before) is may
    assert bool(own) is ((role, "home", "read", "plan_pep") in ALLOWED or role == Role.DESIGNATED_TEACHER)


def test_an_update_that_a_role_may_not_make_is_in_the_log(node: Node, port: int) -> None:
    """A teacher reads the plan, and changes nothing of it: who tried is known."""
    teacher = sign_in_entered(node, port, Role.DESIGNATED_TEACHER)
    assert set_down(teacher, find_reference(teacher), TARGET) == 403
    entry = next(iter(read_entries(node.database.connection, action=Action.TRACKING_UPDATED))).to_event()
    assert (entry.actor, entry.outcome) == ("designated-teacher (designated_teacher)", Outcome.REFUSED)


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_figures_of_whom_it_may(node: Node, port: int, role: Role) -> None:
    """All our children, the school that some are entered with, and another; whatever role the form claims."""
    own, other = schools_of(node)
    visitor = sign_in_entered(node, port, role)
    works_there = role in {Role.DESIGNATED_TEACHER, *BY_SCHOOLS}
    wanted = {
        "authority": ("home", "aggregates"),
        str(own): ("school" if works_there else "home", "school_aggregates"),
        str(other): ("home", "school_aggregates"),
    }
    seen = {whose: visitor.send("/figures", {**FIGURE, "whose": whose, "role": "ofsted"}) for whose in wanted}
    allowed = {whose: (role, relation, "aggregate", group) in ALLOWED for whose, (relation, group) in wanted.items()}
    assert seen == {whose: 200 if allowed[whose] else 403 for whose in wanted}


@pytest.mark.parametrize("role", ["designated_teacher", "academy_trust", "school_inspector"])
def test_a_school_goes_with_the_person_and_not_with_the_form(node: Node, port: int, role: str) -> None:
    _, other = schools_of(node)
    visitor = sign_in_entered(node, port, role)
    forged = {"school_urn": str(other), "schools": str(other), "works_at": str(other)}
    assert visitor.send("/figures", {**FIGURE, **forged, "school": str(other)}) == 403


@pytest.mark.parametrize("role", ["virtual_school_head", "virtual_school_staff", "ig_officer"])
def test_a_right_that_is_taken_away_is_gone_at_once(node: Node, port: int, role: str) -> None:
    """Copies of plans, of the log, and figures: the authority's own file is asked at every request."""
    visitor = sign_in_entered(node, port, role)
    ways = {"/tracking/export": ("export", WHY), "/audit/whole": ("export", {}), "/figures": ("aggregate", FIGURE)}
    given = {path for path, (_, fields) in ways.items() if visitor.send(path, dict(fields)) == 200}
    assert given
    denied = "".join(f"p, {role}, *, {action}, *, deny\n" for action in ("export", "aggregate"))
    try:
        put_policy(node.party.directory, MATRIX.read_text() + denied)
        assert {path for path, (_, fields) in ways.items() if visitor.send(path, dict(fields)) == 200} == set()
    finally:
        drop_policy(node.party.directory)
