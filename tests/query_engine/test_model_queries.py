"""Models as they are asked for: what is read and refused, one plan for one model, and the pooled fit."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from disclosure_control.models.figures import Figures, release_model
from disclosure_control.models.withholding import ModelWithheld
from disclosure_control.presets.shipped import load_preset
from query_engine.catalogue import Catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.planning.plan import QueryPlan
from query_engine.refusal import QueryRefused
from tests.query_engine.small_tables import Row, write_table

PlanOf = Callable[[str], QueryPlan]

LINEAR = "FIT_LINEAR(attainment8, prior_attainment, sex, age, age * sex)"
LOGISTIC = "FIT_LOGISTIC(persistent_absentee, prior_attainment, sex)"
POISSON = "FIT_POISSON(suspensions, sex, FACTOR(age))"
ROWS = "FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') AND age BETWEEN 14 AND 17"


def ask(model: str, rest: str = ROWS) -> str:
    return f"SELECT {model} AS model {rest}"


@pytest.mark.parametrize("family", [LINEAR, LOGISTIC, POISSON], ids=["linear", "logistic", "poisson"])
def test_a_model_takes_the_path_of_exact_sums(family: str, plan_of: PlanOf) -> None:
    """Its cells are small ones, which no node sends on its own."""
    plan = plan_of(ask(family))
    assert plan.path == "exact_sum"
    assert plan.model is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FIT_LINEAR(attainment8, sex, age)", "fit_linear(attainment8, age, sex)"),
        ("FIT_LINEAR(attainment8, sex, age, sex * age)", "FIT_LINEAR(attainment8, age * sex, age, (sex))"),
        ("FIT_LOGISTIC(persistent_absentee, uasc)", "FIT_LOGISTIC(persistent_absentee, FACTOR(uasc))"),
    ],
)
def test_one_model_has_one_plan(one: str, other: str, plan_of: PlanOf) -> None:
    assert plan_of(ask(one)).plan_id == plan_of(ask(other)).plan_id


@pytest.mark.parametrize(
    "others",
    [
        ("FIT_LINEAR(attainment8, sex, age)", "FIT_LINEAR(attainment8, sex, FACTOR(age))"),
        ("FIT_LINEAR(attainment8, sex, age)", "FIT_LINEAR(attainment8, sex, age, sex * age)"),
        ("FIT_LINEAR(suspensions, sex)", "FIT_POISSON(suspensions, sex)"),
        ("FIT_LINEAR(attainment8, sex, sdq_score)", "FIT_LINEAR(attainment8, sex, BIN(sdq_score))"),
        ("FIT_LINEAR(attainment8, age)", "FIT_LINEAR(age, attainment8)"),
        ("FIT_LOGISTIC(persistent_absentee, age)", "FIT_LOGISTIC(persistent_absentee, FACTOR(age))"),
    ],
)
def test_different_models_have_different_plans(others: tuple[str, str], plan_of: PlanOf) -> None:
    assert len({plan_of(ask(each)).plan_id for each in others}) == 2


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("FIT_LINEAR(attainment8)", "at least one term"),
        ("FIT_LINEAR(sex, age)", "categories, not amounts"),
        ("FIT_LINEAR(attainment8, attainment8)", "more than once"),
        ("FIT_LINEAR(attainment8, sex * age)", "term of its own"),
        ("FIT_LINEAR(attainment8, sex * age * uasc)", "of two terms"),
        ("FIT_LOGISTIC(attainment8, sex)", "yes/no outcome"),
        ("FIT_POISSON(attainment8, sex)", "of a count"),
        ("FIT_POISSON(suspensions, sdq_score)", "BIN(sdq_score)"),
        ("FIT_LINEAR(attainment8, FACTOR(sdq_score))", "BIN(sdq_score)"),
        ("FIT_LINEAR(attainment8, ethnicity_major, host_authority)", "design columns"),
        ("FIT_LINEAR(attainment8, child)", "used for nothing else"),
        ("FIT_LINEAR(attainment8, home_authority)", "roster"),
        ("FIT_LINEAR(attainment8, age + 1)", "not part of the language"),
        ("COUNT(*) AS n, FIT_LINEAR(attainment8, sex)", "stands alone"),
    ],
)
def test_what_cannot_be_fitted_is_refused(model: str, reason: str, plan_of: PlanOf) -> None:
    """Each refusal says what to do instead."""
    with pytest.raises(QueryRefused) as refusal:
        plan_of(ask(model, "FROM child_year"))
    assert reason in refusal.value.text


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> list[dict[str, Path]]:
    """All the children at one place, then the same children shared out over two."""
    folder, rows = tmp_path_factory.mktemp("nodes"), list(_children())
    shares = {"pooled": rows, "here": rows[::3], "there": [row for place, row in enumerate(rows) if place % 3]}
    table = catalogue.table("child_year")
    return [
        {"child_year": write_table(folder / f"{name}.parquet", table, list(rows[0]), share)}
        for name, share in shares.items()
    ]


def _children() -> Iterator[Row]:
    """Attainment rises with what came before and is higher for girls; a seeded chance does the rest."""
    chance = Random(11)
    for place in range(1_500):
        prior, sex, age = (
            chance.choice(["below_expected", "expected", "above_expected", None]),
            chance.choice("MF"),
            14 + place % 4,
        )
        score = (
            30
            + 10 * (prior == "expected")
            + 20 * (prior == "above_expected")
            + 3 * (sex == "F")
            - age / 2
            + chance.gauss(0, 5)
        )
        yield {
            "child": f"child {place}",
            "home_authority": "301",
            "academic_year": 202425,
            "sex": sex,
            "age": age,
            "prior_attainment": prior,
            "attainment8": Decimal(f"{max(0, min(90, score)):.2f}"),
            "persistent_absentee": chance.random() < (0.3 if sex == "M" else 0.5),
            "suspensions": chance.choice([0, 0, 1, 2]),
        }


def figures_of(plan: QueryPlan, tables: dict[str, Path]) -> Figures:
    with DuckDBEngine(tables) as engine:
        raw = engine.run(plan)
    return {each.name: raw.statistic(each.name) for each in plan.statistics}


@pytest.mark.parametrize("model", [LINEAR, LOGISTIC, POISSON], ids=["linear", "logistic", "poisson"])
def test_the_federated_fit_is_the_pooled_fit(model: str, plan_of: PlanOf, nodes: list[dict[str, Path]]) -> None:
    """To the last figure printed: the sums are whole numbers, which add up exactly."""
    plan, preset = plan_of(ask(model)), load_preset("dfe_cla")
    pooled, here, there = (figures_of(plan, tables) for tables in nodes)
    added = {name: [a + b for a, b in zip(here[name], there[name], strict=True)] for name in pooled}
    assert release_model(plan, added, preset) == release_model(plan, pooled, preset)


def test_what_was_put_in_is_found(plan_of: PlanOf, nodes: list[dict[str, Path]]) -> None:
    """Ten points of prior attainment, three of sex and half a point lost with each year, to three standard errors."""
    plan = plan_of(ask("FIT_LINEAR(attainment8, prior_attainment, sex, age)"))
    found = release_model(plan, figures_of(plan, nodes[0]), load_preset("dfe_cla"))
    planted: dict[str, int | Decimal] = {"prior_attainment=expected": 10, "sex=F": 3, "age": Decimal("-0.5")}
    terms = {each.term: each for each in found.terms}
    assert all(abs(terms[name].estimate - effect) <= 3 * terms[name].standard_error for name, effect in planted.items())


def test_a_model_of_a_few_children_is_withheld(plan_of: PlanOf, tmp_path: Path, catalogue: Catalogue) -> None:
    """Twenty children of whom three are girls: an estimate for girls would be theirs."""
    rows = [{**row, "sex": "F" if place < 3 else "M"} for place, row in enumerate(list(_children())[:20])]
    tables = {"child_year": write_table(tmp_path / "few.parquet", catalogue.table("child_year"), list(rows[0]), rows)}
    plan = plan_of(ask("FIT_LINEAR(attainment8, sex)"))
    with pytest.raises(ModelWithheld):
        release_model(plan, figures_of(plan, tables), load_preset("dfe_cla"))
