"""What may leave in answer to a lookup: for each kind, the children it is about and the fields our policy permits.

Each kind asks the policy by one relation, and the filter that reads the rows is narrowed to that one: what the asker
could see of a child by another relation is asked for by another lookup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from federation.envelope import Envelope
from federation.lookups import ChildFile, ChildRecord, LookupKind, LookupRequest
from node.lookups.answer_check import hide_fields
from node.lookups.child_on_roll import find_on_roll
from node.lookups.child_search import find_in_school, find_sought
from node.lookups.delegation.shelf import find_in_force
from node.lookups.file_fields import TRACKED, file_fields_of, make_file
from node.lookups.named_children import TOLD_FIELDS, list_named, named_filter, read_named
from node.lookups.narrowing import narrow
from node.lookups.notices import NoticeKind, give_notice
from node.lookups.own_children import read_children
from node.lookups.records import find_hosted_children, permitted_fields
from node.lookups.sealed_pages import reading_records
from node.refusal import Refused
from node.service import Node
from node.snapshots import Snapshot
from node.tracking.store import read_record
from node.tracking.telling import tell_facts
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest
from policies.linter import PolicyInvalid
from policies.names import Action, FieldGroup, Relation, Role
from policies.row_filter import RowFilter

NO_POLICY = Refused("policy_unusable", "the access policy here cannot be used at the moment: call the virtual school")
NOT_ONE = Refused("not_one_child", "more than one child is like this: ask again by an identifier, or call")


@dataclass(frozen=True, repr=False)
class Gathered:
    """What may leave: records or files, with the row token of each child, and by which right."""

    relation: Relation
    policy_version: str
    fields: tuple[str, ...]
    tokens: tuple[str, ...]
    children: tuple[ChildRecord, ...] = ()
    files: tuple[ChildFile, ...] = ()
    delegations: tuple[Envelope, ...] = ()

    def without(self, withheld: frozenset[str]) -> "Gathered":
        """Return the same less the fields that this authority's rules withhold from every other."""
        gone = withheld & set(self.fields)
        if not gone:
            return self
        return replace(
            self,
            fields=tuple(name for name in self.fields if name not in gone),
            children=tuple(hide_fields(child, gone) for child in self.children),
            files=tuple(hide_fields(file, gone) for file in self.files),
        )


def gather(node: Node, request: LookupRequest, snapshot: Snapshot | None) -> Gathered:
    """Return what our policy lets leave in answer to a request, less what our rules withhold. Raises `Refused`."""
    if snapshot is None:
        raise Refused("snapshot_absent", "this node has loaded no data")
    try:
        policy = node.policy()
        found = _GATHERERS[request.kind](node, policy, request, snapshot)
    except AccessDenied as denied:
        raise Refused("policy_denied", denied.text) from None
    except PolicyInvalid:
        raise NO_POLICY.anew() from None
    return found.without(node.rules().lookups.withheld)


def _gather_placed_here(node: Node, policy: AccessPolicy, request: LookupRequest, snapshot: Snapshot) -> Gathered:
    rule = policy.row_filter(request.role, Action.READ, request.authority)
    fields = permitted_fields(rule, Relation.HOST)
    if not fields:
        raise Refused("policy_denied", f"this authority lets no {request.role} of a host authority read its children")
    with reading_records(node):
        found = find_hosted_children(snapshot, rule)
    return Gathered(
        relation=Relation.HOST,
        policy_version=policy.version,
        fields=fields,
        tokens=tuple(child.token for child in found),
        children=tuple(child.record for child in found),
    )


def _gather_one_child(node: Node, policy: AccessPolicy, request: LookupRequest, snapshot: Snapshot) -> Gathered:
    """One child of ours who is educated in the asker's area; of somebody who is not, no more is said than of nobody."""
    rule = _narrow_search(policy, request, Relation.HOST)
    sought = request.sought
    assert sought is not None
    with reading_records(node):
        found = read_children(node, snapshot, rule, find_sought(snapshot, sought))
    if len(found) > 1:
        raise NOT_ONE.anew()
    return _with_tracking(node, rule.clauses[Relation.HOST], _as_files(policy, rule, Relation.HOST, found))


def _with_tracking(node: Node, groups: frozenset[FieldGroup], found: Gathered) -> Gathered:
    """The same with what the tracking record holds of the child, as far as these groups may be told."""
    records = [read_record(node.database.connection, token) for token in found.tokens]
    told = [
        {name: tell_facts(record, group) for name, group in TRACKED.items() if group in groups} for record in records
    ]
    names = tuple(name for name in TRACKED if any(each.get(name) for each in told))
    files = tuple(msgspec.structs.replace(file, **each) for file, each in zip(found.files, told, strict=True))
    return replace(found, fields=(*found.fields, *names), files=files)


