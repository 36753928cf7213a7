"""Models under noise: what is released of noised sums, how often its intervals are right, and what it costs."""

import json
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import pytest

from disclosure_control.budget.price import price_plan
from disclosure_control.models.noised import DROWNED
from disclosure_control.models.reading import read_model
from disclosure_control.models.release import ASSOCIATION, ReleasedModel
from disclosure_control.noise.calibration import LAPLACE, calibrate, list_families
from disclosure_control.noise.polya import draw_shares
from disclosure_control.noise.shares import MODULUS
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleaseMalformed, ReleaseRefused
from disclosure_control.release.totals import release_noisy_model, release_noisy_total
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.models.design import cross_products
from query_engine.planning.centring import find_centring
from query_engine.planning.paths import measure_keys, plan_for_path
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.noise.distributions import SeededBits
from tests.query_engine.example_counts import examples
from tests.query_engine.small_tables import Row, write_table

UKLLC, ONS = load_preset("ukllc"), load_preset("ons_10_5")
ANSWERED, ABSENT = ("202", "203", "301"), {"302": "late", "303": "late"}
TERMS = NoiseTerms("1", 5, 2, 1)

ASKED = "FIT_LINEAR(sdq_score, age, sex, months_in_care)"
ROWS = "FROM child_year WHERE academic_year = 202425 AND sex IN ('F', 'M') AND age BETWEEN 5 AND 17"
TRUTH = {"intercept": 18.0, "sex=F": 2.5, "age": -0.4, "months_in_care": 0.03}


def noisy_model(asked: str = ASKED, rows: str = ROWS) -> QueryPlan:
    return plan_for_path(make_plan(f"SELECT {asked} AS m {rows}"), "noisy_sum")


PLAN = noisy_model()


def draw_sums(chance: np.random.Generator, children: int, plan: QueryPlan = PLAN) -> dict[str, int]:
    """Every sum of the model over so many children whose scores are drawn from the truth, by its statistic's name."""
    columns = {
        "age": chance.integers(5, 18, children),
        "months_in_care": np.minimum(200, chance.exponential(40, children).astype(int)),
    }
    girls = chance.random(children) < 0.45
    score = TRUTH["intercept"] + TRUTH["sex=F"] * girls + chance.normal(0, 4, children)
    score += sum(TRUTH[name] * column for name, column in columns.items())
    columns["sdq_score"] = np.rint(score).astype(int)
    assert plan.model is not None
    found = {}
    for each in cross_products(plan.model.formula):
        value = girls.astype(int) if each.levels else np.ones(children, dtype=int)
        found[plan.model.sums[each]] = int(prod((columns[name] for name in each.columns), start=value).sum())
    return found


def draw_noise(terms: NoiseTerms, runs: int, answered: int = 3, plan: QueryPlan = PLAN) -> dict[str, list[int]]:
    scales, bits = calibrate(plan, terms.epsilon).scales, SeededBits(3)
    found = {}
    for each in plan.statistics:
        shares = [draw_shares(runs, scales[each.name, 0], terms.shares, bits) for _ in range(answered)]
        found[each.name] = [sum(cell) for cell in zip(*shares, strict=True)]
    return found


def centred(sums: Mapping[str, int]) -> dict[str, int]:
    """The sums as they leave a node: about the middles of the columns."""
    assert PLAN.model is not None
    by_product = {product: sums[name] for product, name in PLAN.model.sums.items()}
    found = find_centring(PLAN, PLAN.model).centre(by_product)
    return {PLAN.model.sums[product]: value for product, value in found.items()}


def values_of(sums: Mapping[str, int], noise: Mapping[str, int] | None = None) -> list[int]:
    """The opened vector of these sums and this noise."""
    found = centred(sums)
    return [(found[each.name] + (noise[each.name] if noise else 0)) % MODULUS for each in PLAN.statistics]


def release(
    sums: Mapping[str, int],
    terms: NoiseTerms = TERMS,
    preset: str = "ukllc",
    noise: Mapping[str, int] | None = None,
) -> ReleasedModel:
    values = values_of(sums, noise)
    return release_noisy_model(PLAN, values, terms, ANSWERED, ABSENT, load_preset(preset))


