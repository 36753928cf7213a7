"""Separation is found exactly where a linear program finds a direction in which the likelihood never falls.

The program is Konis's (thesis, Oxford 2007), solved by SciPy: a direction along which patterns of yes alone do not
fall, patterns of no alone do not rise, and mixed ones stay, while some pattern moves.
"""

from random import Random
from typing import Any

import pytest

from query_engine.models.design import design_columns, design_row
from query_engine.models.failures import Failure, ModelUndetermined
from query_engine.models.formula import Family, Interaction, ModelFormula, Term
from query_engine.models.generalised import fit_logistic, fit_poisson
from query_engine.models.patterns import Pattern
from tests.query_engine.models.model_examples import MONTHS, PRIOR, SEX, formula_of

REASON = "SciPy is not installed (extra models)"
FORMULAS: list[tuple[Term, ...]] = [
    (PRIOR,),
    (SEX, PRIOR),
    (SEX, PRIOR, Interaction((SEX, PRIOR))),
    (MONTHS,),
    (SEX, MONTHS),
    (SEX, MONTHS, Interaction((SEX, MONTHS))),
]


def some_patterns(random: Random, formula: ModelFormula) -> list[Pattern]:
    """A few patterns, each once, most with one answer alone."""
    found: dict[tuple[str | int, ...], Pattern] = {}
    for _ in range(random.randint(3, 12)):
        rows = random.choice((1, 2, 5, 50))
        row = {"sex": random.choice("MF"), "prior": random.choice(PRIOR.levels), "months": random.randint(0, 12)}
        values = tuple(row[name] for name in formula.columns)
        found[values] = Pattern(values, rows, random.choice((0, rows, random.randint(0, rows))))
    return list(found.values())


def is_separated(linprog: Any, formula: ModelFormula, patterns: list[Pattern]) -> bool:
    columns = design_columns(formula)
    falling, still = [], []
    for each in patterns:
        row = design_row(columns, dict(zip(formula.columns, each.values, strict=True)))
        if each.total == 0:
            falling.append(row)
        elif formula.family == "logistic" and each.total == each.rows:
            falling.append(tuple(-value for value in row))
        else:
            still.append(row)
    found = linprog(
        [sum(values) for values in zip(*falling, strict=True)] or [0] * len(columns),
        A_ub=falling or None,
        b_ub=[0] * len(falling) or None,
        A_eq=still or None,
        b_eq=[0] * len(still) or None,
        bounds=[(-1, 1)] * len(columns),
    )
    return bool(found.fun < -1e-7)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
def test_separation_is_found_where_there_is_a_direction_and_only_there(family: Family) -> None:
    linprog = pytest.importorskip("scipy.optimize", reason=REASON).linprog
    random, outcomes = Random(7), set()
    for _ in range(300):
        formula = formula_of(family, *random.choice(FORMULAS))
        patterns = some_patterns(random, formula)
        try:
            (fit_logistic if family == "logistic" else fit_poisson)(formula, patterns)
        except ModelUndetermined as failure:
            if failure.code != Failure.SEPARATION:
                continue
            separated = True
        else:
            separated = False
        assert separated == is_separated(linprog, formula, patterns)
        outcomes.add(separated)
    assert outcomes == {True, False}
