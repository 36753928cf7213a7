"""What is planted in the synthetic England is found again by a model over its nodes' snapshots.

The sums are put together in process, outside any release path: a model of some hundred children rests on counts that
the release gate withholds.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from node.ingest.load import load_files
from node.snapshots import SnapshotStore
from node.synth.attainment import PLANTED_EFFECTS
from node.synth.england import write_england
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.finalisers import read_sum
from query_engine.models.estimates import Estimate
from query_engine.models.linear import LinearFit, fit_linear
from query_engine.planning.plan import QueryPlan
from query_engine.question import read_question

pytestmark = pytest.mark.deep

CODES = (
    *("202", "301", "316", "330", "341", "352", "371", "383", "391", "801", "803", "831", "856"),
    *("881", "886", "891", "908", "926", "931", "938", "312", "373", "840", "860", "888"),
)
MODEL = """
SELECT FIT_LINEAR(capped_points, placements_since_11, school_change_in_ks4, sessions_missed_unauthorised_rate,
                  suspension_days, placement_type, school_type, sdq_score, months_in_care, prior_attainment,
                  sen_provision) AS model
FROM child_year
WHERE academic_year = 202324 AND counted_here AND in_care_12_months
  AND placement_type IN ('foster_relative_or_friend', 'foster_other', 'children_home')
  AND school_type IN ('mainstream_maintained', 'mainstream_academy', 'special', 'alternative_provision')
"""
EFFECTS = {
    "placements_since_11": PLANTED_EFFECTS["placements_since_11"],
    "school_change_in_ks4=true": PLANTED_EFFECTS["school_change_in_ks4"],
    "sessions_missed_unauthorised_rate": 20 * PLANTED_EFFECTS["unauthorised_5_percent"],
    "suspension_days": PLANTED_EFFECTS["suspension_days"],
    "placement_type=children_home": PLANTED_EFFECTS["residential_or_other"],
    "school_type=special": PLANTED_EFFECTS["special_school"],
    "school_type=alternative_provision": PLANTED_EFFECTS["alternative_provision"],
    "sdq_score": PLANTED_EFFECTS["sdq_score"],
    "months_in_care": PLANTED_EFFECTS["months_in_care"],
}
"""Terms of the model with what was planted for each. The score at Key Stage 2 is planted too, and enters in bands."""


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The governed `child_year` of twenty-five authorities, each loaded from its own files."""
    home = tmp_path_factory.mktemp("planted")
    england = home / "england"
    write_england(
        england, authorities=CODES, seed=5, academic_year=202324, scale=0.75, other_pupils_per_child=1.0, full=True
    )
    stores = {code: SnapshotStore(home / code) for code in CODES}
    for code, store in stores.items():
        load_files([england / code, england / "register"], store=store, authority=code, token_key=bytes(32))
    current = [store.current() for store in stores.values()]
    return [each.tables["child_year"] for each in current if each is not None]


@pytest.fixture(scope="module")
def plan() -> QueryPlan:
    return read_question(MODEL).plan


@pytest.fixture(scope="module")
def federated(plan: QueryPlan, snapshots: list[Path]) -> LinearFit:
    """The fit to the sums of all nodes."""
    assert len(snapshots) == len(CODES)
    found = [figures_of(plan, path) for path in snapshots]
    return fit(plan, {name: sum(each[name] for each in found) for name in found[0]})


def figures_of(plan: QueryPlan, path: Path) -> Mapping[str, int]:
    with DuckDBEngine({"child_year": path}) as engine:
        raw = engine.run(plan)
    return {each.name: raw.statistic(each.name)[0] for each in plan.statistics}


def fit(plan: QueryPlan, figures: Mapping[str, int]) -> LinearFit:
    assert plan.model is not None
    sums = {product: read_sum(name, figures) for product, name in plan.model.sums.items()}
    return fit_linear(plan.model.formula, sums)


def test_the_federated_fit_is_the_pooled_fit(
    plan: QueryPlan, snapshots: list[Path], federated: LinearFit, tmp_path: Path
) -> None:
    """All rows in one place give the same fit to the last figure."""
    pooled = tmp_path / "pooled.parquet"
    with duckdb.connect(":memory:") as connection:
        listed = ", ".join(f"'{path}'" for path in snapshots)
        connection.execute(f"COPY (SELECT * FROM read_parquet([{listed}])) TO '{pooled}' (FORMAT parquet)")
    assert fit(plan, figures_of(plan, pooled)) == federated


@pytest.mark.parametrize("term", EFFECTS)
def test_a_planted_effect_is_within_its_interval(term: str, federated: LinearFit) -> None:
    """The 95% interval around the estimate holds what was planted."""
    found: Estimate = next(each for each in federated.estimates if each.label == term)
    assert float(found.value) == pytest.approx(EFFECTS[term], abs=1.97 * float(found.standard_error))
