"""The counts of children that stand inside a model: what a reader of its estimates could work back to.

X'X holds a count for every pair of levels of two terms. Sums of a column with and without an indicator give its other
side, so a factor's reference level, for which there is no design column, is as derivable as the rest: the counts are
those of the *whole* cross-table of two terms. A sum of a number rests on the children for whom it is not 0, and a
yes/no outcome on those who answer yes and, by subtraction, on those who answer no.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product

from query_engine.columns import Category
from query_engine.models.design import CROSSED, level_label
from query_engine.models.formula import Factor, Main, ModelFormula, Numeric, mains_of


@dataclass(frozen=True, slots=True)
class ChildCount:
    """Distinct children with a complete row that has all of `levels` and is not 0 in `nonzero`, and is 0 in `zero`.

    A complete row has a value of the outcome and of every term of the formula. Names are in alphabetical order.
    """

    levels: tuple[tuple[str, Category], ...] = ()
    nonzero: tuple[str, ...] = ()
    zero: str | None = None

    @property
    def label(self) -> str:
        """The children that are counted, in the words of the formula."""
        levels = CROSSED.join(level_label(*each) for each in self.levels) or "any level"
        numbers = [f"{each} not 0" for each in self.nonzero] + ([f"{self.zero} 0"] if self.zero else [])
        return ", ".join([levels, *numbers])


@dataclass(frozen=True, slots=True)
class PatternCount:
    """Distinct children behind a pattern: with a row of it, with one whose outcome is not 0, with one where it is 0."""

    values: tuple[Category, ...]
    children: int = field(repr=False)
    nonzero: int = field(repr=False)
    zero: int = field(repr=False)


def two_way_counts(formula: ModelFormula) -> tuple[ChildCount, ...]:
    """The counts inside X'X, X'y and y'y: for each pair of terms, every combination of their levels."""
    parts: list[tuple[Main, ...]] = [(), *map(mains_of, formula.terms), (formula.outcome,)]
    pairs = combinations_with_replacement(parts, 2)
    return tuple(dict.fromkeys(count for pair in pairs for count in _cells({*pair[0], *pair[1]}, formula.outcome)))


def term_counts(formula: ModelFormula) -> tuple[ChildCount, ...]:
    """The counts of each term's own levels, of which none may be empty without its estimate telling so."""
    factors = [{each for each in mains_of(term) if isinstance(each, Factor)} for term in formula.terms]
    return tuple(dict.fromkeys(count for each in factors for count in _cells(each, formula.outcome)))


def _cells(mains: Iterable[Main], outcome: Numeric) -> Iterator[ChildCount]:
    """Each combination of the factors' levels, with the numbers not 0, and with a yes/no outcome 0 instead."""
    ordered = sorted(mains, key=lambda main: main.column)
    factors = [[(main.column, level) for level in main.levels] for main in ordered if isinstance(main, Factor)]
    numbers = tuple(main.column for main in ordered if isinstance(main, Numeric))
    for cell in product(*factors):
        yield ChildCount(cell, numbers)
        if outcome.indicator and outcome.column in numbers:
            others = tuple(name for name in numbers if name != outcome.column)
            yield ChildCount(cell, others, outcome.column)
