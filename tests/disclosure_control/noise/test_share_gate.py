"""What a node hands to the mask: the right figures, and no way for them to get out any other way."""

import copy
import pickle
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.noise.shares import (
    MODULUS,
    ExactShare,
    NoisedShare,
    add_noise_share,
    raw_from_vector,
    read_vector,
    vector_of,
)
from disclosure_control.noise.terms import NoiseTerms
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.noise.distributions import SeededBits, check_agreement, laplace

SQL = "SELECT sex, COUNT(*) AS n, AVG(sdq_score) AS m FROM child_year GROUP BY ROLLUP (sex)"
ALONE = NoiseTerms("1", 1, 0, 0)


def raw_of(plan: QueryPlan, start: int = 1000) -> RawTable:
    """Figures that can all be told apart."""
    return RawTable(
        plan,
        {
            each.name: [start * (place + 1) + cell for cell in range(plan.cells)]
            for place, each in enumerate(plan.statistics)
        },
    )


@pytest.fixture(scope="module")
def noisy() -> QueryPlan:
    return plan_for_path(make_plan(SQL), "noisy_sum")


@pytest.fixture(scope="module")
def exact() -> QueryPlan:
    return plan_for_path(make_plan(SQL), "exact_sum")


def test_an_exact_share_is_the_figures_in_the_plans_order(exact: QueryPlan) -> None:
    """Statistic by statistic, cell by cell; and the sum comes back as it was."""
    raw = raw_of(exact)
    values = vector_of(raw).values
    figures = [figure for each in exact.statistics for figure in raw.statistic(each.name)]
    assert values[: len(figures)] == figures
    again = raw_from_vector(exact, values)
    assert all(again.statistic(each.name) == raw.statistic(each.name) for each in exact.statistics)


def test_figures_below_nothing_are_carried_from_the_end(exact: QueryPlan) -> None:
    """A sum of scores can be negative for some measures, and noise makes any figure so."""
    raw = RawTable(exact, {each.name: [-1, 0, 1, -(2**40), 2**40][: exact.cells] for each in exact.statistics})
    values = vector_of(raw).values
    assert values[: exact.cells] == [MODULUS - 1, 0, 1, MODULUS - 2**40, 2**40][: exact.cells]
    assert list(raw_from_vector(exact, values).statistic("rows")) == [-1, 0, 1, -(2**40), 2**40][: exact.cells]


def centred(raw: RawTable) -> dict[str, list[int]]:
    """The figures to which noise is added: scores about 20, the middle of what they can be."""
    figures = {each.name: list(raw.statistic(each.name)) for each in raw.plan.statistics}
    taken = [total - 20 * rows for total, rows in zip(figures["sum:sdq_score"], figures["rows:sdq_score"], strict=True)]
    return figures | {"sum:sdq_score": taken}


def test_noise_is_in_every_cell_with_the_scale_of_its_statistic(noisy: QueryPlan) -> None:
    """Six parts of epsilon: three statistics in each of two grouping sets. Scores are up to 20 from their middle."""
    drawn: dict[str, list[int]] = {each.name: [] for each in noisy.statistics}
    raw, bits = raw_of(noisy), SeededBits(1)
    exact = centred(raw)
    for _ in range(1000):
        share = add_noise_share(raw, ALONE, bits)
        for name, column in read_vector(noisy, share.values).items():
            drawn[name] += [cell - true for cell, true in zip(column, exact[name], strict=True)]
    check_agreement(drawn["rows"], laplace(6))
    check_agreement(drawn["rows:sdq_score"], laplace(6))
    spread = (sum(each**2 for each in drawn["sum:sdq_score"]) / len(drawn["sum:sdq_score"])) ** 0.5
    assert spread == pytest.approx(2**0.5 * 120, rel=0.05)


