"""Factors: what a figure says the sum of is a product, child by child, of quantities and of conditions."""

from query_engine.planning.plan import Measure, Output

__all__ = ["factors_of"]


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
