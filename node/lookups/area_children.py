"""Children in nobody's care to whom a virtual school head has a duty by the area of their school.

Those previously looked after (Children Act 1989, s. 23ZZA), those in need and those in kinship care (Children's
Wellbeing and Schools Act 2026, s. 6). As packaged, the access policy lets nobody read a record of theirs: an authority
switches each status on in its own file. They are listed apart from the children in care and apart from each other, and
no caseload, plan, claim or figure has them. Nobody but our own people reads them, and nobody takes a copy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation.lookups import ChildSought
from federation.state import StateError
from node.lookups.child_search import Among, find_sought
from node.lookups.narrowing import narrow
from node.lookups.own_children import NAME, NO_ROLLS, ROLLS, find_rolls
from node.lookups.reading_room import Listing, admit_reader
from node.row_filtering import RowFacts, filter_rows
from node.service import Node
from node.snapshots import Snapshot
from node.tracking.newcomers import list_newcomers
from node.vault import Row, ask_vault
from policies.access_policy import AccessPolicy, AccessRequest
from policies.names import BY_AREA, Action, FieldGroup, Relation, Role
from policies.row_filter import RowFilter

AREA_CHILDREN = "area_children"
"""The identified table of these children: one row for each child and status."""

FACTS = RowFacts("NULL::VARCHAR", "ours.host_authority", "ours.school_urn", "ours.child", "ours.care_status")
"""What relations to them are decided by: whoever is in nobody's care has no home authority."""

FIELDS: Mapping[str, tuple[FieldGroup, str]] = {
    "number": (FieldGroup.IDENTITY, "coalesce(ours.upn, ours.la_child_id, 'none')"),
    "la_child_id": (FieldGroup.IDENTITY, "ours.la_child_id"),
    "name": (FieldGroup.IDENTITY, NAME),
    "date_of_birth": (FieldGroup.IDENTITY, "strftime(ours.dob, '%Y-%m-%d')"),
    "status": (FieldGroup.IDENTITY, "ours.care_status"),
    "school": (FieldGroup.EDUCATION, "CAST(ours.school_urn AS VARCHAR)"),
    "year_group": (FieldGroup.EDUCATION, "ours.year_group"),
    "attendance_rate": (FieldGroup.EDUCATION, "round(ours.attendance_rate::DOUBLE, 3)"),
    "suspensions": (FieldGroup.EDUCATION, "ours.suspensions"),
    "sen_provision": (FieldGroup.EDUCATION, "ours.sen_provision"),
    "rests_on": (FieldGroup.CARE, "ours.rests_on"),
    "since": (FieldGroup.CARE, "strftime(ours.since, '%Y-%m-%d')"),
    "status_told_by": (FieldGroup.CARE, "ours.told_by"),
}
"""The fields of the list: the group that the access matrix knows each by, and how it is read.

`number` is the pupil number, or where there is none our own; `rests_on` is the order or plan that gives the status.
"""

STILL_SO = """coalesce(ours.until >= $today::DATE, true)
    AND NOT coalesce(list_contains($entered::VARCHAR[], ours.la_child_id), false)
    AND NOT coalesce(list_contains($entered::VARCHAR[], ours.upn), false)"""
"""Of which rows the status has not ended since the load: by its own last day, or as the child came into our care."""

LISTINGS: Mapping[Relation, Listing] = {
    relation: Listing(status, tuple(FIELDS), (FieldGroup.IDENTITY,), (Action.LIST, Action.READ), relation)
    for relation, status in BY_AREA.items()
}
SEARCHES: Mapping[Relation, Listing] = {
    relation: Listing(f"one_{status}", tuple(FIELDS), (FieldGroup.IDENTITY,), (Action.SEARCH, Action.READ), relation)
    for relation, status in BY_AREA.items()
}
"""What the list of those of one status shows, and a search among them; and what it takes to be let in."""

