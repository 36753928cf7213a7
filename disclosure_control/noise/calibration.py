"""How much noise each figure of a plan takes, from the plan and the promised epsilon alone.

The promise is about one child's rows of one academic year: whether they are there or not changes the chance of any
outcome by a factor of exp(epsilon) at most, over all figures of the plan together. What such a child-year can move is
proved in `contributions`. Epsilon is shared out in equal parts:

- to each grouping set, since a row is in one cell of every set;
- within a set to each *family* of statistics. A family is of statistics that no row can be in two of, by the plan's own
  conditions, such as the bins of a quantile: a row moves one of them, so that they cost no more than one.

Discrete Laplace noise has the scale of a statistic's contribution over its part of epsilon. Of Skellam noise it is rho
that is shared out in the same way, and a statistic's noise has the least variance that keeps its part (`rho`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, hypot, log, sqrt

from disclosure_control.noise.kinds import LaplaceNoise, Noise, SkellamNoise
from disclosure_control.noise.rho import DELTA, find_rho, least_variance, lose
from disclosure_control.noise.terms import Mechanism, NoiseRefused, NoiseTerms, read_epsilon
from query_engine.planning.centred_sums import centre_sums
from query_engine.planning.contributions import Contribution, ContributionUnbounded, prove_contributions
from query_engine.planning.measuring import NOISE_ROOM
from query_engine.planning.plan import QueryPlan, Statistic
from query_engine.planning.region import Region, RegionTangled, intersect
from query_engine.planning.relation import Relation

__all__ = ["LAPLACE", "Calibration", "calibrate", "half_width", "half_widths", "list_families"]
__all__ += ["spread", "spreads", "spreads_restored"]

LARGEST_SCALE = NOISE_ROOM // 64
"""Noise of this scale or standard deviation is beyond `NOISE_ROOM`, for which the proof of 64 bits makes room, with a
chance below e**-64."""

LAPLACE = log(20) / sqrt(2)
"""95% of a Laplace distribution lies within so many standard deviations; of sums of more shares, within fewer."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The noise of every statistic in every grouping set, by its name and the set's number.

    `families` is among how many families of statistics the loss of each of `sets` grouping sets is shared. `rho` is the
    whole loss in zero-concentrated differential privacy; `epsilon` holds but for a chance of `delta`.
    """

    epsilon: Fraction
    rho: Fraction
    delta: Fraction
    families: int
    sets: int
    noise: Mapping[tuple[str, int], Noise]

    @property
    def scales(self) -> dict[tuple[str, int], Fraction]:
        """The scale of discrete Laplace noise."""
        return {at: each.scale for at, each in self.noise.items() if isinstance(each, LaplaceNoise)}


def calibrate(plan: QueryPlan, epsilon: str, mechanism: Mechanism = "polya") -> Calibration:
    """The noise of a plan for `noisy_sum`. Raises `NoiseRefused` where no noise of any use would hide everybody."""
    if plan.path != "noisy_sum":
        raise ValueError("noise is for plans of the path noisy_sum: see plan_for_path")
    try:
        contributions = prove_contributions(plan)
    except ContributionUnbounded as unbounded:
        raise NoiseRefused(str(unbounded)) from None
    make = _make_laplace if mechanism == "polya" else _make_skellam
    found = make(contributions, read_epsilon(epsilon), list_families(plan), len(plan.sets))
    if any(each.is_larger(LARGEST_SCALE) for each in found.noise.values()):
        raise NoiseRefused("the noise would be larger than there is room for: raise epsilon, or ask for fewer figures")
    return found


_Families = tuple[tuple[str, ...], ...]


def _make_laplace(
    contributions: Sequence[Contribution], epsilon: Fraction, families: _Families, sets: int
) -> Calibration:
    """Each statistic's scale is its contribution over its part of epsilon; half the square of each part adds up."""
    parts = len(families) * sets
    noise = {(each.statistic, each.number): LaplaceNoise(each.most * parts / epsilon) for each in contributions}
    return Calibration(epsilon, epsilon**2 / (2 * parts), Fraction(0), len(families), sets, noise)


def _make_skellam(
    contributions: Sequence[Contribution], epsilon: Fraction, families: _Families, sets: int
) -> Calibration:
    """Each statistic's variance is the least with which its contribution loses no more than its part of rho.

    Variances are whole, so that a little less is lost: of each family in each set what its worst statistic loses.
    """
    part = find_rho(epsilon) / (len(families) * sets)
    if part <= 0:
        raise NoiseRefused("no Skellam noise keeps so small an epsilon: raise it, or ask for Polya shares")
    noise, lost = {}, {}
    for each in contributions:
        at, variance = (each.statistic, each.number), least_variance(each.most, part, each.each)
        noise[at], lost[at] = SkellamNoise(variance), lose(each.most, variance, each.each)
    rho = sum(max(lost[name, number] for name in family) for family in families for number in range(sets))
    return Calibration(epsilon, Fraction(rho), DELTA, len(families), sets, noise)


def spread(scale: Fraction, terms: NoiseTerms, answered: int) -> float:
    """The standard deviation of the noise in a sum over so many nodes."""
    return LaplaceNoise(scale).spread(answered / terms.shares)


def half_width(scale: Fraction, terms: NoiseTerms, answered: int) -> int:
    """How far the noise in a sum over so many nodes lies from 0 at most, 19 times in 20."""
    return ceil(LAPLACE * spread(scale, terms, answered))


def spreads(plan: QueryPlan, terms: NoiseTerms, answered: int) -> list[dict[str, float]]:
    """For each grouping set of a plan the standard deviation of the noise in every statistic as it is opened.

    That of a sum is about the middle of its columns: see `spreads_restored`. Raises `NoiseRefused`.
    """
    noise, part = calibrate(plan, terms.epsilon, terms.mechanism).noise, answered / terms.shares
    return [
        {each.name: noise[each.name, number].spread(part) for each in plan.statistics}
        for number in range(len(plan.sets))
    ]


def spreads_restored(plan: QueryPlan, spreads: Mapping[str, float]) -> dict[str, float]:
    """The same, in one grouping set, of the statistics about 0 that are made of those as they are opened."""
    return {
        name: hypot(*(times * spreads[source] for source, times in each.made_of.items()))
        for name, each in centre_sums(plan).items()
    }


def half_widths(plan: QueryPlan, terms: NoiseTerms, answered: int) -> list[dict[str, int]]:
    """For each grouping set of a plan the half-width of the noise in every statistic as it is opened.

    Raises `NoiseRefused`.
    """
    found = spreads(plan, terms, answered)
    return [{name: ceil(LAPLACE * size) for name, size in of_set.items()} for of_set in found]


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
