"""What noise was elsewhere seen to lose, make up or leave out: groups, children without a value, what is below 0."""

from pathlib import Path

import duckdb

from disclosure_control.noise.calibration import calibrate, spread
from disclosure_control.noise.shares import add_noise_share, read_vector
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.totals import release_noisy_total
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.noise.distributions import SeededBits

ANSWERED = tuple(map(str, range(301, 306)))
TERMS = NoiseTerms("1", len(ANSWERED), 0, 0)
YEAR = "FROM child_year WHERE academic_year = 202425"


def plan_of(sql: str) -> QueryPlan:
    return plan_for_path(make_plan(sql), "noisy_sum")


def released_counts(plan: QueryPlan, counts: list[int]) -> list[object]:
    """What is released of counts that one of the authorities has, and the others have none of."""
    raws = [RawTable(plan, {"rows": counts if code == "301" else [0] * plan.cells}) for code in ANSWERED]
    shares = [add_noise_share(raw, TERMS, SeededBits(number)).values for number, raw in enumerate(raws)]
    values = [sum(each) % 2**64 for each in zip(*shares, strict=True)]
    return [row[-1] for row in release_noisy_total(plan, values, TERMS, ANSWERED, {}, load_preset("ons_10_5")).rows]


def test_no_group_is_lost_to_a_threshold() -> None:
    """Of hundreds of groups most have one child or none, and each is released with a number: they are public."""
    plan = plan_of(f"SELECT age, ethnicity_major, sen_provision, COUNT(*) AS n {YEAR} GROUP BY 1, 2, 3")
    shown = released_counts(plan, [cell % 2 for cell in range(plan.cells)])
    assert len(shown) == plan.cells > 453
    assert all(isinstance(each, int) for each in shown)


def test_a_count_below_nothing_is_printed_as_it_is() -> None:
    """Of nobody in hundreds of groups as much is below 0 as above it, and their sum is near nobody."""
    plan = plan_of(f"SELECT age, ethnicity_major, sen_provision, COUNT(*) AS n {YEAR} GROUP BY 1, 2, 3")
    shown = [each for each in released_counts(plan, [0] * plan.cells) if isinstance(each, int)]
    assert min(shown) < 0
    deviation = spread(calibrate(plan, TERMS.epsilon).scales["rows", 0], TERMS, len(ANSWERED))
    assert abs(sum(shown)) < 4 * deviation * len(shown) ** 0.5
    assert sum(max(0, each) for each in shown) > 4 * deviation * len(shown) ** 0.5


def test_nobody_has_a_value_that_is_missing(tmp_path: Path) -> None:
    """Three children have 10, nothing and 20 points: two of them have 30 between them, and no one has 0."""
    file = tmp_path / "child_year.parquet"
    points = "(VALUES (1, 10), (2, NULL), (3, 20)) AS t (child, sdq_score)"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY (SELECT *, 202425 AS academic_year FROM {points}) TO '{file}' (FORMAT parquet)")
    plan = plan_of(f"SELECT COUNT(sdq_score) AS n, SUM(sdq_score) AS s, AVG(sdq_score) AS a {YEAR}")
    with DuckDBEngine({"child_year": file}) as engine:
        raw = engine.run(plan)
    found = {each.name: raw.statistic(each.name)[0] for each in plan.statistics}
    assert found == {"rows:sdq_score": 2, "sum:sdq_score": 30}


def test_shares_of_153_nodes_add_up_to_all_of_the_noise() -> None:
    """A share of a 153rd is nearly always 0, and all of them together are as much as one that is whole."""
    plan = plan_of(f"SELECT sex, COUNT(*) AS n {YEAR} GROUP BY sex")
    alone, all_of_them = NoiseTerms("1", 1, 0, 0), NoiseTerms("1", 153, 0, 0)
    raw = RawTable(plan, {"rows": [0] * plan.cells})
    squares = list[int]()
    for draw in range(60):
        shares = [add_noise_share(raw, all_of_them, SeededBits(153 * draw + node)).values for node in range(153)]
        values = [sum(each) % 2**64 for each in zip(*shares, strict=True)]
        squares += [each**2 for each in read_vector(plan, values)["rows"]]
    expected = spread(calibrate(plan, "1").scales["rows", 0], alone, 1) ** 2
    assert 0.5 < sum(squares) / len(squares) / expected < 1.8
