"""A plan in plain words, as `circe query check` and an approver's page show it: what is counted, where, over what.

The words are made from the plan and not from the asker's text, so they say what will be done and not what was written.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

from query_engine.catalogue import GovernedTable
from query_engine.models.formula import Factor, Main, ModelFormula, mains_of
from query_engine.planning.capped_counts import MOST_OF_ONE, capped_counts
from query_engine.planning.overflow import plan_bytes
from query_engine.planning.plan import Dimension, Measure, Output, QueryPlan, Statistic
from query_engine.wording.phrases import call_column, describe_condition
from query_engine.wording.sources import describe_source

__all__ = ["Paragraph", "describe_condition", "describe_plan"]

Paragraph = tuple[str, list[str]]
"""A heading and the lines under it."""


def describe_plan(plan: QueryPlan) -> list[Paragraph]:
    """The plan as headed paragraphs: table, rows, cells, columns, figures carried, id."""
    return [
        ("Table", list(describe_source(plan.governed))),
        ("Rows where", describe_condition(plan.where, plan.governed)),
        ("Cells", [_cells(plan), *_dimensions(plan)]),
        ("Columns", list(_columns(plan))),
        ("Carried", list(_carried(plan))),
        ("Plan", [plan.plan_id]),
    ]


def describe_statistic(statistic: Statistic, table: GovernedTable) -> str:
    """What one carried number is, and the most that a row can add to it."""
    measure = statistic.measure
    where = (
        ""
        if measure is None or measure.where is True
        else f" where {' and '.join(describe_condition(measure.where, table))}"
    )
    amount = "" if measure is None else " times ".join(call_column(each, table) for each in measure.columns)
    most = f"{statistic.bound:,}" + (f" ({_scaled(statistic.bound, measure)})" if measure and measure.scale else "")
    match statistic.kind:
        case "rows" | "children":
            return f"{'rows' if statistic.kind == 'rows' else 'distinct children'}{where}"
        case "nonzero":
            return f"distinct children whose {amount} is not 0{where}"
        case "sum":
            return f"sum of {amount}{where}; a row adds at most {most}"
        case "keys":
            whose = f"record keys of the distinct children{where}"
            return f"sum of the {whose}; nothing but what is left of it modulo {statistic.bound + 1:,} is opened"
        case "high":
            return f"sum of {amount}{where}, in units of 4,294,967,296; a row adds at most {statistic.bound:,}"
        case _:
            return f"sum of {amount}{where}, what is left of those units; a row adds at most {statistic.bound:,}"


def _scaled(bound: int, measure: Measure) -> str:
    """A bound in the measure's own unit."""
    return f"{Decimal(bound).scaleb(-measure.scale):f}" + (f" {measure.unit}" if measure.unit else "")


def _cells(plan: QueryPlan) -> str:
    if plan.path == "per_authority":
        return f"{plan.cells:,} for each authority"
    return f"{plan.cells:,}, each over all authorities of the roster"


def _carried(plan: QueryPlan) -> Iterator[str]:
    size, capped = f"{plan_bytes(plan):,} bytes for each authority", len(capped_counts(plan))
    yield f"{len(plan.statistics) + capped} whole numbers for each cell, {size}"
    yield from (describe_statistic(each, plan.governed) for each in plan.statistics)
    if capped:
        yield f"{capped} of these counts and of their differences once more, each {MOST_OF_ONE} of an authority at most"


def _dimensions(plan: QueryPlan) -> Iterator[str]:
    for dimension in plan.dimensions:
        missing = ", one of them for missing values" if None in dimension.categories and not dimension.regions else ""
        yield f"{_label(dimension, plan)}: {len(dimension.categories)} categories{missing}"
        for category, region in zip(dimension.categories, dimension.regions, strict=False):
            rows = "; ".join(describe_condition(region, plan.governed))
            yield f"  {'otherwise' if category is None else category}: {rows}"
    for grouping_set in plan.sets[1:]:
        over = [each for place, each in enumerate(plan.dimensions) if place not in grouping_set]
        yield f"totals over {' and '.join(_label(each, plan) for each in over)}"


