"""The formula of a model: an outcome, and the terms that it is regressed on.

Terms are coded hierarchically (Nelder, JRSS A 1977; McCullagh and Nelder, Generalized Linear Models, 1989, 3.5): an
interaction stands beside its main effects, or its coefficients would mean something else for every choice of
reference level. The first level of a factor is its reference. A missing value is not a level: rows in which the outcome
or a term is missing are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

from query_engine.columns import Category

Family = Literal["linear", "logistic", "poisson"]

MOST_COLUMNS = 40
"""Design columns of a model, the intercept among them."""


class FormulaInvalid(Exception):
    """A formula is not one of the language. Depends on the formula alone, never on data; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Numeric:
    """A column that enters as it is: whole numbers in units of its last of `scale` decimal places.

    `indicator` says that every value is 0 or 1, as of an outcome that counts yes and no.
    """

    column: str
    scale: int = 0
    indicator: bool = False


@dataclass(frozen=True, slots=True)
class Factor:
    """A column that enters as one 0/1 column for each of its public `levels` but the first, the reference."""

    column: str
    levels: tuple[Category, ...]


Main = Numeric | Factor


@dataclass(frozen=True, slots=True)
class Interaction:
    """The products of the columns of two main effects."""

    terms: tuple[Main, Main]


Term = Numeric | Factor | Interaction


@dataclass(frozen=True)
class ModelFormula:
    """An outcome and its terms; an intercept is always among them. Raises `FormulaInvalid`."""

    family: Family
    outcome: Numeric
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted or read."""
        _check_outcome(self.family, self.outcome)
        _check_main_effects(self.main_effects, self.outcome.column)
        _check_interactions(self.interactions, self.main_effects)
        if self.width > MOST_COLUMNS:
            reason = f"the terms make {self.width} design columns and a model has at most {MOST_COLUMNS}"
            raise FormulaInvalid(f"{reason}: leave out an interaction, or group the levels of a factor")

    @property
    def main_effects(self) -> tuple[Main, ...]:
        """The terms that are not interactions, in the order given."""
        return tuple(each for each in self.terms if not isinstance(each, Interaction))

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """The interactions, in the order given."""
        return tuple(each for each in self.terms if isinstance(each, Interaction))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the terms, each once: the order of a pattern's values."""
        return tuple(each.column for each in self.main_effects)

    @property
    def width(self) -> int:
        """How many design columns the formula has."""
        return 1 + sum(prod(map(_width, mains_of(term))) for term in self.terms)


def mains_of(term: Term) -> tuple[Main, ...]:
    """The one or two main effects that a term is the product of."""
    return term.terms if isinstance(term, Interaction) else (term,)


def _width(main: Main) -> int:
    return len(main.levels) - 1 if isinstance(main, Factor) else 1


def _check_outcome(family: Family, outcome: Numeric) -> None:
    if family == "logistic" and not outcome.indicator:
        raise FormulaInvalid(f"a logistic model is of a yes/no outcome, which {outcome.column} is not")
    if family == "poisson" and (outcome.scale or outcome.indicator):
        raise FormulaInvalid(f"a Poisson model is of a count, which {outcome.column} is not")
    if outcome.indicator and outcome.scale:
        raise FormulaInvalid(f"{outcome.column} is 0 or 1, so it has no decimal places")


def _check_main_effects(mains: tuple[Main, ...], outcome: str) -> None:
    columns = [each.column for each in mains]
    for repeated in _repeated([*columns, outcome]):
        raise FormulaInvalid(f"{repeated} stands in the model more than once: name each column in one place")
    for main in mains:
        if isinstance(main, Factor) and (len(main.levels) < 2 or len(set(main.levels)) < len(main.levels)):
            raise FormulaInvalid(f"{main.column} needs two or more different levels to be compared")


def _check_interactions(interactions: tuple[Interaction, ...], mains: tuple[Main, ...]) -> None:
    pairs = [" and ".join(sorted(part.column for part in each.terms)) for each in interactions]
    for pair in _repeated(pairs):
        raise FormulaInvalid(f"the interaction of {pair} stands in the model twice: leave one out")
    for each in interactions:
        first, second = each.terms
        if first.column == second.column:
            raise FormulaInvalid(f"{first.column} cannot interact with itself: group its values into a factor")
        for part in each.terms:
            if part not in mains:
                reason = f"the interaction of {first.column} and {second.column} needs {part.column} as a term"
                raise FormulaInvalid(f"{reason} of its own: add it")


def _repeated(names: list[str]) -> Iterator[str]:
    return (name for place, name in enumerate(names) if name in names[:place])
