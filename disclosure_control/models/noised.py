"""The release gate of models under noise: from noised sums of squares and products to estimates with their errors.

The sums are protected already, so nothing here protects anybody, and no count of children is asked for. What is left
to do is to print nothing that means nothing. A standard error holds chance and noise together; and where the noise
could be half as large as what the estimates are divided by, or as what is left unexplained, or where no rows could have
such sums, no estimate is printed at all, and the release says so.

That answer is worked out from noised sums as an estimate is, so it tells no more than they do.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import hypot

from disclosure_control.margins.intervals import cut_to_figures, cut_to_place, interval_of, student_quantile
from disclosure_control.models.release import (
    ASSOCIATION,
    RESIDUAL_ERROR,
    SCALES,
    SHARES,
    ReleasedModel,
    ReleasedTerm,
    cut_quality,
    figures_shown,
    seal_model,
)
from disclosure_control.noise.calibration import LAPLACE, spreads
from disclosure_control.noise.figures import LARGEST_SHARE
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import Preset
from query_engine.models.design import Product
from query_engine.models.estimates import Estimate
from query_engine.models.failures import ModelUndetermined
from query_engine.models.linear import LinearFit, fit_linear
from query_engine.models.noised import NoiseInFit, find_noise
from query_engine.planning.centring import find_centring
from query_engine.planning.plan import ModelPlan, QueryPlan

__all__ = ["DROWNED", "release_noised_model"]

DROWNED = (
    "No estimate is printed: the noise could be half as large as what they are worked out from, or larger, so that "
    "they would mean nothing (u, of low reliability). Ask with fewer terms, for more years, or for a greater epsilon."
)

ROWS = (
    "Rows with a missing value in the outcome or a term are left out. Sums of squares and products hold noise, and so "
    "does the number of rows. Standard errors are of chance and noise together, to the first order of the noise (the "
    "delta method); they take rows to be independent. Intervals are of 95 %, computed from the figures printed here "
    f"and rounded outward, with {LAPLACE:.3f} standard errors either way at least, since noise has longer tails than "
    "chance. What is said of the fit as a whole holds noise too, and has no interval."
)


def release_noised_model(
    plan: QueryPlan, opened: Mapping[str, Sequence[int]], terms: NoiseTerms, answered: int, preset: Preset
) -> ReleasedModel:
    """The linear model of noised sums about the middles, or one without estimates where the noise drowns them."""
    model = plan.model
    if model is None or model.formula.family != "linear":
        raise ValueError("the plan is not of a linear model")
    centring = find_centring(plan, model)
    found = centring.restore({each: opened[name][0] for each, name in model.sums.items()})
    made_of = {each: _named(centring.made_of(each), model) for each in model.sums}
    (noise,) = spreads(plan, terms, answered)
    held = find_noise(model.formula, found, noise, made_of)
    fitted = None if held is None else _fit(model, found, held, preset)
    rows, width = found[Product()], model.formula.width
    return seal_model(
        family="linear",
        outcome=model.formula.outcome.column,
        preset=preset.name,
        preset_version=preset.version,
        rows=max(0, rows),
        residual_df=max(0, rows - width),
        terms=() if fitted is None else tuple(_terms(*fitted, preset)),
        quality={} if fitted is None else _quality(fitted[0], preset),
        notes=(DROWNED,) if fitted is None else (SCALES["linear"], ASSOCIATION, ROWS),
        noise=terms,
    )


def _named(made_of: Mapping[Product, int], model: ModelPlan) -> dict[str, int]:
    """The same by the names of statistics: of yes and no, a sum is its own sum of squares."""
    found: dict[str, int] = {}
    for product, times in made_of.items():
        name = model.sums[product]
        found[name] = found.get(name, 0) + times
    return found


def _fit(
    model: ModelPlan, sums: Mapping[Product, int], held: NoiseInFit, preset: Preset
) -> tuple[LinearFit, NoiseInFit] | None:
    """The fit and the noise in it, unless that drowns it."""
    if max(held.information, held.residual, held.spread) >= LARGEST_SHARE:
        return None
    try:
        fit = fit_linear(model.formula, sums)
    except ModelUndetermined:
        return None
    return None if fit.residual_df < preset.minimum_residual_df else (fit, held)


def _terms(fit: LinearFit, noise: NoiseInFit, preset: Preset) -> list[ReleasedTerm]:
    quantile = max(LAPLACE, student_quantile(fit.residual_df))
    both = zip(fit.estimates, noise.estimates, strict=True)
    return [_term(each, hypot(each.standard_error, of_noise), quantile, preset) for each, of_noise in both]


def _term(estimate: Estimate, error: float, quantile: float, preset: Preset) -> ReleasedTerm:
    cut = cut_to_figures(error, figures_shown(preset))
    value = cut_to_place(estimate.value, cut)
    return ReleasedTerm(estimate.label, value, cut, *interval_of(value, cut, quantile))


def _quality(fit: LinearFit, preset: Preset) -> dict[str, Decimal]:
    return {name: cut_quality(name, getattr(fit, name), preset) for name in (*SHARES, RESIDUAL_ERROR)}
