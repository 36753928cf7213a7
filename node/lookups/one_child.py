"""One child, sought for a stated purpose: over our own records, or at one other authority's node.

A search is logged as one before anything is looked at, and again with what was found: that nobody was is an entry, too.
"""

from dataclasses import replace

from federation.lookups import ChildSought, LookupKind
from federation.state import StateError
from node.lookups.asking import Carrier, ask_lookup
from node.lookups.child_search import find_sought
from node.lookups.errand import LookupResult, Question
from node.lookups.own_children import FIELDS, read_children
from node.lookups.reading_room import Listing, admit_reader
from node.lookups.sought_child import SoughtUnclear
from node.people import Person
from node.service import Node
from node.vault import Row
from policies.names import Action, FieldGroup, Relation

LISTING = Listing("one_child", tuple(FIELDS), (FieldGroup.IDENTITY,), (Action.SEARCH, Action.READ))
"""What a search over our own records shows, and what it takes to be let in."""

PLACED_WITH_US = Question(LookupKind.ONE_CHILD, Relation.HOST, Action.SEARCH)
"""Asks a home authority after one child of its own who is educated in our area."""

OURS_ON_THEIR_ROLL = Question(LookupKind.CHILD_ON_ROLL, Relation.HOME, Action.SEARCH)
"""Asks a host authority after one child of ours on a roll of its schools."""

QUESTIONS = {"theirs": PLACED_WITH_US, "ours": OURS_ON_THEIR_ROLL}
"""What can be asked of another authority, by whose the child is."""


def find_own_child(
    node: Node, person_id: str, purpose: str, sought: ChildSought, *, copying: bool = False
) -> tuple[Row, ...]:
    """Return whom of our children in care a search finds, with the fields that our policy lets the person read.

    Raises `StateError`, `PurposeMissing` and `AccessDenied` as the reading room does.
    """
    reader = admit_reader(node, person_id, purpose, LISTING, copying=copying)
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    rule = node.policy().row_filter(reader.person.role, Action.READ, node.authority)
    rows = tuple(row for _, row in read_children(node, snapshot, rule, find_sought(snapshot, sought)))
    reader.sign_for(number for number, *_ in rows)
    return rows


def ask_one_child(
    node: Node,
    hub: Carrier,
    person: Person,
    purpose: str,
    sought: ChildSought,
    *,
    whose: str,
    at: str,
    patience: int,
    copying: bool = False,
) -> LookupResult:
    """Ask one other authority's node after one child, `ours` or `theirs`.

    Raises `StateError` for an authority without a node and for a question that nobody answers; `AccessDenied` and
    `PurposeMissing` where nothing is sent.
    """
    check_question(sought, whose=whose, at=at)
    question = QUESTIONS[whose]
    asked = replace(question, sought=sought, copying=copying)
    return ask_lookup(node, hub, person, purpose, asked, at=at, patience=patience)


def check_question(sought: ChildSought, *, whose: str, at: str) -> None:
    """Raise `SoughtUnclear` for a question that no other authority could answer."""
    if whose not in QUESTIONS:
        raise SoughtUnclear({"where": "say whose records are searched: the child is ours, or theirs"})
    if not at:
        raise SoughtUnclear({"at": "say which authority is asked"})
    given = {"upn": sought.upn, "date_of_birth": sought.date_of_birth}
    if whose == "ours" and not all(given.values()):
        both = "a child of ours is found on another authority's rolls by pupil number and date of birth"
        raise SoughtUnclear({name: both for name, value in given.items() if not value})
