"""What may be written as a model, and the columns that it is coded into."""

import pytest

from query_engine.models.design import cross_products, design_columns, design_row
from query_engine.models.formula import MOST_COLUMNS, Factor, FormulaInvalid, Interaction, ModelFormula, Numeric, Term
from tests.query_engine.models.model_examples import ATTENDANCE, MONTHS, PRIOR, SEX, Row, formula_of

SCORE = Numeric("score")


def test_terms_are_coded_against_their_first_level() -> None:
    """An intercept, then main effects, then interactions, each under a name that says what is compared."""
    formula = formula_of("linear", Interaction((SEX, PRIOR)), SEX, PRIOR, MONTHS, Interaction((SEX, MONTHS)))
    assert [each.label.replace("\N{MULTIPLICATION SIGN}", "x") for each in design_columns(formula)] == [
        "intercept",
        "sex=F",
        "prior=expected",
        "prior=above",
        "months",
        "sex=F x prior=expected",
        "sex=F x prior=above",
        "sex=F x months",
    ]
    assert formula.width == 8


def test_a_row_of_the_design_is_the_product_of_its_parts() -> None:
    formula = formula_of(
        "linear", SEX, MONTHS, ATTENDANCE, Interaction((SEX, MONTHS)), Interaction((MONTHS, ATTENDANCE))
    )
    columns = design_columns(formula)
    row: Row = {"sex": "F", "months": 7, "attendance": 9500}
    assert design_row(columns, row) == (1, 1, 7, 9500, 7, 66500)
    assert design_row(columns, {**row, "sex": "M"}) == (1, 0, 7, 9500, 0, 66500)
    assert [each.scale for each in columns] == [0, 0, 0, 4, 0, 4]


def test_yes_and_no_are_levels_like_others() -> None:
    formula = formula_of("linear", Factor("uasc", (False, True)))
    assert [each.label for each in design_columns(formula)] == ["intercept", "uasc=true"]


def test_each_sum_is_asked_for_once() -> None:
    """No row is both expected and above, and an indicator times itself is itself: fewer sums than pairs."""
    products = cross_products(formula_of("linear", PRIOR))
    assert [(each.columns, each.levels) for each in products] == [
        ((), ()),
        ((), (("prior", "expected"),)),
        ((), (("prior", "above"),)),
        (("score",), ()),
        (("score",), (("prior", "expected"),)),
        (("score",), (("prior", "above"),)),
        (("score", "score"), ()),
    ]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ((SEX, SEX), "sex stands in the model more than once"),
        ((SEX, Numeric("sex")), "sex stands in the model more than once"),
        ((SCORE,), "score stands in the model more than once"),
        ((Factor("sex", ("M",)),), "two or more different levels"),
        ((Factor("sex", ("M", "M")),), "two or more different levels"),
        ((SEX, Interaction((SEX, PRIOR))), "needs prior as a term of its own"),
        ((SEX, PRIOR, Interaction((SEX, Factor("prior", ("above", "below"))))), "needs prior as a term of its own"),
        ((MONTHS, Interaction((MONTHS, MONTHS))), "cannot interact with itself"),
        ((SEX, PRIOR, Interaction((SEX, PRIOR)), Interaction((PRIOR, SEX))), "stands in the model twice"),
        ((Factor("school", tuple(range(MOST_COLUMNS + 1))),), "41 design columns and a model has at most 40"),
    ],
)
def test_formulas_that_cannot_be_read_are_refused(terms: tuple[Term, ...], reason: str) -> None:
    with pytest.raises(FormulaInvalid, match=reason):
        ModelFormula("linear", SCORE, terms)


def test_the_largest_formula_is_allowed() -> None:
    assert ModelFormula("linear", SCORE, (Factor("school", tuple(range(MOST_COLUMNS))),)).width == MOST_COLUMNS


def test_outcomes_fit_their_family() -> None:
    with pytest.raises(FormulaInvalid, match="yes/no outcome, which score is not"):
        ModelFormula("logistic", SCORE, (SEX,))
    with pytest.raises(FormulaInvalid, match="of a count, which rate is not"):
        ModelFormula("poisson", Numeric("rate", 4), (SEX,))
    with pytest.raises(FormulaInvalid, match="of a count, which met is not"):
        ModelFormula("poisson", Numeric("met", indicator=True), (SEX,))
    with pytest.raises(FormulaInvalid, match="no decimal places"):
        ModelFormula("linear", Numeric("met", 2, indicator=True), (SEX,))
