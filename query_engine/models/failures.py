"""Why a model cannot be fitted to the sums or patterns it was given."""

from collections.abc import Iterable
from enum import StrEnum


class Failure(StrEnum):
    """The reasons for there being no fit."""

    COLLINEAR = "collinear"
    TOO_FEW_ROWS = "too_few_rows"
    EXACT_FIT = "exact_fit"
    CONSTANT_OUTCOME = "constant_outcome"
    SEPARATION = "separation"
    NOT_CONVERGED = "not_converged"
    CONTRADICTION = "contradiction"
    TOO_MANY_PATTERNS = "too_many_patterns"


class ModelUndetermined(Exception):
    """The data do not determine the model. Unlike a refusal this depends on data, so it is an answer like another.

    The text names design columns and never a figure. That one is a combination of others can mean that nobody has
    its level: ask disclosure control for the counts first, which withholds the model before this can be said.
    """

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.code: str = failure.value
        self.text = text


def collinear(dependent: str, others: Iterable[str]) -> ModelUndetermined:
    """The failure of a design column that is a combination of others, or of none: then it is 0 in every row."""
    named = ", ".join(others)
    reason = f"{dependent} is a combination of {named}" if named else f"{dependent} is 0 in every row"
    return ModelUndetermined(Failure.COLLINEAR, f"{reason}, so it has no estimate of its own: leave out a term")
