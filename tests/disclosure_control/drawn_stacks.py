"""Stacks of small tables about the same few children, drawn at random, and a naive attacker of them.

The attacker asks one integer program after the other, for the least and the most of every cell and of every group of
up to three that nobody asked for: it shares the lattice and the rule with the attack, and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from random import Random

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.published import Published, entries_of, link_published
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Row
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.view import WITHHELD
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan

PRESET = load_preset("dfe_cla")
"""What all of them are under, where nothing else is said."""

SEXES, AGES = ("M", "F"), (14, 15, 16)
AGED = ((14, 15, 16), (14, 15), (15, 16), (14, 16), (15,))
BY = ((), ("sex",), ("age",), ("sex", "age"))
SIZES = (0, 0, 1, 2, 3, 4, 6, 8, 12)

MOST = 10_000
LARGEST_GROUP = 3


def draw_stack(seed: int, preset: Preset = PRESET) -> list[Published]:
    """Two to four tables: small counts are withheld, and others by chance; now and then all of a table is."""
    draw = Random(seed)
    children = {(sex, age): draw.choice(SIZES) for sex in SEXES for age in AGES}
    asked = draw.sample([(by, ages) for by in BY for ages in AGED], draw.randint(2, 4))
    rule = CountRule.of(preset)
    drawn = [_draw_table(draw, rule, children, by, ages) for by, ages in asked]
    return [Published(f"R-{number}", plan, preset, rows) for number, (plan, rows) in enumerate(drawn)]


def _draw_table(
    draw: Random, rule: CountRule, children: Mapping[tuple[str, int], int], by: Sequence[str], ages: Sequence[int]
) -> tuple[QueryPlan, tuple[Row, ...]]:
    grouped = f" GROUP BY {', '.join(by)}" if by else ""
    sql = (
        f"SELECT {''.join(f'{each}, ' for each in by)}COUNT(*) AS n FROM child_year WHERE academic_year = 202425 "
        f"AND counted_here AND sex IN ('M', 'F') AND age IN ({', '.join(map(str, ages))}){grouped}"
    )
    plan, is_blank, rows = derive_plan(sql, Path.PER_AUTHORITY), draw.random() < 0.1, []
    for cell in plan.iter_cells():
        named = dict(zip(by, cell, strict=True))
        count = sum(
            size
            for (sex, age), size in children.items()
            if age in ages and named.get("sex", sex) == sex and named.get("age", age) == age
        )
        hidden = is_blank or rule.withholds(count) or (count > 0 and draw.random() < 0.2)
        rows.append((*cell, Symbol.CONFIDENTIAL if hidden else count))
    return plan, tuple(rows)


@dataclass(frozen=True)
class NaiveAttacker:
    """Whoever asks for every cell by itself."""

    linked: Linked
    entries: Entries
    rule: CountRule

    @classmethod
    def of(cls, stack: Sequence[Published], rule: CountRule) -> "NaiveAttacker":
        return cls(link_published(stack), entries_of(stack), rule)

    @cached_property
    def _cells(self) -> Mapping[int, list[int | str]]:
        found: dict[int, list[int | str]] = {}
        for place, entry in self.entries.items():
            assert not isinstance(entry, tuple)  # No share is in these tables.
            found.setdefault(self.linked.places[place], []).append(entry)
        return found

    @cached_property
    def hidden(self) -> list[int]:
        """The cells that nobody asked for."""
        return [cell for cell in range(len(self.linked.lattice)) if cell not in self._cells]

    @cached_property
    def _bounds(self) -> Bounds:
        """By the strictest reading that any table agrees with."""
        tables = {number for number, _, _ in self.entries}
        blank = {each for each in tables if all(e == WITHHELD for (n, _, _), e in self.entries.items() if n == each)}
        for may_be_none in (set[int](), blank, tables) if self.rule.shows_zero else (tables,):
            low, high = np.zeros(len(self.linked.lattice)), np.full(len(self.linked.lattice), float(MOST))
            for place, entry in self.entries.items():
                cell = self.linked.places[place]
                if isinstance(entry, int):
                    low[cell] = high[cell] = entry
                elif place[0] not in may_be_none:
                    low[cell] = max(low[cell], 1)
            bounds = Bounds(low, np.maximum(low, high))
            if (low <= high).all() and self._least({}, bounds) is not None:
                return bounds
        raise AssertionError("no table agrees with it")

    def _least(self, costs: Mapping[int, int], bounds: Bounds) -> int | None:
        lattice = self.linked.lattice
        sums = np.zeros((max(1, len(lattice.relations)), len(lattice)))
        for row, relation in enumerate(lattice.relations):
            sums[row, relation.total] = 1
            sums[row, list(relation.parts)] = -1
        wanted = np.zeros(len(lattice))
        for cell, cost in costs.items():
            wanted[cell] = cost
        found = milp(wanted, integrality=np.ones(len(lattice)), bounds=bounds, constraints=LinearConstraint(sums, 0, 0))
        return round(found.fun) if found.success else None

    def interval(self, cells: Sequence[int]) -> tuple[int, int]:
        """The least and the most that some cells can be together."""
        low, high = (self._least(dict.fromkeys(cells, sign), self._bounds) for sign in (1, -1))
        assert low is not None
        assert high is not None
        return low, -high

    @cached_property
    def told(self) -> set[int]:
        """The cells that are told by themselves."""
        withheld = [cell for cell, entries in self._cells.items() if all(entry == WITHHELD for entry in entries)]
        return {cell for cell in withheld if self._is_told(cell)} | {
            cell for cell in self.hidden if self._is_few([cell])
        }

    def _is_told(self, cell: int) -> bool:
        low, high = self.interval([cell])
        return high < self.rule.enough(low)

    def _is_few(self, cells: Sequence[int]) -> bool:
        low, high = self.interval(cells)
        return (low > 0 or not self.rule.shows_zero) and high < self.rule.enough(0)

    def groups(self) -> Iterator[set[int]]:
        """The groups of several cells that are told though none of their cells is."""
        own = [cell for cell in self.hidden if cell not in self.told]
        for size in range(2, LARGEST_GROUP + 1):
            yield from (set(each) for each in combinations(own, size) if self._is_few(each))
