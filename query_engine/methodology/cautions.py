"""What a statistician would stop or warn of before a query is run, decided from the plan and the view alone.

The rules are declared in `guards.toml`; here is what their words mean of a plan. A rule that refuses does so to those
who ask: by `circe query check`, by the hub, and by the asker's own client before anything is signed. Nodes hold to the
plan and to their own policy, and no node's answer depends on a rule here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from query_engine.catalogue import Column
from query_engine.methodology.guards import Condition, Guard, Guards, load_guards
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import Region, columns_of, possible_ranges
from query_engine.planning.relation import Relation, columns_behind
from query_engine.query.view import WHOLE, View
from query_engine.refusal import QueryRefused, RefusalCode


@dataclass(frozen=True, slots=True)
class Caution:
    """What a rule has to say of one question: `text` is why, `instead` the changes that would make it sound."""

    guard: Guard
    text: str

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.guard.name

    @property
    def instead(self) -> tuple[str, ...]:
        """The changes that would make the question sound."""
        return self.guard.instead

    @property
    def source(self) -> str:
        """The rule, and the recommendation of the policy paper that it holds to where there is one."""
        number = self.guard.recommendation
        return self.rule if number is None else f"{self.rule}, recommendation {number}"

    @property
    def whole_text(self) -> str:
        """The reason and the changes as one paragraph."""
        return f"{self.text} Instead: {'; '.join(self.instead)}."

    def to_json(self) -> dict[str, object]:
        """The warning as `circe query check` prints it."""
        return {
            "rule": self.rule,
            "text": self.whole_text,
            "recommendation": self.guard.recommendation,
            "instead": list(self.instead),
        }


def check_methodology(plan: QueryPlan, view: View = WHOLE) -> None:
    """Check that no rule refuses the question. Raises `QueryRefused`, naming the rule and what would be sound."""
    for found in find_cautions(plan, view):
        if found.guard.severity == "refuse":
            title = f"{found.guard.title} ({found.source})."
            raise QueryRefused(RefusalCode.METHODOLOGY, f"{title} {found.whole_text}")


def cautions(plan: QueryPlan, view: View = WHOLE) -> tuple[Caution, ...]:
    """The warnings that a question calls for, in the order of the file."""
    return tuple(each for each in find_cautions(plan, view) if each.guard.severity == "warn")


def find_cautions(plan: QueryPlan, view: View = WHOLE, guards: Guards | None = None) -> tuple[Caution, ...]:
    """Every rule that fires, those which refuse among them."""
    guards = guards or load_guards()
    asked = _Asked(plan, view, guards)
    fired = (each for each in guards.rules if asked.holds_any(each.when) and not asked.holds_any(each.unless))
    return tuple(Caution(each, each.text.format_map(_told(plan))) for each in fired)


def _told(plan: QueryPlan) -> dict[str, str]:
    return {
        "years": str(len(plan.academic_years)),
        "cells": f"{plan.cells:,}",
        "typical": f"{plan.governed.typical_size:,}",
    }


def tells_of(plan: QueryPlan, name: str) -> bool:
    """Whether the answer tells of an outcome of a set of `guards.toml`."""
    return _Asked(plan, WHOLE, load_guards()).about(name)


def level_of(plan: QueryPlan) -> str:
    """The smallest areas that have rows of their own in the answer."""
    grouped = _bare(name for each in plan.dimensions for name in _dimension_columns(each.name, each.regions))
    if plan.path == "per_authority" or grouped & {"home_authority", "host_authority"}:
        return "authority"
    return "region" if grouped & {"home_region", "host_region"} else "nation"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question, of which the words of a condition are true or not."""

    plan: QueryPlan
    view: View
    guards: Guards

    def holds_any(self, conditions: tuple[Condition, ...]) -> bool:
        return any(all(_MEANINGS[word](self, value) for word, value in each.items()) for each in conditions)

    def tables(self, names: list[str]) -> bool:
        return not set(names).isdisjoint(self.plan.tables)

    def has(self, columns: list[str]) -> bool:
        return bool(_bare(self.plan.governed.columns) & set(columns))

    def about(self, name: str) -> bool:
        told = (columns_behind(self.plan.governed, each) for each in self._told_of())
        return bool(self.guards.sets[name].columns & frozenset[str]().union(*told))

    def separates(self, columns: list[str]) -> bool:
        apart = self._grouped().union(*map(columns_of, self._conditions()), self._worked_out_apart())
        return bool(_bare(apart) & set(columns))

    def uses(self, columns: list[str]) -> bool:
        return bool(_bare(self.plan.columns) & set(columns))

    def uses_all(self, columns: list[str]) -> bool:
        return _bare(self.plan.columns) >= set(columns)

    def filters(self, columns: list[str]) -> bool:
        return bool(_bare(columns_of(self.plan.where)) & set(columns))

    def groups(self, columns: list[str]) -> bool:
        return bool(_bare(self._grouped()) & set(columns))

    def keeps(self, wanted: Mapping[str, list[Any]]) -> bool:
        return all(self._kept(name) == values for name, values in wanted.items())

    def years(self, least: int) -> bool:
        return len(self.plan.academic_years) >= least

    def single_year(self, wanted: bool) -> bool:
        return (len(self.plan.academic_years) == 1) is wanted

    def levels(self, names: list[str]) -> bool:
        return level_of(self.plan) in names

    def ranks(self, wanted: bool) -> bool:
        figures = {each.label for each in self.plan.outputs if each.dimension is None}
        ordered = any(each.label in figures for each in self.view.order)
        return (ordered or self.view.limit is not None) is wanted

    def crowded(self, least: int) -> bool:
        return self.plan.cells * least > self.plan.governed.typical_size

    def _grouped(self) -> frozenset[str]:
        return frozenset(name for each in self.plan.dimensions for name in _dimension_columns(each.name, each.regions))

    def _conditions(self) -> Iterator[Region]:
        """What single figures are confined to, beyond WHERE."""
        for output in self.plan.outputs:
            yield output.within
            yield from (each.where for each in output.measures)

    def _worked_out_apart(self) -> Iterator[str]:
        """What tells figures apart that are of columns worked out for each child: by FILTER, or by WHERE of its own."""
        table = self.plan.governed
        if not isinstance(table, Relation):
            return
        names = {name for each in self.plan.outputs for name in _multiplied(each)}
        names = names.union(*map(columns_of, self._conditions()))
        parts = {table.parts.index(table.part_of(name)): table.part_of(name) for name in names}
        for name in names:
            tally = table.part_of(name).tally(table.origins[name][1])
            yield from columns_of(tally.where) if tally is not None else ()
        read = [each.table.name for each in parts.values()]
        for part in parts.values():
            if part.rows is not None and read.count(part.table.name) > 1:
                yield from columns_of(part.rows.where)

    def _told_of(self) -> Iterator[str]:
        """The columns whose values the answer tells: not those of which it says only that there is a value."""
        yield from self._grouped()
        for output in self.plan.outputs:
            yield from _multiplied(output)
        for region in (self.plan.where, *self._conditions()):
            for name in columns_of(region):
                if not _is_presence(region, self.plan.governed.columns[name]):
                    yield name

    def _kept(self, name: str) -> list[Any] | None:
        """The values that WHERE lets a column have: of tables that are joined, the one it is strictest with."""
        named = [each for key, each in self.plan.governed.columns.items() if _bare([key]) == {name}]
        kept = [[column.value(code) for code in _codes(self.plan.where, column)] for column in named]
        return min(kept, key=len, default=None)


