"""A released model in a document: read back as it was, and nothing else is read."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure_control.models.reading import read_model, read_release
from disclosure_control.models.release import ReleasedModel, name_roster, release_generalised, release_linear
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleaseMalformed
from tests.disclosure_control.drawn_releases import draw_release
from tests.disclosure_control.models.test_model_release import CHILDREN, COUNTS, LINEAR, LOGISTIC, PATTERNS, SUMS


def linear(preset: str = "opensafely") -> ReleasedModel:
    """A linear model over two authorities, of which a third is no part."""
    model = release_linear(LINEAR, SUMS, COUNTS, 0, load_preset(preset))
    return name_roster(model, "plan-1", ("201", "301"), {"302": "late"}, "A total over 2 of 3 authorities.")


def written(model: ReleasedModel) -> dict[str, Any]:
    """The model as whoever fetched it finds it."""
    document: dict[str, Any] = json.loads(json.dumps(model.to_json()))
    return document


@pytest.mark.parametrize(
    "model",
    [
        linear(),
        linear("ukllc"),
        release_generalised(LOGISTIC, PATTERNS, CHILDREN, 0, load_preset("ons_10_5")),
    ],
    ids=["rounded", "exact", "logistic"],
)
def test_a_model_is_read_back_as_it_was_printed(model: ReleasedModel) -> None:
    """Zeros at the ends of figures, which JSON drops, are there again."""
    read = read_model(written(model))
    assert read == model
    assert read.lines == model.lines
    assert read.to_json() == model.to_json()
    assert read.to_text() == model.to_text()
    assert "0.0300" in linear().to_text()
    assert "residual standard error 0.040" in linear().to_text()


def test_a_document_says_itself_whether_it_is_a_model() -> None:
    table = draw_release(
        "SELECT sex, COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex", "ukllc", {"202": "40\n60"}
    )
    assert read_release(table.to_json()) == table
    assert read_release(written(linear())) == linear()


def test_a_model_as_csv_has_a_line_for_each_term() -> None:
    assert linear().to_csv().splitlines() == [
        "term,estimate,standard_error,low,high",
        "intercept,0.9000,0.0040,0.8921,0.9079",
        "sex=F,0.0300,0.0056,0.0189,0.0411",
    ]


WRONG: dict[str, dict[str, Any]] = {
    "a key more": {"pickle": "x"},
    "no such family": {"family": "probit"},
    "a preset without a version": {"preset": {"name": "opensafely"}},
    "rows that are no count": {"rows": 205.0},
    "rows that are true": {"rows": True},
    "fewer than no degrees of freedom": {"residual_df": -1},
    "no term": {"terms": []},
    "a term twice": {"terms": [linear().to_json()["terms"][0]] * 2},
    "a term without its interval": {"terms": [{"term": "sex=F", "estimate": 0.1, "standard_error": 0.1}]},
    "an estimate outside its interval": {"terms": [linear().to_json()["terms"][0] | {"low": 0.95}]},
    "a standard error below nothing": {"terms": [linear().to_json()["terms"][0] | {"standard_error": -0.1}]},
    "a figure that is a text": {"terms": [linear().to_json()["terms"][0] | {"estimate": "0.9"}]},
    "a share of more places than are printed": {"quality": {"r_squared": 0.123}},
    "an error of more figures than are printed": {"quality": {"residual_standard_error": 0.0401}},
    "a figure that is none": {"quality": {"r_squared": float("nan")}},
    "a figure beyond all bounds": {"quality": {"r_squared": 1e300}},
    "a figure of endless places": {"quality": {"r_squared": 1e-300}},
    "an authority that answered and is absent": {"absent": {"201": "late"}},
    "authorities out of order": {"answered": ["301", "201"]},
    "a note that is no text": {"notes": [1]},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(ReleaseMalformed):
        read_model(written(linear()) | WRONG[wrong])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(linear().to_json())), value=JSON)
def test_any_document_is_a_model_or_malformed(key: str, value: object) -> None:
    try:
        read = read_release(written(linear()) | {key: value})
    except ReleaseMalformed:
        return
    assert isinstance(read, ReleasedModel)


@given(
    figure=st.decimals(-(10**6), 10**6, places=6),
    error=st.decimals(0, 10**6, places=6),
)
def test_any_figures_are_read_back(figure: Decimal, error: Decimal) -> None:
    """Whatever their size, to the last of their places."""
    low, high = figure - error, figure + error
    term = {"term": "x", "estimate": float(figure), "standard_error": float(error)}
    read = read_model(written(linear()) | {"terms": [term | {"low": float(low), "high": float(high)}]}).terms[0]
    assert (read.estimate, read.standard_error, read.low, read.high) == (figure, error, low, high)