@pytest.fixture(scope="module")
def many() -> dict[str, int]:
    return draw_sums(np.random.default_rng(1), 20_000)


# --- What is asked and what it costs ----------------------------------------------------------------------------------


def test_the_plan_carries_the_sums_and_nothing_else() -> None:
    """No count of children: each would take its part of the privacy loss, and decides nothing under noise."""
    assert PLAN.model is not None
    assert {each.name for each in PLAN.statistics} == set(PLAN.model.sums.values())
    assert {each.kind for each in PLAN.statistics} == {"rows", "sum"}


def test_the_price_is_what_the_worst_child_loses(tmp_path: Path) -> None:
    """Of children at the ends of what they can be, each moves every sum by so much; the worst loses epsilon or less."""
    price, found = price_plan(PLAN, "1"), calibrate(PLAN, "1")
    assert price.academic_years == (202425,)
    assert price.loss.epsilon == 1
    assert price.loss.rho == Fraction(1, 2 * len(list_families(PLAN)))
    ends: list[Row] = [
        {"child": f"{sex}{age}-{months}-{score}", "academic_year": 202425, "sex": sex, "age": age, "sdq_score": score,
         "months_in_care": months}
        for sex in ("F", "M") for age in (5, 17) for months in (0, 240, 300) for score in (0, 40)
    ]  # fmt: skip
    losses = []
    for place, each in enumerate([[], *([one] for one in ends)]):
        table = write_table(tmp_path / f"{place}.parquet", PLAN.governed, tuple(ends[0]), each)
        with DuckDBEngine({"child_year": table}) as engine:
            raw = engine.run(PLAN)
        sums = centred({statistic.name: raw.statistic(statistic.name)[0] for statistic in PLAN.statistics})
        moved = (Fraction(abs(sums[name])) / scale for (name, _), scale in found.scales.items())
        losses.append(sum(moved, Fraction(0)))
    assert losses[0] == 0
    assert 0.3 < max(losses) <= 1


def test_it_is_about_the_same_children_as_by_an_exact_sum() -> None:
    """So that one snapshot answers by one of the two alone."""
    assert measure_keys(PLAN) == measure_keys(make_plan(f"SELECT {ASKED} AS m {ROWS}"))


def test_only_linear_models_take_noise() -> None:
    with pytest.raises(ValueError, match="not of a linear model"):
        release_noisy_model(
            plan_for_path(make_plan("SELECT COUNT(*) AS n FROM child_year"), "noisy_sum"),
            [100], TERMS, ANSWERED, ABSENT, UKLLC,
        )  # fmt: skip


# --- What is released -------------------------------------------------------------------------------------------------


def test_a_model_of_noised_sums_as_printed(many: Mapping[str, int]) -> None:
    """The terms of the noise, who is in it, what the errors hold; estimates end where their errors do."""
    model = release(many)
    assert [each.term for each in model.terms] == ["intercept", "age", "sex=F", "months_in_care"]
    for each in model.terms:
        half = each.standard_error * 2
        assert each.low < each.estimate - half < each.estimate + half < each.high
        assert len(each.standard_error.as_tuple().digits) == 3
    text = " ".join(model.to_text().split())
    assert "A total over 3 of 5 authorities. Each added its share of random noise" in text
    assert "epsilon achieved, 1; rho achieved, " in text
    assert ASSOCIATION.split(":")[0] in text
    assert f"{LAPLACE:.3f} standard errors" in text
    assert model.rows == 20_000


def test_the_errors_are_of_chance_and_noise(many: Mapping[str, int]) -> None:
    """With less privacy they come near to those of an exact sum, and never below."""
    small, large = (release(many, NoiseTerms(epsilon, 5, 2, 1)) for epsilon in ("20", "1"))
    for one, other in zip(small.terms, large.terms, strict=True):
        assert one.standard_error < other.standard_error
    slope = next(each for each in small.terms if each.term == "age")
    assert 0.99 < float(slope.standard_error) / (4 / (20_000**0.5 * 3.74)) < 1.1


