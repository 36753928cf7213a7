"""Finding one child, among our own in care or among others of the vault: by an identifier, or by name and birth.

Nothing here decides who may search: callers ask the access policy first, and read what it permits of whoever is found
(`node.lookups.own_children`). A search is exact unless it says otherwise; `node.lookups.likeness` has what else counts.
Names are those of the School Census as it was loaded, the only return that has them: a child who is on no roll of ours
is found by identifier alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from federation.lookups import ChildSought
from node.lookups.likeness import Names, are_like, is_same, list_like_dates
from node.lookups.own_children import ROLLS, find_rolls
from node.lookups.records import CHILDREN, IN_CARE_NOW
from node.snapshots import Snapshot
from node.vault import ask_vault


@dataclass(frozen=True)
class Among:
    """Among whom a child is sought: an identified table, and SQL that is true of its rows that are looked through."""

    table: str
    condition: str


IN_CARE = Among(CHILDREN, IN_CARE_NOW)


def find_sought(snapshot: Snapshot, sought: ChildSought, among: Among = IN_CARE) -> tuple[str, ...]:
    """Return the row tokens of those who are meant, in their order: of our children in care now, unless among others.

    An identifier is one child's. Names and dates can be those of several: whoever asks is told of all, or of none.
    """
    if sought.upn or sought.la_child_id:
        return _find_by_number(snapshot, sought, among)
    assert sought.date_of_birth is not None
    births = list_like_dates(sought.date_of_birth) if sought.loosely else {sought.date_of_birth}
    found = {token for token, names, born in _list_names(snapshot, births, among) if is_meant(sought, names, born)}
    return tuple(sorted(found))


def find_in_school(snapshot: Snapshot, authority: str, school_urn: int | None) -> tuple[str, ...]:
    """Return the row tokens of our children in care now who are at one school, if that school is in that area."""
    rows = ask_vault(
        {CHILDREN: snapshot.identified[CHILDREN]},
        f"""SELECT child FROM {CHILDREN} WHERE host_authority = $authority AND school_urn = $school
            AND {IN_CARE_NOW} ORDER BY child""",  # noqa: S608 - names of this package
        {"authority": authority, "school": school_urn},
    )
    return tuple(str(token) for (token,) in rows)


def is_meant(sought: ChildSought, names: Names, born: date) -> bool:
    """Whether somebody of these names, born then, is whom a search by name is after."""
    wanted = (sought.forename, sought.surname)
    if is_same(wanted, names) and born == sought.date_of_birth:
        return True
    if not sought.loosely or sought.date_of_birth is None:
        return False
    # Either the names or the date may be off, and never both.
    if born == sought.date_of_birth:
        return are_like(wanted, names)
    return is_same(wanted, names) and born in list_like_dates(sought.date_of_birth)


def _find_by_number(snapshot: Snapshot, sought: ChildSought, among: Among) -> tuple[str, ...]:
    column, number = ("upn", sought.upn) if sought.upn else ("la_child_id", sought.la_child_id.strip())
    rows = ask_vault(
        {among.table: snapshot.identified[among.table]},
        f"SELECT child, dob FROM {among.table} WHERE {column} = $number AND {among.condition} ORDER BY child",  # noqa: S608
        {"number": number},
    )
    wanted = sought.date_of_birth
    return tuple(str(token) for token, born in rows if wanted is None or born == wanted)


def _list_names(snapshot: Snapshot, births: Iterable[date], among: Among) -> list[tuple[str, Names, date]]:
    """Everybody born on one of these days, with each spelling of their name that a roll has."""
    rolls = find_rolls(snapshot)
    if not rolls:
        return []
    rows = ask_vault(
        {among.table: snapshot.identified[among.table], ROLLS: rolls},
        f"""SELECT DISTINCT ours.child, rolls.forename, rolls.surname, ours.dob
            FROM (SELECT * FROM {among.table} WHERE {among.condition}) AS ours JOIN rolls ON rolls.upn = ours.upn
            WHERE ours.dob IN (SELECT unnest($births::DATE[]))""",  # noqa: S608 - names of this package
        {"births": list(births)},
    )
    return [(str(token), (forename or "", surname or ""), born) for token, forename, surname, born in rows]