_MEANINGS: Mapping[str, Callable[[_Asked, Any], bool]] = MappingProxyType(
    {
        "tables": _Asked.tables,
        "has": _Asked.has,
        "about": _Asked.about,
        "separates": _Asked.separates,
        "uses": _Asked.uses,
        "uses_all": _Asked.uses_all,
        "filters": _Asked.filters,
        "groups": _Asked.groups,
        "keeps": _Asked.keeps,
        "years": _Asked.years,
        "single_year": _Asked.single_year,
        "levels": _Asked.levels,
        "ranks": _Asked.ranks,
        "crowded": _Asked.crowded,
    }
)
"""What each word of `guards.WORDS` means of a question."""


def _bare(names: Iterable[str]) -> frozenset[str]:
    """Columns as the catalogue names them: those of a table that is joined have its name before them."""
    return frozenset(name.rpartition(".")[2] for name in names)


def _dimension_columns(name: str, regions: tuple[Region, ...]) -> frozenset[str]:
    """The columns that a dimension depends on."""
    return frozenset().union(*map(columns_of, regions)) if regions else frozenset({name})


def _multiplied(output: Output) -> Iterator[str]:
    for measure in output.measures:
        yield from measure.columns


def _is_presence(region: Region, column: Column) -> bool:
    """Whether a condition asks of a column at most that there is a value."""
    (first, last), *_ = possible_ranges(region, column) or [(1, 0)]
    return first == 0 and last >= column.present_codes - 1


def _codes(region: Region, column: Column) -> list[int]:
    return [code for first, last in possible_ranges(region, column) for code in range(first, last + 1)]