def _gather_child_on_roll(node: Node, policy: AccessPolicy, request: LookupRequest, snapshot: Snapshot) -> Gathered:
    """One child on a roll of ours whom the asker has in care: both identifiers have to be right, as in a claim.

    A child who is in our own care, as far as we know, is not the asker's: none is found, and our officer is told.
    """
    rule = _narrow_search(policy, request, Relation.HOME)
    sought = request.sought
    assert sought is not None
    if not sought.upn or sought.date_of_birth is None:
        raise Refused("identifiers_missing", "a child on our rolls is found by pupil number and date of birth alone")
    with reading_records(node):
        found = find_on_roll(snapshot, sought.upn, sought.date_of_birth)
        if find_sought(snapshot, sought):
            found = None
            _tell_of_false_claim(node, request)
    groups = rule.clauses[Relation.HOME]
    fields = tuple(name for name in file_fields_of(groups) if found and found[1].get(name))
    return Gathered(
        relation=Relation.HOME,
        policy_version=policy.version,
        fields=fields,
        tokens=(found[0],) if found else (),
        files=(ChildFile(**{name: found[1][name] for name in fields}),) if found else (),
    )


def _tell_of_false_claim(node: Node, request: LookupRequest) -> None:
    """Give our officer notice of who seeks a child in our care as their own: falsely, or ahead of what was loaded."""
    about = {"reference": request.lookup_id, "authority": request.authority}
    text = f"{request.person} ({request.role}) asked, and was told of nobody"
    with node.database.transaction() as connection:
        give_notice(connection, node.clock(), NoticeKind.SOUGHT_AS_THEIRS, **about, text=text)


def _narrow_search(policy: AccessPolicy, request: LookupRequest, relation: Relation) -> RowFilter:
    """The filter by one relation, for whoever may also search by it. Raises `AccessDenied` and `Refused`."""
    policy.check(AccessRequest(request.role, relation, Action.SEARCH, FieldGroup.IDENTITY))
    return narrow(policy.row_filter(request.role, Action.READ, request.authority), relation)


def _as_files(
    policy: AccessPolicy, rule: RowFilter, relation: Relation, found: Sequence[tuple[str, tuple[object, ...]]]
) -> Gathered:
    fields = file_fields_of(rule.clauses[relation])
    return Gathered(
        relation=relation,
        policy_version=policy.version,
        fields=fields,
        tokens=tuple(token for token, _ in found),
        files=tuple(make_file(values, fields) for _, values in found),
    )


def _gather_named(node: Node, policy: AccessPolicy, request: LookupRequest, snapshot: Snapshot) -> Gathered:
    """Whomever we named to the asker, each with the groups that were named, as far as our policy still permits them."""
    in_force = find_in_force(node, request.authority, request.role, request.person)
    with reading_records(node):
        named = list_named(snapshot, [given.delegation for given in in_force])
    rule = named_filter(policy, request.role, request.authority, named)
    with reading_records(node):
        files = read_named(node, snapshot, rule, named)
    told = {name for file in files.values() for name in TOLD_FIELDS if getattr(file, name) is not None}
    return Gathered(
        relation=Relation.NAMED_CHILD,
        policy_version=policy.version,
        fields=tuple(name for name in TOLD_FIELDS if name in told),
        tokens=tuple(files),
        files=tuple(files.values()),
        delegations=tuple(given.envelope for given in in_force),
    )


def _gather_class_list(node: Node, policy: AccessPolicy, request: LookupRequest, snapshot: Snapshot) -> Gathered:
    """Our children at one school of the asker's area; a school that is in another area has none of them there."""
    policy.check(AccessRequest(request.role, Relation.SCHOOL, Action.LIST, FieldGroup.IDENTITY))
    rule = policy.row_filter(request.role, Action.READ, request.authority, school_urn=request.school_urn)
    rule = narrow(rule, Relation.SCHOOL)
    with reading_records(node):
        pupils = find_in_school(snapshot, request.authority, request.school_urn)
        found = read_children(node, snapshot, rule, pupils)
    return _as_files(policy, rule, Relation.SCHOOL, found)


def _gather_emergency(node: Node, policy: AccessPolicy, request: LookupRequest, snapshot: Snapshot) -> Gathered:
    """One child in our care, exactly identified, wherever educated and whatever the asker is to them."""
    policy.check(AccessRequest(request.role, Relation.EMERGENCY, Action.READ, FieldGroup.IDENTITY))
    role, sought = Role(request.role), request.sought
    assert sought is not None
    groups = policy.permitted_groups(role, Relation.EMERGENCY, Action.READ)
    with reading_records(node):
        tokens = find_sought(snapshot, sought)
        # To the engine the child is one that was named: the filter lets that one row through, and these groups of it.
        named = frozenset(tokens) or frozenset({"nobody"})
        rule = RowFilter(role, Action.READ, request.authority, None, named, {Relation.NAMED_CHILD: groups})
        found = read_children(node, snapshot, rule, tokens)
    if len(found) > 1:
        raise NOT_ONE.anew()
    return replace(_as_files(policy, rule, Relation.NAMED_CHILD, found), relation=Relation.EMERGENCY)


_GATHERERS: dict[LookupKind, Callable[[Node, AccessPolicy, LookupRequest, Snapshot], Gathered]] = {
    LookupKind.PLACED_HERE: _gather_placed_here,
    LookupKind.ONE_CHILD: _gather_one_child,
    LookupKind.CHILD_ON_ROLL: _gather_child_on_roll,
    LookupKind.NAMED_CHILD: _gather_named,
    LookupKind.CLASS_LIST: _gather_class_list,
    LookupKind.EMERGENCY: _gather_emergency,
}
