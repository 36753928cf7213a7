"""The golden questions and a model through secure sums, from approval to release: what opens is what pooled rows give.

Real nodes with real state and a real hub, in one process, over signed requests: an exact sum has to be looked at in the
hub's memory before it is protected, and noise can only be taken off where its bits are known. That whole processes come
to the same is for `test_demo` and `test_network_faults` to say. A few questions are asked always, all of them in the
deep suite.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from disclosure_control.models.noised import DROWNED
from disclosure_control.noise.calibration import calibrate, half_widths
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.totals import release_exact_total, release_noisy_total
from disclosure_control.rows.others import reckon_others
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.sum_terms import make_noisy_terms
from query_engine.finalisers import read_sum
from query_engine.models.linear import fit_linear
from query_engine.planning.centred_sums import centre_sums, take
from query_engine.planning.centring import find_centring
from query_engine.planning.paths import judge_path
from query_engine.planning.plan import QueryPlan
from query_engine.question import read_question
from query_engine.questions import Question, load_questions
from query_engine.tables import RawTable
from tests.disclosure_control.taking_away import find_told
from tests.end_to_end.adding_up import PRESET, AddingUp, adding_up, run_pooled
from tests.query_engine.plain_text import assert_text_agrees
from tests.small_federation import SmallFederation

GOLDEN = load_questions()
SAMPLE = {"noisy_sum": (5, 19), "exact_sum": (8, 18)}
"""The questions that the usual suite has time for: shares and averages, pupils of all schools, and costs of support."""

ANSWERED = {"noisy_sum": 17, "exact_sum": 20}
"""How many of the questions each path is open to: three are about rows of which a child has any number."""

MODEL = """SELECT FIT_LINEAR(sdq_score, age, months_in_care, placements) AS model FROM child_year
WHERE academic_year = 202425 AND population = 'looked_after' AND counted_here"""


def open_to(path: str) -> list[Question]:
    """The questions that may take a path."""
    return [each for each in GOLDEN if judge_path(read_question(each.sql).plan, path).allowed]  # type: ignore[arg-type]


def ask_by(path: str) -> list[Any]:
    """Every question that may take a path, those beyond the sample for the deep suite alone."""
    usual = [GOLDEN[place] for place in SAMPLE[path]]
    return [
        pytest.param(question, id=question.asks, marks=() if question in usual else pytest.mark.deep)
        for question in open_to(path)
    ]


@pytest.fixture(scope="module")
def exact(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AddingUp]:
    """A federation whose questions go by exact_sum: what is measured by one path goes by no other."""
    with adding_up(pristine_london, tmp_path_factory.mktemp("exact")) as found:
        yield found


@pytest.fixture(scope="module")
def noisy(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AddingUp]:
    """A federation whose questions go by noisy_sum."""
    with adding_up(pristine_london, tmp_path_factory.mktemp("noisy")) as found:
        yield found


@pytest.fixture(scope="module")
def pooled(exact: AddingUp, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The rows of all authorities in one place."""
    return exact.pool(tmp_path_factory.mktemp("pooled"))


def figures_of(raw: RawTable) -> dict[str, tuple[int, ...]]:
    return {each.name: tuple(raw.statistic(each.name)) for each in raw.plan.statistics}


@pytest.mark.parametrize("path", ANSWERED)
def test_every_question_is_asked_by_every_path_that_is_open_to_it(path: str) -> None:
    assert len(open_to(path)) == ANSWERED[path]
    assert {GOLDEN[place] for place in SAMPLE[path]} <= set(open_to(path))


@pytest.mark.parametrize("question", ask_by("exact_sum"))
def test_an_exact_sum_is_what_pooled_rows_give(exact: AddingUp, pooled: Mapping[str, Path], question: Question) -> None:
    """Every statistic of every cell to the last figure; and what the asker's own words say of the pooled rows."""
    plan = derive_plan(question.sql, LeavingPath.EXACT_SUM)
    release = exact.ask(question.sql, LeavingPath.EXACT_SUM)
    truth = run_pooled(plan, pooled)
    assert {name: tuple(column) for name, column in exact.opened.figures.items()} == figures_of(truth)
    assert any(any(column) for column in exact.opened.figures.values())
    assert_text_agrees(question.sql, RawTable(plan, exact.opened.figures), pooled)
    others = reckon_others(truth, exact.cap(plan), 1)
    assert exact.opened.others == others
    shown = release_exact_total(plan, truth, others, exact.federation.authorities, {}, load_preset(PRESET))
    assert release.table["rows"] == shown.to_json()["rows"]
    assert not find_told(plan, load_preset(PRESET), release.table["rows"], exact.run_apart(plan))


