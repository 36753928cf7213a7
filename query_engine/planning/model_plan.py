"""The plan of a model: the sums, or the patterns, that it is fitted from, and the children that those rest on.

A linear model needs one cell, with a sum for each product of two columns of its design. A logistic or Poisson model
needs a cell for each pattern of its terms' values. Either comes with a count of children for all that a reader of the
estimates could work back to, and with the children who are left out because a value is missing.
"""

from collections.abc import Sequence
from functools import reduce

from query_engine.catalogue import Category, Column, GovernedTable
from query_engine.models.counts import ChildCount, term_counts, two_way_counts
from query_engine.models.design import Product, cross_products
from query_engine.models.formula import Factor, FormulaInvalid, Interaction, Main, ModelFormula, Numeric
from query_engine.planning.dimensions import plan_dimension
from query_engine.planning.implied import known_of
from query_engine.planning.measuring import Measuring, limbs
from query_engine.planning.plan import Dimension, ModelPlan, Output, QueryPlan, Statistic
from query_engine.planning.region import Region, complement, intersect, possible_ranges, present_in, region_of
from query_engine.planning.terms import Term, value_of
from query_engine.query.model import FitModel, ModelTerm
from query_engine.refusal import QueryRefused, RefusalCode

_LEVELS = dict[str, dict[Category | None, Region]]


def plan_model(label: str, asked: FitModel, table: GovernedTable, where: Region) -> QueryPlan:
    """The plan of a model. Raises `QueryRefused`, and `RegionTangled`."""
    mains = list(dict.fromkeys(main for term in asked.terms for main in term))
    named = dict.fromkeys([asked.outcome, *(main.column for main in mains)])
    complete = reduce(intersect, (present_in(table.columns[name]) for name in named), where)
    dimensions = {main.name: plan_dimension(main.by, table, complete) for main in mains if main.factor}
    formula = _formula(asked, table, dimensions)
    planner = _Planner(Measuring(table, where), formula, complete, _regions(mains, dimensions, table))
    if formula.family == "linear":
        numbers = [asked.outcome, *(main.column for main in mains if not main.factor)]
        _check_many_values(table, numbers, complete)
        return planner.linear(label)
    for main in mains:
        if table.columns[main.column].role == "measure" and not main.factor:
            reason = f"{main.column} is a measure: group it by its declared bins, as BIN({main.column})."
            raise QueryRefused(RefusalCode.MODEL_FORM, reason)
    return planner.patterns(label, [plan_dimension(main.by, table, where) for main in mains])


def _check_many_values(table: GovernedTable, names: Sequence[str], complete: Region) -> None:
    """Check that a number can have more than two values, or else it is a factor that no rule takes for one.

    Raises `QueryRefused`.
    """
    for name in names:
        column = table.columns[name]
        ranges = possible_ranges(*known_of(table, complete, name)) if column.role != "flag" else ()
        if sum(last - first + 1 for first, last in ranges) == 2:
            reason = (
                f"Two values of {column.called} are left: group by it, as FACTOR({column.name}), or ask for shares."
            )
            raise QueryRefused(RefusalCode.MODEL_FORM, reason)


def _formula(asked: FitModel, table: GovernedTable, dimensions: dict[str, Dimension]) -> ModelFormula:
    def main(term: ModelTerm) -> Main:
        if not term.factor:
            return Numeric(term.name, table.columns[term.column].scale)
        return Factor(term.name, tuple(each for each in dimensions[term.name].categories if each is not None))

    terms = [tuple(map(main, term)) for term in asked.terms]
    outcome = table.columns[asked.outcome]
    try:
        return ModelFormula(
            asked.family,
            Numeric(outcome.name, outcome.scale, outcome.role == "flag"),
            tuple(each[0] if len(each) == 1 else Interaction((each[0], each[1])) for each in terms),
        )
    except FormulaInvalid as problem:
        raise QueryRefused(RefusalCode.MODEL_FORM, f"This model cannot be fitted: {problem}.") from None


