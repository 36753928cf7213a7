"""Reading the children who were named to somebody: of each, what was named and the policy permits, and no more.

Our own people read whom we named to them here; another authority's asks by a lookup, which is answered the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from federation.delegations import Delegation
from federation.lookups import ChildFile, ChildSought, LookupKind
from federation.state import StateError
from node.lookups.child_search import find_sought
from node.lookups.delegation.shelf import find_in_force
from node.lookups.errand import Question
from node.lookups.file_fields import FILE_FIELDS, TRACKED, file_fields_of, make_file
from node.lookups.narrowing import narrow
from node.lookups.own_children import read_children
from node.lookups.reading_room import Listing, admit_reader
from node.service import Node
from node.snapshots import Snapshot
from node.tracking.store import read_record
from node.tracking.telling import ROOM, tell_facts
from policies.access_policy import AccessPolicy
from policies.names import Action, FieldGroup, Relation
from policies.row_filter import RowFilter

TOLD_FIELDS = (*FILE_FIELDS, *TRACKED)
"""Everything that may be told of a named child."""

LISTING = Listing("named_child", TOLD_FIELDS, (FieldGroup.IDENTITY,), relation=Relation.NAMED_CHILD)
"""What our own people see of whom we named to them, and what it takes to be let in."""

NAMED_TO_US = Question(LookupKind.NAMED_CHILD, Relation.NAMED_CHILD, Action.READ)
"""Asks a home authority after the children whom it has named to the asker."""


@dataclass(frozen=True, repr=False)
class Named:
    """One named child: the row token, the number that names them, and the groups of fields that were named."""

    token: str
    number: str
    groups: frozenset[FieldGroup]


def list_named(snapshot: Snapshot, delegations: Iterable[Delegation]) -> tuple[Named, ...]:
    """Return everybody who is named, in the order of their numbers; whoever is in care no longer is left out."""
    groups: dict[str, frozenset[FieldGroup]] = {}
    for delegation in delegations:
        for number in delegation.children:
            groups[number] = groups.get(number, frozenset()) | frozenset(delegation.field_groups)
    found = ((number, find_sought(snapshot, ChildSought(la_child_id=number))) for number in sorted(groups))
    return tuple(Named(token, number, groups[number]) for number, tokens in found for token in tokens)


def named_filter(policy: AccessPolicy, role: str, authority: str, named: Sequence[Named]) -> RowFilter:
    """What a role may read of these children by their being named. Raises `AccessDenied` and `Refused`."""
    tokens = frozenset(child.token for child in named) or frozenset({"nobody"})
    return narrow(policy.row_filter(role, Action.READ, authority, named_children=tokens), Relation.NAMED_CHILD)


def read_named(node: Node, snapshot: Snapshot, rule: RowFilter, named: Sequence[Named]) -> Mapping[str, ChildFile]:
    """Return the file of each named child by row token, with what the tracking record holds now of the named groups.

    The number that names a child is told with it, whatever groups are: whoever asks has it from the delegation.
    """
    # An answer has the pages that it has: several children share the room that one would have to themselves.
    room = ROOM if len(named) <= 1 else ROOM // (2 * len(named))
    return {child.token: _read_one(node, snapshot, rule, child, room) for child in named}


def _read_one(node: Node, snapshot: Snapshot, rule: RowFilter, child: Named, room: int) -> ChildFile:
    groups = rule.clauses[Relation.NAMED_CHILD] & child.groups
    if not groups:
        return ChildFile(la_child_id=child.number)
    narrowed = replace(rule, clauses={Relation.NAMED_CHILD: groups})
    ((_, values),) = read_children(node, snapshot, narrowed, [child.token])
    record = read_record(node.database.connection, child.token)
    told = {name: tell_facts(record, group, room) for name, group in TRACKED.items() if group in groups}
    return msgspec.structs.replace(make_file(values, file_fields_of(groups)), la_child_id=child.number, **told)


def read_named_to(node: Node, person_id: str, purpose: str, *, copying: bool = False) -> tuple[ChildFile, ...]:
    """Return the children whom we named to one of our own people, once that is logged.

    Raises `StateError`, `PurposeMissing` and `AccessDenied` as the reading room does.
    """
    reader = admit_reader(node, person_id, purpose, LISTING, copying=copying)
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    given = find_in_force(node, node.authority, reader.person.role, reader.person.id)
    named = list_named(snapshot, [each.delegation for each in given])
    files = read_named(node, snapshot, named_filter(node.policy(), reader.person.role, node.authority, named), named)
    reader.sign_for(child.number for child in named)
    return tuple(files.values())
