"""Factors: what a figure says the sum of is a product, child by child, of quantities and of conditions."""

from functools import reduce

from disclosure_control.linked.figures.values import read_values
from query_engine.planning.implied import known_of
from query_engine.planning.plan import Measure, Output, QueryPlan
from query_engine.planning.region import Region, intersect, region_of

__all__ = ["factors_of", "find_conditions", "find_meeting", "find_ones", "rows_of"]


def factors_of(output: Output) -> tuple[Measure, ...]:
    """The measures whose product a figure says the sum of, beside others of the same; none where it does not add up."""
    match output.kind:
        case "sum" | "mean":
            return output.measures
        case "regr_avgy":
            return output.measures[:1]
        case "regr_avgx":
            return output.measures[1:]
        case "variance" | "variance_population" | "deviation" | "deviation_population":
            return output.measures * 2
        case "regr_syy":
            return output.measures[:1] * 2
        case "regr_sxx":
            return output.measures[1:] * 2
        case "covariance" | "covariance_population" | "correlation" | "weighted_mean":
            return output.measures
        case "regr_sxy" | "regr_slope" | "regr_intercept" | "regr_r2":
            return output.measures
        case _:
            return ()


def rows_of(plan: QueryPlan, name: str) -> Region:
    """The rows that a statistic is of. Raises `RegionTangled`."""
    measure = next(each.measure for each in plan.statistics if each.name == name)
    return intersect(plan.where, True if measure is None else measure.where)


def find_ones(plan: QueryPlan, output: Output) -> Region:
    """Who has 1, where a sum or an average is of what is 0 or 1 for everybody who is asked about; nobody otherwise."""
    measure = output.measure
    if output.kind not in ("sum", "mean") or output.indicator or measure is None or not output.nonzero:
        return False
    if measure.scale or len(measure.columns) != 1:
        return False
    column = plan.governed.columns[measure.columns[0]]
    values = read_values(*known_of(plan.governed, intersect(plan.where, measure.where), column.name))
    one = column.code(1)
    if one is None or values is None or values.may_lack or not 0 <= values.least <= values.most <= 1:
        return False
    return region_of(column, [(one, one)])


def find_meeting(plan: QueryPlan, output: Output) -> str:
    """The statistic of those who meet what is multiplied in, where that is not everybody with a value."""
    factors = factors_of(output)
    if output.indicator or all(each.holds is True for each in factors):
        return ""
    return _name_meeting(plan, output, reduce(intersect, [each.holds for each in factors]))


def find_conditions(plan: QueryPlan, output: Output) -> list[str]:
    """The statistics of those who meet each of several conditions that are multiplied in."""
    several = dict.fromkeys(each.holds for each in factors_of(output) if each.holds is not True)
    return [name for holds in several if len(several) > 1 and (name := _name_meeting(plan, output, holds))]


def _name_meeting(plan: QueryPlan, output: Output, holds: Region) -> str:
    meeting = intersect(rows_of(plan, output.present), holds)
    return next((inside for inside, _ in output.sides if rows_of(plan, inside) == meeting), "")
