"""The table that logistic and Poisson models are fitted to: rows and outcomes by pattern of the terms' values.

One table is enough: given the patterns, the sums of the outcome over them are all that either likelihood depends on
(McCullagh and Nelder 1989, 4.2 and 6.2). Nodes are asked once, and never with the estimates of a step.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from query_engine.columns import Category
from query_engine.models.design import design_columns, design_row
from query_engine.models.elimination import contradiction
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.formula import Factor, ModelFormula

MOST_PATTERNS = 20_000


@dataclass(frozen=True, slots=True)
class Pattern:
    """The rows that share one value of each of the formula's `columns`, and the sum of their outcomes.

    A factor's value is its level; a number's is in fixed-point units.
    """

    values: tuple[Category, ...]
    rows: int = field(repr=False)
    total: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class PatternTable:
    """Patterns with at least one row, each once: their rows, their totals, and the design matrix by column."""

    columns: tuple[tuple[int, ...], ...] = field(repr=False)
    rows: tuple[int, ...] = field(repr=False)
    totals: tuple[int, ...] = field(repr=False)


def tabulate_patterns(formula: ModelFormula, patterns: Iterable[Pattern]) -> PatternTable:
    """The patterns of all nodes added up, in an order of their own. Raises `ModelUndetermined`."""
    design = design_columns(formula)
    found: defaultdict[tuple[int, ...], list[int]] = defaultdict(lambda: [0, 0])
    for pattern in patterns:
        _check_values(formula, pattern)
        entry = found[design_row(design, dict(zip(formula.columns, pattern.values, strict=True)))]
        entry[0] += pattern.rows
        entry[1] += pattern.total
    kept = sorted((row, rows, total) for row, (rows, total) in found.items() if rows or total)
    if any(rows <= 0 or total < 0 or (formula.outcome.indicator and total > rows) for _, rows, total in kept):
        raise contradiction()
    if len(kept) > MOST_PATTERNS:
        text = f"there are more than {MOST_PATTERNS} patterns: group values into fewer"
        raise ModelUndetermined(Failure.TOO_MANY_PATTERNS, text)
    if not kept:
        raise ModelUndetermined(Failure.TOO_FEW_ROWS, "there are no complete rows")
    matrix, rows, totals = zip(*kept, strict=True)
    return PatternTable(tuple(zip(*matrix, strict=True)), rows, totals)


def _check_values(formula: ModelFormula, pattern: Pattern) -> None:
    """Raise `ValueError` where a value is not of the formula: it would pass for the reference level."""
    for main, value in zip(formula.main_effects, pattern.values, strict=True):
        if value not in main.levels if isinstance(main, Factor) else not isinstance(value, int):
            raise ValueError(f"a pattern has a value of {main.column} that the formula does not know")
