"""What of one child's record may be handed over, and the pack of it.

To a new home goes what the giver may take out of Circe themselves; to a new host of that no more than our policy lets a
host's virtual school head read. The conversation with a school is the authority's own and stays, and so do the names of
whoever set something down: the role is told, when, and why.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import msgspec

from federation.handovers import HandedChild, HandedEntry, HandoverPack, Occasion
from federation.lookups import ChildFile
from federation.state import StateError
from federation.wire import whole_seconds
from node.lookups.answer_check import hide_fields
from node.lookups.file_fields import FILE_FIELDS, file_fields_of, make_file
from node.lookups.own_children import read_children
from node.people import Person
from node.service import Node
from node.tracking.dataset import SHEETS
from node.tracking.kinds import kind_of, write_fact
from node.tracking.newcomers import list_newcomers
from node.tracking.record import Entry
from node.tracking.store import read_record
from node.upn import is_upn
from policies.access_policy import AccessRequest
from policies.names import CHILD_RECORD, Action, FieldGroup, Relation, Role


@dataclass(frozen=True, repr=False)
class OurChild:
    """The child whose record is handed over: the row token, who it is, and what our files say, as far as it goes."""

    token: str
    child: HandedChild
    file: ChildFile


def check_giver(node: Node, person: Person) -> None:
    """Raise `AccessDenied` unless somebody could take our children's records out of Circe themselves: the head."""
    node.policy().check(AccessRequest(person.role, Relation.HOME, Action.EXPORT, FieldGroup.IDENTITY))


def choose_groups(
    node: Node, person: Person, occasion: Occasion, withheld: Collection[str] = ()
) -> tuple[FieldGroup, ...]:
    """The groups that go. Raises `AccessDenied`, and `StateError` where identity is left out or nothing is left."""
    check_giver(node, person)
    left = permitted_to_go(node, person.role, occasion) - frozenset(withheld)
    if FieldGroup.IDENTITY not in left or len(left) == 1:
        raise StateError("nothing would be handed over: identity is always told, and at least one other group")
    return tuple(group for group in CHILD_RECORD if group in left)


def permitted_to_go(node: Node, role: Role, occasion: Occasion) -> frozenset[FieldGroup]:
    """The groups that our policy, as it stands now, lets whoever has a role hand over on an occasion."""
    policy = node.policy()
    groups = policy.permitted_groups(role, Relation.HOME, Action.EXPORT)
    if occasion is Occasion.NEW_HOST:
        groups &= policy.permitted_groups(Role.VIRTUAL_SCHOOL_HEAD, Relation.HOST, Action.READ)
    return groups


def find_our_child(node: Node, person: Person, token: str, groups: frozenset[FieldGroup]) -> OurChild:
    """Read one child in our care by row token. Raises `StateError` for nobody, and for one whose birth is not known."""
    file = _read_loaded(node, person, token, groups) or _read_entered(node, token, groups)
    upn = file.upn if file.upn and is_upn(file.upn) else ""
    told = {"number": file.la_child_id, "date_of_birth": file.date_of_birth, "upn": upn, "name": file.name}
    try:
        child = msgspec.convert({name: text for name, text in told.items() if text}, HandedChild)
    except msgspec.ValidationError:
        raise StateError("this is no child in our care whose number and day of birth we know") from None
    return OurChild(token, child, file)


def _read_loaded(node: Node, person: Person, token: str, groups: frozenset[FieldGroup]) -> ChildFile | None:
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    rule = node.policy().row_filter(person.role, Action.EXPORT, node.authority)
    rows = read_children(node, snapshot, replace(rule, clauses={Relation.HOME: groups}), [token])
    return make_file(rows[0][1], file_fields_of(groups)) if rows else None


def _read_entered(node: Node, token: str, groups: frozenset[FieldGroup]) -> ChildFile:
    """A child whom no load has brought yet, as our own people entered them; an empty file where there is none."""
    newcomer = list_newcomers(node).get(token)
    if newcomer is None:
        return ChildFile()
    known = ChildFile(
        la_child_id=newcomer.number,
        name=newcomer.name or None,
        upn=newcomer.upn,
        date_of_birth=newcomer.date_of_birth.isoformat(),
        host_authority=newcomer.host_authority,
        school=str(newcomer.school_urn) if newcomer.school_urn else None,
        care_start=newcomer.care_start.isoformat(),
    )
    return hide_fields(known, set(FILE_FIELDS) - set(file_fields_of(groups)))


def make_pack(node: Node, handover_id: str, ours: OurChild, groups: frozenset[FieldGroup]) -> HandoverPack:
    """The pack of one child, as everything stands now."""
    entries = read_record(node.database.connection, ours.token).entries
    return HandoverPack(
        handover_id=handover_id,
        home=node.authority,
        made_at=whole_seconds(node.clock()),
        child=ours.child,
        contact=node.rules().lookups.contact,
        fields=file_fields_of(groups),
        file=ours.file,
        entries=tuple(_hand(entry) for entry in entries if _goes(entry, groups)),
    )


def _goes(entry: Entry, groups: frozenset[FieldGroup]) -> bool:
    kind = kind_of(entry.fact)
    return kind.name in SHEETS and kind.group in groups


def _hand(entry: Entry) -> HandedEntry:
    return HandedEntry(
        made_at=whole_seconds(entry.made),
        role=entry.role,
        reason=entry.reason,
        kind=kind_of(entry.fact).name,
        fact=write_fact(entry.fact),
        authority=entry.told_by,
    )
