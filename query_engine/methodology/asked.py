"""One question as the methodology guards look at it: what each word of `guards.toml` means of its plan and view."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any

from query_engine.catalogue import Column
from query_engine.methodology.guards import Condition, Guards, load_guards
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import Region, columns_of, possible_ranges
from query_engine.planning.relation import Relation, columns_behind
from query_engine.query.predicate import Between, Comparison, Either, Every, Negation
from query_engine.query.view import WHOLE, View


def tells_of(plan: QueryPlan, name: str) -> bool:
    """Whether the answer tells of an outcome of a set of `guards.toml`."""
    return Asked(plan, WHOLE, load_guards()).about(name)


def level_of(plan: QueryPlan) -> str:
    """The smallest areas that have rows of their own in the answer."""
    grouped = _bare(name for each in plan.dimensions for name in _dimension_columns(each.name, each.regions))
    if plan.path == "per_authority" or grouped & {"home_authority", "host_authority"}:
        return "authority"
    return "region" if grouped & {"home_region", "host_region"} else "nation"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, of which the words of a condition are true or not."""

    plan: QueryPlan
    view: View
    guards: Guards

    def holds_any(self, conditions: tuple[Condition, ...]) -> bool:
        """Whether one of the conditions holds, word for word."""
        return any(all(MEANINGS[word](self, value) for word, value in each.items()) for each in conditions)

    def tables(self, names: list[str]) -> bool:
        """Whether the plan reads one of these tables."""
        return not set(names).isdisjoint(self.plan.tables)

    def has(self, columns: list[str]) -> bool:
        """Whether its table has one of these columns."""
        return bool(_bare(self.plan.governed.columns) & set(columns))

    def about(self, name: str) -> bool:
        """Whether it tells of an outcome of a set."""
        told = (columns_behind(self.plan.governed, each) for each in self._told_of())
        return bool(self.guards.sets[name].columns & frozenset[str]().union(*told))

    def separates(self, columns: list[str]) -> bool:
        """Whether figures are apart by one of these columns."""
        apart = self._grouped().union(*map(columns_of, self._conditions()), self._worked_out_apart())
        return bool(_bare(apart | self._set_against()) & set(columns))

    def keeps_apart(self, columns: list[str]) -> bool:
        """Whether all of these decide which rows figures are of; to be counted, or present, decides nothing."""
        figures = [each.within for each in self.plan.outputs if each.measures]
        everywhere = reduce(frozenset.intersection, map(self._decided_by, figures)) if figures else frozenset[str]()
        return _bare(self._grouped() | self._terms() | self._decided_by(self.plan.where) | everywhere) >= set(columns)

    def uses(self, columns: list[str]) -> bool:
        """Whether one of these columns is named anywhere."""
        return bool(_bare(self.plan.columns) & set(columns))

    def filters(self, columns: list[str]) -> bool:
        """Whether WHERE depends on one of these columns."""
        return bool(_bare(columns_of(self.plan.where)) & set(columns))

    def groups(self, columns: list[str]) -> bool:
        """Whether one of these columns is a dimension."""
        return bool(_bare(self._grouped()) & set(columns))

    def keeps(self, wanted: Mapping[str, list[Any]]) -> bool:
        """Whether WHERE keeps these values of each column and no others."""
        return all(self._kept(name) == values for name, values in wanted.items())

    def years(self, least: int) -> bool:
        """Whether at least so many academic years can be in it."""
        return len(self.plan.academic_years) >= least

    def single_year(self, wanted: bool) -> bool:
        """Whether one academic year and no other can be in it."""
        return (len(self.plan.academic_years) == 1) is wanted

    def levels(self, names: list[str]) -> bool:
        """Whether the smallest areas with rows of their own are among these."""
        return level_of(self.plan) in names

    def ranks(self, wanted: bool) -> bool:
        """Whether the view orders rows by a figure or cuts the list; to choose by counts only leaves out small ones."""
        figures = {each.label for each in self.plan.outputs if each.dimension is None}
        counts = {each.label for each in self.plan.outputs if _is_count(each)}
        ordered = any(each.label in figures for each in self.view.order)
        chosen = not set(_labels(self.view.having)) <= counts
        return (ordered or chosen or self.view.limit is not None or self.view.offset > 0) is wanted

    def crowded(self, least: int) -> bool:
        """Whether there are fewer children to a cell than this, on average."""
        return self.plan.cells * least > self.plan.governed.typical_size

    def _grouped(self) -> frozenset[str]:
        return frozenset(name for each in self.plan.dimensions for name in _dimension_columns(each.name, each.regions))

    def _terms(self) -> frozenset[str]:
        """The columns of a model's terms, whose levels and slopes stand side by side."""
        named = () if self.plan.model is None else self.plan.model.formula.columns
        return frozenset(each.removeprefix("bin of ") for each in named)

    def _set_against(self) -> frozenset[str]:
        """The columns whose values are set against others': terms of a model, and two measures of one figure."""
        figures = (frozenset(_multiplied(each)) for each in self.plan.outputs)
        return self._terms().union(*(each for each in figures if len(each) > 1))

    def _decided_by(self, region: Region) -> frozenset[str]:
        """The columns whose values a condition chooses by."""
        columns = self.plan.governed.columns
        return frozenset(each for each in columns_of(region) if not _is_presence(region, columns[each]))

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
        yield from self._grouped() | self._terms()
        if self.plan.model is not None:
            yield self.plan.model.formula.outcome.column
        for output in self.plan.outputs:
            yield from _multiplied(output)
        for region in (self.plan.where, *self._conditions()):
            yield from self._decided_by(region)

    def _kept(self, name: str) -> list[Any] | None:
        """The values that WHERE lets a column have: of tables that are joined, the one it is strictest with."""
        named = [each for key, each in self.plan.governed.columns.items() if _bare([key]) == {name}]
        kept = [[column.value(code) for code in _codes(self.plan.where, column)] for column in named]
        return min(kept, key=len, default=None)


