"""Rows as one node or all of them hold them, and the naive way from rows to what a model is fitted from."""

from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from query_engine.columns import Category
from query_engine.models.design import Product, cross_products
from query_engine.models.formula import Factor, Family, Interaction, ModelFormula, Numeric
from query_engine.models.patterns import Pattern

Row = Mapping[str, Category]

SEX = Factor("sex", ("M", "F"))
PRIOR = Factor("prior", ("below", "expected", "above"))
MONTHS = Numeric("months")
ATTENDANCE = Numeric("attendance", 4)
OUTCOMES: Mapping[Family, Numeric] = {
    "linear": Numeric("score", 1),
    "logistic": Numeric("met", indicator=True),
    "poisson": Numeric("suspensions"),
}


def formula_of(family: Family, *terms: Factor | Numeric | Interaction) -> ModelFormula:
    """A model of the family's own example of an outcome."""
    return ModelFormula(family, OUTCOMES[family], terms)


def sums_of(formula: ModelFormula, rows: Sequence[Row]) -> dict[Product, int]:
    """The sum of each product that a linear model needs, row by row."""
    return {each: sum(_value(each, row) for row in rows) for each in cross_products(formula)}


def _value(product: Product, row: Row) -> int:
    value = int(all(row[column] == level for column, level in product.levels))
    for column in product.columns:
        value *= int(row[column])
    return value


def patterns_of(formula: ModelFormula, rows: Sequence[Row]) -> list[Pattern]:
    """The patterns of the rows, in the order in which they come."""
    counted: Counter[tuple[Category, ...]] = Counter()
    totals: Counter[tuple[Category, ...]] = Counter()
    for row in rows:
        values = tuple(row[column] for column in formula.columns)
        counted[values] += 1
        totals[values] += int(row[formula.outcome.column])
    return [Pattern(values, counted[values], totals[values]) for values in counted]


ROW = st.fixed_dictionaries(
    {
        "sex": st.sampled_from(SEX.levels),
        "prior": st.sampled_from(PRIOR.levels),
        "months": st.integers(0, 300),
        "attendance": st.sampled_from(range(5000, 10001, 500)),
        "score": st.integers(0, 900),
        "met": st.sampled_from((0, 1)),
        "suspensions": st.integers(0, 6),
    }
)
ROWS = st.lists(ROW, min_size=30, max_size=80)

TERMS = (SEX, PRIOR, MONTHS, ATTENDANCE, Interaction((SEX, PRIOR)), Interaction((SEX, MONTHS)))
