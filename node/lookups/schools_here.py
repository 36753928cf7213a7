"""The schools of others' children who are educated here, by our own rolls, where their home authority told of none.

A child is known by the pupil number that home told of, and by the day of birth where it told of one: both have to be
those on our roll. Our own policy says who reads our rolls so, and the log has of each child that they were.
"""

from collections.abc import Iterable, Mapping

from federation.lookups import ChildRecord
from node.lookups.child_on_roll import PUPILS
from node.lookups.reading_room import Listing, Reader, check_reader
from node.snapshots import Snapshot
from node.vault import ask_vault
from policies.access_policy import AccessDenied
from policies.names import FieldGroup, Relation

LISTING = Listing("schools_here", ("school",), (FieldGroup.EDUCATION,), relation=Relation.HOST)
"""What is read, and the right of a host that it takes."""


def find_schools_here(reader: Reader, snapshot: Snapshot | None, children: Iterable[ChildRecord]) -> Mapping[str, str]:
    """Return the school of each child of whom none was told, by pupil number, once the reading is in the log.

    It is empty for whoever may not read it. Raises `PolicyChanged`.
    """
    wanted = {child.upn: child.date_of_birth for child in children if child.upn and not child.school}
    if not wanted or snapshot is None or PUPILS not in snapshot.identified:
        return {}
    try:
        check_reader(reader.node.policy(), reader)
    except AccessDenied:
        return {}
    found = {upn: school for upn, born, school in _read_rolls(snapshot, wanted) if wanted[upn] in (None, born)}
    reader.sign_for(found)
    return found


def _read_rolls(snapshot: Snapshot, numbers: Iterable[str]) -> list[tuple[str, str, str]]:
    """Number, day of birth and school of these pupils on roll now; of one number with two of either, nothing."""
    sql = f"""
        SELECT upn, strftime(any_value(date_of_birth), '%Y-%m-%d'), CAST(any_value(school_urn) AS VARCHAR)
        FROM {PUPILS}
        WHERE list_contains($numbers, upn) AND academic_year = (SELECT max(academic_year) FROM {PUPILS})
        GROUP BY upn HAVING count(DISTINCT school_urn) = 1 AND count(DISTINCT date_of_birth) = 1
    """  # noqa: S608 - every part is written in this file
    rows = ask_vault({PUPILS: snapshot.identified[PUPILS]}, sql, {"numbers": list(numbers)})
    return [(upn, born, school) for upn, born, school in rows]
