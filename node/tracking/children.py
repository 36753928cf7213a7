"""The children in care whose records somebody may read, and which groups of each they may read and change.

The access policy decides once for each relation, and the engine gives back the permitted rows (`node.row_filtering`):
our own children for the virtual school, those of a designated teacher's school for the teacher. What the reporting
tables say of a child's years is read for the same children alone.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from node.lookups.own_children import FACTS, NAME, NO_ROLLS, ROLLS, find_rolls
from node.lookups.records import CHILDREN, IN_CARE_NOW
from node.people import Person
from node.row_filtering import filter_rows
from node.service import Node
from node.snapshots import Snapshot
from node.tracking.known import KnownChild, LoadedPlan, YearFacts
from node.tracking.newcomers import know_newcomers, list_newcomers, permitted_groups
from node.vault import Row, ask_vault
from policies.access_policy import AccessDenied
from policies.names import CHILD_RECORD, Action, FieldGroup
from policies.row_filter import RowFilter

YEARS, PLANS = "child_year", "pep"

_KNOWN: Mapping[str, tuple[FieldGroup, str]] = {
    "number": (FieldGroup.IDENTITY, "la_child_id"),
    "name": (FieldGroup.IDENTITY, NAME),
    "upn": (FieldGroup.IDENTITY, "ours.upn"),
    "date_of_birth": (FieldGroup.IDENTITY, "ours.dob"),
    "care_start": (FieldGroup.CARE, "ours.care_start"),
    "placement_type": (FieldGroup.CARE, "ours.placement_type"),
    "host_authority": (FieldGroup.EDUCATION, "ours.host_authority"),
    "school_urn": (FieldGroup.EDUCATION, "ours.school_urn"),
    "year_group": (FieldGroup.EDUCATION, "year.year_group"),
    "sen_provision": (FieldGroup.EDUCATION, "year.sen_provision"),
    "sdq_score": (FieldGroup.HEALTH, "year.sdq_score"),
}
_YEARLY: Mapping[str, tuple[FieldGroup, str]] = {
    "attendance_rate": (FieldGroup.EDUCATION, "year.attendance_rate"),
    "days_out_of_learning": (FieldGroup.EDUCATION, "year.days_out_of_learning"),
    "suspensions": (FieldGroup.EDUCATION, "year.suspensions"),
    "suspension_days": (FieldGroup.EDUCATION, "year.suspension_days"),
    "managed_moves": (FieldGroup.EDUCATION, "year.managed_moves"),
    "days_request_to_roll": (FieldGroup.EDUCATION, "year.days_request_to_roll"),
    "school_changes": (FieldGroup.EDUCATION, "year.school_changes_in_year"),
    "placements": (FieldGroup.CARE, "year.placements_in_year"),
    "unplanned_placement_moves": (FieldGroup.CARE, "year.unplanned_moves_in_year"),
}
"""What is read of a child, and of each of their years: the group that the access matrix knows it by, and its SQL."""

FIELDS = {**_KNOWN, **_YEARLY}
_GRANTS = {f"in_{group}": (group, "true") for group in CHILD_RECORD}
"""Columns that are true where a group is permitted: so a row tells what its reader may do with it."""


def find_children(node: Node, snapshot: Snapshot, person: Person) -> tuple[KnownChild, ...]:
    """The children in care whose records somebody may read, newcomers first, in the order of the authority's numbers.

    Raises `AccessDenied` where they may read nobody's.
    """
    read = node.policy().row_filter(person.role, Action.READ, node.authority, person.school_urn)
    update = _filter_for(node, person, Action.UPDATE)
    writable = _granted_by(node, snapshot, update)
    plans = _read_plans(snapshot)
    loaded = tuple(_gather(row, writable, plans) for row in _read(node, snapshot, read, {**FIELDS, **_GRANTS}))
    return (*know_newcomers(node, read, update, [child.token for child in loaded]), *loaded)


def _filter_for(node: Node, person: Person, action: Action) -> RowFilter | None:
    """The filter by which somebody may do this to our children's records; None where they may to nobody's."""
    try:
        return node.policy().row_filter(person.role, action, node.authority, person.school_urn)
    except AccessDenied:
        return None


def _read_plans(snapshot: Snapshot) -> Mapping[str, tuple[LoadedPlan, ...]]:
    """The plans that were reviewed, as they were loaded, by row token."""
    rows = ask_vault(
        {PLANS: snapshot.tables[PLANS]},
        f"SELECT child, academic_year, term, pep_on_time, pep_quality, sdq_strategies FROM {PLANS} WHERE pep_reviewed",  # noqa: S608
    )
    found: dict[str, list[LoadedPlan]] = {}
    for child, year, term, on_time, quality, strategies in rows:
        plan = LoadedPlan(term=f"{year}-{term}", on_time=on_time, quality=quality, sdq_strategies=strategies)
        found.setdefault(child, []).append(plan)
    return {child: tuple(plans) for child, plans in found.items()}


def find_granted(node: Node, snapshot: Snapshot, person: Person, action: Action) -> Mapping[str, frozenset[FieldGroup]]:
    """The groups of fields to which somebody may do this, of each child in care, by row token."""
    rule = _filter_for(node, person, action)
    entered = {
        token: groups
        for token, newcomer in list_newcomers(node).items()
        if rule and (groups := permitted_groups(rule, newcomer, node.authority))
    }
    return {**entered, **_granted_by(node, snapshot, rule)}


def _granted_by(node: Node, snapshot: Snapshot, rule: RowFilter | None) -> Mapping[str, frozenset[FieldGroup]]:
    if rule is None:
        return {}
    return {child: _granted(tuple(granted)) for child, _, *granted in _read(node, snapshot, rule, _GRANTS)}


def _granted(grants: Row) -> frozenset[FieldGroup]:
    return frozenset(group for group, granted in zip(CHILD_RECORD, grants, strict=True) if granted)


def _gather(
    row: Row, writable: Mapping[str, frozenset[FieldGroup]], plans: Mapping[str, tuple[LoadedPlan, ...]]
) -> KnownChild:
    token, academic_year, *values = row
    told: dict[str, Any] = dict(zip(FIELDS, values, strict=False))
    year = YearFacts(academic_year=academic_year, **{name: _plain(told[name]) for name in _YEARLY})
    readable = _granted(tuple(values[len(FIELDS) :]))
    return KnownChild(
        token=token,
        readable=readable,
        writable=writable.get(token, frozenset()) & readable,
        years=(year,),
        plans=plans.get(token, ()) if FieldGroup.PLAN_PEP in readable else (),
        **{name: told[name] for name in _KNOWN},
    )


def _plain(value: Any) -> Any:
    """A decimal as the number that charts and thresholds go by."""
    return value if value is None or isinstance(value, int) else float(value)


def _read(node: Node, snapshot: Snapshot, rule: RowFilter, fields: Mapping[str, tuple[FieldGroup, str]]) -> list[Row]:
    filtered, rolls = filter_rows(rule, FACTS, fields), find_rolls(snapshot)
    sql = f"""
        {"" if rolls else NO_ROLLS}
        SELECT ours.child, ours.academic_year, {filtered.columns}
        FROM (SELECT *, $home AS home FROM {CHILDREN} WHERE {IN_CARE_NOW}) AS ours
        LEFT JOIN {YEARS} AS year ON year.child = ours.child AND year.academic_year = ours.academic_year
        WHERE {filtered.condition}
        ORDER BY ours.la_child_id
    """  # noqa: S608 - every part is written in this package
    tables: dict[str, Any] = {CHILDREN: snapshot.identified[CHILDREN], YEARS: snapshot.tables[YEARS]}
    if rolls:
        tables[ROLLS] = rolls
    return ask_vault(tables, sql, {**filtered.parameters, "home": node.authority})


def read_years(snapshot: Snapshot, child: KnownChild) -> tuple[YearFacts, ...]:
    """What the reporting tables say of each academic year of a child, oldest first, as far as the reader may see it."""
    permitted = {name: (sql if group in child.readable else "NULL") for name, (group, sql) in _YEARLY.items()}
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in permitted.items())
    sql = f"SELECT year.academic_year, {chosen} FROM {YEARS} AS year WHERE child = $child ORDER BY academic_year"  # noqa: S608
    rows = ask_vault({YEARS: snapshot.tables[YEARS]}, sql, {"child": child.token})
    return tuple(
        YearFacts(academic_year=year, **dict(zip(_YEARLY, map(_plain, values), strict=True))) for year, *values in rows
    )


def is_of_school_age(child: KnownChild, today: date) -> bool:
    """Whether a child is one of those that a personal education plan is for: from the nursery year to eighteen."""
    return child.date_of_birth is None or 3 <= (today - child.date_of_birth).days / 365.25 < 18
