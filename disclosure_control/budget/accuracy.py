"""What accuracy a budget buys: how far the noise in each figure of a question lies from 0, at one epsilon or another.

It follows from the plan and the terms alone, so it is known before anything is asked. Counts and sums have the same
noise however many children there are; an average's gets less with their number, and is told of a thousand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, hypot, log
from statistics import fmean

from disclosure_control.noise.calibration import calibrate, half_widths, spreads_restored
from disclosure_control.noise.terms import Mechanism, NoiseRefused, NoiseTerms
from disclosure_control.rows.protected_table import figure_range
from query_engine.planning.centred_sums import centre_sums
from query_engine.planning.plan import Output, QueryPlan

__all__ = ["EPSILONS", "GROUP", "FigureAccuracy", "compare_widths", "foresee_accuracy"]

EPSILONS = ("0.1", "0.2", "0.5", "1", "2", "5")
"""Privacy losses to compare."""

GROUP = 1_000
"""Children in the group whose average is told of."""

_WHOLE = frozenset({"count", "distinct", "regr_count", "sum"})
_AVERAGES = frozenset({"mean", "regr_avgx", "regr_avgy"})


@dataclass(frozen=True, slots=True)
class FigureAccuracy:
    """How far the noise in one figure may well lie from 0, 19 times in 20, by epsilon; None where noise is refused.

    `of_group` says whether it is the average of `GROUP` children, and not a count or a sum of however many.
    """

    label: str
    of_group: bool
    widths: tuple[float | None, ...]


def foresee_accuracy(
    plan: QueryPlan,
    nodes: int,
    dropouts: int,
    colluders: int,
    epsilons: Sequence[str] = EPSILONS,
    mechanism: Mechanism = "polya",
) -> tuple[FigureAccuracy, ...]:
    """The accuracy of each count, sum and average of a plan at each epsilon, where all nodes answer.

    Of grouping sets the least accurate counts. Other figures depend on the data, and so are left out.
    """
    noise = [_widest_noise(plan, epsilon, (nodes, dropouts, colluders), mechanism) for epsilon in epsilons]
    told = (each for each in plan.outputs if each.kind in _WHOLE | _AVERAGES and each.dimension is None)
    return tuple(
        FigureAccuracy(
            each.label,
            each.kind in _AVERAGES,
            tuple(None if at is None else _width(each, plan, at) for at in noise),
        )
        for each in told
    )


def compare_widths(plan: QueryPlan, epsilon: str) -> float | None:
    """How many times as wide Skellam noise is as discrete Laplace noise, on the average over the sums of a plan.

    None where either is refused. Below 1 where a child is in many sums.
    """
    try:
        laplace, skellam = (calibrate(plan, epsilon, kind).noise for kind in ("polya", "skellam"))
    except NoiseRefused:
        return None
    return exp(fmean(log(skellam[at].spread(1) / laplace[at].spread(1)) for at in laplace))


def _widest_noise(
    plan: QueryPlan, epsilon: str, tolerance: tuple[int, int, int], mechanism: Mechanism
) -> dict[str, int] | None:
    """The half-width of the noise in every statistic as it is opened, in whichever grouping set it is widest."""
    try:
        of_sets = half_widths(plan, NoiseTerms(epsilon, *tolerance, mechanism), tolerance[0])
    except NoiseRefused:
        return None
    return {each.name: max(widths[each.name] for widths in of_sets) for each in plan.statistics}


def _width(output: Output, plan: QueryPlan, noise: dict[str, int]) -> float:
    if output.kind in _WHOLE:
        name = output.counted or output.statistics[0]
        return float(spreads_restored(plan, noise)[name] * 10.0**-output.scale)
    low, high = figure_range(output, plan)
    return min(max(_average_widths(output, plan, noise)), float(high - low))


def _average_widths(output: Output, plan: QueryPlan, noise: dict[str, int]) -> Iterator[float]:
    """The noise in an average of `GROUP` children, to the first order: at the least and at the greatest average.

    The farther it is from the middle about which its sum is noised, the more the noise in the number of rows matters.
    """
    rows, total = output.statistics[:2]
    unit = 10.0 ** -output.measures[1 if output.kind == "regr_avgx" else 0].scale
    middle = centre_sums(plan)[total].made_of.get(rows, 0) * unit
    for end in figure_range(output, plan):
        yield hypot(noise[total] * unit, (float(end) - middle) * noise[rows]) / GROUP