def test_an_empty_table_takes_as_much_noise(noisy: QueryPlan) -> None:
    """Whether a node has anybody in a cell does not show in whether there is noise."""
    nobody = RawTable(noisy, {each.name: [0] * noisy.cells for each in noisy.statistics})
    somebody = raw_of(noisy)
    one = read_vector(noisy, add_noise_share(nobody, ALONE, SeededBits(2)).values)
    other = read_vector(noisy, add_noise_share(somebody, ALONE, SeededBits(2)).values)
    for name in one:
        assert [b - a for a, b in zip(one[name], other[name], strict=True)] == centred(somebody)[name]


def test_noise_is_the_systems_unless_bits_are_handed_in(noisy: QueryPlan) -> None:
    raw = raw_of(noisy)
    assert add_noise_share(raw, ALONE).values != add_noise_share(raw, ALONE).values
    assert add_noise_share(raw, ALONE, SeededBits(3)).values == add_noise_share(raw, ALONE, SeededBits(3)).values


def test_a_table_of_another_path_makes_no_share(noisy: QueryPlan, exact: QueryPlan) -> None:
    """Above all, no exact figures of a plan that noise was promised for."""
    for plan in (noisy, make_plan(SQL)):
        with pytest.raises(ValueError, match="by the path exact_sum alone"):
            vector_of(raw_of(plan))
    for plan in (exact, make_plan(SQL)):
        with pytest.raises(ValueError, match="for plans of the path noisy_sum"):
            add_noise_share(raw_of(plan), ALONE)


@pytest.mark.parametrize("kind", [NoisedShare, ExactShare])
def test_a_share_cannot_be_made_by_hand(kind: Any, noisy: QueryPlan) -> None:
    with pytest.raises(TypeError, match=r"add_noise_share\(\) or vector_of\(\) alone"):
        kind(object(), noisy.plan_id, [1, 2, 3])
    with pytest.raises(TypeError):
        kind(noisy.plan_id, [1, 2, 3])


@pytest.fixture(params=["noised", "exact"])
def share(request: pytest.FixtureRequest, noisy: QueryPlan, exact: QueryPlan) -> NoisedShare | ExactShare:
    return (
        add_noise_share(raw_of(noisy, 7_000_001), ALONE)
        if request.param == "noised"
        else vector_of(raw_of(exact, 7_000_001))
    )


def test_a_share_shows_nothing_of_itself(share: NoisedShare | ExactShare) -> None:
    """In a log, an exception or a debugger's line."""
    for shown in (repr(share), str(share), f"{share}", f"{[share]}"):
        assert "not shown" in shown
        assert "7000" not in shown
    assert [each.name for each in fields(share)] == ["plan_id", "values"]


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_share_cannot_be_copied_or_written(attempt: Any, share: NoisedShare | ExactShare) -> None:
    with pytest.raises(TypeError, match="mask it first"):
        attempt(share)
    with pytest.raises((TypeError, ValueError)):
        replace(share, values=[])  # type: ignore[call-arg]


def test_what_is_no_vector_of_the_plan_is_refused(exact: QueryPlan) -> None:
    values = vector_of(raw_of(exact)).values
    for wrong in (values[:-1], [*values, 0], [], [MODULUS, *values[1:]], [-1, *values[1:]]):
        with pytest.raises(ValueError, match="figures"):
            raw_from_vector(exact, wrong)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(data=st.data(), nodes=st.integers(1, 8))
def test_sums_of_shares_are_shares_of_the_sum(data: st.DataObject, nodes: int, exact: QueryPlan) -> None:
    """Modulo 2**64 too, as the mask adds them."""
    figure = st.integers(-(2**55), 2**55)
    column = st.lists(figure, min_size=exact.cells, max_size=exact.cells)
    raws = [RawTable(exact, {each.name: data.draw(column) for each in exact.statistics}) for _ in range(nodes)]
    summed = [sum(cell) % MODULUS for cell in zip(*(vector_of(raw).values for raw in raws), strict=True)]
    opened = raw_from_vector(exact, summed)
    for each in exact.statistics:
        assert list(opened.statistic(each.name)) == [
            sum(cell) for cell in zip(*(raw.statistic(each.name) for raw in raws), strict=True)
        ]
