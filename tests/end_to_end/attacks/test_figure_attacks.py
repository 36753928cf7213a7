"""Attacks on figures that rest on too few, or on one child: as what a figure of all has besides what the others' has.

Numbers, sums, squares and products add up. Whoever has the numbers, averages, spreads and the correlation of all
children, and of all but some, has those of the some: who are enough to be counted, and too few for a correlation.
"""

from collections.abc import Sequence

from tests.end_to_end.attacks.conftest import OpenDoors
from tests.end_to_end.attacks.front_door import CHILDREN, ROSTER, Door, OpenDoor
from tests.end_to_end.attacks.scoreboard import BOARD, Line

MOMENTS = (
    "COUNT(*) AS n, AVG(months_in_care) AS a, AVG(placements) AS b, STDDEV_POP(months_in_care) AS c, "
    "STDDEV_POP(placements) AS d, CORR(months_in_care, placements) AS told"
)
TOTAL = "COUNT(*) AS n, SUM(months_in_care) AS told"
GROUPS = [f"age = {age}" for age in (2, 3, 8, 12)]
"""Some of which have enough children to be counted, and not many more."""


def is_hidden(entry: object) -> bool:
    return str(entry) in {"c", "x", "z"}


def ask(door: Door, figures: str, where: str) -> dict[str, list[object]]:
    """The figures of each authority, of children in care who meet a condition."""
    table = door.ask(f"SELECT {figures} {CHILDREN} AND age <= 18 AND {where}")
    return {at[0]: list(row.values()) for at, row in table.items()}


def take_away(door: Door, figures: str, hidden: Sequence[tuple[str, str]]) -> int:
    """How many figures of a group, each with its authority, follow from all of everybody's and all of the others'."""
    asked = {where: ask(door, figures, where) for where in ("age >= 0", *(f"NOT ({group})" for group in GROUPS))}
    shown = {(code, where) for where, rows in asked.items() for code in rows if not any(map(is_hidden, rows[code]))}
    return sum({(code, "age >= 0"), (code, f"NOT ({group})")} <= shown for code, group in hidden)


def assert_none_follows(open_front_door: OpenDoors, preset: str, attack: str, figures: str) -> None:
    """Try it on every group that is shown as a number and without its figure."""
    door = open_front_door(preset)
    past = OpenDoor(door.nodes, preset)
    own = {(code, group): ask(past, figures, group)[code] for group in GROUPS for code in ROSTER}
    hidden = [each for each, row in own.items() if is_hidden(row[-1]) and not is_hidden(row[0])]
    unprotected, found = (take_away(each, figures, hidden) for each in (past, door))
    BOARD.add(Line(attack, f"suppression, {preset}", unprotected, len(hidden), found, len(hidden)))
    assert unprotected > 0
    assert found == 0


def test_correlations_of_too_few_by_difference(open_front_door: OpenDoors, preset: str) -> None:
    """All figures of everybody, and of everybody but a group that has too few children for a correlation of its own."""
    assert_none_follows(open_front_door, preset, "correlations of too few by difference", MOMENTS)


def test_dominance_by_difference(open_front_door: OpenDoors) -> None:
    """What everybody has in all, and everybody but a group of whose total one child could have nearly everything."""
    assert_none_follows(open_front_door, "acro", "dominance by difference", TOTAL)
