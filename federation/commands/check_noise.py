"""What `circe query check` says of noise: what a noised sum would cost, and what accuracy each budget buys."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from disclosure_control.budget.accuracy import FigureAccuracy
    from disclosure_control.noise.terms import Mechanism
    from federation.exchange import BudgetLeft
    from query_engine.planning.plan import QueryPlan
    from query_engine.wording.description import Paragraph

COLUMN = 10


@dataclass(frozen=True)
class NoiseAsked:
    """The terms under which a noised sum is foreseen, and where to ask what is left for it."""

    epsilon: str
    nodes: int
    state: Path | None = None
    project: str = ""
    mechanism: "Mechanism" = "polya"


def read_noise_asked(
    epsilon: str, nodes: int, state: Path | None, project: str, mechanism: "Mechanism" = "polya"
) -> NoiseAsked:
    """The options about noise as one value. Raises `click.BadParameter` and `click.UsageError`."""
    from disclosure_control.noise.terms import NoiseRefused, read_epsilon

    try:
        read_epsilon(epsilon)
    except NoiseRefused as refused:
        raise click.BadParameter(f"{refused}.", param_hint="--epsilon") from None
    if (state is None) != (not project):
        raise click.UsageError("--state and --project go together: whose directory to ask with, and for which project")
    return NoiseAsked(epsilon, nodes, state, project, mechanism)


def tell_noise(plan: "QueryPlan", asked: NoiseAsked) -> "list[Paragraph]":
    """What a plan would cost as a noised sum, and what it would buy; nothing where it cannot be one."""
    found = _foresee(plan, asked)
    if found is None:
        return []
    years = " and ".join(found.years)
    price = [f"as a noised sum: epsilon {asked.epsilon} of {years} (rho {found.rho}), once for all attempts"]
    price += [
        f"left of {left.academic_year} for project {left.project}: epsilon {left.left}, "
        f"and {left.most_per_question} at most for one question"
        for left in found.left
    ]
    if found.skellam is not None and asked.mechanism == "polya":
        price.append(
            f"with --noise skellam the noise in its sums would be {found.skellam:.2g} times as wide, on the average, "
            f"and epsilon hold but for a chance of {found.left_out:.0e}"
        )
    return [("Price", price), *([("Accuracy", list(_table(found.figures)))] if found.figures else [])]


def noise_json(plan: "QueryPlan", asked: NoiseAsked) -> dict[str, object]:
    """The same for programs, under the key `noise`; null where the plan cannot be a noised sum."""
    from disclosure_control.budget.accuracy import EPSILONS, GROUP

    found = _foresee(plan, asked)
    if found is None:
        return {"noise": None}
    figures = [
        {
            "figure": each.label,
            "children": GROUP if each.of_group else None,
            "half_widths": dict(zip(EPSILONS, each.widths, strict=True)),
        }
        for each in found.figures
    ]
    left = [{"academic_year": each.academic_year, "epsilon": each.left} for each in found.left]
    return {
        "noise": {
            "epsilon": asked.epsilon,
            "rho": found.rho,
            "academic_years": found.years,
            "nodes": asked.nodes,
            "noise": asked.mechanism,
            "skellam_times_as_wide": None if found.skellam is None else round(found.skellam, 3),
            "accuracy": figures,
            "left": left or None,
        }
    }


@dataclass(frozen=True)
class _Foreseen:
    years: list[str]
    rho: str
    figures: "tuple[FigureAccuracy, ...]"
    left: "list[BudgetLeft]"
    skellam: float | None
    left_out: float


def _foresee(plan: "QueryPlan", asked: NoiseAsked) -> _Foreseen | None:
    from disclosure_control.budget.accuracy import EPSILONS, compare_widths, foresee_accuracy
    from disclosure_control.budget.price import price_plan
    from disclosure_control.noise.rho import DELTA
    from disclosure_control.noise.terms import NoiseRefused
    from federation.sum_terms import make_noisy_terms
    from query_engine.planning.paths import plan_for_path
    from query_engine.refusal import QueryRefused

    try:
        noisy = plan_for_path(plan, "noisy_sum")
        price = price_plan(noisy, asked.epsilon, asked.mechanism)
    except (QueryRefused, NoiseRefused):
        return None
    terms = make_noisy_terms(asked.nodes, asked.epsilon)
    figures = foresee_accuracy(noisy, asked.nodes, terms.dropouts, terms.colluders, EPSILONS, asked.mechanism)
    years = [str(year) for year in price.academic_years]
    rho, wider = f"{float(price.loss.rho):.4g}", compare_widths(noisy, asked.epsilon)
    return _Foreseen(years, rho, figures, list(_fetch_left(asked, years)), wider, float(DELTA))


def _fetch_left(asked: NoiseAsked, years: list[str]) -> "Iterator[BudgetLeft]":
    """What is left for the project, from the hub; nothing where nobody is to be asked."""
    if asked.state is None:
        return
    from federation.client import connect

    with connect(asked.state) as client:
        for year in years:
            yield client.budget(asked.project, year)


def _table(figures: "tuple[FigureAccuracy, ...]") -> Iterator[str]:
    """The accuracies as lines that are not to be wrapped: a figure in each, an epsilon in each column."""
    from disclosure_control.budget.accuracy import EPSILONS, GROUP

    yield f"19 times in 20 the noise is less than this; of averages, where there are {GROUP:,} children"
    width = max(len("epsilon"), *(len(each.label) for each in figures))
    yield f"{'epsilon':<{width}}" + "".join(f"{each:>{COLUMN}}" for each in EPSILONS)
    for figure in figures:
        cells = ("-" if each is None else f"±{each:,.4g}" for each in figure.widths)
        yield f"{figure.label:<{width}}" + "".join(f"{cell:>{COLUMN}}" for cell in cells)