NOT_MADE = (
    "this snapshot was made before these children were worked out: the node's administrator loads the files again, or "
    "anything new"
)


@dataclass(frozen=True, repr=False)
class AreaChildren:
    """Children of one status, in the order of their tokens: `rows` in the order of `FIELDS`."""

    rows: tuple[Row, ...]
    snapshot: Snapshot


def list_switched_on(policy: AccessPolicy, role: Role, action: Action) -> tuple[Relation, ...]:
    """The relations by which a policy lets a role do this to, and read, the identity of these children."""
    return tuple(
        relation
        for relation in BY_AREA
        if all(
            policy.permits(AccessRequest(role, relation, each, FieldGroup.IDENTITY)) for each in (action, Action.READ)
        )
    )


def list_area_children(
    node: Node, person_id: str, purpose: str, relation: Relation, *, copying: bool = False
) -> AreaChildren:
    """Return those to whom one of our people stands by a relation of `BY_AREA`, once each is in the log.

    Raises `StateError` where nothing is loaded, and what the reading room raises.
    """
    return _show(node, person_id, purpose, relation, LISTINGS[relation], None, copying=copying)


def find_area_child(
    node: Node, person_id: str, purpose: str, relation: Relation, sought: ChildSought, *, copying: bool = False
) -> AreaChildren:
    """Return whom of them a search finds, logged whatever it finds. Raises as `list_area_children`."""
    return _show(node, person_id, purpose, relation, SEARCHES[relation], sought, copying=copying)


def _show(
    node: Node,
    person_id: str,
    purpose: str,
    relation: Relation,
    listing: Listing,
    sought: ChildSought | None,
    *,
    copying: bool,
) -> AreaChildren:
    reader = admit_reader(node, person_id, purpose, listing, copying=copying)
    snapshot = find_made(node)
    rule = narrow(node.policy().row_filter(reader.person.role, Action.READ, node.authority), relation)
    among = Among(AREA_CHILDREN, f"care_status = '{BY_AREA[relation]}'")
    children = None if sought is None else find_sought(snapshot, sought, among)
    found = read_area_children(node, snapshot, rule, children)
    reader.sign_for_tokens(token for token, _ in found)
    return AreaChildren(tuple(row for _, row in found), snapshot)


def find_made(node: Node) -> Snapshot:
    """The snapshot in use, if it has these children. Raises `StateError`."""
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    if AREA_CHILDREN not in snapshot.identified:
        raise StateError(NOT_MADE)
    return snapshot


def know_now(node: Node) -> dict[str, object]:
    """What `STILL_SO` asks for: the day, and the numbers of those who were entered as new in our care."""
    entered = {number for each in list_newcomers(node).values() for number in (each.number, each.upn) if number}
    return {"today": node.clock().date(), "entered": sorted(entered)}


def read_area_children(
    node: Node, snapshot: Snapshot, rule: RowFilter, children: Sequence[str] | None = None
) -> list[tuple[str, Row]]:
    """Return what a filter permits of these children, each behind the row token: of all, or of those named."""
    filtered, rolls = filter_rows(rule, FACTS, FIELDS), find_rolls(snapshot)
    among = "" if children is None else " AND list_contains($children, ours.child)"
    sql = f"""
        {"" if rolls else NO_ROLLS}
        SELECT ours.child, {filtered.columns}
        FROM {AREA_CHILDREN} AS ours
        WHERE {filtered.condition} AND {STILL_SO}{among}
        ORDER BY school NULLS LAST, ours.child
    """  # noqa: S608 - every part is written in this package
    tables: dict[str, Path | Sequence[Path]] = {AREA_CHILDREN: snapshot.identified[AREA_CHILDREN]}
    if rolls:
        tables[ROLLS] = rolls
    named = {} if children is None else {"children": list(children)}
    parameters = {**filtered.parameters, **know_now(node), **named}
    return [(str(token), tuple(values)) for token, *values in ask_vault(tables, sql, parameters)]
