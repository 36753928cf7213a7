"""Conditions that cross columns, as parts in each of which no category of one column says anything of another.

Of whoever is a boy or fifteen, all who are sixteen are boys. Of the boys, and of the others, who are all fifteen, a
count by age says nothing of one by sex: so those two are what counts by one column each have to be summed over.
"""

from collections.abc import Collection, Mapping
from functools import reduce

from disclosure_control.linked.children.parts import TooTangled
from query_engine.planning.region import Region, columns_of, constrain, intersect, project, unite

__all__ = ["MOST_BOXES", "Sides", "divide_crossing"]

MOST_BOXES = 256
"""Parts that one condition is divided into."""

Sides = Mapping[frozenset[str], Collection[Region]]
"""Of each dimension, by its columns, its categories."""


def divide_crossing(rows: Region, sides: Sides, known: Region = True) -> list[Region]:
    """The parts of some rows in which whoever is in a category of one dimension can be in any of the others'.

    They have no row in common, and are as few as one dimension after the other makes: that of fewest sides first. Where
    no dimension says anything of another it is all of them. What is `known` of everybody is no condition, and divides
    nothing. Raises `RegionTangled` and `TooTangled`.
    """
    if len(sides) < 2 or len(columns_of(rows)) < 2:
        return [rows]
    asked = constrain(rows, known)
    divided = [found for key in sorted(sides, key=sorted) if len(found := _sides_of(asked, key, sides)) > 1]
    if not divided:
        return [rows]
    parts = (intersect(rows, side) for side in min(divided, key=len))
    found = [each for part in parts if part is not False for each in divide_crossing(part, sides, known)]
    if len(found) > MOST_BOXES:
        raise TooTangled(f"one condition crosses columns in more than {MOST_BOXES} ways")
    return found


def _sides_of(asked: Region, key: frozenset[str], sides: Sides) -> list[Region]:
    """The categories of one dimension, those together that leave as much open of all others; those that nobody is in
    are with none."""
    others = frozenset[str]().union(*(each for each in sides if each != key))
    found: dict[Region, list[Region]] = {}
    for category in sides[key]:
        found.setdefault(project(intersect(asked, category), others), []).append(category)
    return [reduce(unite, inside) for left, inside in found.items() if left is not False]
