"""The numbers by which one child is known: as an officer types them, as returns spell them, and what goes with them.

Our log has a child under the authority's own number or the pupil number, as the act went. Whoever knows one of them, or
types a pupil number in small letters and groups, as letters to parents have it, means the same child: without the other
number an answer to a subject access request would leave most of it out, and look whole.
"""

import re
from collections.abc import Sequence

from federation.state import StateError
from node.lookups.area_children import AREA_CHILDREN
from node.lookups.records import CHILDREN
from node.service import Node
from node.vault import Row, read_vault

__all__ = ["check_one_child", "complete_numbers", "has_child", "spell_number"]

MOST_NUMBERS = 4
"""By how many numbers a record of disclosures is gathered at most; those that were typed come first."""

_PUPIL_NUMBER = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]", re.ASCII)


def spell_number(typed: str) -> str:
    """Return a number as returns spell it: a pupil number in capitals and without gaps, any other as it was typed."""
    tight = "".join(typed.split()).upper()
    return tight if _PUPIL_NUMBER.fullmatch(tight) else typed.strip()


def complete_numbers(node: Node, typed: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers that were typed, and the newest that our snapshot has for the same child, each once."""
    known = _spell(typed)
    rows = [*_find_rows(node, known), *_leave_out_ours(node, _find_rows(node, known, AREA_CHILDREN))]
    others = [str(number) for _, *numbers in rows for number in numbers if number]
    found = tuple(dict.fromkeys([*known, *others]))
    return found[: max(MOST_NUMBERS, len(known))]


def has_child(node: Node, typed: Sequence[str]) -> bool:
    """Tell whether our snapshot has a child, in care or not, by any of the numbers that were typed."""
    known = _spell(typed)
    return bool(_find_rows(node, known) or _find_rows(node, known, AREA_CHILDREN))


def check_one_child(node: Node, typed: Sequence[str]) -> None:
    """Raise `StateError` where our snapshot has several children for the numbers that were typed."""
    known = _spell(typed)
    rows, listed = _find_rows(node, known), _find_rows(node, known, AREA_CHILDREN)
    named = {str(pupil) for _, _, pupil in listed if pupil in known}
    ours, others = ({str(pupil) for _, _, pupil in found if pupil} for found in (rows, _leave_out_ours(node, listed)))
    others |= named
    if len({child for child, *_ in rows}) > 1 or len(others) > 1 or (ours and others - ours):
        raise StateError("we have these numbers for more than one child: compare them, or give our own number alone")


def _spell(typed: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spell_number(number) for number in typed if number.strip()))


def _leave_out_ours(node: Node, rows: Sequence[Row]) -> list[Row]:
    """Rows of children who are not in care, but for those whose own number is another child's in our record.

    The lists of who is in need and in kinship care can come from systems that number children by themselves.
    """
    ours: dict[str, set[str]] = {}
    for _, number, pupil in _find_rows(node, [str(number) for _, number, _ in rows if number]):
        ours.setdefault(str(number), set()).update([str(pupil)] if pupil else [])
    return [row for row in rows if row[2] is None or not ours.get(str(row[1])) or row[2] in ours[str(row[1])]]


def _find_rows(node: Node, numbers: Sequence[str], table: str = CHILDREN) -> list[Row]:
    snapshot = node.store.current()
    if snapshot is None or not numbers or table not in snapshot.identified:
        return []
    return read_vault(
        {table: snapshot.identified[table]},
        f"""SELECT child, la_child_id, CASE WHEN length(upn) = 13 THEN upn END AS pupil_number FROM {table}
            WHERE list_contains($numbers::VARCHAR[], la_child_id) OR list_contains($numbers::VARCHAR[], pupil_number)
            ORDER BY academic_year DESC, child""",  # noqa: S608 - names of this package
        {"numbers": list(numbers)},
    )