def _regions(mains: list[ModelTerm], dimensions: dict[str, Dimension], table: GovernedTable) -> _LEVELS:
    """The rows of each level of each factor."""
    found: _LEVELS = {}
    for main in mains:
        if main.factor:
            dimension, column = dimensions[main.name], table.columns[main.column]
            regions = dimension.regions or [_of_value(column, each) for each in dimension.categories]
            found[main.name] = dict(zip(dimension.categories, regions, strict=True))
    return found


def _of_value(column: Column, value: Category | None) -> Region:
    code = None if value is None else column.code(value)
    return region_of(column, [] if code is None else [(code, code)])


class _Planner:
    """Puts together the statistics of one model."""

    def __init__(self, measuring: Measuring, formula: ModelFormula, complete: Region, levels: _LEVELS) -> None:
        self._measuring = measuring
        self._formula = formula
        self._complete = complete
        self._levels = levels
        self._statistics: set[Statistic] = {measuring.children(True)}

    def linear(self, label: str) -> QueryPlan:
        """One cell, with the sums of products and the counts inside them."""
        sums = {each: self._sum(each) for each in cross_products(self._formula)}
        counts = {each: self._count(each) for each in (*two_way_counts(self._formula), *term_counts(self._formula))}
        return self._plan(label, ModelPlan(self._formula, sums, counts, self._left_out()), ())

    def patterns(self, label: str, dimensions: list[Dimension]) -> QueryPlan:
        """A cell for each pattern, and one for all, which counts the children left out."""
        total = Product((self._formula.outcome.column,))
        sums = {each: self._sum(each) for each in (Product(), total)}
        sides = [ChildCount(), ChildCount(nonzero=total.columns), ChildCount(zero=total.columns[0])]
        counts = {each: self._count(each) for each in sides}
        return self._plan(label, ModelPlan(self._formula, sums, counts, self._left_out()), tuple(dimensions))

    def _plan(self, label: str, model: ModelPlan, dimensions: tuple[Dimension, ...]) -> QueryPlan:
        everything = tuple(range(len(dimensions)))
        statistics = tuple(sorted(self._statistics, key=lambda each: each.name))
        return QueryPlan(
            self._measuring.table,
            dimensions,
            self._measuring.where,
            statistics,
            (Output(label, "model", statistics=tuple(sorted(model.sums.values()))),),
            (everything, ()) if dimensions else (everything,),
            path="exact_sum",
            model=model,
        )

    def _sum(self, product: Product) -> str:
        over = reduce(intersect, (self._levels[name][level] for name, level in product.levels), self._complete)
        term = reduce(lambda left, right: left * right, map(self._value, product.columns), value_of(None))
        statistic = self._measuring.total(term, over)
        self._statistics.update(limbs(statistic))
        return statistic.name

    def _count(self, count: ChildCount) -> str:
        regions = [self._levels[name][level] for name, level in count.levels]
        regions += [self._not_zero(name) for name in count.nonzero]
        regions += [complement(self._not_zero(count.zero))] if count.zero else []
        return self._add(self._measuring.children(reduce(intersect, regions, self._complete)))

    def _left_out(self) -> str | None:
        """The children with a row that is not complete; None where no row can lack anything."""
        incomplete = intersect(self._measuring.where, complement(self._complete))
        return None if incomplete is False else self._add(self._measuring.children(incomplete))

    def _add(self, statistic: Statistic) -> str:
        self._statistics.add(statistic)
        return statistic.name

    def _value(self, name: str) -> Term:
        return value_of(self._measuring.table.columns[name])

    def _not_zero(self, name: str) -> Region:
        column = self._measuring.table.columns[name]
        zero = column.code(False if column.role == "flag" else 0)
        present = present_in(column)
        return present if zero is None else intersect(present, complement(region_of(column, [(zero, zero)])))
