"""What is printed of a model, and that nothing is printed of one whose counts do not pass."""

import copy
import json
import pickle
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from math import exp, log

import pytest

from disclosure_control.margins.intervals import cut_to_place, interval, student_quantile
from disclosure_control.models.release import (
    ASSOCIATION,
    ReleasedModel,
    release_generalised,
    release_linear,
)
from disclosure_control.models.withholding import ModelWithheld, Reason
from disclosure_control.presets.shipped import load_preset
from query_engine.models.counts import ChildCount, PatternCount, two_way_counts
from query_engine.models.design import Product
from query_engine.models.failures import ModelUndetermined
from query_engine.models.formula import Factor, ModelFormula, Numeric
from query_engine.models.patterns import Pattern

SEX = Factor("sex", ("M", "F"))
LOGISTIC = ModelFormula("logistic", Numeric("met", indicator=True), (SEX,))
POISSON = ModelFormula("poisson", Numeric("suspensions"), (SEX,))
LINEAR = ModelFormula("linear", Numeric("attendance", 4), (SEX,))
COUNTS = {each: 200 if each == ChildCount() else 100 for each in two_way_counts(LINEAR)}
SUMS = {
    Product(): 203,
    Product((), (("sex", "F"),)): 101,
    Product(("attendance",)): 203 * 9000 + 101 * 300,
    Product(("attendance",), (("sex", "F"),)): 101 * 9300,
    Product(("attendance", "attendance")): 102 * 9000**2 + 101 * 9300**2 + 203 * 400**2,
}
"""102 rows about 0.9 and 101 about 0.93, with a variance of 0.04 squared within each."""

PATTERNS = [Pattern(("M",), 203, 52), Pattern(("F",), 302, 151)]
CHILDREN = [PatternCount(("M",), 200, 50, 150), PatternCount(("F",), 300, 150, 150)]


def table_of(model: ReleasedModel) -> list[str]:
    """The printed lines above the notes, with single spaces."""
    return [" ".join(line.split()) for line in model.to_text().partition("\n\n")[0].splitlines()]


def test_a_linear_model_as_printed_where_counts_are_exact() -> None:
    """Estimates end where their standard errors do, and intervals reach outward."""
    model = release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("ukllc"))
    assert table_of(model) == [
        "term estimate standard error 95% low 95% high",
        "intercept 0.90000 0.00398 0.89215 0.90785",
        "sex=F 0.03000 0.00564 0.01887 0.04113",
    ]
    assert "linear model of attendance: rows 203, residual df 201, r squared 0.123" in model.to_text()


def test_a_linear_model_as_printed_where_counts_are_rounded() -> None:
    """One figure less, as three would give the number of rows to a per cent, and that number to the nearest five."""
    model = release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("opensafely"))
    assert table_of(model)[1:] == ["intercept 0.9000 0.0040 0.8921 0.9079", "sex=F 0.0300 0.0056 0.0189 0.0411"]
    assert (model.rows, model.residual_df) == (205, 203)
    assert set(map(str, model.quality.values())) == {"0.12", "0.040"}


def test_a_logistic_model_as_printed() -> None:
    model = release_generalised(LOGISTIC, PATTERNS, CHILDREN, 0, load_preset("ons_10_5"))
    assert [each.term for each in model.terms] == ["intercept", "sex=F"]
    assert float(model.terms[1].estimate) == pytest.approx(-log(52 / 151), abs=0.005)
    assert model.rows == 505
    assert all(value % 10 == 0 for value in model.quality.values())


def test_a_poisson_model_says_what_its_deviance_is_of() -> None:
    model = release_generalised(POISSON, PATTERNS, CHILDREN, 0, load_preset("dfe_cla"))
    assert "The deviance is of patterns" in model.to_text().replace("\n   ", " ")
    assert model.quality["deviance"] == 0


@pytest.mark.parametrize(("rows", "is_released"), [(43, False), (45, False), (47, False), (48, True), (52, True)])
def test_rows_that_are_printed_alike_are_enough_or_not_alike(rows: int, *, is_released: bool) -> None:
    """Term by term a reader would else find the number of rows by the first model that is withheld."""
    preset = replace(load_preset("ons_10_5"), minimum_residual_df=43)
    patterns = [Pattern(("M",), rows - 20, 10), Pattern(("F",), 20, 8)]
    with nullcontext() if is_released else pytest.raises(ModelWithheld, match="rows beyond its coefficients"):
        release_generalised(LOGISTIC, patterns, CHILDREN, 0, preset)


