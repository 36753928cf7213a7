"""Cells of several questions in words, for an output checker: whom a group is made of for whom nobody asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import cast

from disclosure_control.linked.children.counted import Kind
from disclosure_control.linked.children.populations import populations_of
from disclosure_control.linked.counts.cells import Categories, Linked, Part
from query_engine.columns import Column, GovernedTable
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled, intersect, unite
from query_engine.wording.phrases import describe_condition

__all__ = ["Names"]

_Atom = tuple[Kind, Region]
"""Whom a part of a cell is made of: of what is counted, which."""


@dataclass(frozen=True)
class Names:
    """The words of what several questions count."""

    linked: Linked
    plans: Sequence[QueryPlan] = field(repr=False)

    def describe(self, cells: Sequence[int]) -> str:
        """Whom these cells are made of, all together."""
        try:
            phrases = [*self._atoms_in_words(cells), *(self._differing(self.linked.keys[each]) for each in cells)]
        except RegionTangled:
            return "children whom no short sentence tells from others"
        return "; and ".join(dict.fromkeys(each for each in phrases if each))

    def _atoms_in_words(self, cells: Sequence[int]) -> Iterator[str]:
        """Those that are parts, each kind with all of its regions as one."""
        kinds: dict[Kind, list[Region]] = {}
        for cell in cells:
            for kind, region in self._atoms(self.linked.keys[cell]):
                kinds.setdefault(kind, []).append(region)
        for kind, regions in kinds.items():
            yield f"{self._kind(kind)}{self._where(reduce(unite, regions))}"

    def _atoms(self, key: object) -> Iterator[_Atom]:
        match key:
            case frozenset():
                for cell in key:
                    yield from self._atoms(self.linked.keys[cell])
            case (tuple(), frozenset()):
                (kind, _, region), named = cast("tuple[Part, Categories]", key)
                chosen = (self.linked.classes[columns].parts[at] for columns, at in named)
                yield kind, reduce(intersect, chosen, region)
            case _:
                pass

    def _differing(self, key: object) -> str:
        match key:
            case ("without", int(whole), int(inside)):
                return f"{self.describe([whole])}, less {self.describe([inside])}"
            case ("beyond", int(whole), frozenset() as inside):
                return f"{self.describe([whole])}, less {self.describe(sorted(inside))}"
            case ("more", int(rows), int(children)):
                return f"{self.describe([rows])}, beyond one for each of {self.describe([children])}"
            case ("twice", int(whole), frozenset()):
                return f"{self.describe([whole])}, of several kinds of rows at once"
            case _:
                return ""

    def _kind(self, kind: Kind) -> str:
        unit, needs = kind
        whom = unit if unit.startswith("rows of ") else _WHOM.get(unit, unit)
        rows = [f"a row in {table}{self._of_kind(region)}" for table, region in sorted(needs, key=lambda each: each[0])]
        return f"{whom} with {' and '.join(rows)}" if rows else whom

    def _of_kind(self, region: Region) -> str:
        return "" if region is True else f" ({self._met(region)})"

    def _where(self, region: Region) -> str:
        return "" if region is True else f" where {self._met(region)}"

    def _met(self, region: Region) -> str:
        return " and ".join(describe_condition(region, self._table))

    @cached_property
    def _table(self) -> GovernedTable:
        """A table with all columns, by the names that all questions share."""
        columns: dict[str, Column] = {}
        for plan in self.plans:
            for each in populations_of(plan, split=True):
                columns |= each.columns
        parts = self.plans[0].governed
        return GovernedTable(
            parts.name, "", "", parts.authority_column, parts.child_key, 0, 1, frozenset(columns), columns
        )


_WHOM = {"child": "children", "pupil": "pupils"}
"""What those are called whom a key stands for."""
