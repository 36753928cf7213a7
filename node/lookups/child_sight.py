"""Who could see one of our children today, and why: our people, the host authority's, whoever the child is named to.

The child is looked up in the vault, in the newest year that has a row for them, by the number that the authority itself
gave them. A reader needs the right to read whose child it is; the reading is in the log like any other list's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from federation.delegations import Delegation
from federation.state import StateError
from node.lookups.delegation.shelf import is_still_signed, list_given
from node.lookups.named_children import list_named
from node.lookups.reading_room import Listing
from node.lookups.records import CHILDREN
from node.people import list_people
from node.service import Node
from node.vault import read_vault
from policies.names import CHILD_RECORD, Action, FieldGroup, Relation, Role
from policies.sight import Asker, Sight, StandingOf, who_could_see

LISTING = Listing("who_could_see", ("who", "role", "relation", "action", "field_groups"), (FieldGroup.IDENTITY,))
"""What `circe node policy who` shows, and what the access matrix is asked for it."""


def find_standing(node: Node, la_child_id: str) -> StandingOf:
    """Return the facts by which relations to one of our children are decided, out of the snapshot in use.

    Raises `StateError` for a number that is nobody's here.
    """
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    rows = read_vault(
        {CHILDREN: snapshot.identified[CHILDREN]},
        f"""SELECT child, host_authority, school_urn FROM {CHILDREN}
            WHERE la_child_id = $number ORDER BY academic_year DESC LIMIT 1""",  # noqa: S608 - a name of this package
        {"number": la_child_id},
    )
    if not rows:
        raise StateError("no child of that number is in the current snapshot: give the authority's own child id")
    ((child, host, school),) = rows
    return StandingOf(child, node.authority, host, school)


def list_sights(node: Node, child: StandingOf) -> tuple[Sight, ...]:
    """Everything that our own people, the host authority's, and whoever the child is named to, could do to the record.

    All of it is under our policy of now, and a delegation gives no more than it names.
    """
    named = (sight for given in _list_named(node, child) for sight in _named_sights(node, child, given))
    return (*who_could_see(node.policy(), child, _askers(node, child)), *named, *_emergency_sights(node))


def _emergency_sights(node: Node) -> Iterator[Sight]:
    """What anybody could read of any child of ours in an emergency, by their own passkey, and our officer be told."""
    if not node.rules().lookups.emergencies:
        return
    for role in Role:
        groups = node.policy().permitted_groups(role, Relation.EMERGENCY, Action.READ)
        if groups:
            asker = Asker("whoever signs an emergency with their passkey, at any authority", role, "")
            yield Sight(asker, Relation.EMERGENCY, Action.READ, tuple(g for g in CHILD_RECORD if g in groups))


def _list_named(node: Node, child: StandingOf) -> Iterator[Delegation]:
    snapshot = node.store.current()
    if snapshot is None:
        return
    for given in list_given(node):
        in_force = given.is_in_force(node.clock().date()) and is_still_signed(node, given)
        if in_force and child.child in {named.token for named in list_named(snapshot, [given.delegation])}:
            yield given.delegation


def _named_sights(node: Node, child: StandingOf, delegation: Delegation) -> Iterator[Sight]:
    whom = delegation.person or "whoever has that role"
    name = whom if delegation.authority == node.authority else f"{whom} at {delegation.authority}"
    asker = Asker(name, Role(delegation.role), "", named_children=frozenset({child.child}))
    for sight in who_could_see(node.policy(), child, [asker]):
        groups = tuple(group for group in sight.field_groups if group in delegation.field_groups)
        if groups and sight.relation is Relation.NAMED_CHILD:
            yield replace(sight, field_groups=groups)


def _askers(node: Node, child: StandingOf) -> Iterable[Asker]:
    for person in list_people(node.party.directory):
        yield Asker(person.id, person.role, node.authority, person.school_urn)
    if child.host_authority not in (None, node.authority):
        for role in (Role.VIRTUAL_SCHOOL_HEAD, Role.VIRTUAL_SCHOOL_STAFF):
            yield Asker(f"whoever {child.host_authority} signs for", role, str(child.host_authority))
    if child.school_urn is not None and child.host_authority != node.authority:
        name = f"whoever {child.host_authority} vouches for at school {child.school_urn}"
        yield Asker(name, Role.DESIGNATED_TEACHER, str(child.host_authority), child.school_urn)