@pytest.mark.parametrize("question", ask_by("noisy_sum"))
def test_a_noisy_sum_is_what_pooled_rows_give_and_the_noise_that_was_drawn(
    noisy: AddingUp, pooled: Mapping[str, Path], question: Question
) -> None:
    """To the last figure, about the middles, once the noise is taken off; and that keeps within what is said of it."""
    plan = derive_plan(question.sql, LeavingPath.NOISY_SUM)
    release = noisy.ask(question.sql, LeavingPath.NOISY_SUM)
    truth, noise = take(centre_sums(plan), figures_of(run_pooled(plan, pooled))), noisy.opened.noise(plan)
    assert len(noisy.opened.seeds) == len(noisy.nodes)
    assert any(any(column) for column in noise.values())
    bare = {
        name: [figure - off for figure, off in zip(column, noise[name], strict=True)]
        for name, column in noisy.opened.figures.items()
    }
    assert bare == truth
    assert_within(noise, plan, noisy)
    assert noisy.opened.terms is not None
    values = [figure % 2**64 for column in noisy.opened.figures.values() for figure in column]
    authorities = noisy.federation.authorities
    shown = release_noisy_total(plan, values, noisy.opened.terms, authorities, {}, load_preset(PRESET))
    assert release.table["rows"] == shown.to_json()["rows"]


def assert_within(noise: Mapping[str, Iterable[int]], plan: QueryPlan, noisy: AddingUp) -> None:
    """So much noise is within the half-width as one that holds 19 times in 20 lets be, and none is far beyond it."""
    assert noisy.opened.terms is not None
    widths = half_widths(plan, noisy.opened.terms, len(noisy.nodes))
    numbers = [number for number, each in enumerate(plan.sets) for _ in range(plan.cells_of(each))]
    shares = [
        abs(drawn) / widths[number][name]
        for name, column in noise.items()
        for number, drawn in zip(numbers, column, strict=True)
    ]
    assert max(shares) < 5
    beyond, drawn = sum(share > 1 for share in shares), len(shares)
    chance = sum(comb(drawn, each) * 0.05**each * 0.95 ** (drawn - each) for each in range(beyond, drawn + 1))
    assert chance > 1e-6, f"{beyond} of {drawn} are beyond it"


# --- A model ---------------------------------------------------------------------------------------------------------


def test_a_model_is_fitted_through_an_exact_sum_as_to_pooled_rows(exact: AddingUp, pooled: Mapping[str, Path]) -> None:
    """The sums opened are the pooled ones, and the released estimates are numpy's least squares on the pooled rows."""
    plan = derive_plan(MODEL, LeavingPath.EXACT_SUM)
    release = exact.ask(MODEL, LeavingPath.EXACT_SUM)
    truth = run_pooled(plan, pooled)
    assert {name: tuple(column) for name, column in exact.opened.figures.items()} == figures_of(truth)
    others = reckon_others(truth, exact.cap(plan), 1)
    assert exact.opened.others == others
    shown = release_exact_total(plan, truth, others, exact.federation.authorities, {}, load_preset(PRESET))
    assert release.table["terms"] == shown.to_json()["terms"]
    by_hand = fit_by_hand(pooled["child_year"])
    assert fit_opened(plan, exact.opened.figures) == pytest.approx(by_hand, rel=1e-8)
    for each in release.table["terms"]:
        assert each["low"] < by_hand[each["term"]] < each["high"]
        assert each["estimate"] == pytest.approx(by_hand[each["term"]], abs=each["standard_error"] / 10)


