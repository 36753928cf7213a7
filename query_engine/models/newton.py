"""The maximum of a likelihood by iteratively reweighted least squares, always from the same start.

The steps are Newton's, halved while they raise the deviance. Where terms separate the outcomes no maximum exists
(Albert and Anderson, Biometrika 71, 1984): the deviance settles but the predictors of some patterns go on growing, by
about 1 at each step, as the step there is residual over weight. That is how separation is told from a steep slope,
whose steps shrink to nothing. A maximum too flat for double precision is taken for none.
"""

from dataclasses import dataclass
from math import fsum, isfinite

from query_engine.models.cholesky import Cholesky, NotDefinite, Vector
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.likelihoods import Likelihood
from query_engine.models.patterns import PatternTable
from query_engine.models.standardised import StandardisedDesign

MOST_STEPS = 100
MOST_HALVINGS = 30
SETTLED_DEVIANCE = 1e-12
"""A share of the deviance by which it may still fall when it has settled."""
SETTLED_PREDICTOR = 1e-9
"""A share of a linear predictor by which it may still move when it has settled."""
SLACK = 1e-10
"""A share of the deviance by which rounding may raise it."""


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is largest, in the units of the standardised design."""

    coefficients: Vector
    information: Cholesky
    deviance: float


@dataclass(frozen=True, slots=True)
class _State:
    coefficients: Vector
    predictors: Vector
    deviance: float


def maximise(likelihood: Likelihood, design: StandardisedDesign, table: PatternTable) -> Maximum:
    """The maximum. Raises `ModelUndetermined` where there is none."""
    ascent = _Ascent(likelihood, design, table)
    start = likelihood.start(sum(table.rows), sum(table.totals))
    state = ascent.at([start, *[0.0] * (len(design.columns) - 1)])
    for _ in range(MOST_STEPS):
        information = ascent.information(state)
        following = ascent.step(state, information)
        moved = _movement(state.predictors, following.predictors)
        if moved < SETTLED_PREDICTOR:
            return Maximum(following.coefficients, ascent.information(following), following.deviance)
        if moved > 1e-3 and abs(state.deviance - following.deviance) <= SETTLED_DEVIANCE * (following.deviance + 0.1):
            raise _separated()
        state = following
    raise ModelUndetermined(Failure.NOT_CONVERGED, "the fit did not settle: use fewer terms or coarser ones")


@dataclass(frozen=True, slots=True)
class _Ascent:
    """The likelihood of one table, as a function of the coefficients."""

    likelihood: Likelihood
    design: StandardisedDesign
    table: PatternTable

    def at(self, coefficients: Vector) -> _State:
        predictors = self.design.predictors(coefficients)
        parts = map(self.likelihood.deviance, self.table.rows, self.table.totals, predictors)
        return _State(coefficients, predictors, fsum(parts))

    def information(self, state: _State) -> Cholesky:
        weights = list(map(self.likelihood.weight, self.table.rows, state.predictors))
        try:
            return Cholesky(self.design.information(weights))
        except NotDefinite:
            raise _separated() from None

    def step(self, state: _State, information: Cholesky) -> _State:
        """The next state: Newton's step, or so much of it as does not raise the deviance."""
        expected = map(self.likelihood.expected, self.table.rows, state.predictors)
        residuals = [total - each for total, each in zip(self.table.totals, expected, strict=True)]
        step = information.solve(self.design.gradient(residuals))
        for halving in range(MOST_HALVINGS):
            share = 0.5**halving
            moved = [a + share * b for a, b in zip(state.coefficients, step, strict=True)]
            following = self.at(moved)
            if isfinite(following.deviance) and following.deviance <= state.deviance * (1 + SLACK) + SLACK:
                return following
        return state


def _movement(before: Vector, after: Vector) -> float:
    return max(abs(a - b) / (1 + abs(b)) for a, b in zip(after, before, strict=True))


def _separated() -> ModelUndetermined:
    text = (
        "the terms separate the outcomes: for some combination of them the estimate has no bound. "
        "Leave out a term, or group the levels of a factor"
    )
    return ModelUndetermined(Failure.SEPARATION, text)