def test_a_noised_model_as_json_and_back(many: Mapping[str, int]) -> None:
    model = release(many, preset="ons_10_5")
    document = json.loads(json.dumps(model.to_json()))
    assert document["noise"] == TERMS.to_json()
    assert read_model(document) == model
    for broken in ({**document, "noise": None}, {**document, "noise": {**document["noise"], "epsilon": "0"}}):
        with pytest.raises(ReleaseMalformed, match="noise"):
            read_model(broken)
    exact = {key: value for key, value in document.items() if key != "noise"}
    assert read_model(exact).noise is None
    with pytest.raises(ReleaseMalformed, match="1 to"):
        read_model({**exact, "terms": []})


def test_too_few_answers_release_nothing(many: Mapping[str, int]) -> None:
    values = values_of(many)
    with pytest.raises(ReleaseRefused, match="2 nodes answered"):
        release_noisy_model(PLAN, values, TERMS, ANSWERED[:2], {**ABSENT, "301": "late"}, UKLLC)
    with pytest.raises(ReleaseRefused, match="has 14 figures, not 13"):
        release_noisy_model(PLAN, values[:-1], TERMS, ANSWERED, ABSENT, UKLLC)


def test_a_model_is_no_table(many: Mapping[str, int]) -> None:
    values = values_of(many)
    with pytest.raises(ReleaseRefused, match="of a model"):
        release_noisy_total(PLAN, values, TERMS, ANSWERED, ABSENT, UKLLC)


# --- Where the noise leaves nothing to go by --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"age*age": -(10**6)},  # no column has such a sum of squares
        {"age*age": 2_500_000 // 2},  # nor such a one beside this sum: not positive definite
        {"sdq_score*sdq_score": 1},  # less than is explained
        {"rows": 3},
        {"rows": 0},
    ],
)
def test_sums_that_no_rows_have_give_no_estimate(many: Mapping[str, int], changed: Mapping[str, int]) -> None:
    """And the release says so, with what to do, and prints no figure of the fit."""
    sums = {name: next((to for start, to in changed.items() if _is(name, start)), sum_) for name, sum_ in many.items()}
    assert sums != many
    model = release(sums)
    assert (model.terms, dict(model.quality)) == ((), {})
    assert DROWNED in model.notes
    assert read_model(json.loads(json.dumps(model.to_json()))) == model


def _is(name: str, start: str) -> bool:
    kind, _, measure = name.partition(":")
    return start == (kind if kind == "rows" and "when" not in measure else measure.split(" ")[0])


def test_noise_that_could_be_half_of_what_it_is_in_gives_no_estimate() -> None:
    """The fewer the children, the sooner; nothing of that depends on anything but the noised sums."""
    few = draw_sums(np.random.default_rng(2), 1_000)
    assert release(few).terms == ()
    assert release(few, NoiseTerms("20", 5, 2, 1)).terms != ()


# --- How often the intervals are right --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("children", "epsilon"),
    [
        (8_000, "1"),
        *(
            pytest.param(*case, marks=pytest.mark.deep)
            for case in [(400, "20"), (1_500, "5"), (3_000, "3"), (20_000, "1"), (20_000, "20"), (80_000, "0.2")]
        ),
    ],
)
def test_intervals_of_noised_models_hold_the_truth_19_times_in_20(children: int, epsilon: str) -> None:
    """Of simulated rosters, from those with far more noise than chance to those with hardly any."""
    chance, runs, terms = np.random.default_rng(5), examples(100), NoiseTerms(epsilon, 5, 2, 1)
    noise = draw_noise(terms, runs)
    held, shown = dict.fromkeys(TRUTH, 0), 0
    for run in range(runs):
        sums = draw_sums(chance, children)
        model = release(sums, terms, noise={name: column[run] for name, column in noise.items()})
        shown += bool(model.terms)
        for each in model.terms:
            held[each.term] += float(each.low) <= TRUTH[each.term] <= float(each.high)
    assert shown > 0.9 * runs
    assert {term: share for term in TRUTH if (share := held[term] / shown) < 0.93} == {}
