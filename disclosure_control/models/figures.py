"""From the summed statistics of a model's plan to the model that may be shown."""

from collections.abc import Iterator, Mapping, Sequence

from disclosure_control.models.release import ReleasedModel, release_generalised, release_linear
from disclosure_control.models.withholding import check_model_counts, check_patterns, is_of_levels
from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.others import Others
from query_engine.catalogue import Category
from query_engine.finalisers import read_sum
from query_engine.models.counts import ChildCount, PatternCount
from query_engine.models.design import Product
from query_engine.models.formula import Numeric
from query_engine.models.patterns import Pattern
from query_engine.planning.capped_counts import CappedCount
from query_engine.planning.plan import ModelPlan, QueryPlan

__all__ = ["Figures", "check_model_for_others", "release_model"]

Figures = Mapping[str, Sequence[int]]
"""Each statistic of a plan by its name: one figure for each cell, summed over the roster."""


def release_model(plan: QueryPlan, figures: Figures, preset: Preset) -> ReleasedModel:
    """The model of a plan. Raises `ModelWithheld` and `ModelUndetermined`, and `ValueError` where the plan has none."""
    if plan.model is None:
        raise ValueError("the plan is of a table, not of a model")
    model, formula = plan.model, plan.model.formula
    left_out = figures[model.left_out][-1] if model.left_out else 0
    if formula.family == "linear":
        cell = {name: column[0] for name, column in figures.items()}
        sums = {product: read_sum(name, cell) for product, name in model.sums.items()}
        counts = {count: cell[name] for count, name in model.counts.items()}
        return release_linear(formula, sums, counts, left_out, preset)
    patterns = list(_patterns(plan, model, figures))
    return release_generalised(
        formula, [pattern for pattern, _ in patterns], [count for _, count in patterns], left_out, preset
    )


def check_model_for_others(plan: QueryPlan, others: Others, preset: Preset) -> None:
    """Check that a model may be shown to an authority that takes its own rows away. Raises `ModelWithheld`.

    The counts that it rests on are held to the same numbers without any one authority's children.
    """
    model = plan.model
    if model is None:
        raise ValueError("the plan is of a table, not of a model")
    least, formula = others.least, model.formula
    left_out = least[CappedCount(model.left_out)][-1] if model.left_out else 0
    if formula.family == "linear":
        counts = {count: least[CappedCount(name)][0] for count, name in model.counts.items()}
        everybody = model.counts[ChildCount()]
        outside = {
            count: 0 if name == everybody else least[CappedCount(everybody, name)][0]
            for count, name in model.counts.items()
            if is_of_levels(count)
        }
        check_model_counts(formula, counts, left_out, preset, outside)
        return
    figures = {name: least[CappedCount(name)] for name in model.counts.values()}
    check_patterns(formula, list(_pattern_counts(plan, model, figures)), left_out, preset)


def _patterns(plan: QueryPlan, model: ModelPlan, figures: Figures) -> Iterator[tuple[Pattern, PatternCount]]:
    """Every cell whose values are all present, as a pattern with the children behind it."""
    outcome = _outcome(model)
    counted = {each.values: each for each in _pattern_counts(plan, model, figures)}
    for place, values in _values_of_cells(plan):
        found = {name: column[place] for name, column in figures.items()}
        rows, total = (read_sum(model.sums[each], found) for each in (Product(), Product(outcome)))
        yield Pattern(values, rows, total), counted[values]


def _pattern_counts(plan: QueryPlan, model: ModelPlan, figures: Figures) -> Iterator[PatternCount]:
    """The children behind every pattern."""
    outcome = _outcome(model)
    sides = [model.counts[each] for each in (ChildCount(), ChildCount(nonzero=outcome), ChildCount(zero=outcome[0]))]
    for place, values in _values_of_cells(plan):
        yield PatternCount(values, *(figures[name][place] for name in sides))


def _outcome(model: ModelPlan) -> tuple[str, ...]:
    (outcome,) = [product.columns for product in model.sums if product.columns]
    return outcome


def _values_of_cells(plan: QueryPlan) -> Iterator[tuple[int, tuple[Category, ...]]]:
    """The place of every cell whose values are all present, and these."""
    for place, cell in enumerate(plan.iter_cells()):
        if place < plan.cells_of(plan.sets[0]) and None not in cell:
            yield place, tuple(_value(each, plan, number) for number, each in enumerate(cell) if each is not None)


def _value(category: Category, plan: QueryPlan, place: int) -> Category:
    """A factor's level as it is, a number in fixed-point units."""
    model = plan.model
    assert model is not None
    main = model.formula.main_effects[place]
    if not isinstance(main, Numeric):
        return category
    scale: int = 10**main.scale
    return int(category) * scale
