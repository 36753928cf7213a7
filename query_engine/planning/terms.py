"""What a row contributes to a sum, and the sums that each function of columns is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from query_engine.catalogue import Column
from query_engine.planning.region import Region, intersect, present_in, region_of
from query_engine.query.model import Function


@dataclass(frozen=True, slots=True)
class Term:
    """What a row contributes: the product of numbers `columns` where `holds`, otherwise 0; nothing unless `present`."""

    columns: tuple[str, ...]
    holds: Region
    present: Region

    def __mul__(self, other: "Term") -> "Term":
        """The product of two contributions, present where both are."""
        columns = tuple(sorted(self.columns + other.columns))
        return Term(columns, intersect(self.holds, other.holds), intersect(self.present, other.present))


def multiply(left: Term, right: Term) -> Term:
    """The product of two contributions."""
    return left * right


def value_of(column: Column | None) -> Term:
    """What a row's value of a column contributes; 1 of no column."""
    if column is None:
        return Term((), True, True)
    if column.role == "flag":
        return Term((), region_of(column, [(1, 1)]), present_in(column))
    return Term((column.name,), True, present_in(column))


_One = Callable[..., tuple[Term, ...]]
FORMULAS: Mapping[Function, _One] = {
    "sum": lambda x: (x,),
    "mean": lambda x: (x,),
    "weighted_mean": lambda x, w: (w, x * w),
    **dict.fromkeys(("variance", "variance_population", "deviation", "deviation_population"), lambda x: (x, x * x)),
    **dict.fromkeys(("covariance", "covariance_population", "regr_sxy"), lambda y, x: (y, x, x * y)),
    "regr_count": lambda y, x: (),
    "regr_avgx": lambda y, x: (x,),
    "regr_avgy": lambda y, x: (y,),
    "regr_sxx": lambda y, x: (x, x * x),
    "regr_syy": lambda y, x: (y, y * y),
    **dict.fromkeys(("regr_slope", "regr_intercept"), lambda y, x: (y, x, x * y, x * x)),
    **dict.fromkeys(("correlation", "regr_r2"), lambda y, x: (y, x, x * y, x * x, y * y)),
}
"""Of each function the terms whose sums it is made from, after the number of rows."""

COUNTLESS = frozenset({"sum", "weighted_mean"})
"""The functions that do not look at the number of rows."""
