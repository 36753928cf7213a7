"""Where home told of no school, our own roll does: of the very child, to whoever may read it, and marked as ours."""

from collections.abc import Mapping

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from federation.lookups import ChildRecord
from node.ingest.tokens import row_token
from node.lookups.command import HEADINGS, list_rows
from node.lookups.errand import LookupResult
from node.lookups.reading_room import Reader
from node.lookups.schools_here import LISTING, find_schools_here
from node.service import Node
from node.vault import read_vault
from policies.access_policy import MATRIX
from tests.federation.test_lookup_messages import ANSWER
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation


@pytest.fixture
def node(federation: SmallFederation) -> Node:
    return federation.node("203")


@pytest.fixture
def pupil(node: Node) -> tuple[ChildRecord, str]:
    """A child as a home authority would tell of one on our roll, without the school; and the school."""
    snapshot = node.store.current()
    assert snapshot is not None
    ((upn, born, school),) = read_vault(
        {"pupils": snapshot.identified["pupils"]},
        "SELECT upn, strftime(date_of_birth, '%Y-%m-%d'), school_urn::VARCHAR FROM pupils WHERE academic_year = 202425 "
        "AND school_urn IS NOT NULL AND upn IS NOT NULL ORDER BY upn LIMIT 1",
    )
    return ChildRecord("77", upn, born, None, None, None, None), school


def find(node: Node, *children: ChildRecord) -> Mapping[str, str]:
    person = node.find_person("vsh")
    reader = Reader(node, person, "Termly review", LISTING, False, node.policy().version)
    return find_schools_here(reader, node.store.current(), children)


def logged(node: Node) -> list[str]:
    events = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)]
    return [event.subject for event in events if event.details.get("listing") == LISTING.name and event.subject]


def test_a_child_on_our_roll_is_found_and_logged(node: Node, pupil: tuple[ChildRecord, str]) -> None:
    child, school = pupil
    assert find(node, child) == {child.upn: school}
    keys = node.party.keys
    assert logged(node) == [keys.log_token(row_token(keys.row_secret, str(child.upn)))]


@pytest.mark.parametrize(
    ("told", "is_found"),
    [
        ({"date_of_birth": None}, True),
        ({"date_of_birth": "1999-01-01"}, False),
        ({"school": "100009"}, False),
        ({"upn": None}, False),
        ({"upn": "A000000000000"}, False),
    ],
)
def test_only_the_very_child_whose_school_was_not_told(
    node: Node, pupil: tuple[ChildRecord, str], told: dict[str, str | None], is_found: bool
) -> None:
    found = find(node, msgspec.structs.replace(pupil[0], **told))
    assert bool(found) is is_found
    assert bool(logged(node)) is is_found


def test_whoever_may_not_read_schooling_here_is_told_none(node: Node, pupil: tuple[ChildRecord, str]) -> None:
    put_policy(node.party.directory, MATRIX.read_text() + "p, *, host, read, education, deny\n")
    assert find(node, pupil[0]) == {}
    assert logged(node) == []


def test_the_list_says_whose_word_a_school_is() -> None:
    without = ChildRecord("77", "A1", None, None, None, None, None)
    children = (
        without,
        msgspec.structs.replace(without, upn="A2", school="100002"),
        msgspec.structs.replace(without, upn="A3"),
    )
    answer = msgspec.structs.replace(ANSWER, children=children, files=())
    rows = list_rows(LookupResult(ANSWER.lookup_id, (answer,), (), schools_here={"A1": "100001"}))
    school, source = HEADINGS.index("school"), HEADINGS.index("school told by")
    assert [(row[school], row[source]) for row in rows] == [
        ("100001", "our own roll"),
        ("100002", "home"),
        ("-", "-"),
    ]