def test_association_is_not_effect() -> None:
    """Each model says so, for the terminal and as JSON; none prints stars."""
    for model in (
        release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("ukllc")),
        release_generalised(LOGISTIC, PATTERNS, CHILDREN, 0, load_preset("ukllc")),
    ):
        assert ASSOCIATION in model.to_json()["notes"]
        assert "Association is not effect" in model.to_text()
        assert "*" not in model.to_text()


def test_the_json_holds_what_the_table_holds() -> None:
    document = json.loads(json.dumps(release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("ukllc")).to_json()))
    assert document["terms"][1] == {
        "term": "sex=F",
        "estimate": 0.03,
        "standard_error": 0.00564,
        "low": 0.01887,
        "high": 0.04113,
    }
    assert document["preset"] == {"name": "ukllc", "version": "3"}
    assert "covariance" not in json.dumps(document)


def test_counts_are_asked_before_anything_is_fitted() -> None:
    """A level of nobody cannot be estimated; a reader hears of too few, not of a column that is 0."""
    sums = SUMS | {product: 0 for product in SUMS if product.levels}
    none = {each: 0 if ("sex", "F") in each.levels else n for each, n in COUNTS.items()}
    with pytest.raises(ModelWithheld):
        release_linear(LINEAR, sums, none, 0, load_preset("ukllc"))
    with pytest.raises(ModelUndetermined, match="sex=F is 0 in every row"):
        release_linear(LINEAR, sums, none, 0, load_preset("ons_10_5"))


def test_a_pattern_that_was_not_counted_withholds_the_model() -> None:
    for counts in (CHILDREN[:1], [CHILDREN[0], PatternCount(("F",), 0, 0, 0)]):
        with pytest.raises(ModelWithheld) as raised:
            release_generalised(LOGISTIC, PATTERNS, counts, 0, load_preset("dfe_cla"))
        assert raised.value.code == Reason.COUNT_MISSING


def test_too_few_rows_beyond_the_coefficients() -> None:
    """Eleven rows of enough children, and two coefficients."""
    patterns = [Pattern(("M",), 5, 2), Pattern(("F",), 6, 3)]
    with pytest.raises(ModelWithheld) as raised:
        release_generalised(LOGISTIC, patterns, CHILDREN, 0, load_preset("dfe_cla"))
    assert raised.value.code == Reason.RESIDUAL_DF


def test_only_the_gate_makes_a_released_model() -> None:
    model = release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("ukllc"))
    with pytest.raises(TypeError, match="release_linear"):
        ReleasedModel(None, "linear", "y", "p", "1", 1, 1, (), {}, ())
    for leave in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="to_json"):
            leave(model)


@pytest.mark.parametrize(("degrees", "quantile"), [(10, 2.22814), (20, 2.08596), (60, 2.00030), (1000, 1.96234)])
def test_student_quantiles(degrees: int, quantile: float) -> None:
    """Against the printed tables."""
    assert student_quantile(degrees) == pytest.approx(quantile, abs=2e-5)


def test_intervals_reach_outward() -> None:
    """1.959964 times 0.10 is 0.195...: the ends of 1.00 are 0.80 and 1.20, and of -1.00 likewise."""
    assert interval(Decimal("1.00"), Decimal("0.10")) == (Decimal("0.80"), Decimal("1.20"))
    assert interval(Decimal("-1.00"), Decimal("0.10")) == (Decimal("-1.20"), Decimal("-0.80"))


def test_a_zero_has_no_sign() -> None:
    assert str(cut_to_place(-0.001, Decimal("0.10"))) == "0.00"
    assert f"{cut_to_place(1234.5, Decimal('1.2E+2')):f}" == "1230"


def test_a_model_with_a_coefficient_for_each_group_gives_its_table_back() -> None:
    """Why counts are held as if printed: an estimate and three figures of its error tell of 203 rows and 52 yes."""
    model = release_generalised(LOGISTIC, PATTERNS, CHILDREN, 0, load_preset("ukllc"))
    odds, error = exp(float(model.terms[0].estimate)), float(model.terms[0].standard_error)
    share = odds / (1 + odds)
    assert 1 / (error**2 * share * (1 - share)) == pytest.approx(203, rel=0.01)
    assert share == pytest.approx(52 / 203, rel=0.01)
