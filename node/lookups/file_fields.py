"""The fields of a child's file that another authority may be told of, and the groups that the access matrix knows."""

from collections.abc import Collection, Mapping, Sequence

from federation.lookups import ChildFile
from node.lookups.own_children import FIELDS
from node.lookups.records import FIELDS as RECORD_FIELDS
from policies.names import FieldGroup

TRACKED: Mapping[str, FieldGroup] = {
    "tracked_education": FieldGroup.EDUCATION,
    "tracked_plan": FieldGroup.PLAN,
    "tracked_pep": FieldGroup.PLAN_PEP,
}
"""The fields of a file that tell of the tracking record of one child who was sought, a group of facts each."""

FILE_FIELDS = tuple(name for name in ChildFile.__struct_fields__ if name not in TRACKED)
"""Every other field of a file; what our own list has beside them is for our own people."""


def fields_of(groups: Collection[FieldGroup]) -> frozenset[str]:
    """Return every field, of records and files, that the access matrix knows by one of these groups."""
    known = [*FIELDS.items(), *RECORD_FIELDS.items()]
    tracked = {name for name, group in TRACKED.items() if group in groups}
    return frozenset(name for name, (group, _) in known if group in groups) | tracked


def file_fields_of(groups: Collection[FieldGroup]) -> tuple[str, ...]:
    """Return the fields of a file that belong to one of these groups, in the file's order."""
    return tuple(name for name in FILE_FIELDS if FIELDS[name][0] in groups)


def make_file(values: Sequence[object], fields: Collection[str]) -> ChildFile:
    """Return a row of our children, in the order of `FIELDS`, as a file of these fields alone."""
    row = dict(zip(FIELDS, values, strict=True))
    return ChildFile(**{name: None if row[name] is None else str(row[name]) for name in fields})
