"""The class list of a designated teacher: children in care at their school, whichever authority looks after them.

The teacher's own node vouches for them: who they are and for which school they work is its `people.toml`'s to say. Our
own children at the school are read here; every other authority is asked for its own, and decides by its own policy. A
home authority tells of children only at a school of the asking authority's area.
"""

from dataclasses import dataclass

from federation.lookups import ChildFile, LookupKind
from federation.state import StateError
from node.lookups.asking import Carrier, ask_lookup
from node.lookups.child_search import find_in_school
from node.lookups.errand import LookupResult, Question
from node.lookups.file_fields import FILE_FIELDS, file_fields_of, make_file
from node.lookups.narrowing import narrow
from node.lookups.own_children import read_children
from node.lookups.reading_room import Listing, admit_reader
from node.people import Person
from node.service import Node
from policies.names import Action, FieldGroup, Relation

OURS = "ours"
"""What stands for the home authority of our own children."""

LISTING = Listing(
    "class_list", FILE_FIELDS, (FieldGroup.IDENTITY,), (Action.LIST, Action.READ), relation=Relation.SCHOOL
)
"""What a teacher sees of our own children at their school, and what it takes to be let in."""


@dataclass(frozen=True, repr=False)
class ClassList:
    """Our own children at the school, and what every other authority told of its own."""

    own: tuple[ChildFile, ...]
    others: LookupResult

    @property
    def rows(self) -> list[tuple[str | None, ...]]:
        """One row for each child: the home authority, and then the fields of a file."""
        told = [(answer.authority, file) for answer in self.others.answers for file in answer.files]
        return [(home, *(getattr(file, name) for name in FILE_FIELDS)) for home, file in (*self._mine(), *told)]

    def _mine(self) -> list[tuple[str, ChildFile]]:
        return [(OURS, file) for file in self.own]


def read_class(
    node: Node, hub: Carrier, person: Person, purpose: str, *, patience: int, copying: bool = False
) -> ClassList:
    """Return the children in care at a person's school, ours and others'.

    Raises `StateError` for whoever works for no school, `PurposeMissing` and `AccessDenied`.
    """
    own = read_own_class(node, person, purpose, copying=copying)
    question = Question(
        LookupKind.CLASS_LIST, Relation.SCHOOL, Action.LIST, school_urn=person.school_urn, copying=copying
    )
    return ClassList(own, ask_lookup(node, hub, person, purpose, question, patience=patience))


def read_own_class(node: Node, person: Person, purpose: str, *, copying: bool = False) -> tuple[ChildFile, ...]:
    """Return our own children at a person's school, once that is logged. Raises as `read_class`."""
    reader = admit_reader(node, person.id, purpose, LISTING, copying=copying)
    snapshot, school = node.store.current(), reader.person.school_urn
    if school is None or snapshot is None:
        raise StateError("a class list is for whoever works for one school, of a node that has loaded data")
    rule = narrow(
        node.policy().row_filter(reader.person.role, Action.READ, node.authority, school_urn=school), Relation.SCHOOL
    )
    fields = file_fields_of(rule.clauses[Relation.SCHOOL])
    rows = read_children(node, snapshot, rule, find_in_school(snapshot, node.authority, school))
    reader.sign_for(str(values[0]) for _, values in rows if values[0] is not None)
    return tuple(make_file(values, fields) for _, values in rows)
