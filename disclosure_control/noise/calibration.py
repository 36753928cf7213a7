"""How much noise each figure of a plan takes, from the plan and the promised epsilon alone.

The promise is about one child's rows of one academic year: whether they are there or not changes the chance of any
outcome by a factor of exp(epsilon) at most, over all figures of the plan together. What such a child-year can move is
proved in `contributions`. Epsilon is shared out in equal parts:

- to each grouping set, since a row is in one cell of every set;
- within a set to each *family* of statistics. A family is of statistics that no row can be in two of, by the plan's own
  conditions, such as the bins of a quantile: a row moves one of them, so that they cost no more than one.

A statistic's noise has the scale of its contribution over its part of epsilon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, log, sqrt

from disclosure_control.noise.terms import NoiseRefused, NoiseTerms, read_epsilon
from query_engine.planning.contributions import ContributionUnbounded, prove_contributions
from query_engine.planning.measuring import NOISE_ROOM
from query_engine.planning.plan import QueryPlan, Statistic
from query_engine.planning.region import Region, RegionTangled, intersect
from query_engine.planning.relation import Relation

__all__ = ["LAPLACE", "Calibration", "calibrate", "half_width", "half_widths", "list_families", "spread", "spreads"]

LARGEST_SCALE = NOISE_ROOM // 64
"""Noise of this scale is beyond `NOISE_ROOM`, for which the proof of 64 bits makes room, with a chance below e**-64."""

LAPLACE = log(20) / sqrt(2)
"""95 % of a Laplace distribution lies within so many standard deviations; of sums of more shares, within fewer."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scale of the noise of every statistic in every grouping set, by its name and the set's number.

    `families` is among how many families of statistics the epsilon of each of `sets` grouping sets is shared.
    """

    epsilon: Fraction
    families: int
    sets: int
    scales: dict[tuple[str, int], Fraction]

    @property
    def rho(self) -> Fraction:
        """The loss in zero-concentrated differential privacy: half the square of each part of epsilon, added up."""
        return self.epsilon**2 / (2 * self.families * self.sets)


def calibrate(plan: QueryPlan, epsilon: str) -> Calibration:
    """The noise of a plan for `noisy_sum`. Raises `NoiseRefused` where no noise of any use would hide everybody."""
    if plan.path != "noisy_sum":
        raise ValueError("noise is for plans of the path noisy_sum: see plan_for_path")
    try:
        contributions = prove_contributions(plan)
    except ContributionUnbounded as unbounded:
        raise NoiseRefused(str(unbounded)) from None
    whole, families = read_epsilon(epsilon), len(list_families(plan))
    part = whole / (families * len(plan.sets))
    scales = {(each.statistic, each.number): each.most / part for each in contributions}
    if max(scales.values()) > LARGEST_SCALE:
        raise NoiseRefused("the noise would be larger than there is room for: raise epsilon, or ask for fewer figures")
    return Calibration(whole, families, len(plan.sets), scales)


def spread(scale: Fraction, terms: NoiseTerms, answered: int) -> float:
    """The standard deviation of the noise in a sum over so many nodes."""
    kept = exp(-1 / scale)
    return sqrt(2 * kept * answered / terms.shares) / (1 - kept)


def half_width(scale: Fraction, terms: NoiseTerms, answered: int) -> int:
    """How far the noise in a sum over so many nodes lies from 0 at most, 19 times in 20."""
    return ceil(LAPLACE * spread(scale, terms, answered))


def spreads(plan: QueryPlan, terms: NoiseTerms, answered: int) -> list[dict[str, float]]:
    """For each grouping set of a plan the standard deviation of the noise in every statistic. Raises `NoiseRefused`."""
    scales = calibrate(plan, terms.epsilon).scales
    return [
        {each.name: spread(scales[each.name, number], terms, answered) for each in plan.statistics}
        for number in range(len(plan.sets))
    ]


def half_widths(plan: QueryPlan, terms: NoiseTerms, answered: int) -> list[dict[str, int]]:
    """For each grouping set of a plan the half-width of the noise in every statistic. Raises `NoiseRefused`."""
    scales = calibrate(plan, terms.epsilon).scales
    return [
        {each.name: half_width(scales[each.name, number], terms, answered) for each in plan.statistics}
        for number in range(len(plan.sets))
    ]


def list_families(plan: QueryPlan) -> tuple[tuple[str, ...], ...]:
    """The families into which the statistics fall, by name, each taken into the first that it fits."""
    families: list[list[tuple[str, Region]]] = []
    for each in plan.statistics:
        where: Region = True if each.measure is None else each.measure.where
        home = next((family for family in families if _fits(each, where, [one for _, one in family], plan)), None)
        if home is None:
            families.append([(each.name, where)])
        else:
            home.append((each.name, where))
    return tuple(tuple(name for name, _ in family) for family in families)


def _fits(statistic: Statistic, where: Region, family: Sequence[Region], plan: QueryPlan) -> bool:
    """Whether no row can count in a statistic and in one of a family; never where a child-year has several rows."""
    if not isinstance(plan.governed, Relation) and plan.governed.rows_per_child_year > 1:
        return False
    try:
        inside = intersect(plan.where, where)
        return all(intersect(inside, other) is False for other in family)
    except RegionTangled:
        return False
