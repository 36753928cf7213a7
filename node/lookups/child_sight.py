"""Who could see one of our children today, and why: our people, the host authority's, whoever the child is named to.

The child is looked up in the vault, in the newest year that has a row for them, by the number that the authority itself
gave them, or by pupil number. A reader needs the right to read whose child it is; the reading is in the log like any
other list's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from federation.delegations import Delegation
from federation.state import StateError
from node.lookups.area_children import AREA_CHILDREN, STILL_SO, know_now, list_switched_on
from node.lookups.child_on_roll import PUPILS
from node.lookups.delegation.shelf import is_still_signed, list_given
from node.lookups.named_children import list_named
from node.lookups.reading_room import Listing
from node.lookups.records import CHILDREN, IN_CARE_NOW
from node.people import list_people
from node.service import Node
from node.tracking.newcomers import list_newcomers
from node.vault import Row, ask_vault
from policies.names import BY_AREA, CHILD_RECORD, Action, CareStatus, FieldGroup, Relation, Role
from policies.sight import Asker, Sight, StandingOf, who_could_see
from query_engine.geography import name_authority

LISTING = Listing("who_could_see", ("who", "role", "relation", "action", "field_groups"), (FieldGroup.IDENTITY,))
"""What `circe node policy who` shows, and what the access matrix is asked for it."""

_NUMBER = "(la_child_id = $number OR (length(upn) = 13 AND upn = $number))"
STANDINGS = (
    (
        CHILDREN,
        f"""SELECT child, host_authority, school_urn, '{CareStatus.LOOKED_AFTER}' FROM {CHILDREN}
            WHERE {_NUMBER} AND {IN_CARE_NOW}""",  # noqa: S608 - names of this package
    ),
    (
        AREA_CHILDREN,
        f"""SELECT child, host_authority, school_urn, care_status FROM {AREA_CHILDREN} AS ours
            WHERE {_NUMBER} AND host_authority = $authority AND list_contains($statuses::VARCHAR[], care_status)
            AND {STILL_SO} ORDER BY care_status""",  # noqa: S608 - names of this package
    ),
    (
        CHILDREN,
        f"""SELECT child, host_authority, school_urn, NULL FROM {CHILDREN}
            WHERE {_NUMBER} ORDER BY academic_year DESC LIMIT 1""",  # noqa: S608 - names of this package
    ),
    (
        PUPILS,
        f"""SELECT pupil, NULL, school_urn, NULL FROM {PUPILS}
            WHERE upn = $number ORDER BY academic_year DESC LIMIT 1""",  # noqa: S608 - a name of this package
    ),
)
"""Where a child is looked for, in this order, and what is read of them: the first place that has them counts."""


def find_standings(node: Node, number: str, reader: Role) -> tuple[StandingOf, ...]:
    """Return the facts by which relations to one child are decided, as far as a reader may know of them.

    The number is our own, or a pupil number, as returns spell it. A child of several statuses stands to people by each;
    one who has none, of our record or of our schools, stands to nobody. Raises `StateError` for a number that is
    nobody's here: a status that the reader may not read makes it no more somebody's than any other.
    """
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    told = [BY_AREA[relation] for relation in list_switched_on(node.policy(), reader, Action.LIST)]
    of_area = {"authority": node.authority, "statuses": told, **know_now(node)}
    entered = _find_entered(node, number)
    for name, sql in STANDINGS:
        if name in snapshot.identified:
            wanted = {"number": number, **(of_area if name == AREA_CHILDREN else {})}
            rows = ask_vault({name: snapshot.identified[name]}, sql, wanted) or entered
            if rows:
                return tuple(_stand(node, *row) for row in rows)
    raise StateError("no child of that number is in the current snapshot: give the authority's own child id")


def _find_entered(node: Node, number: str) -> list[Row]:
    """The same of a child who was entered as new in our care, and whom no load has brought yet."""
    return [
        (token, each.host_authority, each.school_urn, CareStatus.LOOKED_AFTER)
        for token, each in list_newcomers(node).items()
        if number in (each.number, each.upn)
    ]


def _stand(node: Node, child: str, host: str | None, school: int | None, status: str | None) -> StandingOf:
    known = CareStatus(status) if status else None
    return StandingOf(child, node.authority if known is CareStatus.LOOKED_AFTER else None, host, school, known)


def list_sights(node: Node, number: str, reader: Role) -> tuple[Sight, ...]:
    """Everything that our own people, the host authority's, and whoever a child is named to, could do to the record.

    All of it is under our policy of now, and a delegation gives no more than it names. By which status a child who is
    not in care is seen is told to a `reader` alone who may read those of that status. Raises as `find_standings`.
    """
    return tuple(sight for child in find_standings(node, number, reader) for sight in _list_sights(node, child, reader))


def _list_sights(node: Node, child: StandingOf, reader: Role) -> tuple[Sight, ...]:
    policy = node.policy()
    if child.care_status is not CareStatus.LOOKED_AFTER:
        told = list_switched_on(policy, reader, Action.LIST)
        found = who_could_see(policy, child, _own_people(node))
        return tuple(sight for sight in found if sight.relation in told)
    named = (sight for given in _list_named(node, child) for sight in _named_sights(node, child, given))
    return (*who_could_see(policy, child, _askers(node, child)), *named, *_emergency_sights(node))


def list_untold(node: Node, reader: Role) -> tuple[Relation, ...]:
    """The relations to children not in care by which somebody here may read, and of which a reader is not told."""
    policy, roles = node.policy(), {asker.role for asker in _own_people(node)}
    used = {relation for role in roles for relation in list_switched_on(policy, role, Action.LIST)}
    return tuple(
        relation for relation in BY_AREA if relation in used - {*list_switched_on(policy, reader, Action.LIST)}
    )


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


def _own_people(node: Node) -> Iterator[Asker]:
    today = node.clock().date()
    for person in list_people(node.party.directory):
        if person.is_in_force(today):
            yield Asker(person.id, person.role, node.authority, person.school_urn)


def _askers(node: Node, child: StandingOf) -> Iterable[Asker]:
    yield from _own_people(node)
    host = str(child.host_authority)
    if child.host_authority not in (None, node.authority):
        for role in (Role.VIRTUAL_SCHOOL_HEAD, Role.VIRTUAL_SCHOOL_STAFF):
            yield Asker(f"whoever {name_authority(host)} signs for", role, host)
    if child.school_urn is not None and child.host_authority != node.authority:
        name = f"whoever {name_authority(host)} vouches for at school {child.school_urn}"
        yield Asker(name, Role.DESIGNATED_TEACHER, host, child.school_urn)