def _label(dimension: Dimension, plan: QueryPlan) -> str:
    """What the asker calls a dimension."""
    return next((each.label for each in plan.outputs if each.dimension == dimension.name), dimension.name)


def _columns(plan: QueryPlan) -> Iterator[str]:
    if plan.path == "per_authority":
        yield f"{plan.authority_column}: the authority that answers"
    for output in plan.outputs:
        said = _output(output, plan.governed) if plan.model is None else _model(plan.model.formula)
        yield f"{output.label}: {said}{_within(output, plan)}"


def _model(formula: ModelFormula) -> str:
    terms = (" times ".join(map(_main, mains_of(term))) for term in formula.terms)
    return f"{formula.family} model of {formula.outcome.column} by {', '.join(terms)}"


def _main(main: Main) -> str:
    return f"the levels of {main.column}" if isinstance(main, Factor) else main.column


def _within(output: Output, plan: QueryPlan) -> str:
    """The rows that the column's own FILTER keeps; a filtered count says so in its condition."""
    if output.within is True or (output.kind == "sum" and output.indicator):
        return ""
    return f", among the rows where {' and '.join(describe_condition(output.within, plan.governed))}"


def _output(output: Output, table: GovernedTable) -> str:
    match output.kind, output.measures:
        case "count", _:
            return "rows"
        case "distinct", _:
            return "distinct children"
        case "sum", (Measure(columns=()) as measure,):
            return f"rows where {_holding(measure, output, table)}"
        case "mean", (Measure(columns=()) as measure,):
            return f"share of rows where {_holding(measure, output, table)}"
        case "sum", (measure,):
            return f"sum of {_amount(measure, table)}"
        case "mean", (measure,):
            return f"mean of {_amount(measure, table)}, over the rows where it is present"
        case "quantile", (measure,):
            share = f"{((output.fraction or Decimal(0)) * 100).normalize():f}"
            return f"the bin of {_amount(measure, table)} by which {share} per cent of its values are met"
        case kind, (measure,):
            return f"{NAMES[kind]} of {_amount(measure, table)}"
        case kind, (first, second):
            return f"{NAMES[kind]} of {_amount(first, table)} and {_amount(second, table)}"
        case _:
            return "a category"


NAMES: Mapping[str, str] = MappingProxyType(
    {
        "weighted_mean": "mean, weighted by the second,",
        "variance": "sample variance",
        "variance_population": "population variance",
        "deviation": "sample standard deviation",
        "deviation_population": "population standard deviation",
        "covariance": "sample covariance",
        "covariance_population": "population covariance",
        "correlation": "correlation (Pearson's r)",
        "regr_count": "rows with a value",
        "regr_avgx": "mean of the second, where both are present,",
        "regr_avgy": "mean of the first, where both are present,",
        "regr_sxx": "sum of squares of the second about its mean,",
        "regr_syy": "sum of squares of the first about its mean,",
        "regr_sxy": "sum of products about the means",
        "regr_slope": "slope of the line of the first on the second,",
        "regr_intercept": "intercept of the line of the first on the second,",
        "regr_r2": "share of the first's variation that a line on the second explains,",
    }
)
"""Every figure of one or two measures in a statistician's words."""


def _amount(measure: Measure, table: GovernedTable) -> str:
    """A measure as an amount, with its unit where it has one."""
    if not measure.columns:
        return " and ".join(describe_condition(measure.where, table))
    product = " times ".join(call_column(each, table) for each in measure.columns)
    if measure.holds is not True:
        product = f"{product} where {' and '.join(describe_condition(measure.holds, table))}, and 0 elsewhere"
    return f"{product}, in {measure.unit}" if measure.unit else product


def _holding(measure: Measure, output: Output, table: GovernedTable) -> str:
    """What a 0/1 measure counts, and what becomes of missing values."""
    missing = "a missing value counts as no" if output.present == output.among else "among those where it is present"
    return f"{' and '.join(describe_condition(measure.where, table))}; {missing}"