def test_a_model_of_noised_sums_is_fitted_to_pooled_rows_and_the_noise_that_was_drawn(
    noisy: AddingUp, pooled: Mapping[str, Path]
) -> None:
    """To the last figure once the noise is taken off; so few children are drowned, and the release says so."""
    plan = derive_plan(MODEL, LeavingPath.NOISY_SUM)
    release = noisy.ask(MODEL, LeavingPath.NOISY_SUM)
    truth, noise = figures_of(run_pooled(plan, pooled)), noisy.opened.noise(plan)
    assert plan.model is not None
    sums = {product: noisy.opened.figures[name][0] - noise[name][0] for product, name in plan.model.sums.items()}
    bare = find_centring(plan, plan.model).restore(sums)
    assert {plan.model.sums[product]: (value,) for product, value in bare.items()} == truth
    assert_within(noise, plan, noisy)
    by_hand = fit_by_hand(pooled["child_year"])
    assert fit_opened(plan, truth) == pytest.approx(by_hand, rel=1e-8)
    assert noisy.opened.terms is not None
    assert release.table["noise"] == noisy.opened.terms.to_json()
    assert (release.table["terms"], DROWNED in release.table["notes"]) == ([], True)


def test_skellam_noise_is_added_by_every_node_and_taken_off_to_the_last_figure(
    noisy: AddingUp, pooled: Mapping[str, Path]
) -> None:
    """One question of counts and averages; what was promised of rho and of epsilon is in the release."""
    sql = GOLDEN[SAMPLE["noisy_sum"][0]].sql
    plan = derive_plan(sql, LeavingPath.NOISY_SUM)
    release = noisy.ask(sql, LeavingPath.NOISY_SUM, "skellam")
    truth, noise = take(centre_sums(plan), figures_of(run_pooled(plan, pooled))), noisy.opened.noise(plan)
    assert noisy.opened.terms is not None
    assert noisy.opened.terms.mechanism == "skellam"
    bare = {
        name: [figure - off for figure, off in zip(column, noise[name], strict=True)]
        for name, column in noisy.opened.figures.items()
    }
    assert bare == truth
    assert_within(noise, plan, noisy)
    assert release.table["noise"] == noisy.opened.terms.to_json()
    rho = float(calibrate(plan, "1", "skellam").rho)
    assert f"rho achieved, {rho:.4g} (of whole orders)" in release.table["method"]
    assert "(epsilon 1, but for a chance of 1e-09: the noise is Skellam's" in release.table["method"]


def fit_opened(plan: QueryPlan, figures: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """The estimates from the sums that the hub opened, before they are cut to what may be shown."""
    assert plan.model is not None
    cell = {name: column[0] for name, column in figures.items()}
    sums = {product: read_sum(name, cell) for product, name in plan.model.sums.items()}
    return {each.label: float(each.value) for each in fit_linear(plan.model.formula, sums).estimates}


def fit_by_hand(rows: Path) -> dict[str, float]:
    """Ordinary least squares on the rows themselves."""
    regressors = ("age", "months_in_care", "placements")
    query = f"SELECT sdq_score, {', '.join(regressors)} FROM read_parquet('{rows}') {MODEL.partition('child_year')[2]}"
    with duckdb.connect(":memory:") as connection:
        columns = connection.execute(query).fetchnumpy()
    values = {name: np.ma.filled(np.ma.asarray(column).astype(float), np.nan) for name, column in columns.items()}
    complete = ~np.any(np.isnan(np.stack(list(values.values()))), axis=0)
    design = np.stack([np.ones(complete.sum()), *(values[name][complete] for name in regressors)], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, values["sdq_score"][complete], rcond=None)
    return dict(zip(("intercept", *regressors), map(float, coefficients), strict=True))


def test_a_standing_question_opens_with_the_noise_that_was_approved(noisy: AddingUp) -> None:
    """A template names Skellam shares: its approvers sign that, every node adds them, and the release states it."""
    release = noisy.run_standing(MODEL, make_noisy_terms(len(noisy.nodes), "1", 1, 1, "skellam"))
    assert noisy.opened.terms is not None
    assert noisy.opened.terms.mechanism == "skellam"
    assert release.table["noise"]["mechanism"] == "skellam"
    assert len(noisy.opened.seeds) == len(noisy.nodes)
