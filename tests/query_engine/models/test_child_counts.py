"""The counts that a model's sums give away are exactly those that are asked to be checked."""

from itertools import product

from hypothesis import given, settings

from query_engine.columns import Category
from query_engine.models.counts import ChildCount, term_counts, two_way_counts
from query_engine.models.design import Product, cross_products
from query_engine.models.formula import Factor, Interaction, ModelFormula, Numeric
from tests.query_engine.models.model_examples import MONTHS, PRIOR, ROWS, SEX, TERMS, Row, formula_of, sums_of

thorough = settings(max_examples=50, derandomize=True, deadline=None)
UASC = Factor("uasc", (False, True))


def labels(counts: tuple[ChildCount, ...]) -> list[str]:
    return [each.label.replace("\N{MULTIPLICATION SIGN}", "x") for each in counts]


def test_one_factor() -> None:
    """Everybody, each level with the reference among them, and who is behind the sums of the outcome."""
    assert labels(two_way_counts(formula_of("linear", UASC))) == [
        "any level",
        "uasc=false",
        "uasc=true",
        "any level, score not 0",
        "uasc=false, score not 0",
        "uasc=true, score not 0",
    ]


def test_a_yes_no_outcome_is_counted_on_both_sides() -> None:
    formula = ModelFormula("linear", Numeric("met", indicator=True), (UASC,))
    assert labels(two_way_counts(formula))[-4:] == [
        "uasc=false, met not 0",
        "uasc=false, met 0",
        "uasc=true, met not 0",
        "uasc=true, met 0",
    ]


def test_pairs_of_levels_and_numbers_within_levels() -> None:
    found = labels(two_way_counts(formula_of("linear", SEX, PRIOR, MONTHS)))
    assert {"prior=below x sex=M", "prior=above x sex=F", "sex=M, months not 0", "any level, months not 0"} <= set(
        found
    )
    assert "any level, months not 0, score not 0" in found
    assert len(found) == len(set(found))


def test_an_interaction_is_counted_against_every_other_term() -> None:
    """X'X holds sums of two interactions' products: combinations of four levels."""
    found = two_way_counts(
        formula_of("linear", SEX, PRIOR, UASC, MONTHS, Interaction((SEX, PRIOR)), Interaction((UASC, MONTHS)))
    )
    assert max(len(each.levels) for each in found) == 3
    assert ChildCount((("prior", "above"), ("sex", "F"), ("uasc", True)), ("months",)) in found


def test_the_levels_of_each_term() -> None:
    found = labels(term_counts(formula_of("logistic", SEX, UASC, MONTHS, Interaction((SEX, UASC)))))
    assert found == [
        "sex=M",
        "sex=F",
        "uasc=false",
        "uasc=true",
        "any level",
        *(f"sex={sex} x uasc={uasc}" for sex in "MF" for uasc in ("false", "true")),
    ]


def test_every_sum_has_its_count() -> None:
    """For each product that is summed, the children who contribute to it are among the counts."""
    formula = formula_of("linear", *TERMS)
    counts = set(two_way_counts(formula))
    for each in cross_products(formula):
        assert ChildCount(each.levels, tuple(sorted(set(each.columns)))) in counts


@thorough
@given(ROWS)
def test_reference_levels_are_derivable_and_so_are_counted(rows: list[Row]) -> None:
    """By inclusion and exclusion, X'X gives each of the counts of levels, which is why each of them is checked."""
    formula = formula_of("linear", *TERMS)
    sums = sums_of(formula, rows)
    factors = {each.column: each for each in formula.main_effects if isinstance(each, Factor)}
    for count in two_way_counts(formula):
        if count.nonzero:
            continue
        held = sum(all(row[column] == level for column, level in count.levels) for row in rows)
        assert held == derived(count.levels, factors, sums)


def derived(levels: tuple[tuple[str, Category], ...], factors: dict[str, Factor], sums: dict[Product, int]) -> int:
    """A count from sums of design columns alone: a reference level is everybody less the other levels."""
    choices = [
        [(1, None), *((-1, (column, other)) for other in factors[column].levels[1:])]
        if level == factors[column].levels[0]
        else [(1, (column, level))]
        for column, level in levels
    ]
    total = 0
    for chosen in product(*choices):
        sign = 1
        for each, _ in chosen:
            sign *= each
        kept = tuple(level for _, level in chosen if level is not None)
        total += sign * sums[Product((), kept)]
    return total
