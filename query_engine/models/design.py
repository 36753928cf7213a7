"""The design of a model: what a row adds to each of its columns, and which sums over rows a linear model needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import prod
from operator import itemgetter

from query_engine.columns import Category
from query_engine.models.formula import Factor, Main, ModelFormula, Numeric, mains_of

INTERCEPT = "intercept"
CROSSED = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True, slots=True)
class Product:
    """What a row adds to a sum: its values of `columns` multiplied, where it has all of `levels`, and 0 elsewhere.

    A column stands in `columns` as often as it is multiplied, so a product of none is 1. Both are in order of
    columns' names, so that one product has one form.
    """

    columns: tuple[str, ...] = ()
    levels: tuple[tuple[str, Category], ...] = ()

    def times(self, other: "Product") -> "Product | None":
        """The product of two, or None where no row can have the levels of both."""
        levels = dict(self.levels)
        if any(levels.setdefault(column, level) != level for column, level in other.levels):
            return None
        return Product(tuple(sorted(self.columns + other.columns)), tuple(sorted(levels.items(), key=itemgetter(0))))


@dataclass(frozen=True, slots=True)
class DesignColumn:
    """One column of the design matrix, in fixed-point units of `scale` decimal places."""

    label: str
    product: Product
    scale: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The numeric columns that are multiplied."""
        return self.product.columns

    @property
    def levels(self) -> tuple[tuple[str, Category], ...]:
        """The levels that a row must have for the column not to be 0."""
        return self.product.levels


def design_columns(formula: ModelFormula) -> tuple[DesignColumn, ...]:
    """The columns of the design matrix: the intercept, the main effects, the interactions."""
    terms = (*formula.main_effects, *formula.interactions)
    return (DesignColumn(INTERCEPT, Product()), *(column for term in terms for column in _crossed(mains_of(term))))


def outcome_column(formula: ModelFormula) -> DesignColumn:
    """The outcome, which is treated as one more column behind those of the design."""
    return DesignColumn(formula.outcome.column, Product((formula.outcome.column,)), formula.outcome.scale)


def cross_products(formula: ModelFormula) -> tuple[Product, ...]:
    """The products whose sums over rows are X'X, X'y and y'y, each once, the number of rows first.

    The sums add up over nodes. They are of fixed-point whole numbers: `limbs` says when one is carried in two parts.
    """
    columns = [each.product for each in (*design_columns(formula), outcome_column(formula))]
    pairs = (first.times(second) for first, second in combinations_with_replacement(columns, 2))
    return tuple(dict.fromkeys(pair for pair in pairs if pair is not None))


def design_row(columns: Sequence[DesignColumn], values: Mapping[str, Category]) -> tuple[int, ...]:
    """One row of the design matrix, in fixed-point units, from a row's value of each column of the formula."""
    return tuple(_value(each.product, values) for each in columns)


def _value(of: Product, values: Mapping[str, Category]) -> int:
    if any(values[column] != level for column, level in of.levels):
        return 0
    return prod(int(values[column]) for column in of.columns)


def _crossed(mains: tuple[Main, ...]) -> Iterator[DesignColumn]:
    for parts in product(*map(_main_columns, mains)):
        columns = sorted(name for part in parts for name in part.columns)
        levels = sorted((level for part in parts for level in part.levels), key=itemgetter(0))
        label = CROSSED.join(part.label for part in parts)
        yield DesignColumn(label, Product(tuple(columns), tuple(levels)), sum(part.scale for part in parts))


def _main_columns(main: Main) -> tuple[DesignColumn, ...]:
    match main:
        case Numeric(column, scale):
            return (DesignColumn(column, Product((column,)), scale),)
        case Factor(column, levels):
            return tuple(
                DesignColumn(level_label(column, level), Product(levels=((column, level),))) for level in levels[1:]
            )


def level_label(column: str, level: Category) -> str:
    """A level as it is written beside an estimate, as in `sex=F`."""
    return f"{column}={str(level).lower() if isinstance(level, bool) else level}"
