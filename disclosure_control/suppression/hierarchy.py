"""Hierarchies: how the categories of one column add up.

A hierarchy comes from a tree file, with the columns `code,parent,level` and one row for each category, the root
included (its parent is empty):

    code,parent,level
    E92000001,,nation
    E12000003,E92000001,region
    E06000011,E12000003,authority

A column without a tree is flat: its categories add up to `Total`, where the table has rows of that.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["AUTHORITY", "TOTAL", "Hierarchy", "TreeMalformed", "flat_hierarchy", "read_hierarchy"]

TOTAL = "Total"
"""The category of a total in a column without a tree."""

AUTHORITY = "authority"
"""The level of categories that stand for somebody who knows all the rows that carry them."""

COLUMNS = ("code", "parent", "level")

_WRITTEN = {"local authority": AUTHORITY, "regional": "region", "national": "nation"}
_WRITTEN |= {each: each for each in (AUTHORITY, "region", "nation")}
"""How levels of geography may be written otherwise, by the Department's open data standard for one."""


class TreeMalformed(Exception):
    """A tree file is not one tree; the text says at which code."""


@dataclass(frozen=True)
class Hierarchy:
    """The categories of one column: each with its parent (empty for a root) and with its level."""

    parents: Mapping[str, str]
    levels: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse what is not a tree."""
        for code, parent in self.parents.items():
            if parent and parent not in self.parents:
                raise TreeMalformed(f"the parent of {code} has no row of its own: {parent}")
        if circular := self.parents.keys() - dict.fromkeys(self.downwards):
            code = min(circular)
            for _ in circular:  # Of what hangs from a circle, into it.
                code = self.parents[code]
            raise TreeMalformed(f"{code} is its own ancestor")

    @cached_property
    def downwards(self) -> tuple[str, ...]:
        """The categories, each after the total that it is part of; those of a circle are none of them."""
        found = [code for code, parent in self.parents.items() if not parent]
        for code in found:
            found += self.children.get(code, ())
        return tuple(found)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The categories that add up to each category that is a total."""
        found: dict[str, list[str]] = {}
        for code, parent in self.parents.items():
            if parent:
                found.setdefault(parent, []).append(code)
        return {parent: tuple(codes) for parent, codes in found.items()}

    @cached_property
    def breadths(self) -> Mapping[str, int]:
        """How many categories that are no totals lie beneath each category, itself included."""
        found = {code: int(code not in self.children) for code in self.parents}
        for code in reversed(self.downwards):
            if parent := self.parents[code]:
                found[parent] += found[code]
        return found

    @cached_property
    def roots(self) -> frozenset[str]:
        """The categories that are part of no other."""
        return frozenset(code for code, parent in self.parents.items() if not parent)

    def ancestors(self, code: str) -> Iterator[str]:
        """The totals that a category is part of, nearest first."""
        while code := self.parents[code]:
            yield code

    def of_level(self, level: str) -> tuple[str, ...]:
        """The categories of a level."""
        return tuple(code for code, each in self.levels.items() if each == level)

    def takes_in_everything(self, code: str) -> bool:
        """Whether a category is the one root, and a total."""
        return self.roots == {code} and code in self.children

    def among(self, codes: Collection[str]) -> "Hierarchy":
        """The hierarchy of these categories alone, each beneath the nearest of them that it is part of."""
        nearest = dict[str, str]()
        for code in self.downwards:
            parent = self.parents[code]
            nearest[code] = parent if parent in codes else nearest.get(parent, "")
        kept = [code for code in self.parents if code in codes]
        return Hierarchy({code: nearest[code] for code in kept}, {code: self.levels[code] for code in kept})


def flat_hierarchy(categories: Iterable[str]) -> Hierarchy:
    """The hierarchy of a column without a tree: everything adds up to `Total`, if that is among the categories."""
    codes = dict.fromkeys(categories)
    total = TOTAL if TOTAL in codes else ""
    return Hierarchy(
        {code: "" if code == TOTAL else total for code in codes},
        {code: "total" if code == TOTAL else "category" for code in codes},
    )


def read_hierarchy(text: str) -> Hierarchy:
    """The hierarchy in a tree file. Raises `TreeMalformed`."""
    lines = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    try:
        if tuple(lines.fieldnames or ()) != COLUMNS:
            raise TreeMalformed(f"the columns must be {','.join(COLUMNS)}")
        rows = list(lines)
    except csv.Error as error:
        raise TreeMalformed(f"not CSV: {error}") from None
    parents: dict[str, str] = {}
    levels: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        code, parent, level = (row.get(column) for column in COLUMNS)
        if not code or parent is None or not level or "" in row:
            raise TreeMalformed(f"line {number}: must have a code, a parent (empty for the root) and a level")
        if code in parents:
            raise TreeMalformed(f"line {number}: the code {code} has a row already")
        if (known := _WRITTEN.get(level.strip().casefold(), level)) != level:
            raise TreeMalformed(f"line {number}: the level {level} is written {known}; it decides who knows which rows")
        parents[code], levels[code] = parent, level
    if not parents:
        raise TreeMalformed("there are no rows")
    return Hierarchy(parents, levels)
