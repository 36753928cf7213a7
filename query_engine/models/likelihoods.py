"""The two families fitted to patterns: how an outcome is distributed, given its linear predictor.

Both use their canonical link, for which Newton's method is iteratively reweighted least squares and the likelihood has
one maximum at most (McCullagh and Nelder 1989, 2.5).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, log, log1p

STEEPEST = 700.0
"""No exponential of more than this is taken: its result would not be a number."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """One family, as functions of a pattern's rows, total and linear predictor.

    `expected` is the expected total, `weight` how fast it rises with the predictor, `deviance` what the pattern adds
    to the deviance; `start` is the intercept of a model without terms, from all rows and their total.
    """

    start: Callable[[int, int], float]
    expected: Callable[[int, float], float]
    weight: Callable[[int, float], float]
    deviance: Callable[[int, int, float], float]


def _logit(rows: int, total: int) -> float:
    return log(total / (rows - total))


def _yes(rows: int, predictor: float) -> float:
    return rows * _share(predictor)


def _yes_weight(rows: int, predictor: float) -> float:
    return rows * _share(predictor) * _share(-predictor)


def _yes_deviance(rows: int, total: int, predictor: float) -> float:
    """Of single rows, not of patterns: it does not depend on how rows are grouped."""
    return 2 * (total * _softplus(-predictor) + (rows - total) * _softplus(predictor))


def _share(predictor: float) -> float:
    """The logistic function, without an exponential that overflows."""
    if predictor >= 0:
        return 1 / (1 + exp(-predictor))
    odds = exp(max(predictor, -STEEPEST))
    return odds / (1 + odds)


def _softplus(predictor: float) -> float:
    """The logarithm of 1 + exp(predictor)."""
    return max(predictor, 0.0) + log1p(exp(-abs(predictor)))


def _log_rate(rows: int, total: int) -> float:
    return log(total / rows)


def _events(rows: int, predictor: float) -> float:
    """Rows are the exposure: the logarithm of their number is the offset."""
    return rows * exp(predictor) if predictor < STEEPEST else inf


def _events_deviance(rows: int, total: int, predictor: float) -> float:
    """Of patterns, since the outcomes of single rows are not known: only differences between models are as usual."""
    expected = _events(rows, predictor)
    surprise = total * (log(total / rows) - predictor) if total else 0.0
    return 2 * (surprise - (total - expected))


LOGISTIC = Likelihood(_logit, _yes, _yes_weight, _yes_deviance)
POISSON = Likelihood(_log_rate, _events, _events, _events_deviance)
