"""Sums too wide for 64 bits, carried in two parts: equal to Python's own whole numbers, negative ones included."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue, Column, load_catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import finalise
from query_engine.language.parser import parse_query
from query_engine.models.limbs import LIMB
from query_engine.planning.measuring import LARGEST_ROSTER, MOST_ROWS, NOISE_ROOM, WIDEST
from query_engine.planning.planner import plan_query
from tests.query_engine.example_counts import examples
from tests.query_engine.small_tables import Row, write_table

SQL = (
    "SELECT SUM(cost * balance) AS total, COVAR_POP(cost, balance) AS together, VAR_POP(balance) AS spread FROM support"
)


@pytest.fixture(scope="module")
def overdrawn() -> Catalogue:
    """The catalogue with a measure that can be negative, as none that is shipped can."""
    shipped = load_catalogue()
    support = shipped.table("support")
    balance = replace(
        support.columns["cost"],
        name="balance",
        bounds=(Decimal(-20_000), Decimal(20_000)),
        bins=(Decimal(-20_000), Decimal(0)),
    )
    columns: Mapping[str, Column] = MappingProxyType({**support.columns, "balance": balance})
    wider = replace(support, columns=columns)
    return replace(shipped, tables=MappingProxyType({**shipped.tables, "support": wider}))


pounds = st.integers(-2_000_000, 2_000_000).map(lambda pence: Decimal(pence).scaleb(-2))
extremes = st.sampled_from([Decimal("-20000.00"), Decimal("20000.00"), Decimal("-0.01"), Decimal("0.00")])
pairs = st.lists(st.tuples(st.none() | pounds.map(abs) | extremes.map(abs), st.none() | pounds | extremes), max_size=12)


@settings(max_examples=examples(50), derandomize=True, deadline=None)
@given(rows=pairs)
def test_wide_sums_are_exact(rows: list[tuple[Decimal | None, Decimal | None]], overdrawn: Catalogue) -> None:
    """Products of pence to 20,000 pounds either side of zero: sum, covariance and variance, to the last figure."""
    plan = plan_query(parse_query(SQL, overdrawn), overdrawn)
    kinds = {each.name.partition(":")[0] for each in plan.statistics}
    assert {"high", "low"} <= kinds
    table = overdrawn.table("support")
    written: list[Row] = [
        {"child": f"c{place % 3}", "cost": cost, "balance": balance} for place, (cost, balance) in enumerate(rows)
    ]
    with TemporaryDirectory() as directory:
        path = write_table(Path(directory) / "t.parquet", table, ("child", "cost", "balance"), written)
        with DuckDBEngine({"support": path}) as engine:
            raw = engine.run(plan)
    figures = {each.name: raw.statistic(each.name)[0] for each in plan.statistics}
    total, together, spread = (finalise(output, figures) for output in plan.outputs)
    both = [(Fraction(cost), Fraction(balance)) for cost, balance in rows if cost is not None and balance is not None]
    assert total == sum(cost * balance for cost, balance in both)
    assert together == _mean_product(both)
    balances = [Fraction(balance) for _, balance in rows if balance is not None]
    assert spread == _mean_product([(each, each) for each in balances])
    for statistic in plan.statistics:
        assert abs(figures[statistic.name]) <= statistic.bound * max(1, len(rows))


def _mean_product(pairs: list[tuple[Fraction, Fraction]]) -> Decimal | None:
    if not pairs:
        return None
    left, right = (sum(side, Fraction()) / len(pairs) for side in zip(*pairs, strict=True))
    exact = sum(((a - left) * (b - right) for a, b in pairs), Fraction()) / len(pairs)
    return Decimal(round(exact * 10**6)).scaleb(-6)


def test_no_sum_over_england_leaves_64_bits() -> None:
    """With the noise that may be added: either limb at its widest, from every row of every node."""
    assert WIDEST * LARGEST_ROSTER * MOST_ROWS + NOISE_ROOM < 2**63
    assert (WIDEST + 1) * LARGEST_ROSTER * MOST_ROWS + NOISE_ROOM >= 2**63
    assert LIMB - 1 <= WIDEST
    assert (2**63 - 1) // LIMB <= WIDEST


def test_every_plan_of_two_columns_fits(catalogue: Catalogue) -> None:
    """Whatever two measures of a table are set against each other, each statistic can be summed over England."""
    for table in catalogue.tables.values():
        amounts = [each for each in table.columns.values() if each.is_amount]
        *_, second, widest = sorted([*amounts, *amounts], key=lambda measure: measure.scaled_bounds[1])
        sql = f"SELECT CORR({widest.name}, {second.name}) AS r FROM {table.name}"
        plan = plan_query(parse_query(sql, catalogue), catalogue)
        assert all(each.bound <= WIDEST for each in plan.statistics)
        assert json.loads(plan.canonical)["statistics"]
