"""Our own children in care, wherever they are educated, with what their host's node has told of them and as of when.

The rows are of this authority's newest academic year. The access policy decides once which fields the reader may see of
them (`node.row_filtering`), and everything else of a row stays in the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.host_facts import RELATION, find_facts
from node.ingest.staged import find_staged
from node.lookups.reading_room import Listing
from node.lookups.records import CHILDREN, IN_CARE_NOW
from node.row_filtering import RowFacts, filter_rows
from node.service import Node
from node.snapshots import Snapshot
from node.vault import Row, ask_vault
from policies.names import Action, CareStatus, FieldGroup
from policies.row_filter import RowFilter

ROLLS, YEARS = "rolls", "child_year"
_ROLL = "pupilonroll"
NO_ROLLS = "WITH rolls AS (SELECT NULL AS upn, NULL AS forename, NULL AS surname WHERE false)"

NAME = "(SELECT any_value(forename || ' ' || surname) FROM rolls WHERE rolls.upn = ours.upn)"
"""The name of one of `ours`, out of the rolls as they were loaded."""

FACTS = RowFacts("ours.home", "ours.host_authority", "ours.school_urn", "ours.child", f"'{CareStatus.LOOKED_AFTER}'")
"""What relations to `ours` are decided by."""

FIELDS: Mapping[str, tuple[FieldGroup, str]] = {
    "la_child_id": (FieldGroup.IDENTITY, "la_child_id"),
    "name": (FieldGroup.IDENTITY, NAME),
    "upn": (FieldGroup.IDENTITY, "ours.upn"),
    "date_of_birth": (FieldGroup.IDENTITY, "strftime(dob, '%Y-%m-%d')"),
    "host_authority": (FieldGroup.EDUCATION, "ours.host_authority"),
    "school": (FieldGroup.EDUCATION, "CAST(ours.school_urn AS VARCHAR)"),
    "year_group": (FieldGroup.EDUCATION, "year.year_group"),
    "attendance_rate": (FieldGroup.EDUCATION, "round(year.attendance_rate::DOUBLE, 3)"),
    "suspensions": (FieldGroup.EDUCATION, "year.suspensions"),
    "sen_provision": (FieldGroup.EDUCATION, "year.sen_provision"),
    "placement_type": (FieldGroup.CARE, "ours.placement_type"),
    "legal_status": (FieldGroup.CARE, "ours.legal_status"),
    "care_start": (FieldGroup.CARE, "strftime(care_start, '%Y-%m-%d')"),
    "sdq_score": (FieldGroup.HEALTH, "year.sdq_score"),
    "pep_on_time": (FieldGroup.PLAN_PEP, "year.pep_on_time"),
    "told_by_host": (FieldGroup.EDUCATION, "told.as_of"),
}
"""The fields of the list: the group that the access matrix knows each by, and how it is read.

`told_by_host` is the day as of which the host's node told of the child's schooling; without one it is from our own
records. SSDA903 returns have no names: those of children on our own rolls come from the School Census as it was loaded,
of the latest term that has them.
"""

LISTING = Listing("my_children", tuple(FIELDS), (FieldGroup.IDENTITY,))
"""What `circe lookup --mine` shows, and what it takes to be let in; which of the other fields, the policy decides."""


@dataclass(frozen=True, repr=False)
class OwnChildren:
    """The children of the list, in the order of the authority's own numbers: `rows` in the order of `FIELDS`."""

    rows: tuple[Row, ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)


def list_own_children(node: Node, snapshot: Snapshot, role: str) -> OwnChildren:
    """Return our children in care now, with the fields that our policy lets a role read. Raises `AccessDenied`."""
    rule = node.policy().row_filter(role, Action.READ, node.authority)
    return OwnChildren(tuple(row for _, row in read_children(node, snapshot, rule)))


def read_children(
    node: Node, snapshot: Snapshot, rule: RowFilter, children: Sequence[str] | None = None
) -> list[tuple[str, Row]]:
    """Return what a filter permits of our children in care now, each behind its row token: of all, or of those named.

    Whoever asks, the rows are of children whose home is here; the filter says how the asker has to stand to each.
    """
    filtered = filter_rows(rule, FACTS, FIELDS)
    files = find_facts(node.party.directory)
    told = f"SELECT upn, academic_year, max(as_of)::DATE::VARCHAR AS as_of FROM {RELATION} GROUP BY ALL"  # noqa: S608
    nobody = "SELECT NULL::VARCHAR AS upn, NULL::INTEGER AS academic_year, NULL::VARCHAR AS as_of WHERE false"
    rolls = find_rolls(snapshot)
    sql = f"""
        {"" if rolls else NO_ROLLS}
        SELECT ours.child, {filtered.columns}
        FROM (SELECT *, $home AS home FROM {CHILDREN} WHERE {IN_CARE_NOW}) AS ours
        LEFT JOIN {YEARS} AS year ON year.child = ours.child AND year.academic_year = ours.academic_year
        LEFT JOIN ({told if files else nobody}) AS told
            ON told.upn = ours.upn AND told.academic_year = ours.academic_year
        WHERE {filtered.condition}{"" if children is None else " AND list_contains($children, ours.child)"}
        ORDER BY ours.la_child_id
    """  # noqa: S608 - every part is written in this package
    tables = {
        CHILDREN: snapshot.identified[CHILDREN],
        YEARS: snapshot.tables[YEARS],
    }
    listed = {ROLLS: rolls, RELATION: files}
    named = {} if children is None else {"children": list(children)}
    rows = ask_vault(
        {**tables, **{name: paths for name, paths in listed.items() if paths}},
        sql,
        {**filtered.parameters, **named, "home": node.authority},
    )
    return [(str(token), tuple(values)) for token, *values in rows]


def find_rolls(snapshot: Snapshot) -> list[Path]:
    """Return the rolls as they were loaded, the latest term first."""
    staged = {period.rank: path for (name, period), path in find_staged(snapshot.staged).items() if name == _ROLL}
    return [staged[rank] for rank in sorted(staged, reverse=True)]