MEANINGS: Mapping[str, Callable[[Asked, Any], bool]] = MappingProxyType(
    {
        "tables": Asked.tables,
        "has": Asked.has,
        "about": Asked.about,
        "separates": Asked.separates,
        "keeps_apart": Asked.keeps_apart,
        "uses": Asked.uses,
        "filters": Asked.filters,
        "groups": Asked.groups,
        "keeps": Asked.keeps,
        "years": Asked.years,
        "single_year": Asked.single_year,
        "levels": Asked.levels,
        "ranks": Asked.ranks,
        "crowded": Asked.crowded,
    }
)
"""What each word of `guards.WORDS` means of a question."""


def _bare(names: Iterable[str]) -> frozenset[str]:
    """Columns as the catalogue names them: those of a table that is joined have its name before them."""
    return frozenset(name.rpartition(".")[2] for name in names)


def _dimension_columns(name: str, regions: tuple[Region, ...]) -> frozenset[str]:
    """The columns that a dimension depends on."""
    return frozenset().union(*map(columns_of, regions)) if regions else frozenset({name})


def _is_count(output: Output) -> bool:
    return output.kind in ("count", "distinct", "regr_count") or (output.kind == "sum" and output.indicator)


def _labels(having: Any) -> Iterator[str]:
    """The columns of the answer that HAVING looks at."""
    match having:
        case Comparison(label) | Between(label):
            yield label
        case Negation(part):
            yield from _labels(part)
        case Every(parts) | Either(parts):
            for part in parts:
                yield from _labels(part)


def _multiplied(output: Output) -> Iterator[str]:
    for measure in output.measures:
        yield from measure.columns


def _is_presence(region: Region, column: Column) -> bool:
    """Whether a condition asks of a column at most that there is a value."""
    (first, last), *_ = possible_ranges(region, column) or [(1, 0)]
    return first == 0 and last >= column.present_codes - 1


def _codes(region: Region, column: Column) -> list[int]:
    return [code for first, last in possible_ranges(region, column) for code in range(first, last + 1)]
