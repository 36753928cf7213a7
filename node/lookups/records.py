"""Reading children's records for a lookup: the rows and fields that a row filter permits, and nothing else.

The identified rows are read by an engine of their own, locked to that one file; the query engine never opens it. What a
filter does not name is not selected, so a field that the policy withholds never leaves the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation.lookups import ChildRecord
from node.snapshots import Snapshot
from node.vault import ask_vault
from policies.names import FieldGroup, Relation
from policies.row_filter import RowFilter

CHILDREN = "children"
"""The name of the identified table that lookups read."""

_NEWEST = f"academic_year = (SELECT max(academic_year) FROM {CHILDREN})"  # noqa: S608 - a name of this file
IN_CARE_NOW = f"care_start IS NOT NULL AND care_end IS NULL AND {_NEWEST}"
"""Which of these rows are of a child who is in care now, as far as the snapshot knows.

A care leaver whose episodes are in no return of ours has neither day.
"""

FIELDS: Mapping[str, tuple[FieldGroup, str]] = {
    "la_child_id": (FieldGroup.IDENTITY, "la_child_id"),
    "upn": (FieldGroup.IDENTITY, "upn"),
    "date_of_birth": (FieldGroup.IDENTITY, "strftime(dob, '%Y-%m-%d')"),
    "school": (FieldGroup.EDUCATION, "CAST(school_urn AS VARCHAR)"),
    "placement_type": (FieldGroup.CARE, "placement_type"),
    "legal_status": (FieldGroup.CARE, "legal_status"),
    "care_start": (FieldGroup.CARE, "strftime(care_start, '%Y-%m-%d')"),
}
"""The fields of a child's record: the group the access matrix knows each by, and how it is read."""


@dataclass(frozen=True, repr=False)
class FoundChild:
    """One child of an answer: the permitted record, and the row token by which the own log names the child."""

    token: str
    record: ChildRecord


def permitted_fields(row_filter: RowFilter, relation: Relation) -> tuple[str, ...]:
    """Return the fields that a filter permits by one relation, in the record's order."""
    groups = row_filter.clauses.get(relation, frozenset())
    return tuple(name for name, (group, _) in FIELDS.items() if group in groups)


def find_hosted_children(snapshot: Snapshot, row_filter: RowFilter) -> Sequence[FoundChild]:
    """Return the children of the snapshot's latest year, still in care, whom the filter's host clause lets be read.

    The filter's authority is the one that asks: a child is within the clause when it is educated in that authority.
    """
    fields = permitted_fields(row_filter, Relation.HOST)
    if not fields:
        return ()  # A filter without a host clause finds nobody, whoever forgot to look.
    selected = ", ".join(f"{FIELDS[name][1] if name in fields else 'NULL'} AS {name}" for name in FIELDS)
    sql = (
        f"SELECT child, {selected} FROM {CHILDREN} "  # noqa: S608 - every part is written in this file
        f"WHERE host_authority = ? AND {IN_CARE_NOW} ORDER BY child"
    )
    rows = ask_vault({CHILDREN: snapshot.identified[CHILDREN]}, sql, [row_filter.authority])
    return [FoundChild(token, ChildRecord(**dict(zip(FIELDS, values, strict=True)))) for token, *values in rows]


def count_educated_elsewhere(children: Path, authority: str) -> int:
    """Return how many children in care now are educated outside their own authority: the most that lookups find."""
    sql = f"SELECT count(*) FROM {CHILDREN} WHERE host_authority <> ? AND {IN_CARE_NOW}"  # noqa: S608
    ((count,),) = ask_vault({CHILDREN: children}, sql, [authority])
    return int(count)
