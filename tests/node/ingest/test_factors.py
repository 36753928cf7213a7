"""Every factor of the policy paper has a worked example, and the record works it out as `docs/factors.md` prints it."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from query_engine.catalogue import Nature, load_catalogue
from tests.node.ingest.conftest import Spec
from tests.node.ingest.factor_examples import EXAMPLES

PAPER: Mapping[str, Nature] = MappingProxyType(
    {
        "time in care": "fixed",
        "key stage at start of care": "fixed",
        "number of placements": "variable",
        "number of school changes": "variable",
        "additional needs": "hybrid",
        "free school meals": "fixed",
        "school type": "variable",
        "exclusions": "variable",
        "attendance": "hybrid",
        "Ofsted rating of school": "hybrid",
        "number of social workers": "variable",
        "language where not English": "fixed",
        "prior performance": "fixed",
        "end of Key Stage performance": "fixed",
        "destination at 16 and 18": "hybrid",
        "SDQ score": "fixed",
        "type of placement": "variable",
    }
)
"""The table of the policy paper's section on reporting: each factor, and whether it is fixed, variable or hybrid."""


@pytest.mark.parametrize("factor", EXAMPLES)
def test_the_worked_example_of_a_factor_comes_out_as_printed(factor: str, child_spec: Spec) -> None:
    example = EXAMPLES[factor]
    child_spec(year=2025, record=example.record, **example.tables)


def test_the_catalogue_has_the_papers_factors_with_the_papers_words() -> None:
    factors = load_catalogue().factors
    assert {name: factors[name] for name in PAPER} == PAPER
    assert factors.keys() - PAPER.keys() == {"who, when and where", "plan"}


def test_every_factor_has_an_example_that_shows_a_column_of_it() -> None:
    columns = load_catalogue().table("child_year").columns
    assert set(EXAMPLES) == set(load_catalogue().factors)
    for factor, example in EXAMPLES.items():
        shown = {cell.strip() for cell in example.record.splitlines()[0].split("|")}
        assert factor in {columns[name].factor for name in shown & columns.keys()}, factor
